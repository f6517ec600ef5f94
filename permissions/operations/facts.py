"""Writing rows of facts so that two who write the same at once agree on one row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.facts import Fact, Window
from accounts.models import User
from audit.operations import ARRAYS, EACH, Entry, columns, insertion, record_many
from permissions.engine import rows
from permissions.models.fact_tables import TIMES, FactTable


def window_after(row: Fact, times: Mapping[str, datetime | None]) -> Window:
    """When a fact counts once these of its times have changed. It has been read locked: the other
    one would else be what it was before somebody changed it.

    Raises InvalidInput for an end before its start.
    """
    return row.window._replace(**times).checked()


def insert(table: FactTable, told: Sequence[tuple[Any, Entry]], *, actor: User | None) -> list[Any]:
    """Insert facts, each with the event that tells it. The answer are those that somebody else
    wrote meanwhile, as they stand, and no event tells them.

    They are locked, and the rows given take on their keys and times: the loser of a race gives
    again what the winner gave. One statement, however many rows; they are written in one order, or
    two who write the same would wait for each other.
    """
    if not told:
        return []
    facts = sorted(
        (row for row, _ in told), key=lambda row: [getattr(row, name) for name in _unique(table)]
    )
    created = timezone.now()
    for row in facts:
        row.created, row.granted_by = created, actor
    if connection.vendor != "postgresql":
        table.model.objects.bulk_create(facts)  # writing transactions exclude each other
        record_many([entry for _, entry in told], actor=actor)
        return []
    words = columns([entry for _, entry in told], actor=actor)
    words |= {one.column: [getattr(row, one.attname) for row in facts] for one in _fields(table)}
    by_key = {tuple(getattr(row, name) for name in _unique(table)): row for row in facts}
    if len(facts) == 1:
        written: Iterable[Any] = rows(_insertion(table), words)
    else:
        # Not prepared: a plan that is kept for a few rows would be a slow one for many.
        with connection.cursor() as cursor:
            cursor.execute(_insertion(table), words)
            written = cursor.fetchall()
    there = []
    for pk, valid_from, valid_until, is_new, *key in written:
        row = by_key[tuple(key)]
        row.pk, row._state.adding, row._state.db = pk, False, connection.alias
        if not is_new:
            row.valid_from, row.valid_until = valid_from, valid_until
            there.append(row)
    if there:
        raced = {id(row) for row in there}
        record_many([entry for row, entry in told if id(row) not in raced], actor=actor)
    return there


def save_times(table: FactTable, rows: Iterable[Any]) -> None:
    """Of rows that are locked; one statement."""
    table.model.objects.bulk_update(rows, TIMES, batch_size=BATCH)


BATCH = 500


@cache
def _fields(table: FactTable) -> list[Any]:
    return [field for field in table.model._meta.concrete_fields if not field.primary_key]


@cache
def _insertion(table: FactTable) -> str:
    """Columns of values in, as arrays; (key, times, whether it is new, what is unique) out.

    The update changes nothing, but it locks the row and answers it, which DO NOTHING would not.
    Events are told only if all rows are new: which of several are is seen too late for them.
    """
    fields = _fields(table)
    names = ", ".join(field.column for field in fields)
    arrays = ", ".join(f"%({one.column})s::{one.db_type(connection)}[]" for one in fields)
    unique = [table.model._meta.get_field(name).column for name in table.unique]
    events = insertion("asked WHERE NOT EXISTS (SELECT FROM written WHERE NOT is_new)")
    return f"""WITH asked AS MATERIALIZED (
    SELECT * FROM unnest({arrays}, {ARRAYS}) AS asked ({names}, {EACH})
), written AS (
    INSERT INTO {table.name} AS t ({names}) SELECT {names} FROM asked
    ON CONFLICT ({", ".join(unique)}) DO UPDATE SET {unique[0]} = EXCLUDED.{unique[0]}
    RETURNING t.{table.model._meta.pk.column} AS pk, t.valid_from, t.valid_until,
        t.xmax = 0 AS is_new, {", ".join(f"t.{column}" for column in unique)}
), told AS ({events})
SELECT * FROM written"""


@cache
def _unique(table: FactTable) -> tuple[str, ...]:
    return tuple(table.model._meta.get_field(name).attname for name in table.unique)
