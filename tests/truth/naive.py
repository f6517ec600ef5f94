"""The rules of access, written down a second time: plain Python over plain sets, and slow.

It follows the words of the design and shares nothing with the engine but the names of its reasons.
Nothing here is stored, cached, joined or closed in advance: every answer is worked out from the
facts alone, so that a disagreement shows a fault in one of the two.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

Thing: TypeAlias = tuple[str, str]  # (type label, key)
PermissionKey: TypeAlias = tuple[str, str]  # (type label, codename)
Principal: TypeAlias = tuple[str, str]  # ("user" | "group" | "role", identifier)


@dataclass(slots=True)
class Times:
    """Inclusive start, exclusive end; None is unlimited."""

    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def hold(self, at: datetime) -> bool:
        started = self.valid_from is None or self.valid_from <= at
        return started and (self.valid_until is None or at < self.valid_until)


@dataclass(slots=True)
class Person:
    username: str
    uuid: str
    hex_id: str
    external_id: str | None = None
    email: str = ""
    active: bool = True


@dataclass(slots=True)
class Team:
    is_superuser: bool = False
    parents: set[str] = field(default_factory=set)


@dataclass(slots=True)
class RoleFacts:
    enabled: bool = True
    disabled_from: datetime | None = None

    def gives(self, at: datetime) -> bool:
        return self.enabled and (self.disabled_from is None or at < self.disabled_from)


@dataclass(slots=True)
class ScopeFacts:
    """``entries``: (type, key or None for the whole type, with descendants)."""

    kind: str
    entries: set[tuple[str, str | None, bool]] = field(default_factory=set)


@dataclass(slots=True)
class Membership:
    id: str
    user: str
    group: str
    times: Times


@dataclass(slots=True)
class Assignment:
    id: str
    role: str
    principal: Principal
    scope: str | None
    times: Times


@dataclass(slots=True)
class Grant:
    """``key`` None is a global grant."""

    id: str
    principal: Principal
    permission: PermissionKey
    key: str | None
    times: Times


@dataclass(frozen=True, slots=True)
class Way:
    """How a role is held: by whom among the user and its groups, and over which assignments."""

    member_of: str | None
    holder: Principal
    assignments: tuple[str, ...]
    role: str
    scopes: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """One reason to allow. ``grant`` is None where membership alone does it: superusers."""

    member_of: str | None
    holder: Principal
    assignments: tuple[str, ...] = ()
    grant: str | None = None


@dataclass(slots=True)
class World:
    """Facts by identifier: users and groups and roles by their keys as text."""

    people: dict[str, Person] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    roles: dict[str, RoleFacts] = field(default_factory=dict)
    scopes: dict[str, ScopeFacts] = field(default_factory=dict)
    types: dict[str, set[str]] = field(default_factory=dict)
    parents: dict[Thing, Thing | None] = field(default_factory=dict)  # registered resources
    memberships: list[Membership] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)

    # Names

    def person(self, name: str, kind: str = "user") -> str | None:
        """By user name, else uuid, else external id, else hex id, else an e-mail only one has."""
        if kind not in ("user", "identity"):
            return None
        people = self.people.items()
        for found in (
            [pk for pk, p in people if p.username == name],
            [pk for pk, p in people if _same_uuid(p.uuid, name)],
            [pk for pk, p in people if p.external_id == name],
            [pk for pk, p in people if p.hex_id == name],
            [pk for pk, p in people if p.email and p.email == name],
        ):
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def permissions(self, action: str, kind: str | None) -> list[PermissionKey]:
        """What an action means: exactly the codename, else without its app label, else short.

        Without a type it is ``app_label.codename``, and must be one type's of that app alone.
        """
        if kind is None:
            app_label, _, codename = action.partition(".")
            found = [
                (label, codename)
                for label, actions in self.types.items()
                if label.partition(".")[0] == app_label and codename in actions
            ]
            return found if len(found) == 1 else []
        app_label, _, model = kind.partition(".")
        for codename in (action, action.removeprefix(f"{app_label}."), f"{action}_{model}"):
            if codename in self.types.get(kind, ()):
                return [(kind, codename)]
        return []

    # Who the subject counts as

    def ancestors(self, team: str) -> set[str]:
        """The group itself and everything above it."""
        found, waiting = {team}, [team]
        while waiting:
            for parent in self.teams[waiting.pop()].parents - found:
                found.add(parent)
                waiting.append(parent)
        return found

    def teams_of(self, pk: str, at: datetime) -> Iterator[tuple[str, str]]:
        """(group the user is a member of, group it counts as a member of for that)."""
        for m in self.memberships:
            if m.user == pk and m.times.hold(at):
                for above in self.ancestors(m.group):
                    yield m.group, above

    def ways(self, pk: str, at: datetime) -> Iterator[Way]:
        """Every way in which the user holds a role now."""
        starts: list[tuple[str | None, Principal]] = [(None, ("user", pk))]
        starts += [(member, ("group", team)) for member, team in self.teams_of(pk, at)]
        for member_of, holder in starts:
            yield from self._onwards(Way(member_of, holder, (), "", ()), holder, at)

    def _onwards(self, way: Way, principal: Principal, at: datetime) -> Iterator[Way]:
        for a in self.assignments:
            if a.principal != principal or a.id in way.assignments:
                continue
            if not (a.times.hold(at) and self.roles[a.role].gives(at)):
                continue
            longer = Way(
                way.member_of,
                way.holder,
                (*way.assignments, a.id),
                a.role,
                (*way.scopes, a.scope),
            )
            yield longer
            yield from self._onwards(longer, ("role", a.role), at)

    # What a scope covers

    def covers(self, scope: str | None, thing: Thing | None) -> bool:
        if scope is None:
            return True
        facts = self.scopes[scope]
        if thing is None or facts.kind == "nothing":
            return False
        if facts.kind == "all":
            return True
        return any(
            _selects(entry, thing)
            or (entry[2] and any(_selects(entry, above) for above in self._line(thing)))
            for entry in facts.entries
        )

    def _line(self, thing: Thing) -> Iterator[Thing]:
        at: Thing | None = thing
        while at is not None:
            yield at
            at = self.parents.get(at)

    # The six functions

    def explain(
        self, subject: str, action: str, thing: Thing | None, at: datetime, kind: str | None = None
    ) -> set[Path]:
        """Every path that allows; ``kind`` names the type where there is no resource."""
        pk = self.person(subject)
        wanted = self.permissions(action, thing[0] if thing else kind)
        if pk is None or not wanted or not self.people[pk].active:
            return set()
        return {*self._superuser_paths(pk, at), *self._grant_paths(pk, wanted, thing, at)}

    def _superuser_paths(self, pk: str, at: datetime) -> Iterator[Path]:
        for member_of, team in self.teams_of(pk, at):
            if self.teams[team].is_superuser:
                yield Path(member_of, ("group", team))

    def _grant_paths(
        self, pk: str, wanted: list[PermissionKey], thing: Thing | None, at: datetime
    ) -> Iterator[Path]:
        own = Way(None, ("user", pk), (), "", ())
        for way in (own, *self.ways(pk, at)):
            if not all(self.covers(scope, thing) for scope in way.scopes):
                continue
            holder = ("role", way.role) if way.assignments else ("user", pk)
            for g in self.grants:
                here = g.key is None or (thing is not None and g.key == thing[1])
                if g.principal == holder and g.permission in wanted and here and g.times.hold(at):
                    yield Path(way.member_of, way.holder, way.assignments, g.id)

    def check(
        self, subject: str, action: str, thing: Thing | None, at: datetime, kind: str | None = None
    ) -> bool:
        return bool(self.explain(subject, action, thing, at, kind))

    def reason(
        self, subject: str, action: str, thing: Thing | None, at: datetime, kind: str | None = None
    ) -> str | None:
        """Why nothing could have helped, or None where a grant was missing or found."""
        kind = thing[0] if thing else kind
        pk = self.person(subject)
        if pk is None:
            return "unknown_subject"
        if not self.people[pk].active:
            return "inactive_subject"
        if kind is not None and kind not in self.types:
            return "unknown_type"
        return None if self.permissions(action, kind) else "unknown_action"

    def check_many(
        self, questions: Sequence[tuple[str, str, Thing | None]], at: datetime
    ) -> list[bool]:
        return [self.check(*question, at) for question in questions]

    def list_resources(self, subject: str, action: str, kind: str, at: datetime) -> set[str]:
        """Of what is registered, or named by a grant or a scope on a path that allows."""
        named = {g.key for g in self.grants if g.key is not None}
        named |= {key for s in self.scopes.values() for _, key, _ in s.entries if key is not None}
        named |= {key for _, key in self.parents}
        return {key for key in named if self._listed(subject, action, (kind, key), at)}

    def _listed(self, subject: str, action: str, thing: Thing, at: datetime) -> bool:
        paths = self.explain(subject, action, thing, at)
        return bool(paths) and (
            thing in self.parents or any(self._names(path, thing) for path in paths)
        )

    def _names(self, path: Path, thing: Thing) -> bool:
        if any(g.id == path.grant and g.key == thing[1] for g in self.grants):
            return True
        scopes = {a.scope for a in self.assignments if a.id in path.assignments}
        return any(
            (kind, key) == thing
            for scope in scopes
            if scope is not None
            for kind, key, _ in self.scopes[scope].entries
        )

    def list_subjects(
        self, action: str, thing: Thing | None, at: datetime, kind: str | None = None
    ) -> set[str]:
        return {
            pk for pk, p in self.people.items() if self.check(p.username, action, thing, at, kind)
        }

    def list_actions(self, subject: str, thing: Thing, at: datetime) -> set[str]:
        return {
            codename
            for codename in self.types.get(thing[0], ())
            if self.check(subject, codename, thing, at)
        }


def _selects(entry: tuple[str, str | None, bool], thing: Thing) -> bool:
    kind, key, _ = entry
    return kind == thing[0] and key in (None, thing[1])


def _same_uuid(stored: str, name: str) -> bool:
    try:
        return uuid.UUID(stored) == uuid.UUID(name)
    except ValueError:
        return False
