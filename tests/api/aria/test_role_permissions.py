"""PUT, GET and DELETE of …/permissions: which roles somebody holds on which objects."""

import pytest

from roles.models import RoleAssignment, Scope
from tests.api.aria.conftest import GUEST, HOST, OTHER, may, register

pytestmark = pytest.mark.django_db


def instance(kind="SPECIFIC", *keys, **more):
    return {
        "adapterKind": "VMWARE",
        "resourceKind": "vSphere World",
        "name": "vSphere Hosts and Clusters",
        "resourceSelection": [{"type": kind, "resourceId": list(keys)}],
        **more,
    }


def test_all_objects(put, bob, operator):
    response = put(bob, roleName="Operator", allowAllObjects=True)

    assert response.status_code == 200
    assert response.json() == {"permissions": [{"roleName": "Operator", "allowAllObjects": True}]}
    assert may(bob, "object.view", HOST)
    assert may(bob, "Power On VM", None)


def test_a_role_name_alone_gives_the_role_without_objects(put, bob, operator):
    response = put(bob, roleName="Operator")

    assert response.json() == {"permissions": [{"roleName": "Operator", "allowAllObjects": False}]}
    assert not may(bob, "object.view", HOST)
    assert RoleAssignment.objects.get(user=bob).scope.kind == "nothing"


@pytest.mark.parametrize(
    ("member", "near"),
    [
        ("scopeID", "scopeId"),
        ("scope", "scopeId"),
        ("traversalSpecInstances", "traversal-spec-instances"),
        ("traversal_spec_instance", "traversal-spec-instances"),
        ("allowAllObject", "allowAllObjects"),
    ],
)
def test_what_is_meant_for_a_known_member_is_not_dropped(put, bob, operator, member, near):
    response = put(bob, roleName="Operator", **{member: False})

    assert response.status_code == 400
    [failure] = response.json()["validationFailures"]
    assert failure == {
        "failureMessage": f"Unknown member. Did you mean {near}?",
        "violationPath": member,
    }
    assert not RoleAssignment.objects.filter(user=bob).exists()


def test_a_misspelt_selection_is_refused_with_its_place(put, bob, operator):
    tree = {name: value for name, value in instance().items() if name != "resourceSelection"}
    misspelt = tree | {"resource_selections": []}

    response = put(bob, roleName="Operator", **{"traversal-spec-instances": [misspelt]})

    [failure] = response.json()["validationFailures"]
    path = "traversal-spec-instances[0].resource_selections"
    assert (response.status_code, failure["violationPath"]) == (400, path)


def test_a_role_permission_ends_at_no_time(put, bob, operator):
    response = put(bob, roleName="Operator", validUntil="2100-01-01T00:00:00Z")

    assert response.status_code == 400
    assert not RoleAssignment.objects.filter(user=bob).exists()


def test_what_nobody_knows_is_ignored(put, bob, operator):
    assert put(bob, roleName="Operator", others=[], color="red").status_code == 200


@pytest.mark.parametrize("kind", ["SPECIFIC", "UNPROPAGATE"])
def test_named_objects_alone(put, bob, operator, kind):
    register(HOST)
    register(GUEST, parent=HOST)

    put(bob, roleName="Operator", **{"traversal-spec-instances": [instance(kind, HOST)]})

    assert may(bob, "object.view", HOST)
    assert not may(bob, "object.view", GUEST)


def test_propagate_reaches_what_lies_below_also_when_it_comes_later(put, bob, operator):
    put(bob, roleName="Operator", **{"traversal-spec-instances": [instance("PROPAGATE", HOST)]})
    register(GUEST, parent=HOST)

    assert may(bob, "object.view", HOST)
    assert may(bob, "object.view", GUEST)
    assert not may(bob, "object.view", OTHER)


def test_select_all_resources_takes_the_whole_tree_and_ignores_the_selection(put, bob, operator):
    sent = instance(selectAllResources=True) | {"resourceSelection": None}

    response = put(bob, roleName="Operator", **{"traversal-spec-instances": [sent]})

    assert response.status_code == 200
    assert may(bob, "object.view", OTHER)
    assert not may(bob, "object.view", None)


def test_a_scope_by_id(put, bob, operator, root_door):
    sent = {"name": "hosts", "traversalSpecInstances": [instance("SPECIFIC", HOST)]}
    scope_id = root_door.post("scopes", sent).json()["id"]

    response = put(bob, roleName="Operator", scopeId=scope_id)

    assert response.json()["permissions"] == [
        {"roleName": "Operator", "allowAllObjects": False, "scopeId": scope_id}
    ]
    assert may(bob, "object.view", HOST)
    assert not may(bob, "object.view", OTHER)


def test_what_was_sent_is_answered_again(put, bob, operator, root_door):
    instances = [
        instance("PROPAGATE", HOST, selectAllResources=False, includedAdapterKinds=["A", "B"]),
        {"adapterKind": "?", "name": "?", "selectAllResources": False},
    ]

    put(bob, roleName="Operator", **{"traversal-spec-instances": instances})

    [shown] = root_door.get(f"users/{bob.uuid}/permissions").json()["permissions"]
    assert shown == {
        "roleName": "Operator",
        "allowAllObjects": False,
        "traversal-spec-instances": instances,
    }


def test_all_objects_wins_over_the_scope_and_that_over_the_instances(put, bob, operator, root_door):
    scope_id = root_door.post("scopes", {"name": "empty"}).json()["id"]
    everything = {
        "roleName": "Operator",
        "allowAllObjects": True,
        "scopeId": scope_id,
        "traversal-spec-instances": [instance("SPECIFIC", HOST, selectAllResources=False)],
    }

    assert put(bob, **everything).json()["permissions"] == [everything]
    assert may(bob, "object.view", OTHER)

    assert put(bob, **everything | {"allowAllObjects": False}).status_code == 200
    assert not may(bob, "object.view", HOST)


def test_the_same_role_is_replaced_whole_and_others_stay(put, bob, operator):
    put(bob, roleName="ReadOnly", allowAllObjects=True)
    put(bob, roleName="Operator", **{"traversal-spec-instances": [instance("SPECIFIC", HOST)]})

    response = put(bob, roleName="Operator")

    assert response.json()["permissions"] == [
        {"roleName": "Operator", "allowAllObjects": False},
        {"roleName": "ReadOnly", "allowAllObjects": True},
    ]
    assert not may(bob, "object.view", HOST)
    assert Scope.objects.filter(name=None).count() == 1


def test_the_same_again_changes_nothing(put, bob, operator):
    sent = {"roleName": "Operator", "traversal-spec-instances": [instance("SPECIFIC", HOST)]}
    put(bob, **sent)
    before = RoleAssignment.objects.get(user=bob)

    put(bob, **sent)

    after = RoleAssignment.objects.get(user=bob)
    assert (after.pk, after.scope_id) == (before.pk, before.scope_id)


@pytest.mark.parametrize(("sent", "everywhere"), [("true", True), ("false", False), (None, False)])
def test_booleans_may_be_texts_or_null(put, bob, operator, sent, everywhere):
    response = put(bob, roleName="Operator", allowAllObjects=sent)

    assert response.json()["permissions"][0]["allowAllObjects"] is everywhere
    assert may(bob, "object.view") is everywhere


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({}, "roleName"),
        ({"roleName": ""}, "roleName"),
        ({"roleName": None}, "roleName"),
        ({"roleName": "Operator", "allowAllObjects": "maybe"}, "allowAllObjects"),
        ({"roleName": "Operator", "scopeId": "no-uuid"}, "scopeId"),
        ({"roleName": "Operator", "scopeId": 7}, "scopeId"),
        ({"roleName": ["Operator"]}, "roleName"),
        (
            {"roleName": "Operator", "traversal-spec-instances": [{"name": "n"}]},
            "traversal-spec-instances[0].adapterKind",
        ),
        (
            {"roleName": "Operator", "traversal-spec-instances": [instance("SOMETIMES", HOST)]},
            "traversal-spec-instances[0].resourceSelection[0].type",
        ),
        (
            {"roleName": "Operator", "traversal-spec-instances": [instance("SPECIFIC", "x")]},
            "traversal-spec-instances[0].resourceSelection[0].resourceId[0]",
        ),
        ({"roleName": "Operator", "traversal-spec-instances": "x"}, "traversal-spec-instances"),
    ],
)
def test_a_broken_body_names_the_place_and_writes_nothing(root_door, bob, operator, sent, path):
    response = root_door.put(f"users/{bob.uuid}/permissions", sent)

    assert response.status_code == 400
    assert response.json()["validationFailures"][0]["violationPath"] == path
    assert not RoleAssignment.objects.filter(user=bob).exists()


@pytest.mark.parametrize("body", [[], [{"roleName": "Operator"}], "text", 7])
def test_a_body_that_is_no_object_is_400(root_door, bob, operator, body):
    response = root_door.put(f"users/{bob.uuid}/permissions", body)

    assert response.status_code == 400


def test_an_unknown_role_user_or_scope_is_404(root_door, bob, operator):
    path, role = f"users/{bob.uuid}/permissions", {"roleName": "Operator"}

    unknown_role = root_door.put(path, {"roleName": "Nobody's"})
    assert (unknown_role.status_code, unknown_role.json()["message"]) == (
        404,
        "No such Role - Nobody's.",
    )
    assert root_door.put(f"users/{OTHER}/permissions", role).status_code == 404
    assert root_door.put(path, role | {"scopeId": OTHER}).status_code == 404
    assert not RoleAssignment.objects.filter(user=bob).exists()


@pytest.mark.parametrize("key", ["1", "no-uuid", "3438a0f8-0083-4324-ac2b-657c082c88b", "x" * 36])
@pytest.mark.parametrize("method", ["get", "put"])
def test_a_malformed_id_is_400(root_door, operator, key, method):
    response = getattr(root_door, method)(f"users/{key}/permissions", {"roleName": "Operator"})

    assert response.status_code == 400
    assert response.json()["validationFailures"] == [
        {"failureMessage": "Invalid input format.", "violationPath": "userId"}
    ]


def test_a_role_is_taken_away_by_name(put, root_door, bob, operator):
    put(bob, roleName="Operator", **{"traversal-spec-instances": [instance("SPECIFIC", HOST)]})

    response = root_door.delete(f"users/{bob.uuid}/permissions/Operator")

    assert (response.status_code, response.content) == (204, b"")
    assert not RoleAssignment.objects.filter(user=bob).exists()
    assert not Scope.objects.filter(name=None).exists()


@pytest.mark.parametrize("name", ["Operator", "Nobody's"])
def test_taking_away_what_is_not_held_is_404(root_door, bob, operator, name):
    assert root_door.delete(f"users/{bob.uuid}/permissions/{name}").status_code == 404


def test_a_narrower_permission_takes_nothing_from_a_wider_one(put, bob, operator, root_door):
    group = root_door.post("usergroups", {"name": "all", "userIds": [str(bob.uuid)]}).json()
    root_door.put(
        f"usergroups/{group['id']}/permissions", {"roleName": "Operator", "allowAllObjects": True}
    )

    put(bob, roleName="Operator", **{"traversal-spec-instances": [instance("SPECIFIC", HOST)]})

    assert may(bob, "object.view", OTHER)


def test_direct_permissions_only_are_listed(put, bob, operator, root_door, door_of):
    sent = {"roleName": "Operator", "allowAllObjects": True}
    group = root_door.post(
        "usergroups",
        {"name": "g", "userIds": [str(bob.uuid)], "role-permissions": {"permissions": [sent]}},
    ).json()

    assert group["role-permissions"] == [sent]
    assert root_door.get(f"users/{bob.uuid}/permissions").json() == {"permissions": []}
    assert door_of(bob).get("currentuser/permissions").json() == {"permissions": []}


def test_groups_have_the_same_operations(root_door, operator):
    group = root_door.post("usergroups", {"name": "g"}).json()
    path = f"usergroups/{group['id']}/permissions"

    put = root_door.put(path, {"roleName": "Operator", "allowAllObjects": "true"})

    assert put.json() == root_door.get(path).json()
    assert root_door.delete(f"{path}/Operator").status_code == 204
    assert root_door.delete(f"{path}/Operator").status_code == 404
    assert root_door.get(f"usergroups/{OTHER}/permissions").status_code == 404
    assert root_door.get("usergroups/7/permissions").status_code == 400
