"""What audit events say of users, groups and roles, before and after."""

from __future__ import annotations

from typing import Any

from accounts.models import Group, User
from roles.models import Role

USER = ("username", "name", "email", "is_active", "type", "path", "attributes", "external_id")
GROUP = (
    "name", "display_name", "description", "kind", "code", "organization", "is_superuser",
    "attributes",
)  # fmt: skip
ROLE = ("name", "code", "display_name", "description", "is_enabled", "disabled_from")


def user_facts(user: User) -> dict[str, Any]:
    return {name: getattr(user, name) for name in USER}


def group_facts(group: Group) -> dict[str, Any]:
    return {name: getattr(group, name) for name in GROUP}


def role_facts(role: Role) -> dict[str, Any]:
    """Reads the namespace if it is not loaded."""
    facts: dict[str, Any] = {name: getattr(role, name) for name in ROLE}
    facts["namespace"] = role.namespace.code
    if role.disabled_from:
        facts["disabled_from"] = role.disabled_from.isoformat()
    return facts
