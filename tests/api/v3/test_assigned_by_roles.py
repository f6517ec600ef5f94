"""Which roles have been granted something."""

import pytest
from django.utils import timezone

from roles.models import Role
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/rbac/permissions/assigned_by_roles/"
VIEW, CHANGE = "authentik_rbac.view_role", "authentik_rbac.change_role"
ROLE = "authentik_rbac.role"


@pytest.fixture
def thing():
    return facts.role("thing")


@pytest.fixture
def auditors():
    return facts.role("auditors")


def names(response):
    assert response.status_code == 200, response.content
    return [row["name"] for row in response.json()["results"]]


def test_a_row_has_the_members_of_every_release(client_of, root, auditors, thing):
    there = facts.grant(auditors, VIEW, thing)
    everywhere = facts.grant(auditors, "authentik_core.view_user")

    response = client_of(root).get(URL, {"model": ROLE, "object_pk": thing.pk, "ordering": "pk"})

    row = {
        "id": there.pk,
        "codename": "view_role",
        "model": "role",
        "app_label": "authentik_rbac",
        "name": "Can view Role",
        "object_pk": str(thing.pk),
        "valid_from": None,
        "valid_until": None,
    }
    assert response.json()["pagination"]["count"] == 1
    assert response.json()["results"] == [
        {
            "role_pk": str(auditors.pk),
            "name": "auditors",
            "permissions": [row],
            "object_permissions": [row],
            "model_permissions": [
                {
                    "id": everywhere.pk,
                    "codename": "view_user",
                    "model": "user",
                    "app_label": "authentik_core",
                    "name": "Can view User",
                    "valid_from": None,
                    "valid_until": None,
                }
            ],
        }
    ]


@pytest.fixture
def holders(auditors, thing):
    """One holder of each kind of grant there is."""
    facts.grant(facts.role("everywhere"), VIEW)
    facts.grant(facts.role("there"), VIEW, thing)
    facts.grant(facts.role("elsewhere"), VIEW, auditors)
    facts.grant(facts.role("other model"), "authentik_core.view_group")
    facts.grant(facts.role("same key, other model"), "authentik_core.view_group", str(thing.pk))
    facts.grant(facts.role("over"), VIEW, thing, valid_until=timezone.now())
    facts.grant(facts.role("to come"), VIEW, valid_from="2999-01-01T00:00:00Z")
    facts.grant(facts.role("managed", managed="x"), VIEW)


def test_by_model_everybody_with_any_grant_of_the_type(client_of, root, holders):
    expected = ["elsewhere", "everywhere", "there"]

    assert names(client_of(root).get(URL, {"model": ROLE})) == expected


def test_by_object_those_on_it_and_those_on_everything(client_of, root, holders, thing):
    response = client_of(root).get(URL, {"model": ROLE, "object_pk": thing.pk})

    assert names(response) == ["everywhere", "there"]


def test_only_grants_of_the_object_asked_for_are_in_the_rows(client_of, root, auditors, thing):
    facts.grant(auditors, VIEW, thing)
    facts.grant(auditors, CHANGE, auditors)
    facts.grant(auditors, "authentik_core.view_group", "7")
    client = client_of(root)

    [by_model] = client.get(URL, {"model": ROLE}).json()["results"]
    [by_object] = client.get(URL, {"model": ROLE, "object_pk": thing.pk}).json()["results"]

    assert [row["codename"] for row in by_model["permissions"]] == ["change_role", "view_role"]
    assert [row["codename"] for row in by_object["permissions"]] == ["view_role"]


def test_a_renamed_role_shows_its_new_name(client_of, root, auditors):
    facts.grant(auditors, VIEW)
    Role.objects.filter(pk=auditors.pk).update(name="inspectors")

    assert names(client_of(root).get(URL, {"model": ROLE})) == ["inspectors"]


def test_only_roles_the_caller_may_view(client_of, alice, holders):
    facts.grant(alice, VIEW, Role.objects.get(name="there"))

    assert names(client_of(alice).get(URL, {"model": ROLE})) == ["there"]


def test_it_refuses_a_stranger_before_it_reads_the_question(client_of, charlie, holders):
    assert client_of(charlie).get(URL).status_code == 403


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ({}, "model"),
        ({"model": ""}, "model"),
        ({"model": "role"}, "model"),
        ({"model": "no.model"}, "model"),
        ({"model": "a.\0"}, "model"),
        ({"model": "auth.permission"}, "model"),
        ({"model": ROLE, "object_pk": "x"}, "object_pk"),
        ({"model": ROLE, "object_pk": "\0"}, "object_pk"),
        ({"model": "authentik_core.user", "object_pk": "9" * 40}, "object_pk"),
    ],
)
def test_bad_input_is_named(client_of, root, query, member):
    response = client_of(root).get(URL, query)

    assert (response.status_code, list(response.json())) == (400, [member])


@pytest.mark.parametrize(
    "query",
    [
        {"ordering": "name"},
        {"ordering": "group__name"},
        {"ordering": "nonsense"},
        {"search": "e", "page_size": "x"},
    ],
)
def test_ordering_and_search(client_of, root, holders, query):
    response = client_of(root).get(URL, {"model": ROLE, **query})

    assert names(response) == ["elsewhere", "everywhere", "there"]
    assert names(client_of(root).get(URL, {"model": ROLE, "ordering": "-name"}))[0] == "there"


@pytest.mark.parametrize("asked", [{}, {"object_pk": "7"}])
@pytest.mark.parametrize("many", [2, 120])
def test_it_needs_at_most_eight_statements(bearer_of, root, many, asked):
    client = bearer_of(root)
    for n in range(many):
        role = facts.role(f"r{n}")
        facts.grant(role, "authentik_flows.view_flow", "7")
        facts.grant(role, "authentik_flows.change_flow", "7")
        facts.grant(role, "authentik_flows.change_flow")

    with counted() as statements:
        response = client.get(URL, {"model": "authentik_flows.flow", **asked})

    assert response.json()["pagination"]["count"] == many
    assert len(statements) <= 8, statements


def test_a_page_of_too_many_grants_is_refused(client_of, root, auditors, thing, monkeypatch):
    facts.grant(auditors, VIEW, thing)
    facts.grant(auditors, CHANGE, thing)
    monkeypatch.setattr("api.v3.grants.MOST_GRANTS", 1)

    response = client_of(root).get(URL, {"model": ROLE})

    assert (response.status_code, list(response.json())) == (400, ["page_size"])
