"""Memberships, parents and the pairs that follow from them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Group, GroupClosure, GroupMembership, User
from audit.models import Event, EventKind
from permissions import engine
from permissions.operations import assignments, grants, group_parents, groups, membership
from permissions.operations.group_parents import GroupCycle
from permissions.operations.roles import create_role

pytestmark = pytest.mark.django_db


def group(name: str, *parents: Group, **fields) -> Group:
    return groups.create_group(actor=None, name=name, parents=parents, **fields)


def ancestors(of: Group) -> set[str]:
    return set(GroupClosure.objects.filter(descendant=of).values_list("ancestor__name", flat=True))


def test_a_group_is_its_own_ancestor():
    assert ancestors(group("staff")) == {"staff"}


def test_ancestors_come_along_through_many_parents():
    top, side = group("top"), group("side")
    middle = group("middle", top)
    bottom = group("bottom", middle, side)

    assert ancestors(bottom) == {"bottom", "middle", "top", "side"}


def test_moving_a_group_moves_all_below_it():
    old, new = group("old"), group("new", group("newer"))
    middle = group("middle", old)
    bottom = group("bottom", middle)

    group_parents.set_parents(group=middle, parents=[new], actor=None)

    assert ancestors(bottom) == {"bottom", "middle", "new", "newer"}


def test_a_group_cannot_be_its_own_parent():
    staff = group("staff")

    with pytest.raises(GroupCycle, match="itself"):
        group_parents.set_parents(group=staff, parents=[staff], actor=None)


def test_a_long_cycle_is_refused_and_changes_nothing():
    top = group("top")
    bottom = group("bottom", group("middle", top))

    with pytest.raises(GroupCycle, match="descendants"):
        group_parents.set_parents(group=top, parents=[bottom], actor=None)

    assert ancestors(top) == {"top"}


def test_adding_a_member_twice_is_one_membership_and_one_event(bob):
    staff = group("staff")

    membership.add_members(group=staff, users=[bob], actor=None)
    membership.add_members(group=staff, users=[bob], actor=None)

    assert GroupMembership.objects.count() == 1
    assert Event.objects.filter(kind=EventKind.GROUP_MEMBER_ADDED).count() == 1


def test_removing_a_member_ends_what_the_group_gave(bob):
    role = create_role(actor=None, name="auditors")
    grants.assign_permissions(
        principal=role,
        names=["authentik_core.view_user"],
        model=None,
        object_pk=None,
        actor=None,
    )
    staff = group("staff", users=[bob], roles=[role])
    assert engine.holds(bob, "authentik_core.view_user")

    membership.remove_members(group=staff, users=[bob], actor=None)

    assert not engine.holds(bob, "authentik_core.view_user")


def test_setting_the_members_keeps_those_who_stay(alice, bob, charlie):
    staff = group("staff", users=[alice, bob])
    kept = GroupMembership.objects.get(user=bob).pk

    membership.set_members(group=staff, users=[bob, charlie], actor=None)

    assert set(staff.users.all()) == {bob, charlie}
    assert GroupMembership.objects.get(user=bob).pk == kept


@pytest.mark.parametrize("size", [3, 300])
def test_moving_a_big_group_costs_as_many_statements_as_a_small_one(size):
    old, new = group("old"), group("new")
    middle = group("middle", old)
    below = [Group(name=f"g{n}") for n in range(size)]
    Group.objects.bulk_create(below)
    rows = [(one, one) for one in below] + [(one, up) for one in below for up in (middle, old)]
    GroupClosure.objects.bulk_create(
        [GroupClosure(descendant=one, ancestor=up) for one, up in rows]
    )
    middle.child_rows.bulk_create(
        [middle.child_rows.model(child=one, parent=middle) for one in below]
    )

    with CaptureQueriesContext(
        connection,
    ) as captured:
        group_parents.set_parents(group=middle, parents=[new], actor=None)

    assert len(captured) <= 12
    assert ancestors(below[-1]) == {below[-1].name, "middle", "new"}


def test_a_role_for_a_big_group_costs_as_many_statements_as_for_a_small_one():
    users = User.objects.bulk_create([User(username=f"u{n}") for n in range(200)])
    staff = group("staff", users=users)
    role = create_role(actor=None, name="auditors")

    with CaptureQueriesContext(connection) as captured:
        assignments.set_roles(principal=staff, roles=[role], actor=None)

    assert len(captured) <= 8
