"""Who may change what is linked to what, when it is written as a list inside an object.

Changing a user or group does not allow changing who belongs where: each link added or removed needs
the permission that its own endpoint needs. The grant ceiling judges what a link gives, besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model
from rest_framework.exceptions import PermissionDenied

from accounts.models import Group, User
from api.access import decisions_on, resource_of
from roles.models import Role

JOIN, LEAVE = "authentik_core.add_user_to_group", "authentik_core.remove_user_from_group"
CHANGE_ROLE = "authentik_rbac.change_role"


def require_links(caller: User, written: Mapping[str, Any], instance: Any = None) -> None:
    """``written`` is the validated body of a user or a group, ``instance`` None when it is new.

    Two statements at most, besides those that read what is linked now.
    """
    needed: list[tuple[str, Model]] = []
    for name in ("groups", "parents"):
        if name in written:
            needed += _changes(written[name], _linked(instance, name), JOIN, LEAVE)
    if "roles" in written:
        linked = _linked(instance, "roles")
        needed += _changes(written["roles"], linked, CHANGE_ROLE, CHANGE_ROLE)
    if "users" in written and instance is not None:
        added, removed = _delta(written["users"], _linked(instance, "users"))
        needed += [(JOIN, instance)] * bool(added) + [(LEAVE, instance)] * bool(removed)
    decisions = decisions_on(caller, [(name, resource_of(row)) for name, row in needed])
    for (permission, row), decision in zip(needed, decisions, strict=True):
        if not decision.allowed:
            raise PermissionDenied(f"You need {permission} on {row._meta.verbose_name} {row.pk}.")


def _changes(
    asked: Iterable[Model], linked: Mapping[Any, Model], adding: str, removing: str
) -> list[tuple[str, Model]]:
    added, removed = _delta(asked, linked)
    return [(adding, row) for row in added] + [(removing, row) for row in removed]


def _delta(asked: Iterable[Model], linked: Mapping[Any, Model]) -> tuple[list[Model], list[Model]]:
    rows = {row.pk: row for row in asked}
    added = [row for pk, row in rows.items() if pk not in linked]
    return added, [row for pk, row in linked.items() if pk not in rows]


def _linked(instance: Any, name: str) -> dict[Any, Model]:
    """What the lists of an object, as the views read it, hold now; the keys alone are filled."""
    if instance is None:
        return {}
    model = {"groups": Group, "parents": Group, "users": User, "roles": Role}[name]
    return {row["key"]: model(pk=row["key"]) for row in instance.linked()[name]}
