"""Roles, known by name, and the privileges they carry."""

import pytest

from api.aria.roles import find_role
from audit.models import Event, EventKind
from permissions.models import RoleGlobalGrant
from roles.models import Role
from tests import facts
from tests.api.aria.conftest import may

pytestmark = pytest.mark.django_db
PREDEFINED = {
    "Administrator",
    "PowerUser",
    "PowerUserMinusRemediation",
    "ContentAdmin",
    "AgentManager",
    *(f"GeneralUser-{n}" for n in (1, 2, 3, 4)),
    "ReadOnly",
}


def test_the_predefined_roles_are_there(root_door):
    roles = root_door.get("roles").json()["userRoles"]

    assert {role["name"] for role in roles} >= PREDEFINED
    assert all(role["system-created"] for role in roles if role["name"] in PREDEFINED)


def test_a_role_is_created_and_read_back(root_door):
    sent = {
        "name": "My Role",
        "displayName": None,
        "description": "d",
        "privilege-keys": ["administration.accesscontrol.viewpage", "Power On VM", "ManageAlerts"],
        "system-created": True,
        "links": None,
    }

    response = root_door.post("roles", sent)

    assert response.status_code == 201
    assert response.json() == {
        "name": "My Role",
        "displayName": "My Role",
        "description": "d",
        "privilege-keys": ["ManageAlerts", "Power On VM", "administration.accesscontrol.viewpage"],
        "system-created": False,
    }
    assert root_door.get("roles/My%20Role").json() == response.json()
    assert Role.objects.get(name="My Role").code == "my-role"


@pytest.mark.parametrize("name", ["a/b", "a?b", "a#b", "a%b", "a\nb", "", "x" * 151, None, 7.5, {}])
def test_a_name_that_clients_cannot_put_into_a_path_is_400(root_door, name):
    before = Role.objects.count()

    response = root_door.post("roles", {"name": name})

    assert response.status_code == (201 if name == 7.5 else 400)
    assert Role.objects.count() == before + (name == 7.5)


def test_a_taken_name_is_409(root_door, operator):
    assert root_door.post("roles", {"name": "Operator"}).status_code == 409


def test_a_role_of_another_door_with_a_slash_in_its_name_is_reached(root_door, bob, put):
    facts.role("My Role/1", code="slash")

    assert root_door.get("roles/My%20Role/1").json()["name"] == "My Role/1"
    assert root_door.get("roles/My%20Role/1/privileges").json() == {"privileges": []}
    put(bob, roleName="My Role/1")
    assert root_door.delete(f"users/{bob.uuid}/permissions/My%20Role/1").status_code == 204


def test_roles_are_filtered_by_name(root_door, operator):
    found = root_door.get("roles?roleName=ReadOnly&roleName=Operator&roleName=none").json()

    assert [role["name"] for role in found["userRoles"]] == ["Operator", "ReadOnly"]


def test_a_change_without_keys_keeps_the_privileges(root_door, operator):
    response = root_door.put("roles", {"name": "Operator", "description": "new"})

    assert response.status_code == 200
    assert response.json()["description"] == "new"
    assert response.json()["privilege-keys"] == ["Power On VM", "object.view"]


def test_a_change_with_keys_replaces_them(root_door, operator):
    response = root_door.put("roles", {"name": "Operator", "privilege-keys": ["other"]})

    assert response.json()["privilege-keys"] == ["other"]


def test_an_unknown_role_is_404(root_door):
    for response in (
        root_door.get("roles/none"),
        root_door.delete("roles/none"),
        root_door.put("roles", {"name": "none"}),
        root_door.get("roles/none/privileges"),
        root_door.put("roles/none/privileges", {"privilege-key": []}),
    ):
        assert (response.status_code, response.json()["message"]) == (404, "No such Role - none.")


def test_a_deleted_role_takes_its_permissions_along(root_door, put, bob, operator):
    put(bob, roleName="Operator", allowAllObjects=True)

    response = root_door.delete("roles/Operator")

    assert (response.status_code, response.content) == (204, b"")
    assert root_door.get(f"users/{bob.uuid}/permissions").json() == {"permissions": []}
    root_door.post("roles", {"name": "Operator", "privilege-keys": ["object.view"]})
    assert not may(bob, "object.view")


@pytest.mark.parametrize("name", sorted(PREDEFINED))
def test_a_predefined_role_cannot_be_deleted(root_door, name):
    assert root_door.delete(f"roles/{name}").status_code == 403
    assert Role.objects.filter(name=name).exists()


def test_a_predefined_role_can_be_given_privileges(root_door):
    response = root_door.put("roles/ReadOnly/privileges", {"privilege-key": ["object.view"]})

    assert response.json() == {"privilege-key": ["object.view"]}


def test_privileges_are_united_replaced_and_subtracted(root_door, operator):
    path = "roles/Operator/privileges"

    assert root_door.post(path, {"privilege-key": ["c", "object.view"]}).json() == {
        "privilege-key": ["Power On VM", "c", "object.view"]
    }
    assert root_door.delete(path, {"privilege-key": ["c", "never held"]}).json() == {
        "privilege-key": ["Power On VM", "object.view"]
    }
    assert root_door.put(path, {"privilege-key": ["c"]}).json() == {"privilege-key": ["c"]}
    assert root_door.put(path, {"privilege-key": []}).json() == {"privilege-key": []}


def test_reading_privileges_answers_objects(root_door, operator):
    assert root_door.get("roles/Operator/privileges").json() == {
        "privileges": [
            {"key": "Power On VM", "name": "Power On VM", "description": ""},
            {"key": "object.view", "name": "object.view", "description": ""},
        ]
    }


@pytest.mark.parametrize(
    "body", [{}, {"privilege-key": "a"}, {"privilege-key": ["x" * 101]}, {"privilege-key": [""]}]
)
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_broken_keys_are_400_and_change_nothing(root_door, operator, method, body):
    response = getattr(root_door, method)("roles/Operator/privileges", body)

    assert response.status_code == 400
    assert RoleGlobalGrant.objects.filter(role=operator).count() == 2


def test_keys_are_case_sensitive_and_their_spaces_count(root_door, operator, put, bob):
    root_door.put("roles/Operator/privileges", {"privilege-key": ["View", " view"]})
    put(bob, roleName="Operator", allowAllObjects=True)

    assert may(bob, "View")
    assert may(bob, " view")
    assert not may(bob, "view")


def test_known_privileges_and_their_groups_are_listed(root_door, operator):
    keys = [item["key"] for item in root_door.get("privileges").json()["privileges"]]

    assert keys == ["Power On VM", "object.view"]
    some = root_door.get("privileges?key=object.view&key=none").json()["privileges"]
    assert [item["key"] for item in some] == ["object.view"]
    groups = root_door.get("privilegegroups").json()["privilegeGroups"]
    assert groups == [{"key": "object", "name": "object", "description": ""}]
    assert root_door.get("privilegegroups?key=none").json() == {"privilegeGroups": []}


def test_the_privileges_of_a_role_one_holds_through_a_group(root_door, door_of, bob, operator):
    held = {"permissions": [{"roleName": "Operator"}]}
    group = {"name": "g", "userIds": [str(bob.uuid)], "role-permissions": held}
    assert root_door.post("usergroups", group).status_code == 201

    own = door_of(bob).get("currentuser/roles/Operator/privileges")

    assert [item["key"] for item in own.json()["privileges"]] == ["Power On VM", "object.view"]
    assert door_of(bob).get("currentuser/roles/ReadOnly/privileges").status_code == 404


def test_every_change_has_its_event(root_door, operator):
    root_door.put("roles/Operator/privileges", {"privilege-key": ["object.view"]})
    root_door.delete("roles/Operator")

    kinds = list(Event.objects.order_by("pk").values_list("kind", "door"))
    assert kinds[-3:] == [
        (EventKind.GRANT_DELETED, "aria"),
        (EventKind.GRANT_DELETED, "aria"),
        (EventKind.ROLE_DELETED, "aria"),
    ]


def test_an_unused_predefined_role_is_not_in_other_doors_lists(root_door, client_of, root):
    def listed():
        answer = client_of(root).get("/api/v3/rbac/roles/").json()
        return [role["name"] for role in answer["results"]]

    assert "ReadOnly" not in listed()
    root_door.put("roles/ReadOnly/privileges", {"privilege-key": ["object.view"]})
    assert "ReadOnly" in listed()
    assert "PowerUser" not in listed()


def test_keys_that_stay_keep_their_times(root_door, door_of, alice, operator):
    limited = RoleGlobalGrant.objects.filter(role=operator, permission__codename="object.view")
    limited.update(valid_until=facts.LATER)
    for name in ("view_role", "assign_role_permissions"):
        facts.grant(alice, f"authentik_rbac.{name}")
    root_door.post("roles", {"name": "Hers", "privilege-keys": ["hers"]})
    facts.hold(Role.objects.get(name="Hers"), alice)

    more = door_of(alice).post("roles/Operator/privileges", {"privilege-key": ["hers"]})

    assert more.json() == {"privilege-key": ["Power On VM", "hers", "object.view"]}
    assert limited.get().valid_until == facts.LATER


def test_keys_added_at_the_same_time_stay(root_door, operator, monkeypatch):
    """Another client adds a key between what this one reads and what it writes."""

    def with_another(view, name):
        found = find_role(view, name)
        monkeypatch.undo()
        assert root_door.post(path, {"privilege-key": ["a"]}).status_code == 200
        return found

    path = "roles/Operator/privileges"
    monkeypatch.setattr("api.aria.roles.find_role", with_another)

    both = root_door.post(path, {"privilege-key": ["b"]})

    assert both.json() == {"privilege-key": ["Power On VM", "a", "b", "object.view"]}
