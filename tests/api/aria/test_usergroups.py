"""User groups, by UUID."""

import pytest

from accounts.models import Group, User
from audit.models import Event, EventKind
from tests import facts
from tests.api.aria.conftest import OTHER
from tests.statements import counted

pytestmark = pytest.mark.django_db


def test_a_group_is_created_and_read_back(root_door, bob):
    sent = {
        "name": "my group",
        "description": "d",
        "externalId": "cn=g",
        "userIds": [str(bob.uuid)],
        "authSourceId": None,
    }

    response = root_door.post("usergroups", sent)

    assert response.status_code == 201
    shown = response.json()
    assert shown == {
        "id": str(Group.objects.get(name="my group").pk),
        "name": "my group",
        "displayName": "my group",
        "description": "d",
        "userIds": [str(bob.uuid)],
        "role-permissions": [],
        "roleNames": [],
        "externalId": "cn=g",
    }
    assert root_door.get(f"usergroups/{shown['id']}").json() == shown


def test_a_group_of_the_local_source_is_created_with_its_permissions(root_door, operator):
    [local] = root_door.get("sources").json()["sources"]
    held = [{"roleName": "Operator", "allowAllObjects": True}]

    body = {"authSourceId": local["id"], "name": "g", "role-permissions": held}
    response = root_door.post("usergroups", body)

    assert response.json()["role-permissions"] == held


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"name": ""}, 400),
        ({"name": "g", "id": OTHER}, 400),
        ({"name": "g", "authSourceId": OTHER}, 404),
        ({"name": "g", "userIds": [OTHER]}, 404),
        ({"name": "g", "userIds": ["7"]}, 400),
        ({"name": "g", "userIds": {}}, 400),
        ({"name": "taken"}, 409),
    ],
)
def test_a_refused_group_leaves_nothing_behind(root_door, sent, status):
    facts.group("taken")
    before = Group.objects.count()

    assert root_door.post("usergroups", sent).status_code == status
    assert Group.objects.count() == before


def test_groups_are_found_by_id_and_name_and_departments_are_not(root_door):
    ops, dev = facts.group("ops team"), facts.group("dev team")
    department = facts.group("team", kind="department")

    def found(query):
        groups = root_door.get(f"usergroups?{query}").json()["userGroups"]
        return [group["name"] for group in groups]

    assert found("name=team") == ["dev team", "ops team"]
    assert found("name=ops%20team&name=none") == ["ops team"]
    assert found(f"id={ops.pk}&id={dev.pk}") == ["dev team", "ops team"]
    assert root_door.get(f"usergroups/{department.pk}").status_code == 404


def test_a_change_sets_the_members_and_answers_nothing(root_door, alice, bob):
    group = facts.group("g", bob)

    sent = {"id": str(group.pk), "name": "g", "userIds": [str(alice.uuid)], "description": "new"}
    response = root_door.put("usergroups", sent)

    assert (response.status_code, response.content) == (200, b"")
    assert list(group.users.all()) == [alice]
    assert root_door.put("usergroups", {"id": str(group.pk), "name": "g"}).status_code == 200
    assert list(group.users.all()) == [alice]


def test_name_and_id_are_fixed(root_door):
    group = facts.group("g")

    assert root_door.put("usergroups", {"id": str(group.pk), "name": "h"}).status_code == 400
    assert root_door.put("usergroups", {"id": OTHER, "name": "g"}).status_code == 404
    assert root_door.put("usergroups", {"name": "g"}).status_code == 400


def test_groups_are_deleted_one_or_many_or_none(root_door):
    one, two, three = (facts.group(name) for name in "abc")

    assert root_door.delete(f"usergroups?id={one.pk}&id={OTHER}").status_code == 404
    assert root_door.delete(f"usergroups?id={one.pk}&id={two.pk}").status_code == 204
    assert root_door.delete(f"usergroups/{three.pk}").status_code == 204
    assert root_door.delete("usergroups").json()["apiErrorCode"] == 1509
    assert not Group.objects.filter(name__in="abc").exists()


def test_a_list_costs_as_many_statements_for_many_groups_as_for_few(root_door, alice, bob):
    facts.group("one", alice, bob)
    with counted() as few:
        root_door.get("usergroups")
    for n in range(5):
        facts.group(f"g{n}", alice, bob)
    with counted() as many:
        root_door.get("usergroups")

    assert len(few) == len(many), many


def test_whoever_was_in_a_group_comes_back_like_anybody_else(door_of, alice, bob):
    group = facts.group("g")
    facts.was_in(group, bob)
    for name in ("view_group", "view_user"):
        facts.grant(alice, f"authentik_core.{name}")

    sent = {"id": str(group.pk), "name": "g", "userIds": [str(bob.uuid)]}
    assert door_of(alice).put("usergroups", sent).status_code == 403
    assert not User.objects.members_of([group]).exists()
    facts.grant(alice, "authentik_core.add_user_to_group")
    assert door_of(alice).put("usergroups", sent).status_code == 200
    assert list(User.objects.members_of([group])) == [bob]


def test_a_change_of_the_description_is_recorded(root_door):
    group = facts.group("g", description="old")
    sent = {"id": str(group.pk), "name": "g", "description": "new"}

    assert root_door.put("usergroups", sent).status_code == 200

    event = Event.objects.get(kind=EventKind.GROUP_CHANGED)
    assert (event.before, event.after) == ({"description": "old"}, {"description": "new"})
