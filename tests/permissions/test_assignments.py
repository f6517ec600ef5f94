"""Roles given to users, groups and the holders of roles."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.facts import Window
from audit.errors import InvalidInput
from audit.models import Event, EventKind
from permissions import engine
from permissions.operations import assignments, grants, groups
from permissions.operations.assignments import RoleCycle
from permissions.operations.roles import create_role
from roles.models import Role, RoleAssignment, Scope, ScopeKind
from tests import facts

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
START = datetime(2126, 1, 1, tzinfo=UTC)


@pytest.fixture
def role() -> Role:
    role = create_role(actor=None, name="auditors")
    grants.assign_permissions(
        principal=role,
        names=["authentik_core.view_user"],
        model=None,
        object_pk=None,
        actor=None,
    )
    return role


def holds(user, at: datetime | None = None) -> bool:
    return engine.check(user, "authentik_core.view_user", at=at).allowed


def test_an_assignment_again_is_the_same_row_and_no_event(role, bob):
    first = assignments.assign_role(role=role, principal=bob, actor=None)
    again = assignments.assign_role(role=role, principal=bob, actor=None)

    assert again.pk == first.pk
    assert Event.objects.filter(kind=EventKind.ROLE_ASSIGNED).count() == 1


def test_a_limited_assignment_becomes_unlimited_when_given_again_without_times(role, bob):
    limited = facts.hold(role, bob, valid_until=NOW - DAY)
    assert not holds(bob)

    again = assignments.assign_role(role=role, principal=bob, actor=None)

    assert again.pk == limited.pk
    assert holds(bob)
    assert Event.objects.filter(kind=EventKind.ROLE_ASSIGNMENT_CHANGED).count() == 1


def test_an_assignment_counts_from_its_start_until_before_its_end(role, bob):
    window = Window(START, START + DAY)
    assignments.assign_role(role=role, principal=bob, window=window, actor=None)

    moments = (START - DAY, START, START + DAY / 2, START + DAY)
    assert [holds(bob, at) for at in moments] == [False, True, True, False]


def test_a_list_of_roles_makes_what_was_over_unlimited_as_a_change(role, bob):
    limited = facts.hold(role, bob, valid_until=NOW - DAY)

    assignments.set_roles(principal=bob, roles=[role], actor=None)

    limited.refresh_from_db()
    assert limited.valid_until is None
    event = Event.objects.get(kind=EventKind.ROLE_ASSIGNMENT_CHANGED)
    after = {"role": str(role.pk), "name": "auditors"}
    assert event.before == {**after, "valid_until": (NOW - DAY).isoformat()}
    assert event.after == after


def test_an_end_before_the_start_is_refused(role, bob):
    with pytest.raises(InvalidInput, match="after the start"):
        assignments.assign_role(role=role, principal=bob, window=Window(NOW, NOW), actor=None)

    assert not RoleAssignment.objects.exists()


def test_holders_of_a_role_hold_its_parents(role, bob):
    lead = create_role(actor=None, name="leads")
    assignments.set_roles(principal=lead, roles=[role], actor=None)
    assignments.assign_role(role=lead, principal=bob, actor=None)

    assert holds(bob)


def test_a_disabled_role_breaks_the_way_through_it(role, bob):
    lead = create_role(actor=None, name="leads", is_enabled=False)
    assignments.set_roles(principal=lead, roles=[role], actor=None)
    assignments.assign_role(role=lead, principal=bob, actor=None)

    assert not holds(bob)


def test_a_role_cannot_be_held_through_itself(role):
    with pytest.raises(RoleCycle):
        assignments.assign_role(role=role, principal=role, actor=None)


def test_a_long_cycle_of_roles_is_refused(role):
    second, third = create_role(actor=None, name="b"), create_role(actor=None, name="c")
    assignments.assign_role(role=second, principal=role, actor=None)
    assignments.assign_role(role=third, principal=second, actor=None)

    with pytest.raises(RoleCycle):
        assignments.assign_role(role=role, principal=third, actor=None)

    assert RoleAssignment.objects.count() == 2


def test_unassigning_takes_every_scope_unless_one_is_named(role, bob):
    scope = Scope.objects.create(name="all", kind=ScopeKind.ALL)
    assignments.assign_role(role=role, principal=bob, actor=None)
    assignments.assign_role(role=role, principal=bob, scope=scope, actor=None)

    assert assignments.unassign_role(role=role, principal=bob, scope=None, actor=None) == 1
    assert assignments.unassign_role(role=role, principal=bob, actor=None) == 1
    assert assignments.unassign_role(role=role, principal=bob, actor=None) == 0


def test_an_inline_scope_goes_with_its_last_assignment(role, bob):
    scope = Scope.objects.create(kind=ScopeKind.ALL)
    assignments.assign_role(role=role, principal=bob, scope=scope, actor=None)

    assignments.unassign_role(role=role, principal=bob, actor=None)

    assert not Scope.objects.filter(pk=scope.pk).exists()


def test_writing_the_list_of_roles_leaves_scoped_ones_alone(role, bob):
    scope = Scope.objects.create(name="all", kind=ScopeKind.ALL)
    assignments.assign_role(role=role, principal=bob, scope=scope, actor=None)

    assignments.set_roles(principal=bob, roles=[], actor=None)

    assert RoleAssignment.objects.get().scope == scope


def test_a_group_passes_roles_to_members_of_groups_below(role, bob):
    top = groups.create_group(actor=None, name="top", roles=[role])
    groups.create_group(actor=None, name="bottom", parents=[top], users=[bob])

    assert holds(bob)
