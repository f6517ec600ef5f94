"""The catalogue of permissions."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission

from permissions.setup.catalogue import CATALOGUE
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/rbac/permissions/"
VIEW = "authentik_rbac.view_role"
MISSING = "00000000-0000-4000-8000-000000000000"


def codenames(response):
    assert response.status_code == 200, response.content
    return [row["codename"] for row in response.json()["results"]]


def test_every_authenticated_caller_reads_it(client_of, charlie):
    assert client_of(charlie).get(URL).json()["pagination"]["count"] > 496


def test_a_permission_is_named_as_authentik_names_it(client_of, charlie):
    pk = facts.permission("authentik_rbac.assign_role_permissions").pk

    assert client_of(charlie).get(f"{URL}{pk}/").json() == {
        "id": pk,
        "name": "Can assign permissions to users",
        "codename": "assign_role_permissions",
        "model": "role",
        "app_label": "authentik_rbac",
        "app_label_verbose": "authentik RBAC",
        "model_verbose": "Role",
    }


def test_every_permission_of_the_catalogue_is_there(client_of, charlie):
    client, found, page = client_of(charlie), set(), 1
    while page:
        body = client.get(URL, {"page": page, "page_size": 1000}).json()
        found |= {
            (f"{row['app_label']}.{row['model']}", row["codename"]) for row in body["results"]
        }
        page = body["pagination"]["next"]

    types = json.loads(Path(CATALOGUE).read_text())["types"]
    assert {(t["label"], codename) for t in types for codename, _ in t["permissions"]} <= found


def test_permissions_of_unregistered_types_do_not_exist(client_of, root):
    unregistered = Permission.objects.filter(content_type__app_label="auth").first()

    assert client_of(root).get(f"{URL}{unregistered.pk}/").status_code == 404
    assert client_of(root).get(URL, {"content_type__app_label": "auth"}).json()["results"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"codename": "view_role"}, ["view_role"]),
        (
            {"content_type__app_label": "authentik_rbac", "content_type__model": "role"},
            [
                "add_role",
                "assign_role_permissions",
                "change_role",
                "delete_role",
                "unassign_role_permissions",
                "view_role",
            ],
        ),
        ({"search": "impersonate"}, ["impersonate"]),
        ({"search": "Reset Password"}, ["reset_user_password"]),
    ],
)
def test_filters_and_search(client_of, charlie, query, expected):
    response = client_of(charlie).get(URL, {**query, "ordering": "codename"})

    assert codenames(response) == expected


def test_it_comes_by_name(client_of, charlie):
    names = [row["name"] for row in client_of(charlie).get(URL).json()["results"]]

    assert names == sorted(names)


def test_what_a_role_holds_globally(client_of, root):
    role = facts.role("auditors")
    facts.grant(role, VIEW)
    facts.grant(role, "authentik_core.view_user", "7")
    facts.grant(role, "authentik_core.view_group", valid_until="2020-01-01T00:00:00Z")

    assert codenames(client_of(root).get(URL, {"role": role.pk})) == ["view_role"]


def test_what_a_user_was_granted_globally_itself(client_of, root, bob):
    facts.grant(bob, VIEW)
    facts.grant(bob, "authentik_core.view_user", "7")

    assert codenames(client_of(root).get(URL, {"user": bob.pk})) == ["view_role"]
    assert codenames(client_of(bob).get(URL, {"user": bob.pk})) == ["view_role"]


def test_by_somebody_unknown_or_hidden_it_is_not_filtered(client_of, root, bob, charlie):
    role = facts.role("auditors")

    for name, hidden, missing in (("role", role.pk, MISSING), ("user", bob.pk, "999999")):
        answers = [
            client_of(charlie).get(URL, {name: hidden}),
            client_of(root).get(URL, {name: missing}),
        ]
        assert [answer.status_code for answer in answers] == [400, 400]
        assert answers[0].json() == answers[1].json()
        assert list(answers[0].json()) == [name]


@pytest.mark.parametrize(
    ("name", "value"),
    [("role", "x"), ("user", "x"), ("user", "9" * 5_000), ("codename", "\0"), ("search", "\0")],
)
def test_a_malformed_filter_is_400(client_of, charlie, name, value):
    assert client_of(charlie).get(URL, {name: value}).status_code == 400


@pytest.mark.parametrize("key", ["0", "junk", "9" * 40, "%00"])
def test_an_unknown_permission_is_404(client_of, charlie, key):
    assert client_of(charlie).get(f"{URL}{key}/").status_code == 404


def test_anonymous_callers_are_refused(anonymous):
    pk = facts.permission(VIEW).pk

    assert anonymous.get(URL).json() == {"detail": "Authentication credentials were not provided."}
    assert anonymous.get(f"{URL}{pk}/").json() == {
        "detail": "You do not have permission to perform this action."
    }


def test_a_page_needs_three_statements(bearer_of, charlie):
    client = bearer_of(charlie)

    with counted() as statements:
        assert len(codenames(client.get(URL, {"page_size": 500}))) == 500

    assert len(statements) == 3, statements
