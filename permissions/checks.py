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

MISSING = "The index {} of {} is missing in {}: decisions would read the whole table."
HINT = (
    "Run manage.py migrate. If that changes nothing, somebody dropped the index: create it again as"
    " manage.py sqlmigrate shows it."
)


@register(Tags.database)
def indexes_exist(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Asked for by ``serve`` and ``migrate``. Pending migrations come first: they may bring what
    is missing, and must not be kept from running.
    """
    errors: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                continue
            with connection.cursor() as cursor:
                for model in READ_BY_INDEX:
                    table = model._meta.db_table
                    there = connection.introspection.get_constraints(cursor, table)
                    errors += [
                        Error(
                            MISSING.format(name, table, alias), hint=HINT, obj=model, id="rbac.E001"
                        )
                        for name in _missing(model, there)
                    ]
        except OperationalError:
            continue  # readiness says so, and the service may start before its database does
    return errors


def _missing(model: type[Model], there: Mapping[str, Any]) -> Iterator[str]:
    """Names of indexes that the model has and the database has not."""
    unique = [c for c in model._meta.constraints if isinstance(c, UniqueConstraint)]
    for index in (*model._meta.indexes, *unique):
        if index.name not in there:
            yield index.name
    # Those that a field brings along have names that the database made.
    alone = {tuple(c["columns"] or ()) for c in there.values() if c["unique"] or c["primary_key"]}
    for field in model._meta.local_concrete_fields:
        if field.unique and (field.column,) not in alone:
            yield f"on {field.column}"
