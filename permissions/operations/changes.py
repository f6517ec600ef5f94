"""Writing the fields of a row that differ, with the event that tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models

from accounts.models import User
from audit.models import EventKind
from audit.operations import record
from permissions.operations.locks import refresh


def differing(row: models.Model, fields: Mapping[str, Any]) -> list[str]:
    return [name for name, value in fields.items() if getattr(row, name) != value]


def change(
    row: models.Model,
    fields: Mapping[str, Any],
    kind: EventKind,
    *,
    actor: User | None,
    facts: Callable[[Any], dict[str, Any]] | None = None,
) -> None:
    """Write the fields that differ and no others: saving all would undo a concurrent change.

    The event says ``facts`` of the row before and after; without them, the fields that differ.
    Raises NotFound when the row is gone.
    """
    # Only what differs from the row as it was read has been judged by whoever calls this.
    judged = {name: fields[name] for name in differing(row, fields)}
    if not judged:
        return
    refresh(row)
    changed = differing(row, judged)
    if not changed:
        return
    before = facts(row) if facts else _values(row, changed)
    for name in changed:
        setattr(row, name, fields[name])
    # auto_now sets it in memory alone, unless it is among the fields that are saved.
    stamps = [f.name for f in row._meta.concrete_fields if f.name == "last_updated"]
    row.save(update_fields=[*changed, *stamps])
    after = facts(row) if facts else _values(row, changed)
    record(kind, target=row, actor=actor, before=before, after=after)


def _values(row: models.Model, names: Iterable[str]) -> dict[str, Any]:
    values = ((name, getattr(row, name)) for name in names)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values
    }
