"""Roles together with what they allow everywhere on resources of one type, by name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction

from accounts.models import User
from permissions.engine import require_may
from permissions.operations.grants import change_role_permissions
from permissions.operations.roles import create_role, update_role
from permissions.operations.types import ensure_actions
from roles.models import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionChange:
    """Codenames of actions on resources of a type. Those added need not exist: they come to be."""

    type: str
    added: Collection[str] = ()
    removed: Collection[str] = ()


@transaction.atomic
def save_role(
    *, role: Role | None, actor: User | None, actions: ActionChange, **fields: Any
) -> Role:
    """A new role, or changes of the one there is, with what it allows: all or nothing."""
    if role is None:
        role = create_role(actor=actor, **fields)
    else:
        update_role(role=role, actor=actor, **fields)
    change_role_actions(role=role, change=actions, actor=actor)
    return role


@transaction.atomic
def change_role_actions(*, role: Role, change: ActionChange, actor: User | None) -> None:
    """To give needs ``assign_role_permissions`` on the role, to take ``unassign_…``: Forbidden."""
    # Asked here and not by the door: whoever has just created the role may hold it since then.
    for action, codenames in (("assign", change.added), ("unassign", change.removed)):
        if codenames:
            require_may(actor=actor, action=f"{action}_role_permissions", rows=[role])
    if change.added or change.removed:
        app_label, _, model = change.type.partition(".")
        change_role_permissions(
            role=role,
            added=ensure_actions(type_label=change.type, names=change.added, actor=actor),
            removed=Permission.objects.filter(
                content_type__app_label=app_label,
                content_type__model=model,
                codename__in=change.removed,
            ),
            actor=actor,
        )
