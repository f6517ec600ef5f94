"""InitialPermissions: what creators of things are granted on them, by the roles they hold.

Editing one is a grant to come and meets the ceiling; firing one follows from a rule that did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection, transaction

from accounts.models import User
from audit.models import EventKind
from audit.operations import record
from permissions.engine import require_grants
from permissions.operations.deletion import delete_rows
from permissions.operations.grant_rows import Grant
from permissions.operations.grants import write_grants
from permissions.operations.locks import lock_rows, refresh
from permissions.queries import holdings
from roles.models import InitialPermissions, InitialPermissionsMode, Role


@transaction.atomic
def create_initial_permissions(
    *,
    actor: User | None,
    name: str,
    role: Role,
    permissions: Iterable[Permission] = (),
    mode: str = InitialPermissionsMode.ROLE,
) -> InitialPermissions:
    """Permissions come with their content type loaded. Raises GrantCeiling."""
    permissions = list(permissions)
    require_grants(actor=actor, grants=[(permission, None) for permission in permissions])
    row = InitialPermissions.objects.create(name=name, role=role, mode=mode)
    row.permissions.set(permissions)
    record(EventKind.INITIAL_PERMISSIONS_CREATED, target=row, actor=actor, after=_facts(row))
    fire(actor=actor, label="authentik_rbac.initialpermissions", keys=[str(row.pk)])
    return row


@transaction.atomic
def update_initial_permissions(
    *,
    initial: InitialPermissions,
    actor: User | None,
    permissions: Iterable[Permission] | None = None,
    **fields: Any,
) -> InitialPermissions:
    """Only what is given changes. Another role, or the whole role instead of the creator alone, is
    given all of it anew. Raises GrantCeiling.
    """
    refresh(initial)
    before = _facts(initial)
    present = list(initial.permissions.select_related("content_type"))
    permissions = present if permissions is None else list(permissions)
    moved = "role" in fields and fields["role"] != initial.role
    to_role = fields.get("mode", initial.mode) == InitialPermissionsMode.ROLE
    widened = to_role and initial.mode != InitialPermissionsMode.ROLE
    given_already = [] if moved or widened else present
    added = [permission for permission in permissions if permission not in given_already]
    require_grants(actor=actor, grants=[(permission, None) for permission in added])
    for name, value in fields.items():
        setattr(initial, name, value)
    if fields:
        initial.save(update_fields=list(fields))
    initial.permissions.set(permissions)
    after = _facts(initial)
    if after != before:
        record(
            EventKind.INITIAL_PERMISSIONS_CHANGED,
            target=initial,
            actor=actor,
            before=before,
            after=after,
        )
    return initial


@transaction.atomic
def delete_initial_permissions(*, initial: InitialPermissions, actor: User | None) -> None:
    delete_rows(
        lock_rows([initial]), EventKind.INITIAL_PERMISSIONS_DELETED, actor=actor, before=_facts
    )


def fire(*, actor: User | None, label: str, keys: Sequence[str]) -> None:
    """Grant what the creator's roles say on the new resources of a type. Call in the transaction.

    Two statements when nothing applies; otherwise a fixed number per 5,000 grants.
    """
    if actor is None or not keys:
        return
    for rule, permissions in _rules(actor, label):
        principal = actor if rule.mode == InitialPermissionsMode.USER else rule.role
        grants = [Grant(principal, permission, key) for key in keys for permission in permissions]
        note = {"initial_permissions": rule.name}
        # Nobody has anything on what is new, unless it was named before it was registered. On
        # PostgreSQL that is found as it is written, and nothing need be looked up.
        looked_up = connection.vendor != "postgresql"
        write_grants(grants, actor=actor, there=None if looked_up else {}, note=note)


def _rules(actor: User, label: str) -> list[tuple[InitialPermissions, list[Permission]]]:
    """The rules of the roles the actor holds without limit, with their permissions of the type."""
    app_label, _, model = label.partition(".")
    rules = list(
        InitialPermissions.objects.filter(
            permissions__content_type__app_label=app_label, permissions__content_type__model=model
        )
        .distinct()
        .select_related("role")
        .prefetch_related("permissions__content_type")
    )
    if not rules:
        return []
    unlimited = {role for role, scopes in holdings(actor) if not scopes}
    return [
        (
            rule,
            [
                permission
                for permission in rule.permissions.all()
                if permission.content_type.app_label == app_label
                and permission.content_type.model == model
            ],
        )
        for rule in rules
        if rule.role_id in unlimited
    ]


def _facts(row: InitialPermissions) -> dict[str, Any]:
    return {
        "name": row.name,
        "role": str(row.role_id),
        "mode": str(row.mode),
        "permissions": sorted(
            f"{permission.content_type.app_label}.{permission.codename}"
            for permission in row.permissions.select_related("content_type")
        ),
    }
