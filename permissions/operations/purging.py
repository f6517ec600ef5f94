"""Removing facts whose time is long over: they decide nothing, and tables only grow by them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import GroupMembership, SignIn, User
from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from permissions.operations.assignments import delete_assignments
from permissions.operations.grants import delete_grants
from permissions.operations.membership import remove_memberships
from roles.models import RoleAssignment

BATCH = 1_000


def purge_expired(*, older_than: timedelta, actor: User | None) -> dict[str, int]:
    """How many facts of each kind that ended longer ago than that are gone now.

    In transactions of 1,000, each with its audit events, so that nobody waits for all of them.
    Sign-ins are keys, not facts: they go as soon as they have ended, without events.
    """
    grants = {
        "user_global_grants": (UserGlobalGrant, "user"),
        "role_global_grants": (RoleGlobalGrant, "role"),
        "user_object_grants": (UserObjectPermission, "user"),
        "role_object_grants": (RoleObjectPermission, "group"),
    }
    counts = {
        name: _purge(
            table, ("permission__content_type", principal), delete_grants, older_than, actor
        )
        for name, (table, principal) in grants.items()
    }
    principals = ("role", "scope", "user", "group", "holder_role")
    counts["role_assignments"] = _purge(
        RoleAssignment, principals, delete_assignments, older_than, actor
    )
    counts["group_memberships"] = _purge(
        GroupMembership, ("group", "user"), remove_memberships, older_than, actor
    )
    counts["sign_ins"], _ = SignIn.objects.filter(expires__lte=timezone.now()).delete()
    return counts


def _purge(
    table: Any, related: tuple[str, ...], delete: Any, older_than: timedelta, actor: User | None
) -> int:
    over = table.objects.filter(valid_until__lte=timezone.now() - older_than).select_related(
        *related
    )
    count = 0
    while True:
        with transaction.atomic():
            # Locked as they are looked at: what somebody extends meanwhile stays.
            rows = list(over.order_by("pk").select_for_update(of=("self",))[:BATCH])
            delete(rows, actor=actor)
        count += len(rows)
        if len(rows) < BATCH:
            return count
