"""Recording what was written, inside the transaction that writes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from audit.context import Actor, current
from audit.models import Event, EventKind

BATCH = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to be. ``target`` is a row, or (type label, pk, name) if it has no class."""

    kind: EventKind
    target: models.Model | tuple[str, str, str]
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def record(
    kind: EventKind,
    *,
    target: models.Model | tuple[str, str, str],
    actor: Actor | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append one event. ``actor`` None means the service itself (migration, command line)."""
    record_many([Entry(kind=kind, target=target, before=before, after=after)], actor=actor)


def record_many(entries: Iterable[Entry], *, actor: Actor | None) -> None:
    """Append one event per entry with one statement per 2,000 of them.

    Raises TransactionManagementError outside a transaction.
    """
    entries = list(entries)
    if not entries:
        return
    # An event without its write, or a write without its event, must not be possible.
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "Audit events share their write's transaction."
        )
    with connection.cursor() as cursor:
        for start in range(0, len(entries), BATCH):
            words = columns(entries[start : start + BATCH], actor=actor)
            if connection.vendor == "postgresql":
                cursor.execute(TOGETHER, words)
            else:
                cursor.executemany(ONE, list(_by_row(words)))


def columns(entries: Sequence[Entry], *, actor: Actor | None) -> dict[str, Any]:
    """The parameters of ``insertion``: a value of what all events share, a list of what each says
    for itself.
    """
    each = zip(*map(_varying, entries), strict=True)
    varying = {f"told_{name}": list(column) for name, column in zip(VARYING, each, strict=True)}
    return {**shared(actor), **varying}


def shared(actor: Actor | None) -> dict[str, Any]:
    """The parameters of ``insertion`` alone."""
    context = current()
    return {
        "told_created": connection.ops.adapt_datetimefield_value(timezone.now()),
        "told_actor_pk": actor.pk if actor else context.actor_pk,
        "told_actor_name": actor.username if actor else context.actor_name,
        "told_door": context.door,
        "told_request_id": context.request_id,
        "told_reason": context.reason,
    }


def _varying(entry: Entry) -> tuple[str | None, ...]:
    target = entry.target
    if not isinstance(target, tuple):
        target = (target._meta.label_lower, str(target.pk), str(target))
    label, pk, name = target
    before, after = (
        None if facts is None else json.dumps(facts) for facts in (entry.before, entry.after)
    )
    return entry.kind, label, pk, name[:400], before, after


VARYING = {
    "kind": "text",
    "target_type": "text",
    "target_pk": "text",
    "target_name": "text",
    "before": "jsonb",
    "after": "jsonb",
}
EACH = ", ".join(VARYING)
INTO = f"""INSERT INTO {Event._meta.db_table}
    (created, actor_pk, actor_name, door, request_id, reason, {EACH})"""
ARRAYS = ", ".join(f"%(told_{name})s::{form}[]" for name, form in VARYING.items())


def insertion(source: str) -> str:
    """The statement that writes events on PostgreSQL; each row of the source has the columns EACH.

    The ORM builds its own anew for each request, which takes longer than the database takes.
    """
    return f"""{INTO}
SELECT %(told_created)s::timestamptz, %(told_actor_pk)s::bigint, %(told_actor_name)s, %(told_door)s,
    %(told_request_id)s, %(told_reason)s, {EACH} FROM {source}"""


TOGETHER = insertion(f"unnest({ARRAYS}) AS told ({EACH})")
ONE = f"""{INTO}
VALUES (%(told_created)s, %(told_actor_pk)s, %(told_actor_name)s, %(told_door)s,
    %(told_request_id)s, %(told_reason)s, {", ".join(f"%(told_{name})s" for name in VARYING)})"""


def _by_row(words: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    varying = {name: value for name, value in words.items() if isinstance(value, list)}
    for values in zip(*varying.values(), strict=True):
        yield {**words, **dict(zip(varying, values, strict=True))}
