"""Recording what was written, inside the transaction that writes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

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
    context = current()
    events = []
    for entry in entries:
        target = entry.target
        if not isinstance(target, tuple):
            target = (target._meta.label_lower, str(target.pk), str(target))
        label, pk, name = target
        events.append(
            Event(
                kind=entry.kind,
                actor_pk=actor.pk if actor else context.actor_pk,
                actor_name=actor.username if actor else context.actor_name,
                target_type=label,
                target_pk=pk,
                target_name=name[:400],
                before=entry.before,
                after=entry.after,
                door=context.door,
                request_id=context.request_id,
                reason=context.reason,
            )
        )
    if not events:
        return
    # An event without its write, or a write without its event, must not be possible.
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "Audit events share their write's transaction."
        )
    Event.objects.bulk_create(events, batch_size=BATCH)
