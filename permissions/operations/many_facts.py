"""Many facts of one table ended or prolonged together: all or none, in a few statements."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.facts import Asked, Window
from accounts.models import User
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import Conferral, ResourceRef, require_conferrals, require_grants
from permissions.models.fact_tables import ASSIGNMENTS, MEMBERSHIPS, FactTable
from permissions.operations.deletion import deleter_of
from permissions.operations.facts import save_times

MOST_TOGETHER = 1_000


@transaction.atomic
def end_facts(*, table: FactTable, keys: Collection[int], actor: User | None) -> int:
    """How many were taken away, an event each; those that are gone already are no error."""
    rows = _locked(table, keys)
    deleter_of(table)(rows, actor=actor)
    return len(rows)


@transaction.atomic
def prolong_facts(
    *, table: FactTable, keys: Collection[int], until: datetime, actor: User | None
) -> int:
    """How many end then that ended earlier, an event each; the others stay, and so do those that
    never end.

    Raises GrantCeiling, InvalidInput for an end before a start or in the past, and for more than
    1,000. Of grants the actor must hold all from now on, also those that are still to begin.
    """
    Asked.at_once(Window(None, until))
    rows = [row for row in _locked(table, keys) if row.window.end < until]
    _require_held(table, rows, until, actor)
    before = [table.audit_facts(row) for row in rows]
    for row in rows:
        row.valid_until = row.window._replace(valid_until=until).checked().valid_until
    save_times(table, rows)
    kind = _changed(table)
    record_many(
        [
            Entry(kind=kind, target=_target(table, row), before=was, after=table.audit_facts(row))
            for row, was in zip(rows, before, strict=True)
        ],
        actor=actor,
    )
    return len(rows)


def _locked(table: FactTable, keys: Collection[int]) -> list[Any]:
    if len(keys) > MOST_TOGETHER:
        raise InvalidInput(fields={"rows": [f"At most {MOST_TOGETHER} at once."]})
    return list(table.locked(table.model.objects.filter(pk__in=keys)))


def _require_held(table: FactTable, rows: list[Any], until: datetime, actor: User | None) -> None:
    if table in ASSIGNMENTS or table is MEMBERSHIPS:
        require_conferrals(actor=actor, conferrals=[_conferral(row, until) for row in rows])
        return
    grants = {}
    for row in rows:
        kind, object_pk = row.permission.content_type, getattr(row, "object_pk", None)
        on = object_pk and ResourceRef(f"{kind.app_label}.{kind.model}", object_pk)
        grants[row.permission_id, object_pk] = row.permission, on or None
    require_grants(actor=actor, grants=grants.values(), window=Window(None, until))


def _conferral(row: Any, until: datetime) -> Conferral:
    window = row.window._replace(valid_until=until)
    if hasattr(row, "role"):
        return Conferral(roles=[row.role], scope=row.scope, window=window)
    return Conferral(groups=[row.group], window=window)


def _changed(table: FactTable) -> EventKind:
    if table in ASSIGNMENTS:
        return EventKind.ROLE_ASSIGNMENT_CHANGED
    return EventKind.GROUP_MEMBERSHIP_CHANGED if table is MEMBERSHIPS else EventKind.GRANT_CHANGED


def _target(table: FactTable, row: Any) -> Any:
    if table in ASSIGNMENTS:
        return row.principal
    return row.group if table is MEMBERSHIPS else getattr(row, table.principal)
