"""Deny by default: every operation refuses whoever was given nothing, in the door's own words.

A new operation is among these without being named here; one that is open is named with the reason.
"""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import GroupKind, User
from api.genauth.errors import NOT_SIGNED_IN
from api.genauth.unsupported import NAMES
from permissions.operations.access_keys import create_access_key
from permissions.operations.types import ActionSpec, create_type
from roles.models import DEFAULT_NAMESPACE, Namespace
from tests import facts
from tests.api.genauth.conftest import PREFIX, Caller
from tests.routes import everything, routes_below

pytestmark = pytest.mark.django_db

OPEN = {"post get-management-token": "credentials are what it asks for"}
# Refuses nobody, and leaves out whom the caller may not view.
LISTS = {"post get-resource-authorized-targets"}
UNSUPPORTED = {f"{method} {name}" for method in ("get", "post") for name in NAMES}
ROUTES = {route.name for route in routes_below(PREFIX.removeprefix("/"))}
GUARDED = sorted(ROUTES - UNSUPPORTED - set(OPEN))


@pytest.fixture
def question(alice: User) -> dict[str, Any]:
    """One body for all: whatever an operation asks for, it names something that exists."""
    namespace = Namespace.objects.create(code="shop", name="Shop")
    facts.role("target", namespace=namespace, code="target")
    facts.group("target", alice, code="target")
    facts.group("division", alice, kind=GroupKind.DEPARTMENT, organization="company")
    create_type(actor=None, label="shop.target", actions=[ActionSpec(name="view_target")])
    facts.grant(alice, "shop.view_target")
    role = {"code": "target", "namespace": "shop"}
    new = {"code": "new", "name": "new", "type": "DATA", "namespace": DEFAULT_NAMESPACE}
    what = {"code": "target", "resourceType": "DATA", "actions": ["view"]}
    whom = {"targetType": "USER", "targetIdentifier": alice.hex_id}
    authorization = {
        "targetType": "USER", "targetIdentifiers": [alice.hex_id], "resources": [what],
    }  # fmt: skip
    key = create_access_key(actor=None, user=alice)
    return {
        **role,
        **whom,
        "namespaceCode": "shop",
        "roleCode": "target",
        "codes": ["target"],
        "codeList": ["target"],
        "roles": [role],
        "roleList": [role],
        "targets": [whom],
        "name": "new",
        "type": "DATA",
        "list": [authorization | new],
        "userId": alice.hex_id,
        "userIds": [alice.hex_id],
        "username": "new",
        "accessKeyId": key.access_key_id,
        "action": "view",
        "resource": "target:1",
        "resources": ["target:1"],
        "resourceList": ["target:1"],
        "actions": [{"name": "view"}],
        "organizationCode": "company",
        "organizationName": "company",
        "departmentId": "division",
        "parentDepartmentId": "division",
    }


def answer(caller: Caller, name: str, question: dict[str, Any]) -> dict[str, Any]:
    method, _, operation = name.partition(" ")
    if method == "post":
        return caller.call(operation, **question)
    flat = {
        key: value
        for key, value in question.items()
        if not isinstance(value, list) or isinstance(value[0], str)
    }
    return caller.ask(operation, **flat)


def test_the_operations_are_found():
    assert len(GUARDED) > 70
    assert set(OPEN) | UNSUPPORTED | LISTS <= ROUTES


@pytest.mark.parametrize("name", GUARDED)
def test_anonymous_callers_are_refused(caller_of, question, name):
    before = everything()
    refused = answer(caller_of(None), name, question)

    assert (refused["statusCode"], refused["apiCode"]) == (401, NOT_SIGNED_IN)
    assert everything() == before


@pytest.mark.parametrize("name", sorted(set(GUARDED) - LISTS))
def test_who_has_nothing_is_refused(caller_of, charlie, question, name):
    caller = caller_of(charlie)
    before = everything()

    assert answer(caller, name, question)["statusCode"] == 403
    assert everything() == before


@pytest.mark.parametrize("name", sorted(LISTS))
def test_who_has_nothing_is_shown_nothing(caller_of, charlie, question, root, name):
    assert answer(caller_of(root), name, question)["data"]["totalCount"] == 1
    assert answer(caller_of(charlie), name, question)["data"]["totalCount"] == 0


@pytest.mark.parametrize("name", GUARDED)
def test_who_was_deactivated_is_refused(caller_of, root, question, name):
    caller = caller_of(root)
    User.objects.filter(pk=root.pk).update(is_active=False)
    before = everything()
    refused = answer(caller, name, question)

    assert (refused["statusCode"], refused["apiCode"]) == (401, NOT_SIGNED_IN)
    assert everything() == before
