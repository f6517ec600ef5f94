"""Deny by default: every operation, whoever wrote it, refuses who was not given anything.

A new operation is among these without being named here; one that is open to everybody is named.
"""

import re

import pytest
from django.contrib.auth.models import Permission
from drf_spectacular.settings import spectacular_settings

from accounts.models import Token
from accounts.tokens import create_token
from permissions.models import UserObjectPermission
from roles.models import InitialPermissions
from tests import facts

pytestmark = pytest.mark.django_db

# What anybody with credentials may do: ask about itself, make itself tokens, read the catalogue.
OPEN = {
    "GET /core/tokens/",
    "POST /core/tokens/",
    "GET /core/users/me/",
    "GET /rbac/access/check/",
    "POST /rbac/access/check/",
    "GET /rbac/access/effective_permissions/",
    "POST /rbac/access/explain/",
    "POST /rbac/access/what_can/",
    "GET /rbac/permissions/",
    "GET /rbac/permissions/{pk}/",
}


def operations():
    generator = spectacular_settings.DEFAULT_GENERATOR_CLASS()
    generator._initialise_endpoints()
    prefix = "/api/v3"
    return sorted(
        f"{method} {path.removeprefix(prefix)}"
        for path, _, method, _ in generator.endpoints
        if path.startswith((f"{prefix}/core/", f"{prefix}/rbac/"))
    )


@pytest.fixture
def targets(alice, bob):
    """Per collection, the key of an object nobody but a superuser may touch."""
    group, role = facts.group("staff", alice), facts.role("cooks")
    return {
        "core/groups": group.pk,
        "core/tokens": create_token(user=alice, identifier="hers", actor=None).identifier,
        "core/users": alice.pk,
        "rbac/initial_permissions": InitialPermissions.objects.create(name="i", role=role).pk,
        "rbac/permissions/assigned_by_roles": role.pk,
        "rbac/permissions/assigned_by_users": alice.pk,
        "rbac/permissions/roles": facts.grant(role, "authentik_core.view_user", alice).pk,
        "rbac/permissions/users": facts.grant(bob, "authentik_core.view_user", alice).pk,
        "rbac/permissions": facts.permission("authentik_core.view_user").pk,
        "rbac/roles": role.pk,
    }


def call(client, operation, targets):
    method, path = operation.split(" ")
    collection = path.partition("{")[0].strip("/")
    url = re.sub(r"\{\w+\}", str(targets.get(collection, 1)), f"/api/v3{path}")
    return client.generic(method, url, b"{}", content_type="application/json")


def test_the_operations_are_found():
    assert {"GET /core/users/{pk}/", "POST /rbac/roles/"} <= set(operations())
    assert set(operations()) >= OPEN


@pytest.mark.parametrize("operation", operations())
def test_anonymous_callers_are_refused(anonymous, targets, operation):
    response = call(anonymous, operation, targets)

    assert response.status_code == 403
    assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("operation", sorted(set(operations()) - OPEN))
def test_who_has_nothing_is_refused(client_of, charlie, targets, operation):
    assert call(client_of(charlie), operation, targets).status_code in (403, 404)


def grant_all(user, row):
    UserObjectPermission.objects.bulk_create(
        UserObjectPermission(
            user=user,
            permission=permission,
            content_type_id=permission.content_type_id,
            object_pk=str(row.pk),
        )
        for permission in Permission.objects.filter(content_type__model=row._meta.model_name)
    )


@pytest.mark.parametrize("operation", [o for o in operations() if "{" in o and o not in OPEN])
def test_who_has_everything_on_other_objects_is_refused(client_of, charlie, targets, operation):
    token = create_token(user=charlie, identifier="his", actor=None)
    for row in (charlie, facts.group("crew"), facts.role("eaters"), token):
        grant_all(charlie, row)

    assert call(client_of(charlie), operation, targets).status_code in (403, 404)


@pytest.mark.parametrize("operation", operations())
def test_who_was_deactivated_is_refused(bearer_of, root, targets, operation):
    """CVE-2025-64521 and CVE-2025-53942: accounts that were switched off still got in elsewhere."""
    client = bearer_of(root)
    root.is_active = False
    root.save()

    response = call(client, operation, targets)

    assert response.status_code == 403
    assert response.json() == {"detail": "Token invalid/expired"}
    assert Token.objects.filter(identifier="hers").exists()
