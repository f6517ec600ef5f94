"""System checks: what would otherwise show as slow or wrong answers later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model, UniqueConstraint

from accounts.models import Group, GroupClosure, GroupMembership, Token, User
from permissions.models import Resource, ResourceClosure, ResourceType
from permissions.models.fact_tables import GRANTS
from roles.models import Role, RoleAssignment, ScopeEntry

# Every decision goes through these by their indexes.
READ_BY_INDEX: tuple[type[Model], ...] = (
    User,
    Token,
    Group,
    GroupMembership,
    GroupClosure,
    Role,
    RoleAssignment,
    ScopeEntry,
    ResourceType,
    Resource,
    ResourceClosure,
    *(table.model for table in GRANTS),
)


@register(Tags.database)
def indexes_exist(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Asked for by ``serve`` and ``migrate``. Pending migrations come first: they may bring what
    is missing, and must not be kept from running.
    """
    return [error for alias in databases or () for error in _missing(alias)]


def _missing(alias: str) -> Iterator[CheckMessage]:
    connection = connections[alias]
    try:
        if _migrations_are_pending(connection):
            return
        with connection.cursor() as cursor:
            for model in READ_BY_INDEX:
                found = connection.introspection.get_constraints(cursor, model._meta.db_table)
                yield from (_error(model, name, alias) for name in _lacking(model, found))
    except OperationalError:
        return  # readiness says so, and the service may start before its database does


def _migrations_are_pending(connection: Any) -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _lacking(model: type[Model], found: Mapping[str, Any]) -> Iterator[str]:
    unique = [c for c in model._meta.constraints if isinstance(c, UniqueConstraint)]
    for named in (*model._meta.indexes, *unique):
        if named.name not in found:
            yield named.name
    alone = {tuple(c["columns"] or ()) for c in found.values() if c["unique"] or c["primary_key"]}
    for field in model._meta.local_concrete_fields:
        if field.unique and (field.column,) not in alone:
            yield f"on {field.column}"


def _error(model: type[Model], name: str, alias: str) -> CheckMessage:
    table = model._meta.db_table
    return Error(
        f"The index {name} of {table} is missing in {alias}: decisions would read the whole table.",
        hint=(
            "Run manage.py migrate. If that changes nothing, somebody dropped the index: create it"
            " again as manage.py sqlmigrate shows it."
        ),
        obj=model,
        id="rbac.E001",
    )
