"""Grantees of a type, and what is embedded of their grants."""

import pytest

from api.v3.grants import Asked, grants_of
from permissions.holders_sql import ROLES
from permissions.types import create_type
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


def test_a_permission_made_since_they_were_read_is_left_out():
    role, permission = facts.role("cook"), facts.permission(VIEW)
    facts.grant(role, VIEW, role)
    read = Asked(type_id=permission.content_type_id, object_pk=None, permissions={})

    on_objects, _ = grants_of(ROLES, [role.pk], read)

    assert on_objects == {}
