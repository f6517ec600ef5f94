"""How statements meet parameters and a database: those of ``sql``, and those the ORM writes.

To build and compile a queryset takes longer than the database takes to answer it, and comes to the
same text each time. A ``Statement`` is built once, out of ``Parameter`` where a value would stand:

    @cache
    def _grants() -> Statement:
        return Statement.of(Grant.objects.filter(user=Parameter("user")).values_list("pk"))

    _grants().rows(user=7)

Only texts are kept, never rows: what a statement finds is as fresh as that of a queryset.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Protocol, Self, cast

import orjson
import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.utils import CursorWrapper
from django.db.models import Expression, Field, QuerySet
from django.db.models.expressions import RawSQL

from permissions.engine.dialects import DIALECTS


class Run(Protocol):
    """What runs a statement: ``rows``, or ``Caller.run``, which proves a token on the way."""

    def __call__(
        self, text: str, parameters: Mapping[str, Any], *, using: str = DEFAULT_DB_ALIAS
    ) -> list[Any]: ...


class PreparedCursor(psycopg.RawCursor[Any]):
    """Takes named parameters as other cursors do, and binds them on the server.

    psycopg looks for the placeholders of a text each time, which for a long one takes longer than
    many a check; here they are looked for once.
    """

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Self:
        text, names = _numbered(query)
        values = [params[name] for name in names]
        # Numbers go as text: psycopg would give small and large ones different types, and each
        # combination of types would be prepared and planned on its own.
        bound = [
            [str(one) if isinstance(one, int) else one for one in value]
            if isinstance(value, list)
            else (str(value) if isinstance(value, int) else value)
            for value in values
        ]
        return super().execute(text, bound, **kwargs)


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
    database = connections[using]
    if database.vendor != "postgresql":
        with database.cursor() as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall()
    database.ensure_connection()
    # Else psycopg's own errors would pass by the table of errors, as 500.
    with database.wrap_database_errors:
        prepared: Any = PreparedCursor(database.connection)
        # Tests that count statements must see these as well.
        if database.queries_logged:
            prepared = database.make_debug_cursor(cast("CursorWrapper", prepared))
        with prepared as cursor:
            cursor.execute(text, parameters)
            return cursor.fetchall()


def scopes_on(path: Any) -> tuple[uuid.UUID, ...]:
    """A path as a statement answers it: an array of uuids, or on SQLite the text of one."""
    if isinstance(path, str):
        path = path.strip("[]").replace('"', "").split(",") if path != "[]" else []
    return tuple(uuid.UUID(str(scope)) for scope in path)


def subquery(
    text: str, parameters: Mapping[str, Any], output_field: models.Field[Any, Any] | None = None
) -> RawSQL:
    """A statement as an expression for ``filter(pk__in=…)``, whose parameters go by position."""
    names: list[str] = []

    def by_position(match: re.Match[str]) -> str:
        names.append(match[1])
        return "%s"

    # A name that occurs twice is given twice.
    positional = re.sub(r"%\((\w+)\)s", by_position, text)
    values = [parameters[name] for name in names]
    # S611 warns of input in the text: all of it stands in the values.
    return RawSQL(positional, values, output_field)  # noqa: S611


def listed(name: str, column: models.Field[Any, Any]) -> RawSQL:
    """The keys in a JSON array of texts, the parameter ``name``, for ``…__in`` of a column.

    As one value: of many PostgreSQL would take those of each run for special, and plan anew.
    """
    dialect = DIALECTS[connection.vendor]
    is_uuid = isinstance(column, models.UUIDField)
    rows = dialect.listed(name, dialect.uuid_of if is_uuid else dialect.integer_of)
    # Else it would take them for many, and read whole tables for a page of twenty.
    rows = dialect.looked_up.format(rows=rows)
    return subquery(rows, {name: Parameter(name)}, column)


def exists(text: str, parameters: Mapping[str, Any]) -> RawSQL:
    """Whether a statement finds anything, as a condition of another."""
    return subquery(f"EXISTS ({text})", parameters, models.BooleanField())


class Parameter(Expression):
    """Stands for a value that is known when the statement runs.

    With an ``output_field`` the value is converted as for a column of that field, else passed on.
    """

    def __init__(
        self, name: str, output_field: Field[Any, Any] | None = None, *, position: int | None = None
    ) -> None:
        super().__init__(output_field=output_field)
        self.name = name
        self.position = position
        self.column = output_field

    @classmethod
    def several(cls, name: str, room: int) -> list[Any]:
        """Parameters of one name for ``…__in``: the statement runs with a list of that name, which
        holds one value at least and ``room`` of them at most.
        """
        return [cls(name, position=n) for n in range(room)]

    @staticmethod
    def room(values: Sequence[Any]) -> int:
        """For how many values ``several`` must have room: a power of two, so that few statements
        serve lists of any length.
        """
        return int(1 << (len(values) - 1).bit_length())

    @property
    def key(self) -> str:
        return self.name if self.position is None else f"{self.name}_{self.position}"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", (self,)


Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """``fixed`` are the values that the queryset itself had; ``converters`` go by column."""

    text: str
    parameters: Mapping[str, Parameter]
    fixed: Mapping[str, Any]
    converters: Mapping[int, Sequence[Converter]]

    @classmethod
    def of(cls, queryset: QuerySet[Any]) -> Statement:
        """``queryset`` ends in ``values_list`` and is not sliced."""
        compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
        positional, values = compiler.as_sql()
        keys = [
            value.key if isinstance(value, Parameter) else f"fixed_{n}"
            for n, value in enumerate(values)
        ]
        placeholders = iter(keys)
        # A doubled percent sign stays doubled: the text is formatted once more when it runs.
        text = re.sub(
            "%%|%s",
            lambda match: match[0] if match[0] == "%%" else f"%({next(placeholders)})s",
            positional,
        )
        of_key = dict(zip(keys, values, strict=True))
        parameters = {key: one for key, one in of_key.items() if isinstance(one, Parameter)}
        return cls(
            text=text,
            parameters=parameters,
            fixed={key: value for key, value in of_key.items() if key not in parameters},
            converters=_converters(compiler),
        )

    def rows(self, **values: Any) -> list[Sequence[Any]]:
        """By the names of the parameters."""
        # ``rows`` passes by what Django does before it opens a cursor: after a restart of the
        # database the first request would fail.
        connection.close_if_health_check_failed()
        bound = dict(self.fixed)
        for key, parameter in self.parameters.items():
            value = values[parameter.name]
            if parameter.position is not None:
                # Room that is left takes the last value again, which changes nothing in ``…__in``.
                value = value[min(parameter.position, len(value) - 1)]
            if parameter.column is not None:
                value = parameter.column.get_db_prep_value(value, connection)
            bound[key] = value
        plain = rows(self.text, bound)
        if not self.converters:
            return plain
        converted: list[Sequence[Any]] = []
        for row in plain:
            columns = list(row)
            for column, converters in self.converters.items():
                if columns[column] is not None:
                    for convert in converters:
                        columns[column] = convert(columns[column])
            converted.append(columns)
        return converted

    def limited(self, limit: int, offset: int) -> Statement:
        # As literals: for a number it does not know, PostgreSQL plans to read a tenth of the table.
        part = f" LIMIT {limit:d}" + (f" OFFSET {offset:d}" if offset else "")
        return replace(self, text=self.text + part)

    def reading(self, name: str, other: Statement) -> Statement:
        """Together with another statement, whose rows this one reads by the name of a table."""
        # Both number theirs from nought, so that one's would stand for the other's.
        assert not (self.fixed.keys() & other.fixed.keys()), "values of one statement at most"
        return replace(
            self,
            text=f"WITH {name} AS MATERIALIZED ({other.text}) {self.text}",
            parameters={**other.parameters, **self.parameters},
            fixed={**other.fixed, **self.fixed},
        )

    def counting(self) -> Statement:
        text = f"SELECT COUNT(*) FROM ({self.text}) AS counted"
        return replace(self, text=text, converters={})


def _converters(compiler: Any) -> dict[int, list[Converter]]:
    columns = [expression for expression, _, _ in compiler.select]
    return {
        n: [
            # Bound by ``partial``: a closure would see the last converter of the loop only.
            partial(lambda convert, of, value: convert(value, of, connection), convert, expression)
            for convert in converters
        ]
        if type(expression.output_field) is not models.JSONField
        # As the field reads it, in a fifth of the time.
        else [orjson.loads]
        for n, (converters, expression) in compiler.get_converters(columns).items()
    }
