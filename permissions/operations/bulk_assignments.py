"""Many roles to many principals at once, all or none, with a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

from django.db import connection, transaction
from django.db.models import Q

from accounts.models import Group, User
from audit.errors import NotFound
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import require_covers
from permissions.operations.assignments import (
    ROLE_LOCK,
    Principal,
    RoleCycle,
    assignment_facts,
    change_times,
    delete_assignments,
)
from permissions.operations.grants import require_times
from roles.models import Role, RoleAssignment

Pair: TypeAlias = tuple[Role, Principal]
Key: TypeAlias = tuple[Any, str, Any]


@transaction.atomic
def assign_roles(
    *,
    pairs: Iterable[Pair],
    actor: User | None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> None:
    """Each principal holds its role, unscoped, for these times or for ever. Idempotent.

    Raises GrantCeiling, RoleCycle, InvalidInput for an end before its start, NotFound for a role
    deleted meanwhile; nothing is written then.
    """
    require_times(valid_from, valid_until)
    wanted = _by_key(pairs)
    _lock(wanted.values())
    _refuse_cycles(wanted.values())
    known = {_key(row): row for row in _rows(wanted).filter(scope=None)}
    changed = [
        row
        for row in known.values()
        if (row.valid_from, row.valid_until) != (valid_from, valid_until)
    ]
    missing = [pair for key, pair in wanted.items() if key not in known]
    if not changed and not missing:
        return
    roles = {role.pk: role for role, _ in missing} | {row.role_id: row.role for row in changed}
    require_covers(actor=actor, roles=roles.values())
    entries = change_times(changed, valid_from=valid_from, valid_until=valid_until)
    entries += _created(missing, valid_from, valid_until, actor)
    record_many(entries, actor=actor)


@transaction.atomic
def unassign_roles(*, pairs: Iterable[Pair], actor: User | None) -> int:
    """Nobody of the pairs holds its role any more, whatever the scope; how many rows went."""
    wanted = _by_key(pairs)
    _lock(wanted.values())
    return delete_assignments(list(_rows(wanted)), actor=actor)


def _by_key(pairs: Iterable[Pair]) -> dict[Key, Pair]:
    return {(role.pk, column(to), to.pk): (role, to) for role, to in pairs}


def column(principal: Principal) -> str:
    """Where an assignment names a principal of this kind."""
    if isinstance(principal, User):
        return "user"
    return "group" if isinstance(principal, Group) else "holder_role"


def _key(row: RoleAssignment) -> Key:
    name = column(row.principal)
    return row.role_id, name, getattr(row, f"{name}_id")


def _lock(pairs: Iterable[Pair]) -> None:
    """Whoever else changes holders of these roles in bulk waits, in an order without deadlocks.

    The key itself stays free, so that single assignments elsewhere do not wait.
    """
    keys = {role.pk for role, _ in pairs}
    found = Role.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    if len(found.values_list("pk", flat=True)) < len(keys):
        raise NotFound("The role does not exist any more.")


def _rows(wanted: dict[Key, Pair]) -> Any:
    named: dict[str, set[Any]] = defaultdict(set)
    for role, principal in wanted.values():
        named["role"].add(role.pk)
        named[column(principal)].add(principal.pk)
    held_by = Q()
    for name in ("user", "group", "holder_role"):
        held_by |= Q(**{f"{name}__in": named[name]})
    rows = RoleAssignment.objects.filter(held_by, role__in=named["role"]).select_related(
        "role", "scope", "user", "group", "holder_role"
    )
    # Roles times principals holds more than the pairs.
    exact = [row.pk for row in rows if _key(row) in wanted]
    return rows.filter(pk__in=exact)


def _created(
    pairs: Sequence[Pair],
    valid_from: datetime | None,
    valid_until: datetime | None,
    actor: User | None,
) -> list[Entry]:
    times = {"valid_from": valid_from, "valid_until": valid_until}
    rows = [
        RoleAssignment(role=role, granted_by=actor, **{column(to): to}, **times)
        for role, to in pairs
    ]
    # A single assignment made elsewhere at the same time is as good as ours.
    RoleAssignment.objects.bulk_create(rows, ignore_conflicts=True)
    return [
        Entry(kind=EventKind.ROLE_ASSIGNED, target=row.principal, after=assignment_facts(row))
        for row in rows
    ]


def _refuse_cycles(pairs: Iterable[Pair]) -> None:
    """Nobody who holds one of the roles may, with the pairs written, be who is given it."""
    added = [(role.pk, holder.pk) for role, holder in pairs if isinstance(holder, Role)]
    if not added:
        return
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLE_LOCK])
    held = defaultdict(set)
    for role, holder in added:
        held[holder].add(role)
    frontier = {role for role, _ in added}
    reached = set(frontier)
    while frontier:
        # What holders of these roles hold besides.
        found = RoleAssignment.objects.filter(holder_role__in=frontier)
        frontier = set()
        for holder, role in found.values_list("holder_role", "role"):
            held[holder].add(role)
            frontier |= {role} - reached
        reached |= frontier
    try:
        TopologicalSorter(held).prepare()
    except CycleError:
        message = "A role cannot be given to its own holders, however indirectly."
        raise RoleCycle(fields={"targets": [message]}) from None
