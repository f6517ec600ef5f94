"""Users, by UUID."""

import pytest

from accounts.models import Group, GroupMembership, User
from permissions.operations.membership import change_groups
from tests import facts
from tests.api.aria.conftest import OTHER
from tests.statements import counted

pytestmark = pytest.mark.django_db
NEW = {"username": "erin", "password": "secret of erin"}


def test_a_user_is_created_and_signs_in(root_door, stranger):
    sent = NEW | {
        "firstName": "Mary Ann",
        "lastName": "Smith",
        "emailAddress": "mary@example.com",
        "distinguishedName": "cn=erin",
        "externalId": "x-1",
        "enabled": "true",
        "roleNames": None,
        "links": None,
    }

    response = root_door.post("users", sent)

    assert response.status_code == 201
    shown = response.json()
    assert "password" not in shown
    assert shown == {
        "id": str(User.objects.get(username="erin").uuid),
        "username": "erin",
        "firstName": "Mary Ann",
        "lastName": "Smith",
        "emailAddress": "mary@example.com",
        "enabled": True,
        "groupIds": [],
        "role-permissions": [],
        "roleNames": [],
        "distinguishedName": "cn=erin",
        "externalId": "x-1",
    }
    assert stranger.post("token/acquire", NEW).status_code == 200
    assert User.objects.get(username="erin").name == "Mary Ann Smith"


def test_a_user_comes_with_groups_and_roles(root_door, operator):
    group = root_door.post("usergroups", {"name": "g"}).json()
    held = {"permissions": [{"roleName": "Operator", "allowAllObjects": True}]}

    user = root_door.post(
        "users", NEW | {"groupIds": [group["id"]], "role-permissions": held, "roleNames": ["none"]}
    ).json()

    assert user["groupIds"] == [group["id"]]
    assert user["role-permissions"] == held["permissions"]
    assert user["roleNames"] == ["Operator"]


def test_role_names_alone_give_roles_without_objects(root_door, operator):
    user = root_door.post("users", NEW | {"roleNames": ["Operator"]}).json()

    assert user["role-permissions"] == [{"roleName": "Operator", "allowAllObjects": False}]


@pytest.mark.parametrize("char", [*", <&\"'?+%=>;/#", "\t", "é ", "\0"])
def test_a_user_name_that_does_not_fit_is_400(root_door, char):
    response = root_door.post("users", NEW | {"username": f"e{char}rin"})

    assert response.status_code == 400
    assert not User.objects.filter(username__startswith="e").exists()


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"password": None}, 400),
        ({"emailAddress": "nope"}, 400),
        ({"enabled": "maybe"}, 400),
        ({"groupIds": ["x"]}, 400),
        ({"groupIds": [OTHER]}, 404),
        ({"role-permissions": {"permissions": [{"roleName": "none"}]}}, 404),
        ({"role-permissions": {"permissions": [{"roleName": "ReadOnly"}] * 2}}, 400),
        ({"role-permissions": {"permissions": [{"scopeId": OTHER}]}}, 400),
        ({"role-permissions": {"permissions": [{"roleName": "ReadOnly", "scopeId": OTHER}]}}, 404),
        ({"roleNames": ["none"]}, 404),
        ({"username": "bob"}, 409),
        ({"externalId": "taken"}, 409),
    ],
)
def test_a_refused_user_leaves_nothing_behind(root_door, bob, changed, status):
    User.objects.filter(pk=bob.pk).update(external_id="taken")
    before = User.objects.count()

    response = root_door.post("users", NEW | changed)

    assert response.status_code == status
    assert User.objects.count() == before


def test_users_are_found_by_id_name_and_role(root_door, put, bob, alice, operator):
    put(bob, roleName="Operator")

    def found(query):
        return [user["username"] for user in root_door.get(f"users?{query}").json()["users"]]

    assert found(f"id={bob.uuid}&id={alice.uuid}") == ["bob", "alice"]
    assert found(f"id={bob.uuid},{alice.uuid}") == ["bob", "alice"]
    assert found(f"id={OTHER}") == []
    assert found("username=BO&username=alic") == ["bob", "alice"]
    assert found("roleName=Operator") == ["bob"]
    assert found(f"roleName=Operator&id={alice.uuid}") == []
    assert found("roleName=none") == []


def test_a_user_is_read_by_id(root_door, bob):
    assert root_door.get(f"users/{bob.uuid}").json()["username"] == "bob"
    assert root_door.get(f"users/{OTHER}").status_code == 404
    assert root_door.get(f"users/{bob.pk}").status_code == 400
    assert root_door.get(f"users/{bob.hex_id}").status_code == 400


def test_a_change_leaves_what_is_not_sent(root_door, put, bob, operator):
    put(bob, roleName="Operator", allowAllObjects=True)

    sent = {"id": str(bob.uuid), "username": "bob", "lastName": "Builder", "emailAddress": None}
    response = root_door.put("users", sent)

    assert response.status_code == 200
    assert (response.json()["firstName"], response.json()["lastName"]) == ("Bob", "Builder")
    assert response.json()["roleNames"] == ["Operator"]


def test_role_permissions_in_a_change_replace_the_whole_set(root_door, put, bob, operator):
    put(bob, roleName="Operator", allowAllObjects=True)
    held = [{"roleName": "ReadOnly", "allowAllObjects": True}]
    sent = {"id": str(bob.uuid), "username": "bob", "role-permissions": held}

    assert root_door.put("users", sent).json()["role-permissions"] == held
    sent["role-permissions"] = []
    assert root_door.put("users", sent).json()["role-permissions"] == []


def test_groups_in_a_change_leave_departments_alone(root_door, bob):
    facts.group("department", bob, kind="department")
    old, new = facts.group("old", bob), facts.group("new")
    sent = {"id": str(bob.uuid), "username": "bob", "groupIds": [str(new.pk)]}

    assert root_door.put("users", sent).json()["groupIds"] == [str(new.pk)]
    assert {group.name for group in bob.groups.all()} == {"department", "new"}
    assert old not in bob.groups.all()


def test_a_department_joined_at_the_same_time_stays(root_door, bob, monkeypatch):
    """Another door puts the user there between what this one reads and what it writes."""
    department, new = facts.group("department", kind="department"), facts.group("new")

    def joined_first(**changes):
        GroupMembership.objects.create(group=department, user=bob)
        change_groups(**changes)

    monkeypatch.setattr("permissions.operations.users.change_groups", joined_first)
    sent = {"id": str(bob.uuid), "username": "bob", "groupIds": [str(new.pk)]}

    assert root_door.put("users", sent).status_code == 200
    assert set(Group.objects.joined_by(bob)) == {department, new}


def test_a_change_needs_an_id_that_is_somebodys(root_door, bob):
    assert root_door.put("users", {"username": "bob"}).status_code == 400
    assert root_door.put("users", {"id": OTHER, "username": "bob"}).status_code == 404


def test_a_user_can_be_renamed_but_not_to_a_taken_name(root_door, bob, alice):
    sent = {"id": str(bob.uuid), "username": "robert"}

    assert root_door.put("users", sent).json()["username"] == "robert"
    assert root_door.put("users", sent | {"username": "alice"}).status_code == 409


def test_users_are_deleted_one_or_many_or_none(root_door, bob, alice, charlie):
    assert root_door.delete(f"users?id={bob.uuid}&id={OTHER}").status_code == 404
    assert User.objects.filter(pk=bob.pk).exists()

    assert root_door.delete(f"users?id={bob.uuid}&id={alice.uuid}").status_code == 204
    response = root_door.delete(f"users/{charlie.uuid}")

    assert (response.status_code, response.content) == (204, b"")
    assert not User.objects.filter(username__in=["alice", "bob", "charlie"]).exists()
    assert root_door.delete(f"users/{charlie.uuid}").status_code == 404


def test_the_caller_sees_itself(door_of, charlie):
    me = door_of(charlie).get("currentuser").json()

    assert (me["id"], me["firstName"], me["lastName"]) == (str(charlie.uuid), "Charlie", "")


def test_a_list_costs_as_many_statements_for_many_users_as_for_few(root_door, put, operator):
    def grow(names):
        for name in names:
            user = User.objects.create(username=name)
            facts.group(f"of {name}", user)
            put(user, roleName="Operator")
            put(user, roleName="ReadOnly", allowAllObjects=True)

    grow(["u1", "u2"])
    with counted() as few:
        root_door.get("users")
    grow(f"v{n}" for n in range(8))
    with counted() as many:
        root_door.get("users")

    assert len(few) == len(many) <= 8, many


def test_what_a_user_was_in_does_not_come_back_with_a_change(root_door, bob):
    old, department = facts.group("old"), facts.group("department", kind="department")
    for group in (old, department):
        facts.was_in(group, bob)
    new = facts.group("new")

    sent = {"id": str(bob.uuid), "username": "bob", "groupIds": [str(new.pk)]}
    assert root_door.put("users", sent).status_code == 200
    assert list(Group.objects.joined_by(bob)) == [new]


def test_whoever_was_in_a_group_needs_the_permission_to_be_put_there_again(door_of, alice, bob):
    old = facts.group("old")
    facts.was_in(old, bob)
    for name in ("view_group", "view_user", "change_user"):
        facts.grant(alice, f"authentik_core.{name}")

    sent = {"id": str(bob.uuid), "username": "bob", "groupIds": [str(old.pk)]}
    assert door_of(alice).put("users", sent).status_code == 403
    assert not Group.objects.joined_by(bob).exists()


def test_an_external_id_that_somebody_else_is_known_by_is_400(root_door, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.org")

    for external_id in ("bob@example.org", bob.hex_id, str(bob.uuid)):
        response = root_door.post("users", {**NEW, "externalId": external_id})

        assert response.status_code == 400
        assert not User.objects.filter(username="erin").exists()
