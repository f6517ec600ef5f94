"""The grant ceiling: nobody gives, by any door, what they do not hold themselves.

It is asked of everything that gives access, in time and in place. For each permission on each
resource that is given there must be one way by which the caller holds it, throughout the time for
which it is given. Scopes are compared by what they cover, entry by entry, and not by their keys: a
scope lies inside another when everything it selects does, as the resources lie now.

Superusers, and holders of ``authentik_rbac.escalate``, give what they like for as long as they are
that; only superusers put anybody into what confers superuser. An actor of None is the service
itself and has no ceiling.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Exists, Model, OuterRef, QuerySet

from accounts.facts import ALWAYS, Window
from accounts.models import Group, User
from audit.errors import Forbidden
from permissions.engine import ceiling_sql, checking, running
from permissions.engine.words import Question, ResourceRef, SubjectRef, moment
from permissions.models import (
    ResourceClosure,
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from roles.models import InitialPermissions, Role, Scope, ScopeEntry, ScopeKind

SHOWN = 5
BATCH = 1_000
ESCALATE = "authentik_rbac.escalate"


class GrantCeiling(Forbidden):
    """The actor would give more than it holds; the message names what is missing, and until when
    the actor holds it, so that a client can ask again with that end.
    """

    code = "grant_ceiling"


class SuperuserOnly(Forbidden):
    """The change confers superuser, and the actor is none for all that time."""

    code = "superuser_only"
    default_message = "Only a superuser can do this: it would make somebody a superuser."


@dataclass(frozen=True, slots=True, kw_only=True)
class Conferral:
    """What a write gives: roles held within a scope, groups joined, users acted as, for a time."""

    roles: Sequence[Role] = ()
    groups: Sequence[Group] = ()
    users: Sequence[User] = ()
    scope: Scope | None = None
    window: Window = ALWAYS

    def rows(self) -> Iterator[dict[str, Any]]:
        """As the statements read it."""
        kinds = (("role_id", self.roles), ("group_id", self.groups), ("user_id", self.users))
        row = {
            **dict.fromkeys(("role_id", "group_id", "user_id")),
            "scope_id": str(self.scope.pk) if self.scope else None,
            "since": moment(self.window.valid_from),
            "until": moment(self.window.valid_until),
        }
        for column, chosen in kinds:
            for one in chosen:
                yield {**row, column: one.pk if column == "user_id" else str(one.pk)}


def require_grants(
    *,
    actor: User | None,
    wanted: Iterable[tuple[Permission, ResourceRef | None]],
    window: Window = ALWAYS,
) -> None:
    """The actor holds each permission, on the resource or globally, throughout. One statement.

    The permissions come with their content type loaded. Raises GrantCeiling.
    """
    facts = list(wanted)
    if actor is None or not facts:
        return
    subject = SubjectRef.of(actor)
    questions = [Question(subject=subject, action=ESCALATE)]
    questions += [
        Question(subject=subject, action=permission.codename, resource=_resource(permission, on))
        for permission, on in facts
    ]
    escalate, *held = checking.check_many(questions, throughout=window)
    if escalate.allowed:
        return
    lacking = [fact for fact, decision in zip(facts, held, strict=True) if not decision.allowed]
    if lacking:
        holdings = _Holdings.of(actor, ())
        raise _too_much(
            [
                _Lacking.on(permission, on.id if on else None, window)
                for permission, on in lacking[: SHOWN + 1]
            ],
            holdings,
        )


def require_covers(
    *,
    actor: User | None,
    roles: Iterable[Role] = (),
    groups: Iterable[Group] = (),
    users: Iterable[User] = (),
    scope: Scope | None = None,
    window: Window = ALWAYS,
) -> None:
    """``require_conferrals`` for one: what its roles, groups and users give, within the scope."""
    conferral = Conferral(
        roles=list(roles), groups=list(groups), users=list(users), scope=scope, window=window
    )
    require_conferrals(actor=actor, conferrals=[conferral])


def require_conferrals(*, actor: User | None, conferrals: Iterable[Conferral]) -> None:
    """What is given lies within what the actor holds, in time and in place.

    One statement for those the ceiling does not bind, and at most six for others, however much is
    given; two more for each permission that is given on listed resources and not held on all of
    them by one way. Raises GrantCeiling and SuperuserOnly.
    """
    given = [row for conferral in conferrals for row in conferral.rows()]
    if actor is None or not given:
        return
    holdings = _Holdings.of(actor, given)
    if not all(_lasts(holdings.superuser, window) for window in holdings.superuser_given):
        raise SuperuserOnly
    ways = [way for way in holdings.given if not holdings.has(way)]
    acted_as = [
        row
        for row in given
        if row["user_id"] and not _lasts(holdings.free, _from_now(_window(row), holdings.now))
    ]
    if not (ways or acted_as):
        return
    lacking = [
        item
        for item in (*_of_roles(ways, holdings), *_of_users(acted_as, holdings))
        if not holdings.covers(item)
    ]
    lacking += _objects_lacking(actor, given, {way.role for way in ways})
    if lacking:
        raise _too_much(lacking, holdings)


def require_may(*, actor: User | None, action: str, rows: Iterable[Model]) -> None:
    """The actor may do the action on every row, else Forbidden. One statement."""
    if actor is not None and not checking.may_each(actor, action, rows):
        raise Forbidden


def require_superuser(actor: User | None, window: Window = ALWAYS) -> None:
    """Raises SuperuserOnly unless the actor is one throughout."""
    if actor is None:
        return
    holdings = _Holdings.of(actor, ())
    if not _lasts(holdings.superuser, _from_now(window, holdings.now)):
        raise SuperuserOnly


def require_escalate(actor: User | None, why: str) -> None:
    """For what nobody can hold, because it is not there yet. Raises GrantCeiling, saying why."""
    if actor is None:
        return
    holdings = _Holdings.of(actor, ())
    if not _lasts(holdings.free, _from_now(ALWAYS, holdings.now)):
        raise GrantCeiling(why)


class _Way(NamedTuple):
    """How a role is held: within all these scopes, for this time."""

    role: uuid.UUID
    scopes: frozenset[uuid.UUID]
    window: Window


class _Entry(NamedTuple):
    """A selector of a scope: a whole type, a resource, or one of these with all below it."""

    type: int
    key: str | None
    with_descendants: bool


class _Lacking(NamedTuple):
    """A permission that is given: on one object, or on all that every one of the scopes covers."""

    permission: int
    type: int
    name: str
    object_pk: str | None
    scopes: frozenset[uuid.UUID]
    window: Window
    by_rule: bool = False

    @classmethod
    def on(cls, permission: Permission, object_pk: str | None, window: Window) -> _Lacking:
        kind = permission.content_type
        name = f"{kind.app_label}.{permission.codename}"
        return cls(permission.pk, kind.pk, name, object_pk, frozenset(), window)


@dataclass
class _Holdings:
    """What the actor holds and what is given, each with its time; from one statement.

    What the actor has of a permission, and what scopes cover, is read when it is first asked for.
    """

    actor: User
    now: datetime
    mine: list[_Way] = field(default_factory=list)
    given: list[_Way] = field(default_factory=list)
    superuser: list[Window] = field(default_factory=list)
    superuser_given: list[Window] = field(default_factory=list)
    free: list[Window] = field(default_factory=list)  # when the ceiling does not bind the actor
    granted: dict[int, list[tuple[frozenset[uuid.UUID], Window]]] = field(default_factory=dict)
    ruled: dict[int, list[Window]] = field(default_factory=lambda: defaultdict(list))

    @cached_property
    def places(self) -> _Places:
        return _Places(chain.from_iterable(way.scopes for way in (*self.mine, *self.given)))

    @classmethod
    def of(cls, actor: User, given: Sequence[Mapping[str, Any]]) -> _Holdings:
        parameters = {"user_id": actor.pk, "given": json.dumps(list(given))}
        rows = running.rows(ceiling_sql.ways(connection.vendor), parameters)
        [now] = [_time(since) for kind, _, _, _, since, _ in rows if kind == "clock"]
        assert now is not None
        holdings = cls(actor=actor, now=now)
        for kind, side, role, path, since, until in rows:
            # Nobody is judged for the past.
            window = Window(max(_time(since) or now, now), _time(until))
            if window.is_empty or kind == "clock":
                continue
            if kind == "role":
                ways = holdings.mine if side == "caller" else holdings.given
                ways.append(_Way(uuid.UUID(str(role)), frozenset(running.uuids(path)), window))
            elif side == "given":
                holdings.superuser_given.append(window)
            else:
                holdings.free.append(window)
                if kind == "superuser":
                    holdings.superuser.append(window)
        return holdings

    def has(self, given: _Way) -> bool:
        """Whether the actor holds the very role as widely and as long: then nothing it gives needs
        to be looked at. By the keys of scopes alone; what others cover is judged grant by grant.
        """
        return _lasts(self.free, given.window) or any(
            way.role == given.role
            and way.scopes <= given.scopes
            and way.window.contains(given.window)
            for way in self.mine
        )

    def covers(self, item: _Lacking) -> bool:
        return _lasts(self.free, item.window) or self._best(item) is None

    def note(self, item: _Lacking) -> str:
        """For how long the actor holds what it lacks for longer; nothing where it does not."""
        windows = self._best(item) or []
        begun = [window.end for window in windows if window.start <= item.window.start]
        if begun:
            return f" (which you hold until {max(begun):%Y-%m-%dT%H:%M:%S.%fZ})"
        if windows:
            return f" (which you hold from {min(w.start for w in windows):%Y-%m-%dT%H:%M:%S.%fZ})"
        return ""

    def _best(self, item: _Lacking) -> list[Window] | None:
        """None when one way lasts throughout for each part of what is given; else the times of the
        ways to the first part for which none does.
        """
        if not item.scopes:
            place = None
            if item.object_pk is not None:
                place = _Entry(item.type, item.object_pk, with_descendants=False)
            windows = [w for scopes, w in self._ways_to(item) if self._inside(place, item, scopes)]
            return None if _lasts(windows, item.window) else windows
        first: list[Window] = []
        for scope in item.scopes:
            short = self._part_lacking(scope, item)
            if short is None:
                return None
            first = first or short
        return first

    def _part_lacking(self, scope: uuid.UUID, item: _Lacking) -> list[Window] | None:
        """As ``_best``, going by the entries of one scope of several.

        A scope of nothing asks for the permission anywhere: with it comes what the role may become.
        """
        if self.places.is_nothing(scope):
            windows = [window for _, window in self._ways_to(item)]
            return None if _lasts(windows, item.window) else windows
        short = {}
        for entry in self.places.selected(scope, item.type):
            windows = [w for scopes, w in self._ways_to(item) if self._inside(entry, item, scopes)]
            if not _lasts(windows, item.window):
                short[entry] = windows
        return self._single_lacking(short, item) if short else None

    def _single_lacking(
        self, short: dict[_Entry, list[Window]], item: _Lacking
    ) -> list[Window] | None:
        """As ``_best``, for selectors that no way reaches but perhaps grants on single objects."""
        keys = [entry.key for entry in short if entry.key and not entry.with_descendants]
        on_objects = self._on_objects(item.permission, keys) if len(keys) == len(short) else {}
        for entry, windows in short.items():
            ways = on_objects.get(entry.key, ())
            own = windows + [w for scopes, w in ways if self._inside(entry, item, scopes)]
            if not _lasts(own, item.window):
                return own
        return None

    def _inside(self, place: _Entry | None, item: _Lacking, scopes: frozenset[uuid.UUID]) -> bool:
        """Whether all of a place lies in each scope; None is everything, resource or not."""
        if place is None:
            return not scopes
        return all(
            scope in item.scopes
            or self.places.contains(scope, place, item.type)
            or any(self.places.lies_in(other, scope, item.type) for other in item.scopes)
            for scope in scopes
        )

    def _ways_to(self, item: _Lacking) -> list[tuple[frozenset[uuid.UUID], Window]]:
        if item.permission not in self.granted:
            self.read([item.permission])
        ways = self.granted[item.permission]
        if item.object_pk is not None:
            on_objects = self._on_objects(item.permission, [item.object_pk])
            ways = ways + on_objects[item.object_pk]
        if item.by_rule:
            ways = ways + [(frozenset(), window) for window in self.ruled.get(item.permission, ())]
        return ways

    def read(self, permissions: Iterable[int]) -> None:
        """What the actor has of these everywhere, or within scopes: two statements."""
        keys = list(permissions)
        self.granted.update((key, []) for key in keys)
        own = UserGlobalGrant.objects.filter(user=self.actor, permission__in=keys)
        for key, since, until in own.values_list("permission", "valid_from", "valid_until"):
            self.granted[key].append((frozenset(), Window(since, until)))
        by_role: dict[uuid.UUID, list[tuple[int, Window]]] = defaultdict(list)
        of_roles = RoleGlobalGrant.objects.filter(
            role__in={way.role for way in self.mine}, permission__in=keys
        )
        for role, key, since, until in of_roles.values_list(
            "role", "permission", "valid_from", "valid_until"
        ):
            by_role[role].append((key, Window(since, until)))
        for way in self.mine:
            for key, window in by_role[way.role]:
                self.granted[key].append((way.scopes, way.window.overlap(window)))

    def read_rules(self) -> None:
        """What the actor is granted on what it creates, by roles held without limit."""
        unlimited = [way for way in self.mine if not way.scopes]
        for role, permission, *_ in _rules({way.role for way in unlimited}):
            self.ruled[permission] += [way.window for way in unlimited if way.role == role]

    def _on_objects(
        self, permission: int, keys: Sequence[str]
    ) -> dict[str | None, list[tuple[frozenset[uuid.UUID], Window]]]:
        """What the actor has of the permission on each of them. Two statements per 1,000."""
        by_role = defaultdict(list)
        for way in self.mine:
            by_role[way.role].append(way)
        found: dict[str | None, list[tuple[frozenset[uuid.UUID], Window]]] = defaultdict(list)
        for start in range(0, len(keys), BATCH):
            named = {"permission": permission, "object_pk__in": keys[start : start + BATCH]}
            own = UserObjectPermission.objects.filter(user=self.actor, **named)
            for key, *times in own.values_list("object_pk", "valid_from", "valid_until"):
                found[key].append((frozenset(), Window(*times)))
            rows: Any = RoleObjectPermission.objects.filter(group__in=by_role, **named)
            for key, role, *times in rows.values_list(
                "object_pk", "group", "valid_from", "valid_until"
            ):
                window = Window(*times)
                found[key] += [(way.scopes, way.window.overlap(window)) for way in by_role[role]]
        return found


class _Places:
    """What scopes cover, and what lies above the resources they name; two statements, if asked."""

    def __init__(self, scopes: Iterable[uuid.UUID]) -> None:
        self._scopes = set(scopes)

    def selected(self, scope: uuid.UUID, of_type: int) -> list[_Entry]:
        """The selectors of a scope that may cover resources of a type; of all: the whole type."""
        kind, entries = self._contents[scope]
        if kind == ScopeKind.ALL:
            return [_Entry(of_type, None, with_descendants=True)]
        if kind == ScopeKind.NOTHING:
            return []
        return [entry for entry in entries if entry.type == of_type or entry.with_descendants]

    def is_nothing(self, scope: uuid.UUID) -> bool:
        return self._contents[scope][0] == ScopeKind.NOTHING

    def contains(self, scope: uuid.UUID, place: _Entry, of_type: int) -> bool:
        """Whether a scope covers every resource of a type that the selector covers."""
        if place.type != of_type and not place.with_descendants:
            return True
        above = set() if place.key is None else self._lying_above(place.type, place.key)
        kinds_above = {kind for kind, _ in above}
        for entry in self.selected(scope, of_type):
            if entry.key is None and entry.type == of_type:
                return True
            is_as_deep = entry.with_descendants or not place.with_descendants
            if is_as_deep and entry.type == place.type and entry.key in (None, place.key):
                return True
            if entry.with_descendants and (
                (entry.type, entry.key) in above
                or (entry.key is None and entry.type in kinds_above)
            ):
                return True
        return False

    def lies_in(self, scope: uuid.UUID, other: uuid.UUID, of_type: int) -> bool:
        return all(self.contains(other, e, of_type) for e in self.selected(scope, of_type))

    @cached_property
    def _contents(self) -> dict[uuid.UUID, tuple[str, list[_Entry]]]:
        # One that is gone covers nothing.
        contents = {scope: (str(ScopeKind.NOTHING), list[_Entry]()) for scope in self._scopes}
        rows = Scope.objects.filter(pk__in=self._scopes).values_list(
            "pk", "kind", "entries__content_type", "entries__object_pk", "entries__with_descendants"
        )
        for scope, kind, of_type, key, below in rows:
            entries = contents[scope][1]
            if of_type is not None:
                entries.append(_Entry(of_type, key, below))
            contents[scope] = (kind, entries)
        return contents

    @cached_property
    def _above(self) -> dict[tuple[int, str], set[tuple[int, str]]]:
        """By resource that an entry names; those named later are looked up one by one."""
        named = ScopeEntry.objects.filter(
            scope__in=self._scopes,
            content_type=OuterRef("descendant__type"),
            object_pk=OuterRef("descendant__object_pk"),
        )
        above: dict[tuple[int, str], set[tuple[int, str]]] = defaultdict(set)
        for of_type, key, kind, above_key in _closure(
            ResourceClosure.objects.filter(Exists(named))
        ):
            above[of_type, key].add((kind, above_key))
        for _, entries in self._contents.values():
            for entry in entries:
                if entry.key is not None:
                    above.setdefault((entry.type, entry.key), set())
        return dict(above)

    def _lying_above(self, of_type: int, key: str) -> set[tuple[int, str]]:
        if (of_type, key) not in self._above:
            rows = ResourceClosure.objects.filter(
                descendant__type=of_type, descendant__object_pk=key
            )
            self._above[of_type, key] = {(kind, above) for _, _, kind, above in _closure(rows)}
        return self._above[of_type, key]


def _closure(rows: QuerySet[ResourceClosure]) -> Iterable[tuple[int, str, int, str]]:
    return rows.values_list(
        "descendant__type", "descendant__object_pk", "ancestor__type", "ancestor__object_pk"
    )


_GRANTED = (
    "permission",
    "permission__content_type",
    "permission__content_type__app_label",
    "permission__codename",
)


def _of_roles(ways: Sequence[_Way], holdings: _Holdings) -> set[_Lacking]:
    """What these ways give on more than single objects, by grants and by initial permissions."""
    by_role: dict[uuid.UUID, list[_Way]] = defaultdict(list)
    for way in ways:
        by_role[way.role].append(way)
    items = set()
    grants = RoleGlobalGrant.objects.filter(role__in=by_role)
    for role, *granted, since, until in grants.values_list(
        "role", *_GRANTED, "valid_from", "valid_until"
    ):
        for way in by_role[role]:
            window = way.window.overlap(_from_now(Window(since, until), holdings.now))
            items.add(_lacking(granted, way.scopes, window))
    # They fire for roles held without limit alone.
    ruling = {role for role, held in by_role.items() if any(not way.scopes for way in held)}
    for role, *granted in _rules(ruling):
        items |= {
            _lacking(granted, way.scopes, way.window)._replace(by_rule=True)
            for way in by_role[role]
            if not way.scopes
        }
    items = {item for item in items if not item.window.is_empty}
    if any(item.by_rule for item in items):
        holdings.read_rules()
    holdings.read({item.permission for item in items})
    return items


def _of_users(acted_as: Sequence[Mapping[str, Any]], holdings: _Holdings) -> set[_Lacking]:
    """What those acted as were granted themselves."""
    windows: dict[int, list[Window]] = defaultdict(list)
    for row in acted_as:
        windows[row["user_id"]].append(_from_now(_window(row), holdings.now))
    items = set()
    grants = UserGlobalGrant.objects.filter(user__in=windows)
    for user, *granted, since, until in grants.values_list(
        "user", *_GRANTED, "valid_from", "valid_until"
    ):
        for window in windows[user]:
            common = window.overlap(_from_now(Window(since, until), holdings.now))
            items.add(_lacking(granted, frozenset(), common))
    items = {item for item in items if not item.window.is_empty}
    holdings.read({item.permission for item in items} - holdings.granted.keys())
    return items


def _objects_lacking(
    actor: User, given: Sequence[Mapping[str, Any]], roles: set[uuid.UUID]
) -> list[_Lacking]:
    parameters = {
        "user_id": actor.pk,
        "given": json.dumps(given),
        "roles": json.dumps([str(role) for role in roles]),
        "limit": SHOWN + 1,
    }
    rows = running.rows(ceiling_sql.objects_beyond(connection.vendor), parameters)
    return [
        _Lacking(permission, of_type, name, pk, frozenset(), Window(_time(since), _time(until)))
        for permission, of_type, name, pk, since, until in rows
    ]


def _lacking(granted: Sequence[Any], scopes: frozenset[uuid.UUID], window: Window) -> _Lacking:
    permission, of_type, app_label, codename = granted
    return _Lacking(permission, of_type, f"{app_label}.{codename}", None, scopes, window)


def _rules(roles: Iterable[uuid.UUID]) -> Iterable[Any]:
    """(role, permission, its type, label and codename) of initial permissions."""
    of = InitialPermissions.objects.filter(role__in=list(roles), permissions__isnull=False)
    return of.values_list(
        "role",
        "permissions",
        "permissions__content_type",
        "permissions__content_type__app_label",
        "permissions__codename",
    )


def _resource(permission: Permission, on: ResourceRef | None) -> ResourceRef:
    content_type = permission.content_type
    label = f"{content_type.app_label}.{content_type.model}"
    return ResourceRef(label, on.id if on else None)


def _too_much(lacking: Iterable[_Lacking], holdings: _Holdings) -> GrantCeiling:
    told = dict.fromkeys(
        (f"{item.name} on {item.object_pk}" if item.object_pk else item.name) + holdings.note(item)
        for item in sorted(lacking, key=lambda item: (item.name, item.object_pk or ""))[: SHOWN + 1]
    )
    named = ", ".join(list(told)[:SHOWN])
    more = ", and more" if len(told) > SHOWN else ""
    return GrantCeiling(f"You cannot grant what you do not hold yourself: {named}{more}.")


# Windows


def _lasts(windows: Iterable[Window], throughout: Window) -> bool:
    return any(window.contains(throughout) for window in windows)


def _from_now(window: Window, now: datetime) -> Window:
    """What is left of it: nobody is judged for the past."""
    return window._replace(valid_from=max(window.start, now))


def _window(row: Mapping[str, Any]) -> Window:
    return Window(_time(row["since"]), _time(row["until"]))


def _time(stored: datetime | str | None) -> datetime | None:
    """SQLite, and what was written as JSON, have it as text."""
    if isinstance(stored, str):
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return stored
