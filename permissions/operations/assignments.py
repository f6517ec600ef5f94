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
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q

from accounts.facts import ALWAYS, Asked, Window, valid_at
from accounts.models import Group, User
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import require_covers
from permissions.models.fact_tables import ASSIGNMENTS, TIMES, assignments_to
from permissions.operations.facts import window_after
from permissions.operations.locks import Change, lock_principals, one_at_a_time
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
    window: Window | None = None,
    reason: str = "",
    properties: dict[str, Any] | None = None,
) -> RoleAssignment:
    """One assignment within the scope, which is never narrower afterwards: see
    ``accounts.facts.Asked``.

    Raises GrantCeiling when the role gives more than the actor holds throughout, RoleCycle,
    InvalidInput for an end before its start or in the past, Conflict for a time apart from the one
    that is there or for a principal deleted meanwhile.
    """
    asked = Asked.at_once(window)
    _refuse_cycles([(role, principal)], field="role")
    lock_principals([principal])
    pairs = {_key(role, principal): (role, principal)}
    there = _rows(pairs).filter(scope=scope)
    terms = _Terms(asked, scope, reason, properties)
    [row] = _give(pairs, there=there, terms=terms, actor=actor)
    return row


@transaction.atomic
def change_assignment(
    *,
    row: RoleAssignment,
    actor: User | None,
    reason: str | None = None,
    **times: datetime | None,
) -> RoleAssignment:
    """Let an assignment begin at ``valid_from`` or count until ``valid_until``, which may shorten,
    postpone or end it; what is not given stays.

    Raises InvalidInput for an end before its start, NotFound when it is gone, and GrantCeiling
    when it would count at a time it did not and the role gives more than the actor holds then.
    """
    table = assignments_to(row.principal)
    row = table.reread(row)
    window = window_after(row, times)
    reason = row.reason if reason is None else reason
    if (row.window, row.reason) == (window, reason):
        return row
    if not row.window.contains(window):
        require_covers(actor=actor, roles=[row.role], scope=row.scope, window=window)
    before = table.audit_facts(row)
    row.valid_from, row.valid_until, row.reason = *window, reason
    row.save(update_fields=[*TIMES, "reason"])
    kind = EventKind.ROLE_ASSIGNMENT_CHANGED
    entry = Entry(kind=kind, target=row.principal, before=before, after=table.audit_facts(row))
    record_many([entry], actor=actor)
    return row


@transaction.atomic
def assign_roles(
    *,
    pairs: Iterable[Pair],
    actor: User | None,
    window: Window | None = None,
) -> None:
    """Each principal holds its role, unscoped, as ``assign_role`` says.

    All or none, with a fixed number of statements. Raises what that raises, and Conflict for a role
    deleted meanwhile; nothing is written then.
    """
    asked = Asked.at_once(window)
    by_key = {_key(*pair): pair for pair in pairs}
    _refuse_cycles(by_key.values(), field="targets")
    lock_principals(chain.from_iterable(by_key.values()))
    there = _rows(by_key).filter(scope=None)
    _give(by_key, there=there, terms=_Terms(asked), actor=actor)


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
    lock_principals(chain.from_iterable(by_key.values()))
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
    _refuse_cycles([(role, principal) for role in by_pk.values()], field="role")
    table = assignments_to(principal)
    lock_principals([principal])
    is_listed = valid_at()
    if not isinstance(principal, Role):
        is_listed &= Q(role__in=Role.objects.public())
    own = table.locked(table.model.objects.unscoped().filter(**{table.principal: principal}))
    rows = list(own.annotate(is_listed=ExpressionWrapper(is_listed, BooleanField())))
    listed = [row for row in rows if row.is_listed]
    delete_assignments([row for row in listed if row.role_id not in by_pk], actor=actor)
    kept = {row.role_id for row in listed}
    added = [(role, principal) for pk, role in by_pk.items() if pk not in kept]
    by_key = {_key(*pair): pair for pair in added}
    unlisted = [row for row in rows if not row.is_listed]
    _give(by_key, there=unlisted, terms=_Terms(Asked.at_once()), actor=actor)


@transaction.atomic
def delete_assignment(*, row: RoleAssignment, actor: User | None) -> None:
    """Raises NotFound when somebody else deleted it meanwhile."""
    delete_assignments([assignments_to(row.principal).reread(row)], actor=actor)


@transaction.atomic
def delete_assignments(rows: list[RoleAssignment], *, actor: User | None) -> int:
    """Delete rows that were read locked, an event each, and nameless scopes nobody else uses."""
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


class _Terms(NamedTuple):
    """What assignments say besides role and principal; None leaves properties as they are."""

    asked: Asked
    scope: Scope | None = None
    reason: str = ""
    properties: dict[str, Any] | None = None


def _give(
    pairs: Mapping[Key, Pair],
    *,
    there: Iterable[RoleAssignment],
    terms: _Terms,
    actor: User | None,
) -> list[RoleAssignment]:
    """The assignment of each pair, in order; those that are missing or say something else are
    written, an event each, if the ceiling allows it. ``there`` has those that exist, locked.
    """
    rows = {_key(row.role, row.principal): row for row in there}
    rows = {key: row for key, row in rows.items() if key in pairs}
    facts, asked = ASSIGNMENTS[0].audit_facts, terms.asked
    # Told before ``_take_on`` changes the rows.
    before = {key: facts(row) for key, row in rows.items()}
    changed = [row for row in rows.values() if _take_on(row, terms)]
    # In one order: two who write the same rows in different orders wait for each other.
    for key, (role, principal) in sorted(pairs.items(), key=lambda item: item[0]):
        if key not in rows:
            rows[key] = RoleAssignment(
                role=role,
                scope=terms.scope,
                granted_by=actor,
                reason=terms.reason,
                properties=terms.properties or {},
                **{key[1]: principal},
                **asked.given_to(None)._asdict(),
            )
    created = [row for key, row in rows.items() if key not in before]
    if not changed and not created:
        return [rows[key] for key in pairs]
    roles = {row.role_id: row.role for row in (*changed, *created)}
    require_covers(
        actor=actor, roles=roles.values(), scope=terms.scope, window=asked.window or ALWAYS
    )
    RoleAssignment.objects.bulk_update(changed, [*TIMES, "reason", "properties"])
    RoleAssignment.objects.bulk_create(created)
    kind, new = EventKind.ROLE_ASSIGNMENT_CHANGED, EventKind.ROLE_ASSIGNED
    entries = [
        Entry(
            kind=kind,
            target=row.principal,
            before=before[_key(row.role, row.principal)],
            after=facts(row),
        )
        for row in changed
    ]
    entries += [Entry(kind=new, target=row.principal, after=facts(row)) for row in created]
    record_many(entries, actor=actor)
    return [rows[key] for key in pairs]


def _take_on(row: RoleAssignment, terms: _Terms) -> bool:
    """Let an existing assignment say what is asked; whether that changes it."""
    was = (row.window, row.reason, row.properties)
    row.valid_from, row.valid_until = terms.asked.given_to(row.window)
    row.reason = terms.reason or row.reason
    row.properties = row.properties if terms.properties is None else terms.properties
    return was != (row.window, row.reason, row.properties)


def _refuse_cycles(pairs: Iterable[Pair], *, field: str) -> None:
    """Nobody who holds one of the roles may, with the pairs written, be who is given it."""
    added = [(role.pk, holder.pk) for role, holder in pairs if isinstance(holder, Role)]
    if not added:
        return
    one_at_a_time(Change.ROLE_HOLDERS)
    held = defaultdict(set)
    for role, holder in added:
        held[holder].add(role)
    # Only what can be reached from the new links is read: a circle must go through one of them.
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
    """Assignments of any of the roles to any of the principals, and so to more than the pairs;
    locked.
    """
    principals: dict[str, list[Any]] = defaultdict(list)
    for _, field, pk in pairs:
        principals[f"{field}__in"].append(pk)
    held_by = Q()
    for lookup, keys in principals.items():
        held_by |= Q(**{lookup: keys})
    rows = RoleAssignment.objects.filter(held_by, role__in={role for role, _, _ in pairs})
    return ASSIGNMENTS[0].locked(rows)
