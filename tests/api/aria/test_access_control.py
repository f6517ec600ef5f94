"""Who may call what: the same permissions, judged by the same engine, as through every door."""

import pytest
from django.utils import timezone

from accounts.models import Group, GroupMembership, User
from permissions.operations import grants
from permissions.operations.grant_rows import Grant
from permissions.operations.types import ensure_actions
from roles.models import Role, RoleAssignment, Scope
from tests import facts
from tests.api.aria.conftest import OTHER

pytestmark = pytest.mark.django_db


def operations(bob, group, role, scope):
    """Every operation with what it needs: (method, path, body, permissions)."""
    user, role_key = {"id": str(bob.uuid), "username": "bob"}, {"privilege-key": ["fresh"]}
    see_user, see_group = "authentik_core.view_user", "authentik_core.view_group"
    see_role, change_role = "authentik_rbac.view_role", "authentik_rbac.change_role"
    assign = "authentik_rbac.assign_role_permissions"
    unassign = "authentik_rbac.unassign_role_permissions"
    see_scope = "authentik_rbac.view_scope"
    group_body = {"id": str(group.pk), "name": group.name}
    permission = {"roleName": role.name}
    return [
        ("get", "users", None, [see_user]),
        ("get", f"users/{bob.uuid}", None, [see_user]),
        (
            "post",
            "users",
            {"username": "n", "password": "long enough"},
            ["authentik_core.add_user"],
        ),
        ("put", "users", user, [see_user, "authentik_core.change_user"]),
        ("delete", f"users/{bob.uuid}", None, [see_user, "authentik_core.delete_user"]),
        ("delete", f"users?id={bob.uuid}", None, [see_user, "authentik_core.delete_user"]),
        ("get", f"users/{bob.uuid}/permissions", None, [see_user]),
        (
            "put",
            f"users/{bob.uuid}/permissions",
            permission,
            [see_user, see_role, change_role],
        ),
        ("get", "usergroups", None, [see_group]),
        ("get", f"usergroups/{group.pk}", None, [see_group]),
        ("post", "usergroups", {"name": "n"}, ["authentik_core.add_group"]),
        (
            "put",
            "usergroups",
            group_body | {"description": "new"},
            [see_group, "authentik_core.change_group"],
        ),
        (
            "put",
            "usergroups",
            group_body | {"userIds": [str(bob.uuid)]},
            [see_group, see_user, "authentik_core.add_user_to_group"],
        ),
        ("delete", f"usergroups/{group.pk}", None, [see_group, "authentik_core.delete_group"]),
        (
            "put",
            f"usergroups/{group.pk}/permissions",
            permission,
            [see_group, see_role, change_role],
        ),
        ("get", "roles", None, [see_role]),
        ("get", f"roles/{role.name}", None, [see_role]),
        ("get", f"roles/{role.name}/privileges", None, [see_role]),
        ("post", "roles", {"name": "n"}, ["authentik_rbac.add_role"]),
        ("put", "roles", {"name": role.name, "description": "n"}, [see_role, change_role]),
        ("delete", f"roles/{role.name}", None, [see_role, "authentik_rbac.delete_role"]),
        ("post", f"roles/{role.name}/privileges", role_key, [see_role, assign, "escalate"]),
        ("put", f"roles/{role.name}/privileges", {"privilege-key": []}, [see_role, unassign]),
        (
            "delete",
            f"roles/{role.name}/privileges",
            {"privilege-key": ["old"]},
            [see_role, unassign],
        ),
        ("get", "scopes", None, [see_scope]),
        ("get", f"scopes/{scope.pk}", None, [see_scope]),
        ("post", "scopes", {"name": "n"}, ["authentik_rbac.add_scope"]),
        (
            "put",
            "scopes",
            {"id": str(scope.pk), "name": "n"},
            [see_scope, "authentik_rbac.change_scope"],
        ),
        (
            "delete",
            "scopes",
            {"uuids": [str(scope.pk)]},
            [see_scope, "authentik_rbac.delete_scope"],
        ),
    ]


CASES = 29


@pytest.mark.parametrize("n", range(CASES))
def test_each_operation_needs_each_of_its_permissions(n, door_of, charlie, bob, root):
    group, role = facts.group("group"), facts.role("role")
    scope = Scope.objects.create(name="scope")
    [old] = ensure_actions(type_label="aria.resource", names=["old"], actor=None)
    grants.write_grants([Grant(role, old, None)], actor=None)
    cases = operations(bob, group, role, scope)
    assert len(cases) == CASES
    method, path, body, needed = cases[n]
    if path.endswith("/permissions") and method == "put":
        # The ceiling: nobody gives what they do not hold.
        facts.grant(charlie, "aria.old")
    door = door_of(charlie)

    for name in needed:
        refused = getattr(door, method)(path, body)
        assert refused.status_code in (403, 404), name
        facts.grant(charlie, name if "." in name else f"authentik_rbac.{name}")
    assert getattr(door, method)(path, body).status_code < 300


def test_one_visible_user_among_hidden_ones(door_of, charlie, bob, alice):
    facts.grant(charlie, "authentik_core.view_user", on=bob)
    door = door_of(charlie)

    assert [user["username"] for user in door.get("users").json()["users"]] == ["bob"]
    assert door.get(f"users/{bob.uuid}").status_code == 200
    hidden, missing = door.get(f"users/{alice.uuid}"), door.get(f"users/{OTHER}")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() | {"message": ""} == missing.json() | {"message": ""}


def test_a_delegate_assigns_the_one_role_it_manages(door_of, charlie, bob, operator):
    for name in ("view_role", "change_role"):
        facts.grant(charlie, f"authentik_rbac.{name}", on=operator)
    facts.grant(charlie, "authentik_core.view_user", on=bob)
    path, door = f"users/{bob.uuid}/permissions", door_of(charlie)

    beyond = door.put(path, {"roleName": "Operator"})
    assert beyond.status_code == 403
    assert "aria.object.view" in beyond.json()["message"]

    facts.hold(operator, charlie)
    assert door.put(path, {"roleName": "Operator"}).status_code == 200
    assert door.put(path, {"roleName": "ReadOnly"}).status_code == 404


def test_privileges_beyond_the_callers_own_are_refused_whole(door_of, charlie, operator):
    for name in ("view_role", "assign_role_permissions", "unassign_role_permissions"):
        facts.grant(charlie, f"authentik_rbac.{name}")

    response = door_of(charlie).put("roles/Operator/privileges", {"privilege-key": ["more"]})

    assert response.status_code == 403
    assert operator.global_grants.count() == 2


def test_widening_a_scope_in_use_meets_the_ceiling(door_of, charlie, put, bob, operator, root_door):
    scope_id = root_door.post("scopes", {"name": "s"}).json()["id"]
    put(bob, roleName="Operator", scopeId=scope_id)
    for name in ("view_scope", "change_scope"):
        facts.grant(charlie, f"authentik_rbac.{name}")
    wider = [{"adapterKind": "?", "name": "?", "selectAllResources": True}]
    sent = {"id": scope_id, "name": "s", "traversalSpecInstances": wider}

    assert door_of(charlie).put("scopes", sent).status_code == 403
    renamed = door_of(charlie).put("scopes", {"id": scope_id, "name": "t"})
    assert renamed.status_code == 200


def test_nobody_becomes_superuser_through_this_door(door_of, charlie, root):
    for name in (
        "authentik_core.view_user",
        "authentik_core.change_user",
        "authentik_core.view_group",
        "authentik_core.add_user_to_group",
        "authentik_rbac.escalate",
    ):
        facts.grant(charlie, name)
    admins = root.groups.get()
    door = door_of(charlie)

    by_group = {"id": str(admins.pk), "name": admins.name, "userIds": [str(root.uuid)]}
    by_group["userIds"].append(str(charlie.uuid))
    by_user = {"id": str(charlie.uuid), "username": "charlie", "groupIds": [str(admins.pk)]}
    assert door.put("usergroups", by_group).status_code == 403
    assert door.put("users", by_user).status_code == 403
    assert not charlie.is_superuser


def test_a_password_of_somebody_else_needs_the_permission_and_the_ceiling(door_of, charlie, root):
    for name in ("view_user", "change_user"):
        facts.grant(charlie, f"authentik_core.{name}")
    sent = {"id": str(root.uuid), "username": "root", "password": "mine now"}

    assert door_of(charlie).put("users", sent).status_code == 403
    facts.grant(charlie, "authentik_core.reset_user_password")
    assert door_of(charlie).put("users", sent).status_code == 403
    assert not User.objects.get(pk=root.pk).check_password("mine now")


def test_a_password_is_for_good_and_so_must_be_what_it_gives(door_of, charlie, bob):
    for name in ("view_user", "change_user", "reset_user_password"):
        facts.grant(charlie, f"authentik_core.{name}")
    facts.grant(bob, "authentik_rbac.view_role")
    facts.grant(charlie, "authentik_rbac.view_role", valid_until=facts.LATER)
    sent = {"id": str(bob.uuid), "username": "bob", "password": "long enough"}

    assert door_of(charlie).put("users", sent).status_code == 403
    assert not User.objects.get(pk=bob.pk).check_password("long enough")


def test_managed_and_system_roles_are_not_shown(root_door, bob):
    managed = facts.role("stand-in", managed="group/1")
    facts.hold(managed, bob)

    assert root_door.get("roles/stand-in").status_code == 404
    assert root_door.get(f"users/{bob.uuid}/permissions").json() == {"permissions": []}
    sent = {"id": str(bob.uuid), "username": "bob", "role-permissions": {"permissions": []}}
    assert root_door.put("users", sent).status_code == 200
    assert RoleAssignment.objects.filter(role=managed, user=bob).exists()
    assert Role.objects.filter(pk=managed.pk).exists()


def test_a_user_is_sent_back_with_groups_and_roles_the_caller_may_not_view(
    door_of, charlie, bob, put, operator
):
    facts.group("hidden", bob)
    put(bob, roleName="Operator")
    for name in ("view_user", "change_user"):
        facts.grant(charlie, f"authentik_core.{name}", on=bob)
    door = door_of(charlie)
    read = door.get(f"users/{bob.uuid}").json()

    response = door.put("users", {**read, "lastName": "Builder"})

    assert response.status_code == 200
    assert response.json() == {**read, "firstName": "Bob", "lastName": "Builder"}


def test_a_membership_that_is_over_is_joined_anew_with_the_permission_alone(door_of, charlie, bob):
    group = facts.group("group", bob)
    GroupMembership.objects.update(valid_until=timezone.now())
    for name in ("view_user", "change_user", "view_group"):
        facts.grant(charlie, f"authentik_core.{name}")
    door, key = door_of(charlie), str(group.pk)

    by_user = {"id": str(bob.uuid), "username": "bob", "groupIds": [key]}
    by_group = {"id": key, "name": "group", "userIds": [str(bob.uuid)]}
    assert door.put("users", by_user).status_code == 403
    assert door.put("usergroups", by_group).status_code == 403
    assert door.get(f"users/{bob.uuid}").json()["groupIds"] == []


def test_a_role_left_out_is_taken_only_by_who_may_change_it(door_of, charlie, bob, put, operator):
    put(bob, roleName="Operator", allowAllObjects=True)
    for name in ("view_user", "change_user"):
        facts.grant(charlie, f"authentik_core.{name}", on=bob)
    sent = {"id": str(bob.uuid), "username": "bob", "lastName": "B", "role-permissions": []}

    assert door_of(charlie).put("users", sent).status_code == 403
    assert RoleAssignment.objects.filter(user=bob, role=operator).exists()
    assert User.objects.get(pk=bob.pk).name == bob.name

    facts.grant(charlie, "authentik_rbac.change_role", on=operator)
    assert door_of(charlie).put("users", sent).status_code == 200
    assert not RoleAssignment.objects.filter(user=bob, role=operator).exists()


def test_a_new_group_gets_members_only_from_who_may_add_them(door_of, charlie, bob):
    for name in ("add_group", "view_user"):
        facts.grant(charlie, f"authentik_core.{name}")
    sent = {"name": "new", "userIds": [str(bob.uuid)]}

    assert door_of(charlie).post("usergroups", sent).status_code == 403
    assert not Group.objects.filter(name="new").exists()

    facts.grant(charlie, "authentik_core.add_user_to_group")
    assert door_of(charlie).post("usergroups", sent).status_code == 201


def test_a_new_role_gets_privileges_only_from_who_may_assign_them(door_of, charlie):
    for name in ("add_role", "escalate"):
        facts.grant(charlie, f"authentik_rbac.{name}")
    sent = {"name": "new", "privilege-keys": ["fresh"]}

    assert door_of(charlie).post("roles", sent).status_code == 403
    assert not Role.objects.filter(name="new").exists()

    facts.grant(charlie, "authentik_rbac.assign_role_permissions")
    assert door_of(charlie).post("roles", sent).status_code == 201
