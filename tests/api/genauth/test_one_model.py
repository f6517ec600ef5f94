"""One model behind every door: what is given here is seen and taken away elsewhere."""

import uuid

import pytest

from permissions.operations.assignments import assign_role
from roles.models import Role, RoleAssignment, Scope, ScopeKind
from tests.api.genauth.conftest import user

pytestmark = pytest.mark.django_db


@pytest.fixture
def elsewhere(client_of, root):
    """The other doors, as their administrator."""
    return client_of(root)


@pytest.fixture
def gate(bearer_of, root):
    return bearer_of(root)


@pytest.fixture
def manager(admin, bob):
    """bob manages the machines of the shop, all by this door."""
    admin.call("create-namespace", code="shop")
    actions = [{"name": "ecs:Start"}]
    admin.call("create-resource", code="ecs", type="DATA", namespace="shop", actions=actions)
    admin.call("create-role", code="manager", name="Manager")
    grant = {
        "targetType": "ROLE",
        "targetIdentifiers": ["default:manager"],
        "resources": [{"code": "ecs:*", "resourceType": "DATA", "actions": ["ecs:Start"]}],
    }
    answer = admin.call("authorize-resources", list=[grant], namespace="shop")
    assert answer["statusCode"] == 200, answer
    admin.call("assign-role", code="manager", targets=[user(bob)])
    return Role.objects.get(code="manager")


def decided(gate, who):
    question = {
        "subject": {"type": "user", "id": who.username},
        "action": {"name": "Start"},
        "resource": {"type": "shop.ecs", "id": "1"},
    }
    return gate.post("/access/v1/evaluation", question).json()["decision"]


def test_a_role_given_here_decides_and_taken_away_no_more(admin, gate, manager, bob, charlie):
    assert decided(gate, bob)
    assert not decided(gate, charlie)

    admin.call("revoke-role", code="manager", targets=[user(bob)])
    assert not decided(gate, bob)


def test_authentik_shows_it_and_takes_it_away(admin, elsewhere, gate, manager, bob):
    shown = elsewhere.get("/api/v3/rbac/roles/", {"users": bob.pk}).json()["results"]
    assert [role["name"] for role in shown] == ["manager"]
    held = elsewhere.get(f"/api/v3/rbac/permissions/roles/{manager.pk}/").json()
    assert held

    elsewhere.post(f"/api/v3/rbac/roles/{manager.pk}/remove_user/", {"pk": bob.pk})
    assert admin.ask("get-user-roles", userId=bob.hex_id)["data"]["totalCount"] == 0
    assert not decided(gate, bob)


def test_aria_shows_it_and_takes_it_away(admin, elsewhere, gate, manager, bob):
    url = f"/suite-api/api/auth/users/{bob.uuid}/permissions"
    shown = elsewhere.get(url).json()["permissions"]
    assert shown == [{"roleName": "manager", "allowAllObjects": True}]

    assert elsewhere.delete(f"{url}/manager").status_code == 204
    assert admin.ask("list-role-members", code="manager")["data"]["totalCount"] == 0
    assert not decided(gate, bob)


def test_what_authentik_gives_is_seen_and_revoked_here(admin, elsewhere, manager, charlie):
    elsewhere.post(f"/api/v3/rbac/roles/{manager.pk}/add_user/", {"pk": charlie.pk})

    roles = admin.ask("get-user-roles", userId=charlie.hex_id)["data"]["list"]
    assert [role["code"] for role in roles] == ["manager"]
    admin.call("revoke-role", code="manager", targets=[user(charlie)])
    assert not RoleAssignment.objects.filter(user=charlie).exists()


def test_what_aria_limits_to_a_scope_is_revoked_here(admin, gate, manager, charlie, root):
    scope = Scope.objects.create(name="all", kind=ScopeKind.ALL)
    assign_role(role=manager, principal=charlie, scope=scope, actor=root)
    assert decided(gate, charlie)

    admin.call("revoke-role", code="manager", targets=[user(charlie)])
    assert not decided(gate, charlie)


def test_a_role_of_authentik_is_given_here(admin, elsewhere, bob):
    made = elsewhere.post("/api/v3/rbac/roles/", {"name": "Night Shift"}).json()

    code = Role.objects.get(pk=uuid.UUID(made["pk"])).code
    assert code == "night-shift"
    assert admin.call("assign-role", code=code, targets=[user(bob)])["statusCode"] == 200


def test_a_role_of_a_namespace_is_named_with_it_elsewhere(admin, elsewhere, manager):
    admin.call("create-role", code="clerk", namespace="shop", name="Clerk")

    names = [role["name"] for role in elsewhere.get("/api/v3/rbac/roles/").json()["results"]]
    assert names == ["manager", "shop:clerk"]
    aria = elsewhere.get("/suite-api/api/auth/roles").json()["userRoles"]
    assert {"manager", "shop:clerk"} <= {role["name"] for role in aria}


def test_a_key_is_a_token_of_authentik(admin, elsewhere):
    made = admin.call("create-access-key")["data"]
    url = f"/api/v3/core/tokens/access-key-{made['accessKeyId']}/"

    assert elsewhere.get(url).status_code == 200
    assert elsewhere.delete(url).status_code == 204
    listed = admin.ask("list-access-key")["data"]["list"]
    assert made["accessKeyId"] not in [one["accessKeyId"] for one in listed]
