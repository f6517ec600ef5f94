"""Statements the ORM compiles once: said as querysets, kept as text, prepared by PostgreSQL.

To build and compile a queryset takes longer than the database takes to answer it, and comes to the
same text each time. Here it is built once, out of ``Parameter`` where a value would stand:

    @cache
    def _grants() -> Statement:
        return compiled(Grant.objects.filter(user=Parameter("user")).values_list("pk"))

    _grants().rows(user=7)

Only texts are kept, never rows: what a statement finds is as fresh as that of a queryset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, Field, QuerySet

from permissions.engine import running


class Parameter(Expression):
    """Stands for a value that is given when the statement runs, in the form of a model's field."""

    def __init__(self, name: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name
        self.form = output_field

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", (self,)

    def bound(self, value: Any) -> Any:
        return value if self.form is None else self.form.get_db_prep_value(value, connection)


def room_for(values: Sequence[Any]) -> int:
    """How many ``parameters`` hold them: a power of two, so that few statements serve any."""
    return int(1 << (len(values) - 1).bit_length())


def parameters(name: str, room: int) -> list[Any]:
    """As many as there is room for, to stand in ``…__in``; ``filling`` has their values."""
    return [Parameter(f"{name}_{n}") for n in range(room)]


def filling(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Values for ``parameters``, of which there is at least one; the last is repeated."""
    filled = [*values, *[values[-1]] * (room_for(values) - len(values))]
    return {f"{name}_{n}": value for n, value in enumerate(filled)}


Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """``fixed`` are the values that the queryset itself had; ``converters`` go by column."""

    text: str
    parameters: Mapping[str, Parameter]
    fixed: Mapping[str, Any]
    converters: Mapping[int, Sequence[Converter]]

    def rows(self, **values: Any) -> list[Sequence[Any]]:
        # As Django does where it opens a cursor: once a request, where it is asked to.
        connection.close_if_health_check_failed()
        given = {name: one.bound(values[name]) for name, one in self.parameters.items()}
        found = running.rows(self.text, {**self.fixed, **given})
        return [self._converted(row) for row in found] if self.converters else found

    def limited(self, limit: int, offset: int) -> Statement:
        """As literals: a plan for any number of rows would be one for a tenth of the table."""
        part = f" LIMIT {limit:d}" + (f" OFFSET {offset:d}" if offset else "")
        return replace(self, text=self.text + part)

    def counting(self) -> Statement:
        text = f"SELECT COUNT(*) FROM ({self.text}) AS counted"
        return replace(self, text=text, converters={})

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for column, converters in self.converters.items():
            for convert in converters:
                values[column] = convert(values[column])
        return values


def compiled(queryset: QuerySet[Any]) -> Statement:
    """Of a queryset of ``values_list`` that is not sliced."""
    compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
    positional, values = compiler.as_sql()
    names = [
        value.name if isinstance(value, Parameter) else f"fixed_{n}"
        for n, value in enumerate(values)
    ]
    named = iter(names)
    text = re.sub("%%|%s", lambda match: _placeholder(match[0], named), positional)
    return Statement(
        text=text,
        parameters={value.name: value for value in values if isinstance(value, Parameter)},
        fixed={
            name: value
            for name, value in zip(names, values, strict=True)
            if not isinstance(value, Parameter)
        },
        converters=_converters(compiler),
    )


def _placeholder(found: str, names: Any) -> str:
    return found if found == "%%" else f"%({next(names)})s"


def _converters(compiler: Any) -> dict[int, list[Converter]]:
    columns = [expression for expression, _, _ in compiler.select]
    return {
        n: [_converter(convert, expression) for convert in converters]
        for n, (converters, expression) in compiler.get_converters(columns).items()
    }


def _converter(convert: Callable[[Any, Any, Any], Any], expression: Any) -> Converter:
    return lambda value: convert(value, expression, connection)
