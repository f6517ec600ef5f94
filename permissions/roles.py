"""Creating and changing roles."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.text import slugify

from accounts.models import User
from audit.models import EventKind
from audit.operations import record
from permissions.ceiling import require_covers
from permissions.deletion import delete_roles
from permissions.initial import fire
from roles.models import DEFAULT_NAMESPACE, Namespace, Role

__all__ = ["create_role", "delete_roles", "update_role"]

LONGEST_CODE = 64
_FACTS = ("name", "code", "display_name", "description", "is_enabled", "disabled_from")


@transaction.atomic
def create_role(
    *,
    actor: User | None,
    name: str,
    namespace: Namespace | None = None,
    code: str | None = None,
    **fields: Any,
) -> Role:
    """Without a code, one is made from the name (schema page, *Identity across doors*)."""
    namespace = namespace or Namespace.objects.get(code=DEFAULT_NAMESPACE)
    role = Role(name=name, namespace=namespace, code=code or free_code(name, namespace), **fields)
    role.save(force_insert=True)
    record(EventKind.ROLE_CREATED, target=role, actor=actor, after=_facts(role))
    fire(actor=actor, label="authentik_rbac.role", keys=[str(role.pk)])
    return role


@transaction.atomic
def update_role(*, role: Role, actor: User | None, **fields: Any) -> Role:
    """Only what is given changes. Enabling a role gives its grants again: GrantCeiling."""
    changed = [name for name, value in fields.items() if getattr(role, name) != value]
    if not changed:
        return role
    if {"is_enabled", "disabled_from"} & set(changed):
        require_covers(actor=actor, roles=[role])
    before = _facts(role)
    for name in changed:
        setattr(role, name, fields[name])
    role.save(update_fields=[*changed, "last_updated"])
    record(EventKind.ROLE_CHANGED, target=role, actor=actor, before=before, after=_facts(role))
    return role


def free_code(name: str, namespace: Namespace) -> str:
    """A code like the name, free in the namespace: ``auditors``, ``auditors-2``, …"""
    stem = slugify(name)[: LONGEST_CODE - 7].strip("-_") or "role"
    taken = set(
        Role.objects.filter(namespace=namespace, code__startswith=stem).values_list(
            "code", flat=True
        )
    )
    number, code = 1, stem
    while code in taken:
        number += 1
        code = f"{stem}-{number}"
    return code


def _facts(role: Role) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(role, name) for name in _FACTS}
    facts["namespace"] = role.namespace.code
    if role.disabled_from:
        facts["disabled_from"] = role.disabled_from.isoformat()
    return facts
