"""Roles given to users, to groups and to the holders of other roles, and taken away again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias

from django.db import connection, transaction

from accounts.models import Group, User
from audit.errors import Conflict, InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import require_covers
from permissions.operations.grants import require_times
from roles.models import Role, RoleAssignment, RoleAssignmentQuerySet, Scope

Principal: TypeAlias = User | Group | Role
ROLE_LOCK = 7_003
ATTEMPTS = 5


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
    an end before its start.
    """
    require_times(valid_from, valid_until)
    if isinstance(principal, Role):
        _refuse_cycle(role=role, holder=principal)
    times = {"valid_from": valid_from, "valid_until": valid_until}
    row = _rows(role, principal).filter(scope=scope).first()
    if row is not None and _unchanged(row, times, reason, properties):
        return row
    require_covers(actor=actor, roles=[role], scope=scope)
    before = assignment_facts(row) if row is not None else None
    row = row or _inserted(role=role, scope=scope, principal=principal, actor=actor)
    row.valid_from, row.valid_until = valid_from, valid_until
    row.reason = reason or row.reason
    row.properties = row.properties if properties is None else properties
    row.save()
    kind = EventKind.ROLE_ASSIGNED if before is None else EventKind.ROLE_ASSIGNMENT_CHANGED
    entry = Entry(kind=kind, target=principal, before=before, after=assignment_facts(row))
    record_many([entry], actor=actor)
    return row


@transaction.atomic
def unassign_role(
    *,
    role: Role,
    principal: Principal,
    actor: User | None,
    scope: Scope | AnyScope | None = ANY_SCOPE,
) -> int:
    """How many assignments went; 0 when the role was not held."""
    rows = _rows(role, principal)
    if not isinstance(scope, AnyScope):
        rows = rows.filter(scope=scope)
    return delete_assignments(list(rows.select_related("role", "scope")), actor=actor)


@transaction.atomic
def delete_assignments(rows: list[RoleAssignment], *, actor: User | None) -> int:
    """Delete the rows, an event each, and the nameless scopes nobody else uses."""
    if not rows:
        return 0
    entries = [
        Entry(kind=EventKind.ROLE_UNASSIGNED, target=row.principal, before=assignment_facts(row))
        for row in rows
    ]
    inline = {row.scope.pk for row in rows if row.scope is not None and row.scope.name is None}
    RoleAssignment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    Scope.objects.filter(pk__in=inline, name__isnull=True, assignments__isnull=True).delete()
    record_many(entries, actor=actor)
    return len(rows)


@transaction.atomic
def set_roles(*, principal: User | Group, roles: Iterable[Role], actor: User | None) -> None:
    """The public roles held without scope become exactly these; only those added meet the ceiling.

    Lists show what counts now, so this is what they change: an assignment that ends later keeps its
    end, and one that has not begun stays as it is.
    """
    wanted = {role.pk: role for role in roles}
    known = RoleAssignment.objects.unscoped().filter(**_named(principal))
    rows = list(
        known.active()
        .filter(role__in=Role.objects.public())
        .select_related("role", "scope", "user", "group")
    )
    delete_assignments([row for row in rows if row.role_id not in wanted], actor=actor)
    held = {row.role_id for row in rows}
    added = [role for pk, role in wanted.items() if pk not in held]
    again = known.filter(role__in=added).select_related("role", "scope", "user", "group")
    _add([(role, principal) for role in added], list(again), actor=actor)


@transaction.atomic
def set_role_parents(*, role: Role, parents: Iterable[Role], actor: User | None) -> None:
    """Holders of the role hold exactly these too, unscoped, as far as it counts now; see
    ``set_roles``. Raises RoleCycle, GrantCeiling.
    """
    wanted = {parent.pk: parent for parent in parents}
    rows = list(
        RoleAssignment.objects.active()
        .unscoped()
        .filter(holder_role=role)
        .select_related("role", "scope", "holder_role")
    )
    delete_assignments([row for row in rows if row.role_id not in wanted], actor=actor)
    known = {row.role_id for row in rows}
    for pk, parent in wanted.items():
        if pk not in known:
            assign_role(role=parent, principal=role, actor=actor)


def _add(
    pairs: list[tuple[Role, User | Group]], rows: list[RoleAssignment], *, actor: User | None
) -> None:
    """Write the unscoped assignments that are missing or limited in time, with few statements."""
    known = {row.role_id: row for row in rows}
    limited = [row for row in rows if row.valid_from or row.valid_until]
    created = [
        RoleAssignment(role=role, granted_by=actor, **_named(principal))
        # In one order: two who write the same rows in different orders wait for each other.
        for role, principal in sorted(pairs, key=lambda pair: pair[0].pk)
        if role.pk not in known
    ]
    if not limited and not created:
        return
    require_covers(actor=actor, roles=[row.role for row in (*limited, *created)])
    entries = change_times(limited, valid_from=None, valid_until=None)
    # Somebody may have written the same assignment since; theirs is as good.
    RoleAssignment.objects.bulk_create(created, ignore_conflicts=True)
    given = EventKind.ROLE_ASSIGNED
    entries += [Entry(kind=given, target=r.principal, after=assignment_facts(r)) for r in created]
    record_many(entries, actor=actor)


def change_times(
    rows: Sequence[RoleAssignment], *, valid_from: datetime | None, valid_until: datetime | None
) -> list[Entry]:
    """All in one statement; the events of it, to be recorded."""
    before = [assignment_facts(row) for row in rows]
    for row in rows:
        row.valid_from, row.valid_until = valid_from, valid_until
    keys = [row.pk for row in rows]
    RoleAssignment.objects.filter(pk__in=keys).update(
        valid_from=valid_from, valid_until=valid_until
    )
    return [
        Entry(
            kind=EventKind.ROLE_ASSIGNMENT_CHANGED,
            target=row.principal,
            before=old,
            after=assignment_facts(row),
        )
        for row, old in zip(rows, before, strict=True)
    ]


def _inserted(
    *, role: Role, scope: Scope | None, principal: Principal, actor: User | None
) -> RoleAssignment:
    """The assignment's row, ours or that of whoever wrote the same at the same time.

    Raises Conflict when others keep deleting it in between.
    """
    row = RoleAssignment(role=role, scope=scope, granted_by=actor, **_named(principal))
    for _ in range(ATTEMPTS):
        RoleAssignment.objects.bulk_create([row], ignore_conflicts=True)
        found = _rows(role, principal).filter(scope=scope).select_for_update().first()
        if found is not None:
            found.role = role
            return found
    raise Conflict("The assignment is being changed by others; try again.")


def _refuse_cycle(*, role: Role, holder: Role) -> None:
    """Holders of ``holder`` would hold ``role``: nobody who holds ``role`` may reach ``holder`` so.

    Under a lock: two assignments that are each fine may make a cycle together.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLE_LOCK])
    reached, frontier = {role.pk}, {role.pk}
    while frontier:
        if holder.pk in frontier:
            raise RoleCycle(
                fields={"role": ["A role cannot be given to its own holders, however indirectly."]}
            )
        # What holders of these roles hold besides.
        found = RoleAssignment.objects.filter(holder_role__in=frontier)
        frontier = set(found.values_list("role", flat=True)) - reached
        reached |= frontier


def _rows(role: Role, principal: Principal) -> RoleAssignmentQuerySet:
    return RoleAssignment.objects.filter(role=role, **_named(principal))


def _named(principal: Principal) -> dict[str, Principal]:
    if isinstance(principal, User):
        return {"user": principal}
    return {"group": principal} if isinstance(principal, Group) else {"holder_role": principal}


def _unchanged(
    row: RoleAssignment,
    times: dict[str, datetime | None],
    reason: str,
    properties: dict[str, Any] | None,
) -> bool:
    same_times = row.valid_from == times["valid_from"] and row.valid_until == times["valid_until"]
    same_words = reason in ("", row.reason) and properties in (None, row.properties)
    return same_times and same_words


def assignment_facts(row: RoleAssignment) -> dict[str, Any]:
    """What an audit event says of an assignment."""
    facts: dict[str, Any] = {"role": str(row.role_id), "name": row.role.name}
    if row.scope_id is not None:
        facts["scope"] = str(row.scope_id)
    for name in ("valid_from", "valid_until"):
        if (value := getattr(row, name)) is not None:
            facts[name] = value.isoformat()
    if row.reason:
        facts["reason"] = row.reason
    return facts
