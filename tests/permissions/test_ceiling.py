"""Nobody gives what they do not hold, by any path that gives."""

import pytest

from accounts.models import Group, User
from permissions import engine
from permissions.engine.ceiling import GrantCeiling, SuperuserOnly
from permissions.engine.words import ResourceRef
from permissions.operations import assignments, grants, group_parents, groups, membership, users
from permissions.operations.roles import create_role
from roles.models import Scope, ScopeKind

pytestmark = pytest.mark.django_db
FLOW = "authentik_flows.flow"


@pytest.fixture
def superuser() -> User:
    user = users.create_user(actor=None, username="root")
    groups.create_group(actor=None, name="admins", users=[user], is_superuser=True)
    return user


def give(principal, *names: str, model: str | None = None, object_pk: str | None = None) -> None:
    grants.assign_permissions(
        principal=principal, names=list(names), model=model, object_pk=object_pk, actor=None
    )


def test_it_refuses_a_global_grant_the_actor_lacks(alice, bob):
    with pytest.raises(GrantCeiling, match="view_user"):
        grants.assign_permissions(
            principal=bob,
            names=["authentik_core.view_user"],
            model=None,
            object_pk=None,
            actor=alice,
        )

    assert not engine.holds(bob, "authentik_core.view_user")


def test_it_lets_the_holder_pass_a_grant_on(alice, bob):
    give(alice, "authentik_core.view_user")

    grants.assign_permissions(
        principal=bob, names=["authentik_core.view_user"], model=None, object_pk=None, actor=alice
    )

    assert engine.holds(bob, "authentik_core.view_user")


def test_a_holder_on_one_object_cannot_grant_globally(alice, bob):
    group = groups.create_group(actor=None, name="staff")
    give(alice, "view_group", model="authentik_core.group", object_pk=str(group.pk))

    with pytest.raises(GrantCeiling):
        grants.assign_permissions(
            principal=bob,
            names=["authentik_core.view_group"],
            model=None,
            object_pk=None,
            actor=alice,
        )


def test_a_holder_on_one_object_can_grant_on_it(alice, bob):
    group = groups.create_group(actor=None, name="staff")
    give(alice, "view_group", model="authentik_core.group", object_pk=str(group.pk))

    grants.assign_permissions(
        principal=bob,
        names=["view_group"],
        model="authentik_core.group",
        object_pk=str(group.pk),
        actor=alice,
    )

    assert engine.check(bob, "view", ResourceRef("authentik_core.group", str(group.pk))).allowed


def test_escalate_lifts_the_ceiling_but_not_to_superuser(alice, bob, superuser):
    give(alice, "authentik_rbac.escalate")
    role = create_role(actor=None, name="auditors")
    give(role, "authentik_core.view_user")

    assignments.assign_role(role=role, principal=bob, actor=alice)
    with pytest.raises(SuperuserOnly):
        membership.add_members(group=Group.objects.get(name="admins"), users=[bob], actor=alice)

    assert engine.holds(bob, "authentik_core.view_user")
    assert not bob.is_superuser


def test_joining_a_group_below_a_superuser_group_needs_a_superuser(alice, bob, superuser):
    admins = Group.objects.get(name="admins")
    below = groups.create_group(actor=None, name="below", parents=[admins])

    with pytest.raises(SuperuserOnly):
        membership.add_members(group=below, users=[bob], actor=alice)
    membership.add_members(group=below, users=[bob], actor=superuser)

    assert bob.is_superuser


def test_moving_a_group_below_a_superuser_group_needs_a_superuser(alice, bob, superuser):
    group = groups.create_group(actor=None, name="staff", users=[bob])

    with pytest.raises(SuperuserOnly):
        group_parents.set_parents(
            group=group, parents=[Group.objects.get(name="admins")], actor=alice
        )

    assert not bob.is_superuser


def test_joining_a_group_gives_its_ancestors_roles(alice, bob):
    role = create_role(actor=None, name="auditors")
    give(role, "authentik_core.view_user")
    parent = groups.create_group(actor=None, name="parent", roles=[role])
    child = groups.create_group(actor=None, name="child", parents=[parent])

    with pytest.raises(GrantCeiling, match="view_user"):
        membership.add_members(group=child, users=[bob], actor=alice)
    give(alice, "authentik_core.view_user")
    membership.add_members(group=child, users=[bob], actor=alice)

    assert engine.holds(bob, "authentik_core.view_user")


def test_a_role_is_judged_by_what_its_holders_hold_besides(alice, bob):
    inner = create_role(actor=None, name="inner")
    outer = create_role(actor=None, name="outer")
    give(inner, "authentik_core.delete_user")
    assignments.assign_role(role=inner, principal=outer, actor=None)

    with pytest.raises(GrantCeiling, match="delete_user"):
        assignments.assign_role(role=outer, principal=bob, actor=alice)


def test_holders_of_a_role_may_pass_it_on(alice, bob):
    role = create_role(actor=None, name="auditors")
    give(role, "authentik_core.view_user")
    assignments.assign_role(role=role, principal=alice, actor=None)

    assignments.assign_role(role=role, principal=bob, actor=alice)

    assert engine.holds(bob, "authentik_core.view_user")


def test_a_role_held_in_a_scope_passes_on_in_that_scope_only(alice, bob):
    role = create_role(actor=None, name="operators")
    give(role, "authentik_flows.view_flow")
    scope = Scope.objects.create(name="some", kind=ScopeKind.ALL)
    assignments.assign_role(role=role, principal=alice, scope=scope, actor=None)

    with pytest.raises(GrantCeiling):
        assignments.assign_role(role=role, principal=bob, actor=alice)
    assignments.assign_role(role=role, principal=bob, scope=scope, actor=alice)

    assert engine.check(bob, "view", ResourceRef(FLOW, "any")).allowed


def test_setting_a_password_needs_all_the_user_holds(alice, bob):
    give(bob, "authentik_core.delete_user")

    with pytest.raises(GrantCeiling, match="delete_user"):
        users.set_password(user=bob, password="long enough", actor=alice)
    users.set_password(user=bob, password="long enough", actor=bob)

    assert bob.check_password("long enough")


def test_setting_a_superusers_password_needs_a_superuser(alice, superuser):
    give(alice, "authentik_rbac.escalate")

    with pytest.raises(SuperuserOnly):
        users.set_password(user=superuser, password="long enough", actor=alice)
