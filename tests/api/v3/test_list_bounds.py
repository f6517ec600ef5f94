"""What would keep the database busy for seconds is refused by the name of the parameter."""

import json
import uuid

import pytest

from tests import facts

pytestmark = pytest.mark.django_db

API, ARIA = "/api/v3", "/suite-api/api/auth"
SEARCHED = {
    "core/users/": {},
    "core/users/paths/": {},
    "core/groups/": {},
    "core/tokens/": {},
    "rbac/roles/": {},
    "rbac/scopes/": {},
    "rbac/role_assignments/": {},
    "rbac/initial_permissions/": {},
    "rbac/resource_types/": {},
    "rbac/resource_types/authentik_flows.flow/resources/": {},
    "rbac/permissions/": {},
    "rbac/permissions/assigned_by_users/": {"model": "authentik_rbac.role"},
    "rbac/permissions/assigned_by_roles/": {"model": "authentik_rbac.role"},
}


SEARCHES = {"many words": " ".join(f"w{n}" for n in range(1_000)), "a long one": "w" * 60_000}


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
@pytest.mark.parametrize("path", SEARCHED)
def test_a_search_has_its_bounds(client_of, root, path, search):
    query = {**SEARCHED[path], "search": search}

    response = client_of(root).get(f"{API}/{path}", query)

    assert (response.status_code, list(response.json())) == (400, ["search"])


@pytest.mark.parametrize("path", SEARCHED)
def test_fifty_words_are_a_search(client_of, root, path):
    query = {**SEARCHED[path], "search": " ".join(f"w{n}" for n in range(50))}

    assert client_of(root).get(f"{API}/{path}", query).status_code == 200


MANY = {
    "groups_by_pk": ("core/users/", [str(uuid.UUID(int=n)) for n in range(1_000)]),
    "roles_by_name": ("core/users/", [f"r{n}" for n in range(1_000)]),
    "type": ("core/users/", ["internal"] * 1_000),
    "members_by_pk": ("core/groups/", list(range(1_000))),
    "managed": ("rbac/roles/", [f"m{n}" for n in range(1_000)]),
}


@pytest.mark.parametrize("name", MANY)
def test_a_filter_has_its_bounds(client_of, root, name):
    path, values = MANY[name]

    response = client_of(root).get(f"{API}/{path}", {name: values})

    assert (response.status_code, list(response.json())) == (400, [name])


ATTRIBUTES = {"wide": {f"a{n}": n for n in range(1_200)}, "deep": {"__".join("a" * 1_200): 1}}


@pytest.mark.parametrize("wanted", ATTRIBUTES.values(), ids=ATTRIBUTES)
@pytest.mark.parametrize("path", ["core/users/", "core/groups/"])
def test_attributes_have_their_bounds(client_of, root, path, wanted):
    response = client_of(root).get(f"{API}/{path}", {"attributes": json.dumps(wanted)})

    assert (response.status_code, list(response.json())) == (400, ["attributes"])


def test_the_start_of_a_path_has_its_bounds(client_of, root):
    response = client_of(root).get(f"{API}/core/users/", {"path_startswith": "p" * 60_000})

    assert (response.status_code, list(response.json())) == (400, ["path_startswith"])


@pytest.mark.parametrize(
    ("path", "name"), [("users", "username"), ("users", "roleName"), ("usergroups", "name")]
)
def test_the_aria_door_has_its_bounds(client_of, root, path, name):
    response = client_of(root).get(f"{ARIA}/{path}", {name: [f"w{n}" for n in range(1_000)]})

    assert response.status_code == 400
    assert name in response.content.decode()


def test_two_hundred_names_are_a_filter(client_of, root):
    names = [facts.role(f"r{n}").name for n in range(200)]

    query = {"roles_by_name": names, "attributes": json.dumps({f"a{n}": n for n in range(50)})}

    assert client_of(root).get(f"{API}/core/users/", query).status_code == 200
