"""Deny by default: every route × method × caller without a right to it is refused.

The routes come from the URL resolver. A new one must refuse everybody here unless it is named as
open with the reason, and fails until ``World`` knows a target for its path.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Permission

from accounts.models import GroupMembership, User
from accounts.tokens import create_token
from permissions.models import ResourceType, UserObjectPermission
from permissions.operations.types import ActionSpec, create_type
from roles.models import InitialPermissions, Scope
from tests import facts
from tests.routes import everything, routes_below

pytestmark = pytest.mark.django_db

PREFIX = "api/v3/"

# Open on purpose: to everybody, or to every authenticated caller (who then gets its own things).
TO_EVERYBODY = {
    "get schema/": "the contract is public",
    "get ": "Swagger UI",
    "get redoc/": "Redoc",
    "get root/config/": "asked for by programs before they sign in",
}
TO_CALLERS = {
    "get rbac/permissions/": "the catalogue says what exists, not who holds it",
    "get rbac/permissions/{pk}/": "the catalogue",
    "get core/users/me/": "oneself",
    "get core/tokens/": "one's own tokens",
    "post core/tokens/": "a token for oneself",
    "get rbac/access/check/": "what one may do oneself",
    "get rbac/access/effective_permissions/": "what one may do oneself",
    "post rbac/access/check/": "what one may do oneself",
    "post rbac/access/what_can/": "what one may do oneself",
    "post rbac/bulk/assign/": "whom the body names decides, and it is read first",
    "post rbac/bulk/revoke/": "whom the body names decides, and it is read first",
}


# GenAuth's door shares the prefix, but refuses in its own words: it has tests of its own.
NAMES = sorted(route.name for route in routes_below(PREFIX) if "genauth" not in route.module)
GUARDED = [name for name in NAMES if name not in TO_EVERYBODY]
FOR_HOLDERS = [name for name in GUARDED if name not in TO_CALLERS]


class World(NamedTuple):
    target: dict[str, str]
    holder: User


@pytest.fixture
def world(alice: User) -> World:
    """One of everything; and a user who holds every permission, each on another object only."""
    kind = create_type(actor=None, label="shop.invoice", actions=[ActionSpec(name="view_invoice")])
    role, group = facts.role("target"), facts.group("target")
    token = create_token(user=alice, identifier="target", actor=None)
    initial = InitialPermissions.objects.create(name="target", role=role)
    resource = facts.resource("shop.invoice", "42")
    role_grant = facts.grant(role, "authentik_rbac.view_role", role)
    user_grant = facts.grant(alice, "authentik_rbac.view_role", role)
    return World(
        target={
            "core/users": str(alice.pk),
            "core/groups": str(group.pk),
            "core/tokens": token.identifier,
            "rbac/roles": str(role.pk),
            "rbac/roles/{role}/parents": str(role.pk),
            "rbac/role_assignments": str(facts.hold(role, alice).pk),
            "rbac/memberships": str(GroupMembership.objects.create(group=group, user=alice).pk),
            "rbac/scopes": str(Scope.objects.create(name="target").pk),
            "rbac/initial_permissions": str(initial.pk),
            "rbac/permissions/assigned_by_roles": str(role.pk),
            "rbac/permissions/assigned_by_users": str(alice.pk),
            "rbac/permissions/roles": str(role_grant.pk),
            "rbac/permissions/users": str(user_grant.pk),
            "rbac/permissions": str(facts.permission("authentik_rbac.view_role").pk),
            "rbac/resource_types/{label}/resources": resource.object_pk,
            "rbac/resource_types/{label}/actions": "view",
            "rbac/resource_types": kind.label,
        },
        holder=holder_elsewhere(),
    )


def holder_elsewhere() -> User:
    holder = User.objects.create(username="holder")
    other: dict[str, Any] = {
        "authentik_core.user": User.objects.create(username="other"),
        "authentik_core.group": facts.group("other"),
        "authentik_core.token": create_token(user=holder, identifier="other", actor=None),
        "authentik_rbac.role": facts.role("other"),
        "permissions.resource": facts.resource("shop.invoice", "other"),
        "permissions.resourcetype": ResourceType.objects.labelled("authentik_flows.flow").get(),
    }
    other["authentik_rbac.initialpermissions"] = InitialPermissions.objects.create(
        name="other", role=other["authentik_rbac.role"]
    )
    for permission in Permission.objects.select_related("content_type"):
        label = f"{permission.content_type.app_label}.{permission.content_type.model}"
        if label in other:
            UserObjectPermission.objects.create(
                user=holder, permission=permission, object_pk=str(other[label].pk)
            )
    return holder


def filled(path: str, target: dict[str, str]) -> str:
    """The path to the target: the longest known prefix says whose key its parameter is."""
    for prefix in sorted(target, key=len, reverse=True):
        if path.startswith(f"{prefix}/{{"):
            path = re.sub(r"\{\w+\}", target[prefix], path.removeprefix(prefix), count=1)
            path = prefix + path
            break
    path = path.replace("{label}", "shop.invoice").replace("{role}", target["rbac/roles"])
    assert "{" not in path, f"{path} has a parameter this test does not know"
    return f"/{PREFIX}{path}"


def answer(client: Any, name: str, world: World) -> Any:
    method, _, path = name.partition(" ")
    return getattr(client, method)(filled(path, world.target), {})


def test_the_matrix_covers_the_door():
    assert len(NAMES) > 60
    assert set(TO_EVERYBODY) | set(TO_CALLERS) <= set(NAMES)


@pytest.mark.parametrize("name", GUARDED)
def test_anonymous_callers_are_refused(anonymous, world, name):
    before = everything()
    response = answer(anonymous, name, world)

    assert response.status_code == 403
    assert set(response.json()) == {"detail"}
    assert everything() == before


@pytest.mark.parametrize("name", FOR_HOLDERS)
def test_callers_without_any_permission_are_refused(client_of, charlie, world, name):
    before = everything()

    assert answer(client_of(charlie), name, world).status_code in (403, 404)
    assert everything() == before


@pytest.mark.parametrize("name", [name for name in FOR_HOLDERS if "{" in name])
def test_holders_on_another_object_are_refused(client_of, world, name):
    before = everything()
    response = answer(client_of(world.holder), name, world)

    if name == "get rbac/resource_types/{label}/resources/":
        # A list within another's path: it holds what the caller may view, and nothing else.
        assert [row["object_pk"] for row in response.json()["results"]] == ["other"]
    else:
        assert response.status_code in (403, 404)
    assert everything() == before


@pytest.mark.parametrize("name", [name for name in FOR_HOLDERS if name.startswith("post")])
def test_holders_on_objects_create_nothing(client_of, world, name):
    before = everything()

    assert answer(client_of(world.holder), name, world).status_code in (400, 403, 404)
    assert everything() == before


@pytest.mark.parametrize("name", GUARDED)
def test_callers_who_were_deactivated_are_refused(bearer_of, root, world, name):
    """CVE-2025-64521 and CVE-2025-53942: accounts that were switched off still got in elsewhere."""
    client = bearer_of(root)
    User.objects.filter(pk=root.pk).update(is_active=False)
    before = everything()
    response = answer(client, name, world)

    assert response.status_code == 403
    assert response.json() == {"detail": "Token invalid/expired"}
    assert everything() == before
