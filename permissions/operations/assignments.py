"""Roles given to users, to groups and to the holders of other roles, and taken away again.

Whatever gives ends in ``_give``, one assignment or a thousand; whatever takes away ends in
``delete_assignments``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, TypeAlias

from django.db import transaction
from django.db.models import Q

from accounts.facts import ALWAYS, Window
from accounts.models import Group, User
from audit.errors import Conflict, InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import require_covers
from permissions.models.fact_tables import (
    ASSIGNMENTS,
    assignments_to,
    given_again,
    stays,
    window_between,
)
from permissions.operations.locks import Change, lock_roles, one_at_a_time
from roles.models import Role, RoleAssignment, RoleAssignmentQuerySet, Scope

Principal: TypeAlias = User | Group | Role
Pair: TypeAlias = tuple[Role, Principal]
# Of a role, the column that names its holder, and of the holder.
Key: TypeAlias = tuple[Any, str, Any]


class RoleCycle(InvalidInput):
    """A role would be held by its own holders through itself."""

    code = "role_cycle"


class AnyScope(Enum):
    """Stands for every assignment of a role, whatever its scope; None is the unscoped one alone."""

    ANY = "any"


ANY_SCOPE: Final = AnyScope.ANY


@transaction.atomic
def assign_role(
    *,
    role: Role,
    principal: Principal,
    actor: User | None,
    scope: Scope | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    reason: str = "",
    properties: dict[str, Any] | None = None,
) -> RoleAssignment:
    """Idempotent: an existing assignment with the same scope takes on the times given, or none.

    Raises GrantCeiling when the role gives more than the actor holds, RoleCycle, InvalidInput for
    an end before its start, Conflict when others delete the same meanwhile.
    """
    window = window_between(valid_from, valid_until)
    if isinstance(principal, Role):
        _refuse_cycles([(role, principal)], field="role")
    pairs = {_key(role, principal): (role, principal)}
    rows = _rows(pairs).filter(scope=scope)
    row = rows.first()
    _give(
        pairs,
        there=[row] if row else [],
        scope=scope,
        window=window,
        reason=reason,
        properties=properties,
        actor=actor,
    )
    if row is not None:
        return row
    written = rows.select_related(None).select_for_update().first()
    if written is None:
        raise Conflict("The assignment is being changed by others; try again.")
    written.role = role
    # Somebody may have written the same at the same time, for other times or with other words.
    if _differs(written, window, reason, properties):
        _change([written], window, reason, properties)
    return written


@transaction.atomic
def assign_roles(
    *,
    pairs: Iterable[Pair],
    actor: User | None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> None:
    """Each principal holds its role, unscoped, for these times or for ever. Idempotent.

    All or none, with a fixed number of statements. Raises GrantCeiling, RoleCycle, InvalidInput for
    an end before its start, NotFound for a role deleted meanwhile; nothing is written then.
    """
    window = window_between(valid_from, valid_until)
    by_key = {_key(*pair): pair for pair in pairs}
    _refuse_cycles(by_key.values(), field="targets")
    lock_roles(role for role, _ in by_key.values())
    there = _rows(by_key).filter(scope=None)
    _give(by_key, there=there, window=window, actor=actor)


@transaction.atomic
def unassign_role(
    *,
    role: Role,
    principal: Principal,
    actor: User | None,
    scope: Scope | AnyScope | None = ANY_SCOPE,
) -> int:
    """How many assignments went; 0 when the role was not held."""
    rows = _rows({_key(role, principal): (role, principal)})
    if not isinstance(scope, AnyScope):
        rows = rows.filter(scope=scope)
    return delete_assignments(list(rows), actor=actor)


@transaction.atomic
def unassign_roles(*, pairs: Iterable[Pair], actor: User | None) -> int:
    """Nobody of the pairs holds its role any more, whatever the scope; how many rows went."""
    by_key = {_key(*pair): pair for pair in pairs}
    lock_roles(role for role, _ in by_key.values())
    # Roles times principals holds more than the pairs.
    rows = [row for row in _rows(by_key) if _key(row.role, row.principal) in by_key]
    return delete_assignments(rows, actor=actor)


@transaction.atomic
def set_roles(*, principal: Principal, roles: Iterable[Role], actor: User | None) -> None:
    """The roles held without scope become exactly these, of a user or group the public ones; only
    those added meet the ceiling. Raises RoleCycle, GrantCeiling.

    Lists show what counts now, so this is what they change: an assignment that ends later keeps its
    end, and one that has not begun stays as it is.
    """
    by_pk = {role.pk: role for role in roles}
    table = assignments_to(principal)
    own = table.model.objects.unscoped().filter(**{table.principal: principal})
    own = own.select_related(*table.related)
    counting = own.active()
    if not isinstance(principal, Role):
        counting = counting.filter(role__in=Role.objects.public())
    rows = list(counting)
    delete_assignments([row for row in rows if row.role_id not in by_pk], actor=actor)
    kept = {row.role_id for row in rows}
    added = [(role, principal) for pk, role in by_pk.items() if pk not in kept]
    if not added:
        return
    _refuse_cycles(added, field="role")
    there = own.filter(role__in=[role for role, _ in added])
    _give({_key(*pair): pair for pair in added}, there=there, window=ALWAYS, actor=actor)


@transaction.atomic
def delete_assignments(rows: list[RoleAssignment], *, actor: User | None) -> int:
    """Delete the rows, an event each, and the nameless scopes nobody else uses."""
    if not rows:
        return 0
    entries = [
        Entry(
            kind=EventKind.ROLE_UNASSIGNED,
            target=row.principal,
            before=assignments_to(row.principal).audit_facts(row),
        )
        for row in rows
    ]
    inline = {row.scope.pk for row in rows if row.scope is not None and row.scope.name is None}
    RoleAssignment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    Scope.objects.filter(pk__in=inline, name__isnull=True, assignments__isnull=True).delete()
    record_many(entries, actor=actor)
    return len(rows)


def _give(
    pairs: Mapping[Key, Pair],
    *,
    there: Iterable[RoleAssignment],
    window: Window,
    actor: User | None,
    scope: Scope | None = None,
    reason: str = "",
    properties: dict[str, Any] | None = None,
) -> None:
    """Write the assignments that are missing and change those that say something else, an event
    each, if the ceiling allows these. ``there`` has those of the pairs that exist.
    """
    rows = {_key(row.role, row.principal): row for row in there}
    changed = [
        row
        for key, row in rows.items()
        if key in pairs and _differs(row, window, reason, properties)
    ]
    created = [
        RoleAssignment(
            role=role,
            scope=scope,
            granted_by=actor,
            reason=reason,
            properties=properties or {},
            **{key[1]: principal},
            **window._asdict(),
        )
        # In one order: two who write the same rows in different orders wait for each other.
        for key, (role, principal) in sorted(pairs.items(), key=lambda item: item[0])
        if key not in rows
    ]
    if not changed and not created:
        return
    roles = {row.role_id: row.role for row in (*changed, *created)}
    require_covers(actor=actor, roles=roles.values(), scope=scope)
    facts = ASSIGNMENTS[0].audit_facts
    before = [facts(row) for row in changed]
    if changed:
        _change(changed, window, reason, properties)
    # Somebody may have written the same assignment since; theirs is as good.
    RoleAssignment.objects.bulk_create(created, ignore_conflicts=True)
    kind = EventKind.ROLE_ASSIGNMENT_CHANGED
    entries = [
        Entry(kind=kind, target=row.principal, before=old, after=facts(row))
        for row, old in zip(changed, before, strict=True)
    ]
    kind = EventKind.ROLE_ASSIGNED
    entries += [Entry(kind=kind, target=row.principal, after=facts(row)) for row in created]
    record_many(entries, actor=actor)


def _differs(
    row: RoleAssignment, window: Window, reason: str, properties: dict[str, Any] | None
) -> bool:
    same_words = reason in ("", row.reason) and properties in (None, row.properties)
    return not (same_words and stays(row, window))


def _change(
    rows: list[RoleAssignment], window: Window, reason: str, properties: dict[str, Any] | None
) -> None:
    """All in one statement."""
    for row in rows:
        row.valid_from, row.valid_until = given_again(row.window, window)
        row.reason = reason or row.reason
        row.properties = row.properties if properties is None else properties
    RoleAssignment.objects.bulk_update(rows, ["valid_from", "valid_until", "reason", "properties"])


def _refuse_cycles(pairs: Iterable[Pair], *, field: str) -> None:
    """Nobody who holds one of the roles may, with the pairs written, be who is given it."""
    added = [(role.pk, holder.pk) for role, holder in pairs if isinstance(holder, Role)]
    if not added:
        return
    one_at_a_time(Change.ROLE_HOLDERS)
    held = defaultdict(set)
    for role, holder in added:
        held[holder].add(role)
    reached = frontier = {role for role, _ in added}
    while frontier:
        # What holders of these roles hold besides.
        rows = RoleAssignment.objects.filter(holder_role__in=frontier)
        frontier = set()
        for holder, role in rows.values_list("holder_role", "role"):
            held[holder].add(role)
            frontier |= {role} - reached
        reached = reached | frontier
    try:
        TopologicalSorter(held).prepare()
    except CycleError:
        message = "A role cannot be given to its own holders, however indirectly."
        raise RoleCycle(fields={field: [message]}) from None


def _key(role: Role, principal: Principal) -> Key:
    return role.pk, assignments_to(principal).principal, principal.pk


def _rows(pairs: Mapping[Key, Pair]) -> RoleAssignmentQuerySet:
    """Assignments of any of the roles to any of the principals, and so to more than the pairs."""
    principals: dict[str, list[Any]] = defaultdict(list)
    for _, field, pk in pairs:
        principals[f"{field}__in"].append(pk)
    held_by = Q()
    for lookup, keys in principals.items():
        held_by |= Q(**{lookup: keys})
    rows = RoleAssignment.objects.filter(held_by, role__in={role for role, _, _ in pairs})
    return rows.select_related(*ASSIGNMENTS[0].related)
