"""The facts around one question: everything that leads to an answer, or nearly does.

Unlike the decision's own statements this reads what does not count as well: facts whose time is
over or has not come, disabled roles, scopes that do not cover. What counts is decided here once
more, in Python, because SQL answers only that something does not, and not what hinders it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any, TypeAlias

from django.contrib.auth.models import Permission
from django.db import connections
from django.db.models import Prefetch, Q

from accounts.facts import Fact
from accounts.models import Group, GroupClosure, GroupMembership, GroupParent, User
from permissions.engine import running, sql
from permissions.engine.words import ResourceRef
from permissions.models import ResourceClosure
from permissions.models.fact_tables import GRANTS, GrantRow
from roles.models import Role, RoleAssignment, Scope, ScopeEntry, ScopeKind

Principal: TypeAlias = User | Group | Role

# Grants of the same permission on other resources are only examples.
ELSEWHERE = 5


class Obstacle(StrEnum):
    """What keeps a fact, or the subject itself, from counting."""

    INACTIVE_SUBJECT = "inactive_subject"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    ROLE_DISABLED = "role_disabled"
    SCOPE_DOES_NOT_COVER = "scope_does_not_cover"
    OTHER_RESOURCE = "other_resource"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What concerns one subject, one permission and one resource at one moment."""

    user: User
    permission: Permission
    resource: ResourceRef | None
    at: datetime
    memberships: list[GroupMembership]
    ancestors: dict[Any, list[Group]]  # by the key of a group: itself and everything above it
    parents: dict[Any, list[Any]]  # keys of the groups directly above, likewise
    assignments: dict[Principal, list[RoleAssignment]]
    grants: dict[Principal, list[GrantRow]]
    covering: frozenset[Any]  # keys of the scopes that cover the resource

    def hindering(self, fact: Fact) -> tuple[Obstacle, ...]:
        """What keeps a membership, an assignment or a grant from counting; none when it counts."""
        obstacles = []
        if fact.valid_from is not None and fact.valid_from > self.at:
            obstacles.append(Obstacle.NOT_YET_VALID)
        if fact.valid_until is not None and fact.valid_until <= self.at:
            obstacles.append(Obstacle.EXPIRED)
        if isinstance(fact, RoleAssignment):
            role, scope = fact.role, fact.scope
            if not role.is_enabled or (role.disabled_from and role.disabled_from <= self.at):
                obstacles.append(Obstacle.ROLE_DISABLED)
            if scope is not None and scope.pk not in self.covering:
                obstacles.append(Obstacle.SCOPE_DOES_NOT_COVER)
        elif not isinstance(fact, GroupMembership):
            key = key_of(fact)
            if key is not None and (self.resource is None or key != self.resource.id):
                obstacles.append(Obstacle.OTHER_RESOURCE)
        return tuple(obstacles)

    def leading(self, *, strict: bool) -> frozenset[Principal]:
        """Principals from which a grant can be reached; ``strict``: only by facts that count."""
        # Found backwards from the grants. A walk that also went elsewhere would spend all its steps
        # among the ways of a large company before it came to the one that leads to a grant.
        holders: dict[Role, list[Principal]] = defaultdict(list)
        for principal, held in self.assignments.items():
            for assignment in held:
                if not (strict and self.hindering(assignment)):
                    holders[assignment.role].append(principal)
        leading = {
            principal
            for principal, grants in self.grants.items()
            if any(not (strict and self.hindering(grant)) for grant in grants)
        }
        waiting = deque(leading)
        while waiting:
            principal = waiting.popleft()
            for holder in holders.get(principal, ()) if isinstance(principal, Role) else ():
                if holder not in leading:
                    leading.add(holder)
                    waiting.append(holder)
        return frozenset(leading)

    def upwards(self, below: Group, above: Group) -> list[Group]:
        """The groups after ``below`` on a shortest way up to ``above``, which is the last."""
        groups = {group.pk: group for group in self.ancestors[below.pk]}
        came_from: dict[Any, Any] = {below.pk: None}
        # Breadth first, by name among equals: a shortest way is shown, and each time the same.
        waiting = deque([below.pk])
        while waiting and above.pk not in came_from:
            child = waiting.popleft()
            for parent in self.parents.get(child, ()):
                if parent not in came_from:
                    came_from[parent] = child
                    waiting.append(parent)
        way, at = [above], came_from.get(above.pk, below.pk)
        while at != below.pk and at is not None:
            way.append(groups[at])
            at = came_from[at]
        return way[::-1] if above.pk != below.pk else []


def key_of(grant: Fact) -> str | None:
    """The resource a grant is on; None for a global one."""
    return getattr(grant, "object_pk", None)


def load(
    *,
    user_id: int,
    permission_id: int,
    resource: ResourceRef | None,
    at: datetime,
    using: str,
) -> Facts:
    """Everything ``Facts`` has; at most 14 statements."""
    user = User.objects.using(using).get(pk=user_id)
    permission = (
        Permission.objects.using(using).select_related("content_type").get(pk=permission_id)
    )
    # A type alone is asked about as the check does: by its global grants.
    if resource is not None and resource.id is None:
        resource = None
    text = sql.statement(connections[using].vendor, "assignments_met")
    met = running.subquery(text, {"user_id": user_id})
    held = list(
        RoleAssignment.objects.using(using)
        .filter(pk__in=met)
        .select_related("role", "scope", "user", "group", "holder_role")
        .order_by("role__name", "pk")
    )
    assignments: dict[Principal, list[RoleAssignment]] = defaultdict(list)
    for assignment in held:
        assignments[assignment.principal].append(assignment)
    ancestors, parents = _groups_above(user_id, using)
    roles = {assignment.role_id: assignment.role for assignment in held}
    return Facts(
        user=user,
        permission=permission,
        resource=resource,
        at=at,
        memberships=list(
            GroupMembership.objects.using(using)
            .filter(user=user_id)
            .select_related("group")
            .order_by("group__name")
        ),
        ancestors=ancestors,
        parents=parents,
        assignments=assignments,
        grants=_grants(user, permission, roles, resource, using),
        covering=_covering({a.scope for a in held if a.scope}, permission, resource, using),
    )


def _groups_above(user_id: int, using: str) -> tuple[dict[Any, list[Group]], dict[Any, list[Any]]]:
    """By each group of the user: itself and everything above; by each of those: its parents."""
    closure = GroupClosure.objects.using(using).filter(descendant__memberships__user=user_id)
    ancestors: dict[Any, list[Group]] = defaultdict(list)
    for row in closure.select_related("ancestor").order_by("ancestor__name"):
        ancestors[row.descendant_id].append(row.ancestor)
    links = GroupParent.objects.using(using).filter(child__in=closure.values("ancestor"))
    parents: dict[Any, list[Any]] = defaultdict(list)
    for child, parent in links.order_by("parent__name").values_list("child", "parent"):
        parents[child].append(parent)
    return ancestors, parents


def _grants(
    user: User,
    permission: Permission,
    roles: dict[Any, Role],
    resource: ResourceRef | None,
    using: str,
) -> dict[Principal, list[GrantRow]]:
    """Global grants, object grants on the resource, and a few examples on other resources."""
    granted: dict[Principal, list[GrantRow]] = defaultdict(list)
    key = resource.id if resource else None
    for table in GRANTS:
        principals: dict[Any, Any] = {user.pk: user} if table.holder is User else roles
        grants = table.model.objects.using(using).filter(
            **{f"{table.principal}__in": list(principals)}, permission=permission
        )
        parts = [grants]
        if table.by_object and key is None:
            parts = [grants[:ELSEWHERE]]
        elif table.by_object:
            parts = [grants.filter(object_pk=key), grants.exclude(object_pk=key)[:ELSEWHERE]]
        for grant in chain.from_iterable(parts):
            granted[principals[getattr(grant, table.column)]].append(grant)
    return dict(granted)


def _covering(
    scopes: set[Scope], permission: Permission, resource: ResourceRef | None, using: str
) -> frozenset[Any]:
    """Keys of those of the scopes that cover the resource, as ``sql.Statements.covers`` says it."""
    if resource is None:
        return frozenset()
    covering = {scope.pk for scope in scopes if scope.kind == ScopeKind.ALL}
    type_id = permission.content_type_id
    direct = Q(content_type=type_id) & (Q(object_pk__isnull=True) | Q(object_pk=resource.id))
    # One condition over entries for all that lies above: a statement each would have no bound.
    above = Q(pk__in=[])
    for ancestor_type, ancestor_key in (
        ResourceClosure.objects.using(using)
        .filter(descendant__type=type_id, descendant__object_pk=resource.id)
        .values_list("ancestor__type", "ancestor__object_pk")
    ):
        covers_it = Q(object_pk__isnull=True) | Q(object_pk=ancestor_key)
        above |= Q(content_type=ancestor_type, with_descendants=True) & covers_it
    selected = [scope.pk for scope in scopes if scope.kind == ScopeKind.SELECTED]
    entries = ScopeEntry.objects.using(using).filter(direct | above, scope__in=selected)
    return frozenset(covering | set(entries.values_list("scope", flat=True)))


def entries_of(scopes: Iterable[Scope], using: str) -> dict[Any, list[ScopeEntry]]:
    """The entries of some scopes with their types, to say what each of them covers."""
    keys = [scope.pk for scope in scopes]
    entries = (
        ScopeEntry.objects.using(using)
        .select_related("content_type")
        .order_by("content_type__app_label", "content_type__model", "object_pk", "pk")
    )
    rows = Scope.objects.using(using).filter(pk__in=keys)
    with_entries = rows.prefetch_related(Prefetch("entries", entries))
    return {scope.pk: list(scope.entries.all()) for scope in with_entries}
