"""Grantees of a type, and what is embedded of their grants."""

import pytest
from django.utils.dateparse import parse_datetime

from accounts.models import User
from permissions.operations.types import ActionSpec, create_type
from tests import facts

pytestmark = pytest.mark.django_db

VIEW = "authentik_rbac.view_role"


@pytest.mark.parametrize(("grantees", "count"), [("users", 1), ("roles", 0)])
def test_a_type_without_actions_has_superusers_alone(client_of, root, grantees, count):
    create_type(actor=None, label="shop.idea")

    query = {"model": "shop.idea"}
    answer = client_of(root).get(f"/api/v3/rbac/permissions/assigned_by_{grantees}/", query)

    assert answer.status_code == 200
    assert answer.json()["pagination"]["count"] == count


ACTIONS = [ActionSpec(name=name) for name in ("view_idea", "change_idea")]
KEYS = ['"', "\\", '},{"id":', ',"object_pk":"', "a\x1f\x7f\t", "é\u2028😀", "1"]


@pytest.mark.parametrize(("grantees", "holder"), [("users", "bob"), ("roles", "cook")])
def test_grants_come_by_permission_and_object_whatever_the_keys(
    client_of, root, bob, grantees, holder
):
    create_type(actor=None, label="shop.idea", actions=ACTIONS)
    held_by = bob if grantees == "users" else facts.role(holder)
    for key in KEYS:
        facts.grant(held_by, "shop.view_idea", key)
    change = facts.grant(held_by, "shop.change_idea", "1")
    client, url = client_of(root), f"/api/v3/rbac/permissions/assigned_by_{grantees}/"

    plain, indented = (
        client.get(url, {"model": "shop.idea"}, HTTP_ACCEPT=accepted).json()["results"]
        for accepted in ("*/*", "application/json; indent=2")
    )

    [row] = [row for row in plain if holder in (row["name"], row.get("username"))]
    first, *others = row["permissions"]
    assert first == {
        "id": change.pk,
        "codename": "change_idea",
        "model": "idea",
        "app_label": "shop",
        "name": "Can change idea",
        "object_pk": "1",
        "valid_from": None,
        "valid_until": None,
    }
    assert {grant["codename"] for grant in others} == {"view_idea"}
    assert sorted(grant["object_pk"] for grant in others) == sorted(KEYS)
    assert row["object_permissions"] == row["permissions"]
    assert indented == plain


@pytest.mark.parametrize("grantees", ["users", "roles"])
@pytest.mark.parametrize("query", [{}, {"model": "no.model"}, {"model": "authentik_rbac.role"}])
def test_who_may_view_no_grantee_learns_nothing_about_types(client_of, charlie, grantees, query):
    response = client_of(charlie).get(f"/api/v3/rbac/permissions/assigned_by_{grantees}/", query)

    assert response.status_code == 403


@pytest.mark.parametrize("grantees", ["users", "roles"])
@pytest.mark.parametrize(
    "more", [{}, {"search": "o"}, {"search": "\0"}, {"object_pk": "1"}, {"page": 2}, {"page": "x"}]
)
@pytest.mark.parametrize("label", ["no.model", "role", "a.b.c"])
def test_an_unknown_type_is_named_however_it_is_asked_for(client_of, root, grantees, label, more):
    url = f"/api/v3/rbac/permissions/assigned_by_{grantees}/"

    response = client_of(root).get(url, {"model": label, **more})

    assert response.status_code == 400
    assert response.json() == {"model": [f'"{label}" is not a valid choice.']}


@pytest.mark.parametrize("grantees", ["users", "roles"])
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, {"now": "view"}),
        ("active", {"now": "view"}),
        ("future", {"later": "change"}),
        ("ended", {"before": "delete"}),
        ("all", {"now": "view", "later": "change", "before": "delete"}),
    ],
)
@pytest.mark.parametrize("on", [None, "1"])
def test_grants_of_another_time_are_shown_when_asked_for(
    client_of, root, grantees, state, expected, on
):
    create_type(actor=None, label="shop.idea", actions=[*ACTIONS, ActionSpec(name="delete_idea")])
    times = {
        "now": ("view", {"valid_until": facts.LATER}),
        "later": ("change", {"valid_from": facts.LATER}),
        "before": ("delete", {"valid_until": facts.OVER}),
    }
    shown = {}
    for name, (verb, window) in times.items():
        holder = User.objects.create(username=name) if grantees == "users" else facts.role(name)
        facts.grant(holder, f"shop.{verb}_idea", on, **window)
        shown[name] = [{"valid_from": None, "valid_until": None, **window}]
    query = {"model": "shop.idea", **({"object_pk": on} if on else {})}
    query |= {"state": state} if state else {}

    response = client_of(root).get(f"/api/v3/rbac/permissions/assigned_by_{grantees}/", query)

    held: dict[str, str] = {}
    members = "object_permissions" if on else "model_permissions"
    for row in response.json()["results"]:
        name = row.get("username", row["name"])
        if name != "root":
            [grant] = row[members]
            held[name] = grant["codename"].removesuffix("_idea")
            for member, moment in shown[name][0].items():
                assert (parse_datetime(grant[member]) if grant[member] else None) == moment
    assert held == expected


@pytest.mark.parametrize("grantees", ["users", "roles"])
def test_a_state_there_is_not_is_400(client_of, root, charlie, grantees):
    url = f"/api/v3/rbac/permissions/assigned_by_{grantees}/"
    query = {"model": "authentik_rbac.role", "state": "soon"}

    response = client_of(root).get(url, query)

    assert (response.status_code, list(response.json())) == (400, ["state"])
    assert client_of(charlie).get(url, query).status_code == 403
