"""Writers of the same fact at the same time agree on one row, and the record tells each change."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Barrier

import pytest
from django.db import connection, connections

from accounts.facts import Window
from accounts.models import GroupMembership, User
from audit.models import Event, EventKind
from permissions.models import UserGlobalGrant, UserObjectPermission
from permissions.operations import (
    add_members,
    add_parent,
    assign_permissions,
    assign_role,
    change_assignment,
    change_membership,
    unassign_permissions,
    update_object_grant,
)
from permissions.operations.group_roles import own_roles
from permissions.operations.types import create_type, ensure_actions
from roles.models import Role, RoleAssignment
from tests import facts

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.xdist_group("threads"),
]
NOW = datetime.now(UTC).replace(microsecond=0)
WRITERS = 16
# Each later than the one before, and all together from now on.
WINDOWS = [Window(NOW, NOW + timedelta(hours=n + 1)) for n in range(WRITERS)]


@pytest.fixture(autouse=True)
def _row_locks():
    if not connection.features.has_select_for_update:
        pytest.skip("writing transactions exclude each other on SQLite")


def at_once(write):
    """Run with each of the windows, on a connection of its own, all begun at the same time."""
    ready = Barrier(WRITERS)

    def run(window):
        try:
            ready.wait()
            write(window)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(run, WINDOWS))


def chain_of(events):
    """Each event begins with what the one before ended with, and none tells of no change."""
    told = [(event.before, event.after) for event in events.order_by("pk")]
    assert told[0][0] is None
    for (_, after), (before, then) in pairwise(told):
        assert before == after
        assert then != before
    return told


GIVEN = "authentik_core.view_user"


def to_global(bob, window):
    assign_permissions(
        principal=bob, names=[GIVEN], model=None, object_pk=None, actor=None, window=window
    )


def to_object(bob, window):
    assign_permissions(
        principal=bob,
        names=["view_user"],
        model="authentik_core.user",
        object_pk=str(bob.pk),
        actor=None,
        window=window,
    )


@pytest.mark.parametrize(
    ("give", "table"), [(to_global, UserGlobalGrant), (to_object, UserObjectPermission)]
)
def test_sixteen_writers_of_a_grant_leave_the_hull_of_their_times(bob, give, table):
    at_once(lambda window: give(bob, window))

    row = table.objects.get()
    assert row.window == Window(NOW, WINDOWS[-1].valid_until)
    told = chain_of(Event.objects.filter(target_pk=str(bob.pk)))
    assert told[-1][1]["valid_until"] == row.valid_until.isoformat()


def test_sixteen_writers_of_an_assignment_leave_the_hull_of_their_times(bob):
    role = facts.role("viewer")

    at_once(lambda window: assign_role(role=role, principal=bob, actor=None, window=window))

    assert RoleAssignment.objects.get().window == Window(NOW, WINDOWS[-1].valid_until)
    chain_of(Event.objects.filter(target_pk=str(bob.pk)))


def test_sixteen_writers_of_a_membership_leave_the_hull_of_their_times(bob):
    group = facts.group("staff")

    at_once(lambda window: add_members(group=group, users=[bob], actor=None, window=window))

    assert GroupMembership.objects.get().window == Window(NOW, WINDOWS[-1].valid_until)
    chain_of(Event.objects.filter(target_pk=str(group.pk)))


def test_sixteen_who_put_a_group_below_others_leave_it_below_all_of_them():
    group = facts.group("staff")
    parents = {window: facts.group(f"above {n}") for n, window in enumerate(WINDOWS)}

    at_once(lambda window: add_parent(group=group, parent=parents[window], actor=None))

    assert set(group.parents.all()) == set(parents.values())


def test_who_gives_while_others_take_away_leaves_what_the_record_says(bob):
    def give_or_take(window):
        if WINDOWS.index(window) % 2:
            to_object(bob, None)
        else:
            unassign_permissions(
                principal=bob,
                names=["view_user"],
                model="authentik_core.user",
                object_pk=str(bob.pk),
                actor=None,
            )

    at_once(give_or_take)

    last = Event.objects.filter(target_pk=str(bob.pk)).order_by("pk").last()
    there = UserObjectPermission.objects.filter(user=bob).exists()
    assert there is (last is not None and last.after is not None)
    assert User.objects.filter(pk=bob.pk).exists()


def a_membership(bob):
    group = facts.group("staff", bob)
    return GroupMembership.objects.get(group=group), change_membership, "row"


def an_assignment(bob):
    return facts.hold(facts.role("viewer"), bob), change_assignment, "row"


def an_object_grant(bob):
    return facts.grant(bob, GIVEN, on="1"), update_object_grant, "grant"


@pytest.mark.parametrize("a_fact", [a_membership, an_assignment, an_object_grant])
def test_who_changes_one_end_keeps_the_other_that_somebody_else_changes(bob, a_fact):
    row, change, name = a_fact(bob)
    began = NOW - timedelta(hours=1)

    def change_one_end(window):
        as_read = type(row).objects.get(pk=row.pk)
        ends = {"valid_until": WINDOWS[-1].valid_until}
        one = ends if WINDOWS.index(window) % 2 else {"valid_from": began}
        change(**{name: as_read}, actor=None, **one)

    at_once(change_one_end)

    row.refresh_from_db()
    assert row.window == Window(began, WINDOWS[-1].valid_until)


def test_the_own_role_of_a_group_is_made_and_told_once():
    group = facts.group("staff")

    at_once(lambda _: own_roles(groups=[group], actor=None))

    [event] = Event.objects.filter(kind=EventKind.ROLE_CREATED)
    assert event.after is not None
    assert event.after["group"] == str(group.pk)
    assert RoleAssignment.objects.get(group=group).role == Role.objects.get(managed__isnull=False)


def test_actions_that_several_name_are_added_and_told_once():
    create_type(actor=None, label="shop.item", actions=[])
    names = [f"a{n}" for n in range(5)]

    at_once(lambda _: ensure_actions(type_label="shop.item", names=names, actor=None))

    [event] = Event.objects.filter(kind=EventKind.RESOURCE_TYPE_CHANGED)
    assert event.after == {"actions_added": names}
