"""Giving only gives: a grant or an assignment is never narrower afterwards."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.facts import ALWAYS, Asked, Window
from accounts.models import GroupMembership, User
from audit.errors import Conflict, InvalidInput
from audit.models import Event, EventKind
from permissions.engine import GrantCeiling
from permissions.models import UserGlobalGrant, UserObjectPermission
from permissions.operations import (
    assign_many,
    assign_permissions,
    assign_role,
    change_assignment,
    change_membership,
    update_object_grant,
)
from permissions.operations.grants import change_object_grant
from roles.models import Role, RoleAssignment
from tests import facts

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
PAST = Window(NOW - 3 * HOUR, NOW - 2 * HOUR)
ACTIVE = Window(NOW - HOUR, NOW + 2 * HOUR)
COMING = Window(NOW + 4 * HOUR, NOW + 6 * HOUR)
VIEW = "authentik_core.view_user"

GIVEN = [
    # what is there, what is asked for, what is there then
    (None, None, ALWAYS),
    (None, COMING, COMING),
    (PAST, None, ALWAYS),
    (PAST, ACTIVE, ACTIVE),
    (ACTIVE, None, ACTIVE),
    (COMING, None, COMING),
    (ACTIVE, ALWAYS, Window(ACTIVE.valid_from)),
    (ACTIVE, Window(None, NOW + HOUR), ACTIVE),
    (ACTIVE, Window(NOW + HOUR, NOW + 3 * HOUR), Window(ACTIVE.valid_from, NOW + 3 * HOUR)),
    (ACTIVE, Window(ACTIVE.valid_until, COMING.valid_from), Window(ACTIVE[0], COMING[0])),
    (COMING, Window(NOW, NOW + 5 * HOUR), Window(NOW, COMING.valid_until)),
    (COMING, ALWAYS, ALWAYS),
    (ALWAYS, ACTIVE, ALWAYS),
]


@pytest.mark.parametrize(("there", "asked", "then"), GIVEN)
def test_times_given_become_one_with_those_there_are(there, asked, then):
    assert Asked(asked, NOW).given_to(there) == then


@pytest.mark.parametrize(("there", "asked"), [(ACTIVE, COMING), (COMING, ACTIVE)])
def test_a_time_apart_from_the_one_there_is_conflicts_and_names_it(there, asked):
    with pytest.raises(Conflict) as refusal:
        Asked(asked, NOW).given_to(there)

    assert there.valid_until.isoformat() in str(refusal.value.fields)


def test_an_end_in_the_past_is_refused():
    with pytest.raises(InvalidInput):
        Asked.at_once(PAST)


def to_global(actor, principal, window):
    assign_permissions(
        principal=principal, names=[VIEW], model=None, object_pk=None, actor=actor, window=window
    )


def to_object(actor, principal, window):
    assign_permissions(
        principal=principal,
        names=["view_user"],
        model="authentik_core.user",
        object_pk=str(principal.pk),
        actor=actor,
        window=window,
    )


def in_bulk(actor, principal, window):
    assign_many(
        principals=[principal],
        names=["view_user"],
        model="authentik_core.user",
        object_pks=[str(principal.pk)],
        actor=actor,
        window=window,
    )


def a_role(actor, principal, window):
    role = Role.objects.filter(name="viewer").first() or facts.role("viewer")
    assign_role(role=role, principal=principal, actor=actor, window=window)


WAYS = [
    (to_global, UserGlobalGrant),
    (to_object, UserObjectPermission),
    (in_bulk, UserObjectPermission),
    (a_role, RoleAssignment),
]
CHANGED = (EventKind.GRANT_CHANGED, EventKind.ROLE_ASSIGNMENT_CHANGED)


@pytest.mark.django_db
@pytest.mark.parametrize(("give", "table"), WAYS)
def test_what_is_given_again_for_less_stays_and_makes_no_event(give, table, bob):
    give(None, bob, ACTIVE)
    before = Event.objects.count()

    give(None, bob, None)
    give(None, bob, Window(None, NOW + HOUR))
    with pytest.raises(InvalidInput):
        give(None, bob, Window(None, NOW - HOUR))
    with pytest.raises(Conflict):
        give(None, bob, COMING)

    assert table.objects.get().window == ACTIVE
    assert Event.objects.count() == before


@pytest.mark.django_db
@pytest.mark.parametrize(("give", "table"), WAYS)
def test_what_is_given_again_for_longer_is_the_same_row_with_one_event(give, table, bob):
    give(None, bob, ACTIVE)
    row = table.objects.get()

    give(None, bob, Window(None, NOW + 9 * HOUR))

    again = table.objects.get()
    assert (again.pk, again.valid_until) == (row.pk, NOW + 9 * HOUR)
    event: Any = Event.objects.get(kind__in=CHANGED)
    assert event.before["valid_until"] == ACTIVE.valid_until.isoformat()
    assert event.after["valid_until"] == (NOW + 9 * HOUR).isoformat()


@pytest.mark.django_db
@pytest.mark.parametrize(("give", "table"), WAYS)
def test_what_has_ended_is_renewed(give, table, bob):
    give(None, bob, None)
    table.objects.update(valid_from=PAST.valid_from, valid_until=PAST.valid_until)

    give(None, bob, ACTIVE)
    assert table.objects.get().window == ACTIVE
    table.objects.update(valid_from=PAST.valid_from, valid_until=PAST.valid_until)
    give(None, bob, None)

    assert table.objects.get().window == ALWAYS


@pytest.mark.django_db
@pytest.mark.parametrize(("give", "table"), WAYS)
def test_the_giver_holds_it_as_long(give, table, alice, bob):
    facts.grant(alice, VIEW, valid_until=NOW + HOUR)
    viewer = facts.role("viewer")
    facts.grant(viewer, VIEW)

    with pytest.raises(GrantCeiling, match=r"which you hold until"):
        give(alice, bob, None)
    with pytest.raises(GrantCeiling):
        give(alice, bob, Window(None, NOW + 2 * HOUR))
    assert not table.objects.filter(user=bob).exists()
    give(alice, bob, Window(None, NOW + HOUR))

    assert table.objects.get(user=bob).valid_until == NOW + HOUR


@pytest.mark.django_db
def test_prolonging_an_assignment_meets_the_ceiling_and_shortening_does_not(alice, bob):
    role = facts.role("viewer")
    facts.grant(role, VIEW)
    facts.grant(alice, VIEW, valid_until=NOW + HOUR)
    row = facts.hold(role, bob, valid_until=NOW + 2 * HOUR)

    with pytest.raises(GrantCeiling):
        change_assignment(row=row, valid_until=NOW + 3 * HOUR, actor=alice)
    change_assignment(row=row, valid_until=NOW + HOUR / 2, actor=alice)

    assert RoleAssignment.objects.get().valid_until == NOW + HOUR / 2


@pytest.mark.django_db
def test_a_grant_is_ended_by_its_own_key(alice, bob):
    facts.grant(bob, VIEW, "7")
    row = UserObjectPermission.objects.get()

    change_object_grant(grant=row, valid_until=NOW - HOUR, actor=alice)
    with pytest.raises(GrantCeiling):
        change_object_grant(grant=row, valid_until=None, actor=alice)

    assert UserObjectPermission.objects.get().valid_until == NOW - HOUR
    assert User.objects.filter(pk=bob.pk).exists()


def a_membership(bob):
    return GroupMembership.objects.get(group=facts.group("staff", bob)), change_membership, "row"


def an_assignment(bob):
    return facts.hold(facts.role("viewer"), bob), change_assignment, "row"


def an_object_grant(bob):
    return facts.grant(bob, VIEW, "7"), update_object_grant, "grant"


@pytest.mark.django_db
@pytest.mark.parametrize("a_fact", [a_membership, an_assignment, an_object_grant])
def test_one_end_is_changed_of_the_fact_as_it_is_by_then(bob, a_fact):
    row, change, name = a_fact(bob)
    as_read = type(row).objects.get(pk=row.pk)
    change(**{name: row}, actor=None, valid_from=NOW)

    change(**{name: as_read}, actor=None, valid_until=NOW + HOUR)

    row.refresh_from_db()
    assert row.window == Window(NOW, NOW + HOUR)
    with pytest.raises(InvalidInput, match="after the start"):
        change(**{name: as_read}, actor=None, valid_until=NOW - HOUR)


@pytest.mark.django_db
def test_moving_a_grant_is_a_move_from_where_it_lies_by_then(bob):
    facts.resource("authentik_core.application", "1")
    facts.resource("authentik_core.application", "2")
    row = facts.grant(bob, "authentik_core.view_application", "1")
    as_read = UserObjectPermission.objects.get()
    update_object_grant(grant=row, actor=None, object_pk="2")

    update_object_grant(grant=as_read, actor=None, object_pk="1")

    assert UserObjectPermission.objects.get().object_pk == "1"
