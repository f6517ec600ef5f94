"""Removing facts whose time is long over: they decide nothing, and tables only grow by them."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import SignIn, User
from permissions.models.fact_tables import (
    ASSIGNMENTS,
    MEMBERSHIPS,
    ROLE_GLOBAL,
    ROLE_OBJECT,
    USER_GLOBAL,
    USER_OBJECT,
    FactTable,
)
from permissions.operations.deletion import deleter_of

BATCH = 1_000


def purge_expired(*, older_than: timedelta, actor: User | None) -> dict[str, int]:
    """How many facts of each kind that ended longer ago than that are gone now.

    In transactions of 1,000, each with its audit events, so that nobody waits for all of them.
    """
    tables = {
        "user_global_grants": USER_GLOBAL,
        "role_global_grants": ROLE_GLOBAL,
        "user_object_grants": USER_OBJECT,
        "role_object_grants": ROLE_OBJECT,
        # The same table for every kind of principal.
        "role_assignments": ASSIGNMENTS[0],
        "group_memberships": MEMBERSHIPS,
    }
    counts = {name: _purge(table, older_than, actor) for name, table in tables.items()}
    # Keys, not facts: they go as soon as they have ended, without events.
    counts["sign_ins"], _ = SignIn.objects.filter(expires__lte=timezone.now()).delete()
    return counts


def _purge(table: FactTable, older_than: timedelta, actor: User | None) -> int:
    over = table.model.objects.filter(valid_until__lte=timezone.now() - older_than)
    # Locked as they are looked at: what somebody extends meanwhile stays.
    locked = table.locked(over)
    count = 0
    while True:
        with transaction.atomic():
            rows = list(locked[:BATCH])
            deleter_of(table)(rows, actor=actor)
        count += len(rows)
        if len(rows) < BATCH:
            return count
