"""Grants by replacement: what a principal may do on a resource becomes exactly what is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from django.contrib.auth.models import Permission
from django.db import transaction

from accounts.models import Group, User
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import ResourceRef, require_grants
from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from permissions.operations.grants import Grant, delete_grants, grant_facts
from permissions.operations.group_roles import own_roles
from roles.models import Role

BATCH = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What a principal may do on one resource of a type, or without key on all of them.

    A group's grants are kept in its own role. ``permissions`` are of the type, with their content
    types loaded; none takes everything away.
    """

    principal: User | Role | Group
    content_type_id: int
    object_pk: str | None
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """One of the four tables of grants: its model, and where it names the principal."""

    model: Any
    principal: str
    by_object: bool

    @property
    def unique(self) -> list[str]:
        return [self.principal, "permission", *(["object_pk"] if self.by_object else [])]

    def key(self, row: Any) -> _Key:
        pk = row.object_pk if self.by_object else None
        return getattr(row, f"{self.principal}_id"), row.permission.content_type_id, pk


_Key: TypeAlias = tuple[Any, int, str | None]
_TABLES = {
    (User, False): _Table(UserGlobalGrant, "user", by_object=False),
    (User, True): _Table(UserObjectPermission, "user", by_object=True),
    (Role, False): _Table(RoleGlobalGrant, "role", by_object=False),
    (Role, True): _Table(RoleObjectPermission, "group", by_object=True),
}


@transaction.atomic
def replace_grants(*, wanted: Iterable[Authorization], actor: User | None) -> None:
    """All or none, with a fixed number of statements; the same resource named twice adds up.

    Raises GrantCeiling for what is added; taking away meets no ceiling.
    """
    by_table: dict[_Table, list[Authorization]] = defaultdict(list)
    for one in _to_holders(list(wanted), actor):
        by_table[_TABLES[type(one.principal), one.object_pk is not None]].append(one)
    gone: list[Sequence[Grant]] = []
    added: list[tuple[_Table, list[Any]]] = []
    for table, authorizations in by_table.items():
        less, more = _difference(table, authorizations, actor)
        gone.append(less)
        added.append((table, more))
    require_grants(actor=actor, wanted=_facts(added))
    for rows in gone:
        delete_grants(rows, actor=actor)
    for table, rows in added:
        _write(table, rows)
    record_many(
        [
            Entry(
                kind=EventKind.GRANT_CREATED,
                target=getattr(row, table.principal),
                after=grant_facts(row, row.permission),
            )
            for table, rows in added
            for row in rows
        ],
        actor=actor,
    )


def _to_holders(wanted: Sequence[Authorization], actor: User | None) -> Iterator[Authorization]:
    groups = {one.principal.pk: one.principal for one in wanted if isinstance(one.principal, Group)}
    roles = own_roles(groups=list(groups.values()), actor=actor) if groups else {}
    for one in wanted:
        group = isinstance(one.principal, Group)
        yield replace(one, principal=roles[one.principal.pk]) if group else one


def _difference(
    table: _Table, authorizations: Sequence[Authorization], actor: User | None
) -> tuple[list[Grant], list[Any]]:
    """The rows to delete and those to write; a grant limited in time is written anew."""
    wanted: dict[_Key, dict[int, Permission]] = defaultdict(dict)
    principals = {}
    for one in authorizations:
        key = (one.principal.pk, one.content_type_id, one.object_pk)
        wanted[key].update({permission.pk: permission for permission in one.permissions})
        assert not isinstance(one.principal, Group)
        principals[one.principal.pk] = one.principal
    named: dict[str, Any] = {
        f"{table.principal}__in": principals,
        "permission__content_type__in": {content_type for _, content_type, _ in wanted},
    }
    if table.by_object:
        named["object_pk__in"] = {object_pk for _, _, object_pk in wanted}
    rows = table.model.objects.filter(**named).select_related(
        "permission__content_type", table.principal
    )
    gone, kept = [], set()
    for row in rows:
        if (key := table.key(row)) not in wanted:
            continue
        if row.permission_id not in wanted[key]:
            gone.append(row)
        elif row.valid_from is None and row.valid_until is None:
            kept.add((key, row.permission_id))
    more = [
        _row(table, principals[key[0]], permission, key[2], actor)
        for key, permissions in wanted.items()
        for permission in permissions.values()
        if (key, permission.pk) not in kept
    ]
    return gone, more


def _row(
    table: _Table,
    principal: User | Role,
    permission: Permission,
    object_pk: str | None,
    actor: User | None,
) -> Any:
    named: dict[str, Any] = {table.principal: principal, "permission": permission}
    if table.by_object:
        named |= {"object_pk": object_pk, "content_type_id": permission.content_type_id}
    return table.model(granted_by=actor, **named)


def _write(table: _Table, rows: Sequence[Any]) -> None:
    table.model.objects.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=table.unique,
        update_fields=["valid_from", "valid_until"],
    )


def _facts(
    added: Iterable[tuple[_Table, list[Any]]],
) -> Iterator[tuple[Permission, ResourceRef | None]]:
    seen = set()
    for table, rows in added:
        for row in rows:
            content_type = row.permission.content_type
            label = f"{content_type.app_label}.{content_type.model}"
            pk = row.object_pk if table.by_object else None
            if (row.permission_id, pk) not in seen:
                seen.add((row.permission_id, pk))
                yield row.permission, ResourceRef(label, pk) if table.by_object else None
