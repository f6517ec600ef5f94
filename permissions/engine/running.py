"""How a statement of ``sql`` meets parameters and a database, alone or as part of another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol, Self, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.utils import CursorWrapper
from django.db.models.expressions import RawSQL


class Run(Protocol):
    """What executes a statement: ``rows``, or a caller's own that authenticates it on the way."""

    def __call__(
        self, text: str, parameters: Mapping[str, Any], *, using: str = DEFAULT_DB_ALIAS
    ) -> list[Any]: ...


class PreparedCursor(psycopg.RawCursor[Any]):
    """Takes named parameters as other cursors do, and binds them on the server.

    psycopg finds the placeholders of a long text anew each time, which takes longer than many a
    check; here that is done once. Numbers go as text, because psycopg would give small and large
    ones different types, and each combination of types would be prepared and planned on its own.
    """

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Self:
        text, names = _numbered(query)
        values = [params[name] for name in names]
        given = [str(value) if isinstance(value, int) else value for value in values]
        return super().execute(text, given, **kwargs)


@lru_cache(maxsize=1024)
def _numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """A text with ``$1`` for the first name it mentions, and so on; and the names in that order."""
    names: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${names.setdefault(match[1], len(names) + 1)}"

    numbered = re.sub(r"%\((\w+)\)s", number, text)
    return numbered.replace("%%", "%"), tuple(names)


def rows(text: str, parameters: Mapping[str, Any], *, using: str = DEFAULT_DB_ALIAS) -> list[Any]:
    """Run a statement and fetch everything.

    On PostgreSQL the cursor binds on the server, so that psycopg prepares the statement and the
    plan is made once per connection: three quarters of an unprepared check is planning.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        prepared: Any = PreparedCursor(connection.connection)
        if connection.queries_logged:
            prepared = connection.make_debug_cursor(cast("CursorWrapper", prepared))
        with prepared as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall()


def subquery(
    text: str, parameters: Mapping[str, Any], output_field: models.Field[Any, Any] | None = None
) -> RawSQL:
    """A statement as an expression for ``filter(pk__in=…)``, whose parameters go by position."""
    names: list[str] = []

    def by_position(match: re.Match[str]) -> str:
        names.append(match[1])
        return "%s"

    positional = re.sub(r"%\((\w+)\)s", by_position, text)
    values = [parameters[name] for name in names]
    # S611 warns of input in the text: all of it stands in the values.
    return RawSQL(positional, values, output_field)  # noqa: S611


def exists(text: str, parameters: Mapping[str, Any]) -> RawSQL:
    """Whether a statement finds anything, as a condition of another."""
    return subquery(f"EXISTS ({text})", parameters, models.BooleanField())
