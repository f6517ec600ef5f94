"""When facts count once they are changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from accounts.facts import Fact, Window
from permissions.models.fact_tables import TIMES, FactTable


def window_after(row: Fact, times: Mapping[str, datetime | None]) -> Window:
    """When a fact counts once these of its times have changed. It has been read locked: the other
    one would else be what it was before somebody changed it.

    Raises InvalidInput for an end before its start.
    """
    return row.window._replace(**times).checked()


def save_times(table: FactTable, rows: Iterable[Any]) -> None:
    """Of rows that are locked; one statement."""
    table.model.objects.bulk_update(rows, TIMES, batch_size=BATCH)


BATCH = 500
