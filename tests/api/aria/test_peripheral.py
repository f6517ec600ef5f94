"""Sources, their types, and traversal specs: read-only."""

import pytest

from tests.api.aria.conftest import OTHER

pytestmark = pytest.mark.django_db


def test_there_is_one_source_and_strangers_learn_less_of_it(root_door, stranger):
    [known] = root_door.get("sources").json()["sources"]
    [seen] = stranger.get("sources").json()["sources"]

    assert known == seen | {"property": []}
    assert (known["name"], known["sourceType"]["id"]) == ("LOCAL", "LOCAL")
    assert root_door.get(f"sources/{known['id']}").json() == known
    assert root_door.get(f"sources/{OTHER}").status_code == 404


def test_source_types_are_found_by_word(root_door):
    types = root_door.get("sourcetypes").json()["sourceTypes"]

    assert len(types) == 9
    assert root_door.get("sourcetypes/VIDB").json()["id"] == "VIDB"
    assert root_door.get("sourcetypes/none").status_code == 404


def test_synchronizing_the_local_source_does_nothing(root_door):
    [local] = root_door.get("sources").json()["sources"]

    response = root_door.put(f"sources/{local['id']}/usergroups/synchronize")

    assert (response.status_code, response.content) == (200, b"")
    assert root_door.put(f"sources/{OTHER}/usergroups/synchronize").status_code == 404


def test_traversal_specs_are_filtered(root_door):
    found = root_door.get("traversalspecs?adapterKind=VMWARE&name=vSphere%20Storage").json()

    assert [spec["name"] for spec in found["specs"]] == ["vSphere Storage"]
    assert root_door.get("traversalspecs?resourceKind=none").json() == {"specs": []}
    assert len(root_door.get("traversalspecs").json()["specs"]) == 4
