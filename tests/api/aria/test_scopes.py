"""Named scopes."""

import pytest

from permissions.models import Resource
from permissions.operations import scopes
from permissions.operations.scopes import EntrySpec
from roles.models import Scope, ScopeEntry, ScopeKind
from tests.api.aria.conftest import GUEST, HOST, OTHER, may

pytestmark = pytest.mark.django_db


def instance(*keys, kind="SPECIFIC"):
    return {
        "adapterKind": "VMWARE",
        "name": "vSphere Storage",
        "resourceSelection": [{"type": kind, "resourceId": list(keys)}],
        "selectAllResources": False,
    }


@pytest.fixture
def hosts(root_door):
    sent = {"name": "hosts", "traversalSpecInstances": [instance(HOST)]}
    return root_door.post("scopes", sent).json()


def test_a_scope_is_created_and_read_back(root_door, root, hosts):
    assert set(hosts) == {"id", "name", "description", "traversalSpecInstances"}
    assert hosts["traversalSpecInstances"] == [instance(HOST)]

    details = root_door.get(f"scopes/{hosts['id']}").json()

    assert details.items() >= hosts.items()
    assert details["createdBy"] == details["lastModifiedBy"] == str(root.uuid)
    assert details["creationTime"] > 1_600_000_000_000


def test_a_name_alone_is_a_scope_of_nothing(root_door, put, bob, operator):
    response = root_door.post("scopes", {"name": "s", "id": None, "links": None})

    assert response.status_code == 201
    put(bob, roleName="Operator", scopeId=response.json()["id"])
    assert not may(bob, "object.view")


def test_all_objects_is_built_in_and_protected(root_door, put, bob, operator):
    [everything] = root_door.get("scopes").json()["scopesDetails"]

    assert everything["name"] == "All Objects"
    put(bob, roleName="Operator", scopeId=everything["id"])
    assert may(bob, "object.view", OTHER)
    sent = {"id": everything["id"], "name": "mine"}
    assert root_door.put("scopes", sent).status_code == 403
    assert root_door.delete("scopes", {"uuids": [everything["id"]]}).status_code == 403


def test_named_objects_become_resources_once(root_door, hosts):
    root_door.post("scopes", {"name": "b", "traversalSpecInstances": [instance(HOST, GUEST)]})

    found = Resource.objects.filter(type__content_type__app_label="aria")
    assert sorted(found.values_list("object_pk", flat=True)) == sorted([HOST, GUEST])


def test_a_change_replaces_what_is_selected_for_all_who_refer_to_it(
    root_door, hosts, put, bob, operator
):
    put(bob, roleName="Operator", scopeId=hosts["id"])
    sent = {"id": hosts["id"], "name": "guests", "traversalSpecInstances": [instance(GUEST)]}

    response = root_door.put("scopes", sent)

    assert response.status_code == 200
    assert response.json() == sent | {"description": ""}
    assert may(bob, "object.view", GUEST)
    assert not may(bob, "object.view", HOST)


def test_a_change_without_instances_keeps_them(root_door, hosts):
    response = root_door.put("scopes", {"id": hosts["id"], "name": "hosts", "description": "d"})

    assert response.json() == hosts | {"description": "d"}


def test_what_another_door_selects_is_shown_here(root_door, root, hosts):
    scope = Scope.objects.get(pk=hosts["id"])
    entries = [
        EntrySpec(type="aria.resource", object_pk=GUEST, with_descendants=True),
        EntrySpec(type="authentik_core.user"),
    ]

    scopes.update_scope(scope=scope, actor=root, entries=entries)

    [shown] = root_door.get(f"scopes/{hosts['id']}").json()["traversalSpecInstances"]
    assert shown["resourceSelection"] == [{"type": "PROPAGATE", "resourceId": [GUEST]}]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 400),
        ({"name": ""}, 400),
        ({"name": "hosts"}, 409),
        ({"name": "All Objects"}, 409),
        ({"name": "n", "traversalSpecInstances": {}}, 400),
        ({"name": "n", "traversalSpecInstances": [instance("x")]}, 400),
        ({"name": "n", "traversalSpecInstances": [instance(kind="NEVER")]}, 400),
        ({"name": "n" * 256}, 400),
    ],
)
def test_a_refused_scope_leaves_nothing_behind(root_door, hosts, sent, status):
    before = (Scope.objects.count(), ScopeEntry.objects.count())

    assert root_door.post("scopes", sent).status_code == status
    assert (Scope.objects.count(), ScopeEntry.objects.count()) == before


def test_a_change_needs_the_id_of_a_scope_and_a_free_name(root_door, hosts):
    assert root_door.put("scopes", {"name": "x"}).status_code == 400
    assert root_door.put("scopes", {"id": OTHER, "name": "x"}).status_code == 404
    assert root_door.put("scopes", {"id": "7", "name": "x"}).status_code == 400
    taken = {"id": hosts["id"], "name": "All Objects"}
    assert root_door.put("scopes", taken).status_code == 409


def test_scopes_are_deleted_by_body_with_200(root_door, hosts):
    assert root_door.delete("scopes", {"uuids": [hosts["id"], OTHER]}).status_code == 404

    response = root_door.delete("scopes", {"uuids": [hosts["id"]]})

    assert (response.status_code, response.content) == (200, b"")
    assert root_door.get(f"scopes/{hosts['id']}").status_code == 404
    assert root_door.delete("scopes").status_code == 400
    assert root_door.delete("scopes", {"uuids": ["x"]}).status_code == 400


def test_a_scope_in_use_is_409(root_door, hosts, put, bob, operator):
    put(bob, roleName="Operator", scopeId=hosts["id"])

    assert root_door.delete("scopes", {"uuids": [hosts["id"]]}).status_code == 409
    assert root_door.get(f"scopes/{hosts['id']}").status_code == 200


def test_a_scope_sent_back_as_it_was_read_keeps_what_has_no_words_here(root_door, root, bob, hosts):
    scope = Scope.objects.get(pk=hosts["id"])
    foreign = EntrySpec(type="authentik_core.user", object_pk=str(bob.pk))
    own = EntrySpec(type="aria.resource", object_pk=HOST)
    scopes.update_scope(scope=scope, actor=root, entries=[own, foreign])
    read = root_door.get(f"scopes/{hosts['id']}").json()

    response = root_door.put("scopes", {**read, "description": "d"})

    assert response.json()["description"] == "d"
    assert scope.entries.count() == 2


def test_a_scope_of_everything_is_shown_and_stays_one(root_door, root):
    scope = scopes.create_scope(actor=root, name="all", kind=ScopeKind.ALL)
    read = root_door.get(f"scopes/{scope.pk}").json()

    assert [shown["selectAllResources"] for shown in read["traversalSpecInstances"]] == [True]
    assert root_door.put("scopes", {**read, "name": "every"}).status_code == 200
    scope.refresh_from_db()
    assert (scope.name, scope.kind) == ("every", ScopeKind.ALL)
