"""Giving permissions to users and roles, globally or on one resource, and taking them away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from django.contrib.auth.models import Permission
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import ExpressionWrapper, F, IntegerField

from accounts.models import User
from audit.errors import Conflict, InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions import engine
from permissions.engine import (
    Parameter,
    Question,
    Resolved,
    ResourceRef,
    Statement,
    SubjectRef,
    canonical_pk,
    hold_resource,
    no_such,
    require_grants,
    resolve,
    resource_exists,
)
from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from roles.models import Role

Grant: TypeAlias = UserGlobalGrant | RoleGlobalGrant | UserObjectPermission | RoleObjectPermission
ObjectGrant: TypeAlias = UserObjectPermission | RoleObjectPermission
TIMES_SWAPPED = "The end must come after the start."


@transaction.atomic
def assign_permissions(
    *,
    principal: User | Role,
    names: Sequence[str],
    model: str | None,
    object_pk: str | None,
    actor: User | None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> list[int]:
    """One id per name, in order: the permission's for a global grant, else the grant row's.

    Idempotent: what exists keeps its row, and takes on the times given (none: unlimited).
    Raises InvalidInput and GrantCeiling; nothing is written then.
    """
    require_times(valid_from, valid_until)
    resolved = resolve(names=names, model=model, object_pk=object_pk)
    require_grants(actor=actor, wanted=[(p, resolved.resource) for p in resolved.permissions])
    resolved.require_resource()
    hold_resource(resolved.resource)
    rows = grant(
        principal=principal,
        permissions=resolved.permissions,
        resource=resolved.resource,
        actor=actor,
        valid_from=valid_from,
        valid_until=valid_until,
    )
    if resolved.resource is None:
        return [permission.pk for permission in resolved.permissions]
    return [rows[permission.pk].pk for permission in resolved.permissions]


def grant(
    *,
    principal: User | Role,
    permissions: Iterable[Permission],
    resource: ResourceRef | None,
    actor: User | None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> dict[int, Grant]:
    """Write the grants without asking the ceiling; rows by permission.

    For ``assign_permissions`` and for what follows from a rule rather than from somebody's wish.
    """
    wanted = {permission.pk: permission for permission in permissions}
    model, named = _table(principal, resource)
    times = {"valid_from": valid_from, "valid_until": valid_until}
    manager: Any = model.objects
    known = _known(model, named, list(wanted))
    changed = {pk: row for pk, row in known.items() if _times(row) != times}
    entries = []
    for pk, row in changed.items():
        before = grant_facts(row, wanted[pk])
        row.valid_from, row.valid_until = valid_from, valid_until
        entries.append(_entry(EventKind.GRANT_CHANGED, row, wanted[pk], before=before))
    if changed:
        manager.bulk_update(changed.values(), ["valid_from", "valid_until"])
    created = [
        model(
            permission=permission,
            granted_by=actor,
            **named,
            **times,
            **({"content_type_id": permission.content_type_id} if resource else {}),
        )
        # In one order: two who write the same rows in different orders wait for each other.
        for pk, permission in sorted(wanted.items())
        if pk not in known
    ]
    # Whoever loses a race against the same grant gets the winner's row instead of an error.
    manager.bulk_create(
        created,
        update_conflicts=True,
        unique_fields=_unique_fields(principal, resource),
        update_fields=["permission"],
    )
    new = {row.permission_id: row for row in created}
    known.update(new)
    entries += [
        _entry(EventKind.GRANT_CREATED, new[pk], permission)
        for pk, permission in wanted.items()
        if pk in new
    ]
    record_many(entries, actor=actor)
    return known


def _known(
    table: type[Grant], named: dict[str, Any], permissions: Sequence[int]
) -> dict[int, Grant]:
    """The rows there are already, by permission."""
    if not permissions:
        return {}
    statement = _rows_of(table, tuple(named), Parameter.room(permissions))
    keys = {name: getattr(value, "pk", value) for name, value in named.items()}
    columns = [field.attname for field in table._meta.concrete_fields]
    found: dict[int, Grant] = {}
    for values in statement.rows(**keys, permission=permissions):
        row = table.from_db(DEFAULT_DB_ALIAS, columns, values)
        for name, value in named.items():
            setattr(row, name, value)  # the grantee is at hand, and an event asks for it
        found[row.permission_id] = row
    return found


@lru_cache(maxsize=256)
def _rows_of(table: type[Grant], named: tuple[str, ...], room: int) -> Statement:
    manager: Any = table.objects
    keys = {name: Parameter(name, _column(table, name)) for name in named}
    # A foreign key's own `in` takes values alone.
    permission = ExpressionWrapper(F("permission_id"), IntegerField())
    found = manager.alias(wanted=permission).filter(
        wanted__in=Parameter.several("permission", room), **keys
    )
    return Statement.of(
        found.values_list(*(field.attname for field in table._meta.concrete_fields))
    )


def _column(table: type[Grant], name: str) -> Any:
    field: Any = table._meta.get_field(name)
    return field.target_field if field.is_relation else field


@transaction.atomic
def unassign_permissions(
    *,
    principal: User | Role,
    names: Sequence[str],
    model: str | None,
    object_pk: str | None,
    actor: User | None,
) -> None:
    """Take the named grants away; what is not held is no error. Raises InvalidInput.

    Where there was nothing to take, a resource hidden from the actor is answered like a missing
    one, so that nobody learns from the answer what exists.
    """
    resolved = resolve(names=names, model=model, object_pk=object_pk)
    table, named = _table(principal, resolved.resource)
    manager: Any = table.objects
    rows = list(
        manager.filter(permission__in=[p.pk for p in resolved.permissions], **named).select_related(
            "permission__content_type"
        )
    )
    if not rows:
        _knows_of(actor, resolved).require_resource()
    delete_grants(rows, actor=actor)


def _knows_of(actor: User | None, resolved: Resolved) -> Resolved:
    """With the resource gone unless the actor may view it or holds a named permission on it."""
    resource = resolved.resource
    if actor is None or resource is None or not resolved.exists:
        return resolved
    subject = SubjectRef.of(actor)
    actions = ["view", *(permission.codename for permission in resolved.permissions)]
    questions = [Question(subject=subject, action=name, resource=resource) for name in actions]
    known = any(decision.allowed for decision in engine.check_many(questions))
    return replace(resolved, exists=known)


def delete_grants(rows: Sequence[Grant], *, actor: User | None) -> None:
    """Delete grant rows (permission and type loaded), an event each. Call in a transaction."""
    if not rows:
        return
    entries = [
        Entry(
            kind=EventKind.GRANT_DELETED,
            target=_principal(row),
            before=grant_facts(row, row.permission),
        )
        for row in rows
    ]
    manager: Any = type(rows[0]).objects
    manager.filter(pk__in=[row.pk for row in rows]).delete()
    record_many(entries, actor=actor)


@transaction.atomic
def delete_object_grant(*, grant: ObjectGrant, actor: User | None) -> None:
    delete_grants([grant], actor=actor)


@transaction.atomic
def move_object_grant(*, grant: ObjectGrant, object_pk: str, actor: User | None) -> ObjectGrant:
    """Let an existing grant speak of another resource of the same type.

    Raises InvalidInput for a missing or malformed key, GrantCeiling when the actor does not hold
    the permission there, Conflict when the grantee has it already. The row keeps its id.
    """
    permission = grant.permission
    label = f"{permission.content_type.app_label}.{permission.content_type.model}"
    resource = ResourceRef(label, canonical_pk(label, object_pk))
    require_grants(actor=actor, wanted=[(permission, resource)])
    if not resource_exists(resource):
        raise no_such(resource)
    hold_resource(resource)
    _, named = _table(_principal(grant), resource)
    manager: Any = type(grant).objects
    if manager.filter(permission=permission, **named).exclude(pk=grant.pk).exists():
        raise Conflict(fields={"object_pk": ["This permission is granted on that object already."]})
    before = grant_facts(grant, permission)
    grant.object_pk = str(resource.id)
    manager.filter(pk=grant.pk).update(object_pk=grant.object_pk)
    record_many([_entry(EventKind.GRANT_CHANGED, grant, permission, before=before)], actor=actor)
    return grant


@transaction.atomic
def change_role_permissions(
    *,
    role: Role,
    added: Iterable[Permission],
    removed: Iterable[Permission],
    actor: User | None,
) -> None:
    """Global grants of the role; those neither added nor removed keep their times.

    Raises GrantCeiling.
    """
    added = list(added)
    require_grants(actor=actor, wanted=[(permission, None) for permission in added])
    gone = RoleGlobalGrant.objects.filter(role=role, permission__in=list(removed))
    delete_grants(list(gone.select_related("permission__content_type", "role")), actor=actor)
    grant(principal=role, permissions=added, resource=None, actor=actor)


def require_times(valid_from: datetime | None, valid_until: datetime | None) -> None:
    if valid_from and valid_until and valid_until <= valid_from:
        raise InvalidInput(fields={"valid_until": [TIMES_SWAPPED]})


def grant_facts(row: Grant, permission: Permission) -> dict[str, Any]:
    """What an audit event says of a grant."""
    content_type = permission.content_type
    facts: dict[str, Any] = {
        "permission": f"{content_type.app_label}.{permission.codename}",
        "model": f"{content_type.app_label}.{content_type.model}",
    }
    if isinstance(row, UserObjectPermission | RoleObjectPermission):
        facts["object_pk"] = row.object_pk
    for name, value in _times(row).items():
        if value is not None:
            facts[name] = value.isoformat()
    return facts


def _table(
    principal: User | Role, resource: ResourceRef | None
) -> tuple[type[Grant], dict[str, Any]]:
    """Where a grant is kept, and the columns that name grantee and resource there."""
    if resource is None:
        if isinstance(principal, User):
            return UserGlobalGrant, {"user": principal}
        return RoleGlobalGrant, {"role": principal}
    if isinstance(principal, User):
        return UserObjectPermission, {"user": principal, "object_pk": resource.id}
    return RoleObjectPermission, {"group": principal, "object_pk": resource.id}


def _unique_fields(principal: User | Role, resource: ResourceRef | None) -> list[str]:
    _, named = _table(principal, resource)
    return [*named, "permission"]


def _principal(row: Grant) -> User | Role:
    if isinstance(row, UserGlobalGrant | UserObjectPermission):
        return row.user
    return row.role if isinstance(row, RoleGlobalGrant) else row.group


def _times(row: Grant) -> dict[str, datetime | None]:
    return {"valid_from": row.valid_from, "valid_until": row.valid_until}


def _entry(
    kind: EventKind, row: Grant, permission: Permission, *, before: dict[str, Any] | None = None
) -> Entry:
    return Entry(
        kind=kind, target=_principal(row), before=before, after=grant_facts(row, permission)
    )
