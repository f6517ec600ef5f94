"""Roles that a user or a group holds in one way each: everywhere, within a shared scope, or within
a scope made for it. Several assignments of one role give way to the one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils import timezone

from accounts.facts import Window
from accounts.models import Group, User
from permissions.engine import require_may
from permissions.models.fact_tables import assignments_to
from permissions.operations.assignments import assign_role, delete_assignments
from permissions.operations.locks import lock_principals
from permissions.operations.scopes import EntrySpec, create_scope, keep_named
from roles.models import Role, RoleAssignment, RoleAssignmentQuerySet, Scope, ScopeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineScope:
    """To be made for one assignment, of the kind said."""

    kind: ScopeKind
    entries: Sequence[EntrySpec] = ()
    properties: dict[str, Any] = field(default_factory=dict)


class Terms(TypedDict, total=False):
    """Of an assignment: when it counts (None says nothing), and why it was given."""

    window: Window | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedRole:
    """``within`` None is everywhere; ``properties`` are the assignment's."""

    role: Role
    within: Scope | InlineScope | None
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSet:
    """All the roles that somebody is to hold: those written anew, and those that stay as is."""

    written: Sequence[ScopedRole]
    kept: Collection[str]  # names


@transaction.atomic
def put_scoped_role(*, principal: User | Group, scoped: ScopedRole, actor: User | None) -> None:
    """The principal holds the role in this way and no other. The same again changes nothing.

    Raises what ``assign_role`` and ``create_scope`` raise.
    """
    rows = _locked(principal, [scoped]).filter(role=scoped.role)
    _replace(principal, scoped, rows, actor)


@transaction.atomic
def set_scoped_roles(*, principal: User | Group, roles: RoleSet, actor: User | None) -> None:
    """Of the roles people may give the principal holds exactly these, as far as it counts now.

    Raises Forbidden when the actor may not change a role that is taken away by this.
    """
    rows = _locked(principal, roles.written)
    before = list(rows)
    for scoped in roles.written:
        _replace(principal, scoped, [row for row in before if row.role_id == scoped.role.pk], actor)
    names = {*roles.kept, *(scoped.role.name for scoped in roles.written)}
    gone = list(rows.active().exclude(role__name__in=names))
    # Which ones go is known only under the lock, so nobody can have asked before.
    require_may(actor=actor, action="change_role", rows={row.role for row in gone})
    delete_assignments(gone, actor=actor)


@transaction.atomic
def create_assignment(
    *,
    role: Role,
    principal: User | Group | Role,
    actor: User | None,
    scope: Scope | None = None,
    inline_scope: InlineScope | None = None,
    **terms: Unpack[Terms],
) -> RoleAssignment:
    """An assignment within the scope or one made for it alone, or everywhere: ``assign_role``."""
    if inline_scope is not None:
        scope = create_scope(actor=actor, kind=inline_scope.kind, entries=inline_scope.entries)
    return assign_role(role=role, principal=principal, scope=scope, actor=actor, **terms)


def _locked(principal: User | Group, to_write: Iterable[ScopedRole]) -> RoleAssignmentQuerySet:
    """The principal's assignments of roles people may give, over or to come ones too."""
    # Of two writers at once the second must see what the first wrote, or both would stand. The key
    # of the principal stays free: assignments by other operations refer to it.
    lock_principals([principal])
    scopes = (scoped.within for scoped in to_write)
    keep_named(one for scope in scopes if isinstance(scope, InlineScope) for one in scope.entries)
    table = assignments_to(principal)
    rows = RoleAssignment.objects.filter(**{table.principal: principal})
    return table.locked(rows.filter(role__in=Role.objects.shareable()))


def _replace(
    principal: User | Group,
    scoped: ScopedRole,
    before: Iterable[RoleAssignment],
    actor: User | None,
) -> None:
    before, scope = list(before), scoped.within
    now = timezone.now()
    counting = [row for row in before if row.window.contains(Window(now, now))]
    # What counts now is what has been read: sent back, it takes nothing away that is to come.
    if len(counting) == 1 and counting[0].properties == scoped.properties:
        return
    if isinstance(scope, InlineScope):
        scope = create_scope(
            actor=actor,
            kind=scope.kind,
            entries=scope.entries,
            properties=scope.properties,
        )
    row = assign_role(
        role=scoped.role,
        principal=principal,
        actor=actor,
        scope=scope,
        # Who replaces the scope says nothing of the times and the reason: they stay.
        window=reduce(Window.hull, (row.window for row in counting)) if counting else None,
        reason="; ".join(dict.fromkeys(row.reason for row in counting if row.reason))[:500],
        properties=scoped.properties,
    )
    # After the new one is judged: by what it takes away nobody gains the right to give it.
    delete_assignments([old for old in before if old.pk != row.pk], actor=actor)
