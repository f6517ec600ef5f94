"""Writing rows of facts so that two who write the same at once agree on one row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from accounts.facts import Fact, Window, given
from permissions.models.fact_tables import TIMES, FactTable, window_between


class Asked(NamedTuple):
    """For when a fact is asked; ``window`` None says nothing, ``now`` is the request's moment."""

    window: Window | None
    now: datetime

    @classmethod
    def at_once(cls, window: Window | None = None) -> Asked:
        """Raises InvalidInput for an end before its start."""
        return cls(None if window is None else window_between(*window), timezone.now())

    def given_to(self, row: Fact | None) -> Window:
        """When the fact counts then; see ``accounts.facts.given``, also for what it raises."""
        return given(None if row is None else row.window, self.window, self.now)

    @property
    def conferred(self) -> Window:
        """What the ceiling is asked about, for a fact that changes by it."""
        return self.window or Window()


def window_after(row: Fact, times: Mapping[str, datetime | None]) -> Window:
    """When a fact counts once these of its times have changed. It has been read locked: the other
    one would else be what it was before somebody changed it.

    Raises InvalidInput for an end before its start.
    """
    return window_between(**{**row.window._asdict(), **times})


def insert(table: FactTable, rows: list[Any]) -> list[Any]:
    """Insert facts. The answer are those that somebody else wrote meanwhile, as they stand.

    They are locked, and the rows given take on their keys and times: the loser of a race gives
    again what the winner gave. One statement, however many rows; they are written in one order, or
    two who write the same would wait for each other.
    """
    rows.sort(key=lambda row: [getattr(row, name) for name in _unique(table)])
    if not rows:
        return []
    if connection.vendor != "postgresql":
        table.model.objects.bulk_create(rows)  # writing transactions exclude each other
        return []
    fields = [field for field in table.model._meta.concrete_fields if not field.primary_key]
    columns = [
        [field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows]
        for field in fields
    ]
    by_key = {tuple(getattr(row, name) for name in _unique(table)): row for row in rows}
    there = []
    with connection.cursor() as cursor:
        cursor.execute(_insertion(table), columns)
        for pk, valid_from, valid_until, is_new, *key in cursor.fetchall():
            row = by_key[tuple(key)]
            row.pk, row._state.adding, row._state.db = pk, False, connection.alias
            if not is_new:
                row.valid_from, row.valid_until = valid_from, valid_until
                there.append(row)
    return there


def save_times(table: FactTable, rows: Iterable[Any]) -> None:
    """Of rows that are locked; one statement."""
    rows = list(rows)
    if rows:
        table.model.objects.bulk_update(rows, TIMES, batch_size=BATCH)


BATCH = 500


@cache
def _insertion(table: FactTable) -> str:
    """Columns of values in, as arrays; (key, times, whether it is new, what is unique) out.

    The update changes nothing, but it locks the row and answers it, which DO NOTHING would not.
    """
    fields = [field for field in table.model._meta.concrete_fields if not field.primary_key]
    names = ", ".join(field.column for field in fields)
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
    unique = [table.model._meta.get_field(name).column for name in table.unique]
    return f"""INSERT INTO {table.name} AS t ({names}) SELECT * FROM unnest({arrays})
ON CONFLICT ({", ".join(unique)}) DO UPDATE SET {unique[0]} = EXCLUDED.{unique[0]}
RETURNING t.{table.model._meta.pk.column}, t.valid_from, t.valid_until, t.xmax = 0,
    {", ".join(f"t.{column}" for column in unique)}"""


@cache
def _unique(table: FactTable) -> tuple[str, ...]:
    return tuple(table.model._meta.get_field(name).attname for name in table.unique)
