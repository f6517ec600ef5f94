"""The collection of roles, and one role."""

import uuid

import pytest
from django.utils import timezone

from accounts.models import GroupClosure
from permissions import engine
from permissions.models import RoleGlobalGrant
from roles.models import Role
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

MISSING = "00000000-0000-4000-8000-000000000000"
URL = "/api/v3/rbac/roles/"
VIEW = "authentik_rbac.view_role"


@pytest.fixture
def role():
    return facts.role("auditors")


@pytest.fixture
def viewer(client_of, alice):
    facts.grant(alice, VIEW)
    return client_of(alice)


def url(role):
    return f"{URL}{getattr(role, 'pk', role)}/"


def names(response):
    assert response.status_code == 200, response.content
    return [row["name"] for row in response.json()["results"]]


# List


def test_a_page_has_authentiks_envelope(viewer):
    for name in ("c", "a", "b"):
        facts.role(name)

    body = viewer.get(URL, {"page": 2, "page_size": 1}).json()

    assert body == {
        "pagination": {
            "next": 3,
            "previous": 1,
            "count": 3,
            "current": 2,
            "total_pages": 3,
            "start_index": 2,
            "end_index": 2,
        },
        "results": [{"pk": str(Role.objects.get(name="b").pk), "name": "b"}],
        "autocomplete": {},
    }


@pytest.mark.parametrize("page", ["0", "99", "x", "-1", "9" * 5_000])
def test_a_page_that_does_not_exist_is_404(viewer, page):
    response = viewer.get(URL, {"page": page})

    assert (response.status_code, response.json()) == (404, {"detail": "Invalid page."})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "b"}, ["b"]),
        ({"group__name": "b"}, ["b"]),
        ({"search": "B"}, ["b"]),
        ({"ordering": "-name"}, ["c", "b", "a"]),
        ({"ordering": "-group__name"}, ["c", "b", "a"]),
        ({"ordering": "code,-nonsense"}, ["a", "b", "c"]),
        ({"managed__isnull": "true"}, ["a", "b", "c"]),
        ({"managed__isnull": "false"}, []),
        ({"managed": "x"}, []),
    ],
)
def test_filters_search_and_ordering(viewer, query, expected):
    for name in ("c", "a", "b"):
        facts.role(name)

    assert names(viewer.get(URL, query)) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("users", "x"),
        ("users", "1.5"),
        ("users", "9" * 5_000),
        ("groups", "x"),
        ("ak_groups", "7"),
        ("name", "a\0"),
        ("search", "a\0"),
        ("managed", "a\0"),
    ],
)
def test_a_malformed_filter_is_400(viewer, name, value):
    assert viewer.get(URL, {name: value}).status_code == 400


def test_the_services_own_roles_are_not_listed(viewer, role):
    facts.role("stand-in", managed="group 7")

    assert names(viewer.get(URL)) == ["auditors"]


@pytest.fixture
def chain(bob):
    """bob holds one role himself, one by his group, one by its ancestor, one through a role."""
    own, below, above, further = map(facts.role, ("own", "below", "above", "further"))
    group, ancestor = facts.group("staff", bob), facts.group("company")
    GroupClosure.objects.create(descendant=group, ancestor=ancestor)
    facts.hold(own, bob)
    facts.hold(below, group)
    facts.hold(above, ancestor)
    facts.hold(further, own)
    facts.hold(facts.role("expired"), bob, valid_until=timezone.now())
    return group


def test_roles_of_a_user(client_of, root, bob, chain):
    client = client_of(root)

    assert names(client.get(URL, {"users": bob.pk})) == ["own"]
    assert names(client.get(URL, {"users": bob.pk, "inherited": "true"})) == [
        "above",
        "below",
        "further",
        "own",
    ]
    assert names(client.get(URL, {"users": 999999})) == []
    assert names(client.get(URL, {"users": "9" * 30})) == []


@pytest.mark.parametrize("name", ["groups", "ak_groups"])
def test_roles_of_a_group(client_of, root, chain, name):
    client = client_of(root)

    assert names(client.get(URL, {name: chain.pk})) == ["below"]
    assert names(client.get(URL, {name: chain.pk, "inherited": "true"})) == ["above", "below"]
    assert names(client.get(URL, {name: uuid.uuid4()})) == []


def test_inherited_shows_only_roles_the_caller_may_view(client_of, alice, bob, chain):
    facts.grant(alice, "authentik_core.view_user")
    facts.grant(alice, VIEW, Role.objects.get(name="above"))

    assert names(client_of(alice).get(URL, {"users": bob.pk, "inherited": "true"})) == ["above"]


def test_what_a_hidden_user_holds_stays_hidden(viewer, bob, chain):
    assert names(viewer.get(URL, {"users": bob.pk})) == []
    assert names(viewer.get(URL, {"groups": chain.pk})) == []


def test_everybody_may_ask_for_their_own(viewer, alice, role):
    facts.hold(role, alice)

    assert names(viewer.get(URL, {"users": alice.pk})) == ["auditors"]


@pytest.mark.parametrize("many", [3, 150])
def test_a_list_needs_at_most_four_statements(bearer_of, alice, many):
    client = bearer_of(alice)
    facts.grant(alice, VIEW)
    Role.objects.bulk_create(Role(name=f"r{n:03}", code=f"r{n:03}") for n in range(many))

    with counted() as statements:
        response = client.get(URL)

    assert len(names(response)) == min(many, 100)
    assert len(statements) <= 4, statements


# Create


def test_creation_answers_201_with_the_role(client_of, alice):
    facts.grant(alice, "authentik_rbac.add_role")

    response = client_of(alice).post(URL, {"name": "New Role"})

    made = Role.objects.get(built_in=False)
    assert (response.status_code, response.json()) == (
        201,
        {"pk": str(made.pk), "name": "New Role"},
    )
    assert made.code == "new-role"


def test_a_recreated_role_has_nothing_of_the_dead_one(client_of, root, role, bob):
    facts.grant(role, VIEW)
    facts.grant(role, VIEW, role)
    facts.hold(role, bob)
    client = client_of(root)

    client.delete(url(role))
    client.post(URL, {"name": "auditors"})

    again = Role.objects.get(name="auditors")
    assert not again.global_grants.exists()
    assert not again.object_grants.exists()
    assert not again.assignments.exists()


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, ["This field is required."]),
        ({"name": ""}, ["This field may not be blank."]),
        ({"name": "  "}, ["This field may not be blank."]),
        ({"name": None}, ["This field may not be null."]),
        ({"name": "auditors"}, ["Role with this name already exists."]),
        ({"name": "x" * 151}, ["Ensure this field has no more than 150 characters."]),
        ({"name": "a\0"}, ["Null characters are not allowed."]),
        ({"name": []}, ["Not a valid string."]),
        ({"name": True}, ["Not a valid string."]),
        ({"name": {}}, ["Not a valid string."]),
    ],
)
@pytest.mark.parametrize("method", ["post", "put"])
def test_a_bad_name_is_400(client_of, root, role, method, body, errors):
    other = facts.role("others")
    target = URL if method == "post" else url(other)

    response = getattr(client_of(root), method)(target, body)

    assert (response.status_code, response.json()) == (400, {"name": errors})
    assert {row.name for row in Role.objects.public()} == {"auditors", "others"}


@pytest.mark.parametrize("body", ["[]", '"x"', "7", "null", "{", '{"name": "\\ud800"}'])
def test_a_body_that_is_no_object_is_400(client_of, root, body):
    response = client_of(root).post(URL, body, content_type="application/json")

    assert response.status_code == 400


# Change and delete


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_renamed_role_keeps_its_grants_and_shows_its_new_name(client_of, root, role, method):
    facts.grant(role, VIEW)
    client = client_of(root)

    response = getattr(client, method)(url(role), {"name": "inspectors"})

    assert response.json()["name"] == "inspectors"
    assert RoleGlobalGrant.objects.filter(role=role).exists()
    assert names(client.get(URL, {"group__name": "inspectors"})) == ["inspectors"]


def test_a_name_given_up_can_be_used_again(client_of, root, role):
    client = client_of(root)
    client.patch(url(role), {"name": "inspectors"})

    assert client.post(URL, {"name": "auditors"}).status_code == 201


def test_patch_without_members_changes_nothing(client_of, root, role):
    assert client_of(root).patch(url(role), {}).json()["name"] == "auditors"


def test_deletion_ends_what_it_gave_at_once(client_of, root, role, bob):
    facts.grant(role, VIEW)
    facts.hold(role, facts.group("staff", bob))

    response = client_of(root).delete(url(role))

    assert (response.status_code, response.content) == (204, b"")
    assert not engine.check(bob, VIEW).allowed


@pytest.mark.parametrize("key", [MISSING, "junk", "%00", "9" * 5_000])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_an_unknown_role_is_404(client_of, root, method, key):
    assert getattr(client_of(root), method)(url(key), {"name": "x"}).status_code == 404


def test_a_holder_of_view_and_change_on_a_role_changes_that_one(client_of, alice, role):
    facts.grant(alice, VIEW, role)
    facts.grant(alice, "authentik_rbac.change_role", role)

    assert client_of(alice).patch(url(role), {"name": "mine"}).status_code == 200
