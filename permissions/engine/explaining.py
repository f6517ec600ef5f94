"""Why the answer is what it is: every path that allows, or what came nearest to allowing.

The decision is that of ``checking``. The paths are then looked for among the facts around the
question, by walking from the subject as the statements do. A fact that does not count is an
obstacle on the path, and told in words a hindrance. A path without any allows; for a denial, those
with the fewest are the near misses.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import count, islice
from typing import Any

from django.contrib.auth.models import Permission
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Q

from accounts.facts import Fact, valid_at
from accounts.models import Group, GroupMembership, User
from permissions.engine import checking, evidence
from permissions.engine.evidence import Facts, Obstacle, Principal
from permissions.engine.words import (
    Decision,
    Reason,
    ResourceRef,
    Step,
    StepKind,
    SubjectRef,
)
from permissions.models.fact_tables import ROLE_GLOBAL, ROLE_OBJECT, USER_GLOBAL, USER_OBJECT
from roles.models import Role, RoleAssignment, Scope, ScopeEntry, ScopeKind

# More paths than anybody reads; ``complete`` says whether there were more.
MAX_PATHS = 100
MAX_NEAR_MISSES = 5
# Roles that fork and meet again have exponentially many ways; the search gives up after so many.
MAX_STEPS = 10_000
MAX_ROLES_SUGGESTED = 3
MAX_ACTIONS_NAMED = 20
MAX_SCOPE_ENTRIES_NAMED = 3

REASONS = {
    USER_GLOBAL.model: Reason.USER_GLOBAL,
    USER_OBJECT.model: Reason.USER_OBJECT,
    ROLE_GLOBAL.model: Reason.ROLE_GLOBAL,
    ROLE_OBJECT.model: Reason.ROLE_OBJECT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """One obstacle, and the sentence that tells people about it."""

    obstacle: Obstacle
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """From the subject to the grant, or to the group that makes it a superuser."""

    reason: Reason
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A path that would allow if it were not for its hindrances, of which there is at least one."""

    reason: Reason
    steps: tuple[Step, ...]
    hindrances: tuple[Hindrance, ...]

    @property
    def text(self) -> str:
        hindrances = ", and ".join(hindrance.text for hindrance in self.hindrances)
        last = [step for step in self.steps if step.kind is not StepKind.GRANT][-1]
        through = f"{last.kind} {last.name}"
        if last.kind is StepKind.USER:
            through = "a grant of its own"
        return f"would be allowed through {through}, but {hindrances}"


class SuggestionKind(StrEnum):
    ACTIVATE_USER = "activate_user"
    GRANT_ON_RESOURCE = "grant_on_resource"
    ASSIGN_ROLE = "assign_role"
    GRANT_GLOBALLY = "grant_globally"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A change that would allow. ``permission`` is ``app_label.codename``, ``role`` a uuid.

    A role with a ``resource`` is to be assigned on a scope of that resource alone.
    """

    kind: SuggestionKind
    text: str
    permission: str = ""
    role: str = ""
    resource: ResourceRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """``paths`` are in the order of the reasons, then shortest first; empty when denied.

    ``suggestions`` go from the smallest change to the widest. ``actions`` names what the type knows
    when the action is unknown. ``complete`` is False when there were too many paths to list.
    """

    decision: Decision
    at: datetime
    paths: tuple[Path, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    actions: tuple[str, ...] = ()
    complete: bool = True


def explain(
    subject: SubjectRef | User,
    action: str,
    resource: ResourceRef | None = None,
    *,
    at: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> Explanation:
    """The decision of ``checking.check`` with its reasons, at one moment; at most 20 statements."""
    at = at or checking.clock(using)
    decision, verdict = checking.ask(subject, action, resource, at=at, using=using)
    if decision.reason is Reason.UNKNOWN_TYPE and resource is not None:
        label = checking.label_called(resource.type, using=using)
        if label is not None:
            resource = ResourceRef(label, resource.id)
            return explain(subject, action, resource, at=at, using=using)
    # Nothing is granted of an action that does not exist: it helps more to hear which there are.
    if decision.reason is Reason.UNKNOWN_ACTION and resource is not None:
        app_label, _, model = resource.type.partition(".")
        of_type = Permission.objects.using(using).filter(
            content_type__app_label=app_label, content_type__model=model
        )
        codenames = of_type.order_by("codename").values_list("codename", flat=True)
        return Explanation(decision=decision, at=at, actions=tuple(codenames[:MAX_ACTIONS_NAMED]))
    if verdict is None or verdict.user_id is None or verdict.permission_id is None:
        return Explanation(decision=decision, at=at)
    facts = evidence.load(
        user_id=verdict.user_id,
        permission_id=verdict.permission_id,
        resource=resource,
        at=at,
        using=using,
    )
    if decision.allowed:
        return _allowed(decision, facts)
    nearest = list(islice(_candidates(facts, strict=False), MAX_PATHS))
    nearest.sort(key=lambda way: (len(way.hindrances), len(way.steps)))
    misses = _near_misses(nearest[:MAX_NEAR_MISSES], facts, using)
    suggestions = tuple(_suggestions(facts, misses, using))
    return Explanation(decision=decision, at=at, near_misses=tuple(misses), suggestions=suggestions)


def _allowed(decision: Decision, facts: Facts) -> Explanation:
    ways = list(islice(_candidates(facts, strict=True), MAX_PATHS + 1))
    paths = [Path(reason=way.reason, steps=way.steps) for way in ways[:MAX_PATHS]]
    order = list(Reason)
    paths.sort(key=lambda path: (order.index(path.reason), len(path.steps)))
    # The check names only the ends of a path, and not always of the one that is shown first.
    best = next((path for path in paths if path.reason is decision.reason), None)
    return Explanation(
        decision=replace(decision, path=best.steps) if best else decision,
        at=facts.at,
        paths=tuple(paths),
        complete=len(ways) <= MAX_PATHS,
    )


# The walk


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A walk so far: whom it has reached, and what stood in its way. It ends with a ``reason``."""

    principal: Principal
    steps: tuple[Step, ...]
    hindrances: tuple[Hindrance, ...] = ()
    reason: Reason = Reason.NO_GRANT
    # The scopes that do not cover the resource: a hindrance tells what they cover instead.
    uncovering: tuple[Scope, ...] = ()

    def on(
        self,
        principal: Principal,
        steps: Iterable[Step],
        hindrances: Iterable[Hindrance],
        *,
        uncovering: tuple[Scope, ...] = (),
    ) -> _Way:
        return _Way(
            principal=principal,
            steps=(*self.steps, *steps),
            hindrances=(*self.hindrances, *hindrances),
            uncovering=(*self.uncovering, *uncovering),
        )

    @property
    def rank(self) -> tuple[int, int]:
        """Least hindered first; among equals the longest, so that the walk comes to an end soon."""
        return len(self.hindrances), -len(self.steps)


def _candidates(facts: Facts, *, strict: bool) -> Iterator[_Way]:
    """Finished ways, least hindered first; ``strict``: only those that allow."""
    waiting: list[tuple[tuple[int, int], int, _Way]] = []
    numbers = count()

    def wait(ways: Iterable[_Way]) -> None:
        for way in ways:
            if not (strict and way.hindrances):
                # Ways have no order of their own: their numbers keep the heap from comparing them.
                heapq.heappush(waiting, (way.rank, next(numbers), way))

    leading = facts.leading(strict=strict)
    wait(_starts(facts, leading))
    for _ in range(MAX_STEPS):
        if not waiting:
            return
        _, _, way = heapq.heappop(waiting)
        if way.reason is not Reason.NO_GRANT:
            yield way
            continue
        wait(_ends(facts, way))
        wait(_onwards(facts, way, leading))


def _starts(facts: Facts, leading: frozenset[Principal]) -> Iterator[_Way]:
    """Ways to the subject itself, and to each group that it is a member of, directly or not."""
    user = facts.user
    inactive = Hindrance(obstacle=Obstacle.INACTIVE_SUBJECT, text=f"{_name(user)} is not active")
    start = _Way(
        principal=user,
        steps=(Step(kind=StepKind.USER, id=str(user.pk), name=_name(user)),),
        hindrances=() if user.is_active else (inactive,),
    )
    yield start
    for membership in facts.memberships:
        hindrances = _hindrances(facts, membership)
        member = _step(membership.group, "member", membership)
        for group in facts.ancestors[membership.group_id]:
            if group.is_superuser or group in leading:
                below, steps = membership.group, [member]
                for above in facts.upwards(below, group):
                    steps.append(_step(above, f"above {_name(below)}"))
                    below = above
                yield start.on(group, steps, hindrances)


def _ends(facts: Facts, way: _Way) -> Iterator[_Way]:
    """The way to each grant of whom the walk has reached, and to being a superuser."""
    principal = way.principal
    if isinstance(principal, Group) and principal.is_superuser:
        last = replace(way.steps[-1], detail=f"{way.steps[-1].detail}, makes superusers")
        yield replace(way, reason=Reason.SUPERUSER, steps=(*way.steps[:-1], last))
    label = _label(facts.permission)
    for grant in facts.grants.get(principal, ()):
        key = evidence.key_of(grant)
        step = Step(
            kind=StepKind.GRANT,
            id=str(grant.pk),
            name=_permission_name(facts.permission),
            detail=f"on every {label}" if key is None else f"on {label}:{key}",
            valid_from=grant.valid_from,
            valid_until=grant.valid_until,
        )
        granted = way.on(principal, [step], _hindrances(facts, grant))
        yield replace(granted, reason=REASONS[type(grant)])


def _onwards(facts: Facts, way: _Way, leading: frozenset[Principal]) -> Iterator[_Way]:
    """The way to each role held by whom the walk has reached, if it leads on to a grant."""
    passed = {step.fact for step in way.steps if step.kind is StepKind.ROLE}
    for assignment in facts.assignments.get(way.principal, ()):
        role, scope = assignment.role, assignment.scope
        # Roles in a circle, which only rows from elsewhere can make, would be walked for ever.
        if role not in leading or str(assignment.pk) in passed:
            continue
        hindrances = _hindrances(facts, assignment)
        is_outside = any(h.obstacle is Obstacle.SCOPE_DOES_NOT_COVER for h in hindrances)
        yield way.on(
            role,
            [_step(role, f"held by {_name(way.principal)}", assignment)],
            hindrances,
            uncovering=(scope,) if scope is not None and is_outside else (),
        )


# What stands in the way, told


def _hindrances(facts: Facts, fact: Fact) -> tuple[Hindrance, ...]:
    return tuple(
        Hindrance(obstacle=obstacle, text=_told(facts, fact, obstacle))
        for obstacle in facts.hindering(fact)
    )


def _told(facts: Facts, fact: Fact, obstacle: Obstacle) -> str:
    what, role = "the grant", ""
    if isinstance(fact, GroupMembership):
        what = f"the membership of {_name(fact.group)}"
    elif isinstance(fact, RoleAssignment):
        role = f"role {_name(fact.role)}"
        what = f"the assignment of {role}"
    match obstacle:
        case Obstacle.NOT_YET_VALID:
            return f"{what} is not valid before {_moment(fact.valid_from)}"
        case Obstacle.EXPIRED:
            return f"{what} expired on {_moment(fact.valid_until)}"
        case Obstacle.ROLE_DISABLED:
            assert isinstance(fact, RoleAssignment)
            since = f" since {_moment(fact.role.disabled_from)}" if fact.role.is_enabled else ""
            return f"{role} is disabled{since}"
        case Obstacle.SCOPE_DOES_NOT_COVER:
            assert isinstance(fact, RoleAssignment)
            asked = f"{facts.resource}" if facts.resource else "questions without a resource"
            return f"{_scope_name(fact.scope)} of {role} does not cover {asked}"
        case Obstacle.OTHER_RESOURCE:
            on = f"{_label(facts.permission)}:{evidence.key_of(fact)}"
            asked = f"not on {facts.resource}" if facts.resource else "not globally"
            return f"the grant is on {on}, {asked}"
    return f"{_name(facts.user)} is not active"


def _near_misses(nearest: list[_Way], facts: Facts, using: str) -> list[NearMiss]:
    """With what the scopes that do not cover the resource cover instead."""
    scopes = {scope for way in nearest for scope in way.uncovering}
    entries = evidence.entries_of(scopes, using) if scopes else {}
    misses = []
    for way in nearest:
        # One for each hindrance of that kind, in their order.
        uncovering = iter(way.uncovering)
        hindrances = list(way.hindrances)
        for n, hindrance in enumerate(hindrances):
            if hindrance.obstacle is Obstacle.SCOPE_DOES_NOT_COVER:
                scope = next(uncovering)
                covers = _coverage(scope, entries.get(scope.pk, []))
                hindrances[n] = replace(hindrance, text=f"{hindrance.text}; it covers {covers}")
        misses.append(NearMiss(reason=way.reason, steps=way.steps, hindrances=tuple(hindrances)))
    return misses


def coverage_of(scopes: Iterable[Scope], *, using: str = DEFAULT_DB_ALIAS) -> dict[Any, str]:
    """In words, what each scope covers, by its key. Two statements, none for no scopes."""
    by_key = {scope.pk: scope for scope in scopes}
    if not by_key:
        return {}
    entries = evidence.entries_of(by_key.values(), using)
    return {key: _coverage(scope, entries.get(key, [])) for key, scope in by_key.items()}


def _coverage(scope: Scope, entries: list[ScopeEntry]) -> str:
    if scope.kind == ScopeKind.ALL:
        return "every resource"
    if scope.kind == ScopeKind.NOTHING or not entries:
        return "nothing"
    texts = []
    for entry in entries[:MAX_SCOPE_ENTRIES_NAMED]:
        label = f"{entry.content_type.app_label}.{entry.content_type.model}"
        text = f"every {label}" if entry.object_pk is None else f"{label}:{entry.object_pk}"
        texts.append(f"{text} and all below" if entry.with_descendants else text)
    more = len(entries) - len(texts)
    return ", ".join(texts) + (f" and {more} more" if more else "")


# What would help


def _suggestions(facts: Facts, misses: list[NearMiss], using: str) -> Iterator[Suggestion]:
    if not facts.user.is_active:
        yield Suggestion(kind=SuggestionKind.ACTIVATE_USER, text=f"activate {_name(facts.user)}")
        if any(len(miss.hindrances) == 1 for miss in misses):
            return
    permission = _permission_name(facts.permission)
    subject, resource = _name(facts.user), facts.resource
    if resource is not None:
        yield Suggestion(
            kind=SuggestionKind.GRANT_ON_RESOURCE,
            text=f"grant {permission} on {resource} to {subject}",
            permission=permission,
            resource=resource,
        )
    for role in _roles_that_have_it(facts, using):
        limit = f" on a scope of {resource} alone" if resource else ""
        yield Suggestion(
            kind=SuggestionKind.ASSIGN_ROLE,
            text=f"assign role {_name(role)} to {subject}{limit}",
            role=str(role.pk),
            resource=resource,
        )
    yield Suggestion(
        kind=SuggestionKind.GRANT_GLOBALLY,
        text=f"grant {permission} globally to {subject}",
        permission=permission,
    )


def _roles_that_have_it(facts: Facts, using: str) -> Iterable[Role]:
    """Those with the fewest global permissions first: the least that comes along."""
    counts = valid_at(facts.at)
    everywhere = ROLE_GLOBAL.model.objects.filter(counts, permission=facts.permission)
    has_it = Q(pk__in=everywhere.values(ROLE_GLOBAL.principal))
    if facts.resource is not None:
        on_it = ROLE_OBJECT.model.objects.filter(
            counts, permission=facts.permission, object_pk=facts.resource.id
        )
        has_it |= Q(pk__in=on_it.values(ROLE_OBJECT.principal))
    return (
        Role.objects.using(using)
        .effective(facts.at)
        .public()
        .filter(has_it)
        .annotate(breadth=Count("global_grants"))
        .order_by("breadth", "name")[:MAX_ROLES_SUGGESTED]
    )


# Steps and names


def _step(principal: Group | Role, detail: str, fact: Fact | None = None) -> Step:
    kind = StepKind.GROUP if isinstance(principal, Group) else StepKind.ROLE
    step = Step(kind=kind, id=str(principal.pk), name=_name(principal), detail=detail)
    if fact is None:
        return step
    step = replace(
        step, fact=str(fact.pk), valid_from=fact.valid_from, valid_until=fact.valid_until
    )
    scope = fact.scope if isinstance(fact, RoleAssignment) else None
    return replace(step, scope=_scope_name(scope), scope_id=str(scope.pk)) if scope else step


def _name(principal: Principal) -> str:
    if isinstance(principal, User):
        return principal.username
    return principal.display_name or principal.name


def _scope_name(scope: Scope | None) -> str:
    if scope is None:
        return "no scope"
    return f"scope {scope.name}" if scope.name else "the scope"


def _label(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.content_type.model}"


def _permission_name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "ever"
