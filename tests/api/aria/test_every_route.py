"""Deny by default: every operation refuses whoever was given nothing, in the door's own words.

A new operation is among these without being named here; one that is open is named with the reason.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.signins import sign_in
from api.aria.errors import BAD_TOKEN
from roles.models import Scope
from tests import facts
from tests.api.aria.conftest import PREFIX, Door
from tests.routes import everything, routes_below
from tests.server import ROOT

pytestmark = pytest.mark.django_db

TO_EVERYBODY = {
    "post token/acquire": "a password is what it asks for",
    "get sources": "which sources there are, before signing in",
    "get openapi.json": "the contract is public",
}
TO_CALLERS = {
    "post token/release": "one's own token",
    "get currentuser": "oneself",
    "get currentuser/permissions": "oneself",
    "get currentuser/roles/{role_name}/privileges": "of roles one holds oneself",
    "put users/passwordchange": "one's own password, with the old one",
    "get privileges": "what exists, not who holds it",
    "get privilegegroups": "what exists, not who holds it",
    "get traversalspecs": "a constant",
    "get sources/{source_id}": "a constant",
    "get sourcetypes": "a constant",
    "get sourcetypes/{type_id}": "a constant",
}
ROUTES = {route.name for route in routes_below(PREFIX.removeprefix("/") + "/")}
GUARDED = sorted(ROUTES - set(TO_EVERYBODY))
FOR_HOLDERS = sorted(set(GUARDED) - set(TO_CALLERS))
# Whose key the body names; a user's elsewhere.
KEYS = {"usergroups": "{group_id}", "scopes": "{scope_id}"}


@pytest.fixture
def path_of(alice: User) -> dict[str, str]:
    group = facts.group("target", alice)
    role = facts.role("target")
    facts.hold(role, alice)
    facts.hold(role, group)
    scope = Scope.objects.create(name="target")
    return {
        "{user_id}": str(alice.uuid),
        "{group_id}": str(group.pk),
        "{role_name}": role.name,
        "{scope_id}": str(scope.pk),
        "{source_id}": "local",
        "{type_id}": "local",
    }


def answer(door: Door, name: str, path_of: dict[str, str]) -> Any:
    """One body for all: whatever an operation asks for, it names something that exists."""
    method, _, path = name.partition(" ")
    path = re.sub(r"\{\w+\}", lambda found: path_of[found[0]], path)
    key = path_of[KEYS.get(path, "{user_id}")]
    if name in ("delete users", "delete usergroups"):
        path = f"{path}?id={key}"
    body = {
        "id": key,
        "uuids": [key],
        "name": "target" if method == "put" else "new",
        "username": "alice" if method == "put" else "new",
        "password": "correct horse battery staple",
    }
    if path.endswith("permissions"):
        body["roleName"] = "target"
    if path.endswith("privileges"):
        body["privilege-key"] = ["object.view"]
    return getattr(door, method)(path, body)


def test_the_operations_are_found():
    assert len(FOR_HOLDERS) > 25
    assert set(TO_EVERYBODY) | set(TO_CALLERS) <= ROUTES


@pytest.mark.parametrize("name", GUARDED)
def test_anonymous_callers_are_refused(stranger, path_of, name):
    before = everything()
    response = answer(stranger, name, path_of)

    assert (response.status_code, response.json()["apiErrorCode"]) == (401, BAD_TOKEN)
    assert everything() == before


@pytest.mark.parametrize("name", FOR_HOLDERS)
def test_who_has_nothing_is_refused(door_of, charlie, path_of, name):
    before = everything()
    response = answer(door_of(charlie), name, path_of)

    assert (response.status_code, response.json()["apiErrorCode"]) == (403, 403)
    assert everything() == before


@pytest.mark.parametrize("name", GUARDED)
def test_who_was_deactivated_is_refused(root, path_of, name):
    key, _ = sign_in(user=root)
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"OpsToken {key}")
    User.objects.filter(pk=root.pk).update(is_active=False)
    before = everything()
    response = answer(Door(client), name, path_of)

    assert (response.status_code, response.json()["apiErrorCode"]) == (401, BAD_TOKEN)
    assert everything() == before


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_every_operation_has_its_line_of_needs(name):
    method, _, path = name.partition(" ")
    lines = (ROOT / "docs" / "aria.md").read_text().splitlines()
    operations = [line.split("|")[1] for line in lines if line.startswith("| `")]

    assert sum(f"`{method.upper()} {path}`" in cell for cell in operations) == 1
