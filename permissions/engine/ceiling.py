"""The grant ceiling: nobody gives, by any door, what they do not hold themselves.

It is asked of everything that gives access, in time and in place. For each permission on each
resource that is given there must be one way by which the actor holds it, throughout the time for
which it is given. Scopes are compared by what they cover, entry by entry, and not by their keys: a
scope lies inside another when everything it selects does, as the resources lie now.

Superusers, and holders of ``authentik_rbac.escalate``, are free: they give what they like for as
long as they are that. Only superusers put anybody into what confers superuser. An actor of None is
the service itself and has no ceiling.

``require_conferrals`` first leaves out the roles that the actor holds itself as widely and as long.
What the others give is taken apart into permissions, and each is looked for among what the actor
holds; grants on single objects, which may be millions, are compared by the database.
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
from typing import Any, NamedTuple, TypeAlias

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model

from accounts.facts import ALWAYS, Window
from accounts.models import Group, User
from audit.errors import Forbidden
from permissions.engine import ceiling_sql, checking, running
from permissions.engine.coverage import Coverage, Selector
from permissions.engine.words import Question, ResourceRef, SubjectRef, moment
from permissions.models.fact_tables import (
    ROLE_GLOBAL,
    ROLE_OBJECT,
    TIMES,
    USER_GLOBAL,
    USER_OBJECT,
    FactTable,
)
from roles.models import InitialPermissions, Role, Scope

SHOWN = 5
BATCH = 1_000
ESCALATE = "authentik_rbac.escalate"


class GrantCeiling(Forbidden):
    """The actor would give more than it holds; the message names what is missing, and until when
    or in which places the actor holds it, so that a client can ask again for so long or for these.
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
    grants: Iterable[tuple[Permission, ResourceRef | None]],
    window: Window = ALWAYS,
) -> None:
    """The actor holds each permission, on the resource or globally, throughout. One statement, and
    another one for a single permission that the actor does not hold.

    The permissions come with their content type loaded. Raises GrantCeiling.
    """
    grants = list(grants)
    if actor is None or not grants:
        return
    subject = SubjectRef.of(actor)
    questions = []
    for permission, on in grants:
        label = f"{permission.content_type.app_label}.{permission.content_type.model}"
        resource = ResourceRef(label, on.id if on else None)
        questions.append(Question(subject=subject, action=permission.codename, resource=resource))
    # Most requests give one permission, and the statement for one takes a third of the time.
    alone = len(questions) == 1
    if alone and checking.check(actor, permission.codename, resource, throughout=window).allowed:
        return
    # Asked along with the others, so that to be free of the ceiling costs no statement of its own.
    questions.append(Question(subject=subject, action=ESCALATE))
    *held, escalate = checking.check_many(questions, throughout=window)
    if escalate.allowed:
        return
    lacking = [
        _Conferred.on(permission, on.id if on else None, window)
        for (permission, on), decision in zip(grants, held, strict=True)
        if not decision.allowed
    ]
    if lacking:
        raise _too_much(lacking[: SHOWN + 1], _Holdings.of(actor, ()))


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
    rows = [row for conferral in conferrals for row in conferral.rows()]
    if actor is None or not rows:
        return
    holdings = _Holdings.of(actor, rows)
    if not all(_lasts(holdings.superuser, window) for window in holdings.superuser_given):
        raise SuperuserOnly
    ways = [way for way in holdings.given if not holdings.has(way)]
    acted_as = [
        row
        for row in rows
        if row["user_id"] and not _lasts(holdings.free, _from_now(_window(row), holdings.now))
    ]
    if not (ways or acted_as):
        return
    lacking = [
        item
        for item in (*_of_roles(ways, holdings), *_of_users(acted_as, holdings))
        if not holdings.covers(item)
    ]
    lacking += _objects_lacking(actor, rows, {way.role for way in ways})
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


class _Conferred(NamedTuple):
    """A permission that is given: on one object, or on all that every one of the scopes covers.

    ``by_rule``: not granted, but by initial permissions on what its holders will create.
    """

    permission: int
    type: int
    name: str
    object_pk: str | None
    scopes: frozenset[uuid.UUID]
    window: Window
    by_rule: bool = False

    @classmethod
    def on(cls, permission: Permission, object_pk: str | None, window: Window) -> _Conferred:
        kind = permission.content_type
        name = f"{kind.app_label}.{permission.codename}"
        return cls(permission.pk, kind.pk, name, object_pk, frozenset(), window)


# One way by which a permission is held: within all these scopes, for this time.
_Reach: TypeAlias = tuple[frozenset[uuid.UUID], Window]


@dataclass
class _Holdings:
    """What the actor holds and what is given, each with its time; from one statement.

    What the actor has of a permission, and what scopes cover, is read when it is first asked for.
    """

    actor: User
    now: datetime
    held: list[_Way] = field(default_factory=list)
    given: list[_Way] = field(default_factory=list)
    superuser: list[Window] = field(default_factory=list)  # when the actor is one
    superuser_given: list[Window] = field(default_factory=list)
    free: list[Window] = field(default_factory=list)  # when the ceiling does not bind the actor
    granted: dict[int, list[_Reach]] = field(default_factory=dict)  # by permission
    ruled: dict[int, list[Window]] = field(default_factory=lambda: defaultdict(list))  # likewise

    @cached_property
    def coverage(self) -> Coverage:
        return Coverage(chain.from_iterable(way.scopes for way in (*self.held, *self.given)))

    @classmethod
    def of(cls, actor: User, conferrals: Sequence[Mapping[str, Any]]) -> _Holdings:
        """``conferrals`` as the rows of ``Conferral``."""
        parameters = {"user_id": actor.pk, "conferrals": json.dumps(list(conferrals))}
        rows = running.rows(ceiling_sql.holdings(connection.vendor), parameters)
        [now] = [_time(since) for kind, _, _, _, since, _ in rows if kind == "clock"]
        assert now is not None
        holdings = cls(actor=actor, now=now)
        for kind, side, role, path, since, until in rows:
            # Nobody is judged for the past.
            window = Window(max(_time(since) or now, now), _time(until))
            if window.is_empty or kind == "clock":
                continue
            if kind == "role":
                ways = holdings.held if side == "caller" else holdings.given
                ways.append(_Way(uuid.UUID(str(role)), frozenset(running.scopes_on(path)), window))
            elif side == "given":
                holdings.superuser_given.append(window)
            else:
                holdings.free.append(window)
                if kind == "superuser":
                    holdings.superuser.append(window)
        return holdings

    def has(self, way: _Way) -> bool:
        """Whether the actor holds the very role as widely and as long: then nothing it gives needs
        to be looked at. By the keys of scopes alone; what others cover is judged grant by grant.
        """
        return _lasts(self.free, way.window) or any(
            own.role == way.role and own.scopes <= way.scopes and own.window.contains(way.window)
            for own in self.held
        )

    def covers(self, item: _Conferred) -> bool:
        return _lasts(self.free, item.window) or self._shortfall(item) is None

    def held_for(self, item: _Conferred) -> str:
        """In words, for how long the actor holds what is given for longer; nothing if never."""
        windows = self._shortfall(item) or []
        begun = [window.end for window in windows if window.start <= item.window.start]
        if begun:
            return f" (which you hold until {max(begun):%Y-%m-%dT%H:%M:%S.%fZ})"
        if windows:
            return f" (which you hold from {min(w.start for w in windows):%Y-%m-%dT%H:%M:%S.%fZ})"
        return ""

    def held_where(self, item: _Conferred) -> str:
        """In words, in which places the actor holds what is given elsewhere; nothing if in none.
        Scopes that it may not view have no name.
        """
        within = {
            scope
            for scopes, window in self._ways_to(item)
            if not window.overlap(item.window).is_empty
            for scope in scopes
        }
        named = [f'the scope "{name}"' for key, name in self._scope_names if key in within]
        if len(named) < len(within):
            named.append("a scope" if not named else "others")
        places = [f"within {' and '.join(named[:SHOWN])}"] if named else []
        if item.permission in self._on_single_objects:
            places.append("on single resources")
        return f" (which you hold only {' and '.join(places)})" if places else ""

    @cached_property
    def _scope_names(self) -> list[tuple[uuid.UUID, str]]:
        scopes = {scope for way in self.held for scope in way.scopes}
        shared = Scope.objects.filter(pk__in=scopes, name__isnull=False).order_by("name")
        seen = checking.visible(shared, user=self.actor).rows
        return [(key, str(name)) for key, name in seen.values_list("pk", "name")]

    @cached_property
    def _on_single_objects(self) -> set[int]:
        """The permissions that the actor has on any single object now."""
        roles = {way.role for way in self.held}
        own = USER_OBJECT.model.objects.active().filter(user=self.actor)
        by_role = ROLE_OBJECT.model.objects.active().filter(group__in=roles)
        keys = own.values_list("permission").union(by_role.values_list("permission"))
        return {key for (key,) in keys}

    def _shortfall(self, item: _Conferred) -> list[Window] | None:
        """None if the actor holds all that is given, each part by one way that lasts throughout.
        Else the times for which it holds the first part that it does not: empty if it never does.
        """
        if not item.scopes:
            place = None
            if item.object_pk is not None:
                place = Selector(item.type, item.object_pk, with_descendants=False)
            windows = [w for scopes, w in self._ways_to(item) if self._inside(place, item, scopes)]
            return None if _lasts(windows, item.window) else windows
        first: list[Window] = []
        # What is given lies in each of the scopes, so it is enough to hold all of any one.
        for scope in item.scopes:
            windows_within = self._shortfall_within(scope, item)
            if windows_within is None:
                return None
            first = first or windows_within
        return first

    def _shortfall_within(self, scope: uuid.UUID, item: _Conferred) -> list[Window] | None:
        """As ``_shortfall``, for all that one scope selects.

        A scope of nothing asks for the permission anywhere: with it comes what the role may become.
        """
        if self.coverage.is_nothing(scope):
            windows = [window for _, window in self._ways_to(item)]
            return None if _lasts(windows, item.window) else windows
        short = {}
        for selector in self.coverage.selected(scope, item.type):
            windows = [
                w for scopes, w in self._ways_to(item) if self._inside(selector, item, scopes)
            ]
            if not _lasts(windows, item.window):
                short[selector] = windows
        return self._shortfall_on_objects(short, item) if short else None

    def _shortfall_on_objects(
        self, short: dict[Selector, list[Window]], item: _Conferred
    ) -> list[Window] | None:
        """As ``_shortfall``, for selectors that no role or global grant reaches: what remains are
        grants on the very objects, read only if single objects are all that is selected.
        """
        keys = [one.key for one in short if one.key and not one.with_descendants]
        on_objects = self._on_objects(item.permission, keys) if len(keys) == len(short) else {}
        for selector, windows in short.items():
            ways = on_objects.get(selector.key, ())
            own = windows + [w for scopes, w in ways if self._inside(selector, item, scopes)]
            if not _lasts(own, item.window):
                return own
        return None

    def _inside(
        self, place: Selector | None, item: _Conferred, scopes: frozenset[uuid.UUID]
    ) -> bool:
        """Whether all of a place lies in each scope; None is everything, resource or not."""
        if place is None:
            return not scopes
        # What is given lies in every scope of the item, so it is enough if one of those lies in the
        # scope.
        return all(
            scope in item.scopes
            or self.coverage.contains(scope, place, item.type)
            or any(self.coverage.lies_in(other, scope, item.type) for other in item.scopes)
            for scope in scopes
        )

    def _ways_to(self, item: _Conferred) -> list[_Reach]:
        if item.permission not in self.granted:
            self.read([item.permission])
        # Never += below: the list is kept for other items.
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
        for key, reach in self._reaches(
            USER_GLOBAL, ROLE_GLOBAL, "permission", permission__in=keys
        ):
            self.granted[key].append(reach)

    def read_rules(self) -> None:
        """What the actor is granted on what it creates, by roles held without limit."""
        unlimited = [way for way in self.held if not way.scopes]
        for role, permission, *_ in _rules({way.role for way in unlimited}):
            self.ruled[permission] += [way.window for way in unlimited if way.role == role]

    def _on_objects(self, permission: int, keys: Sequence[str]) -> dict[str | None, list[_Reach]]:
        """What the actor has of the permission on each of them. Two statements per 1,000."""
        reaches: dict[str | None, list[_Reach]] = defaultdict(list)
        for start in range(0, len(keys), BATCH):
            on_these = {"permission": permission, "object_pk__in": keys[start : start + BATCH]}
            for key, reach in self._reaches(USER_OBJECT, ROLE_OBJECT, "object_pk", **on_these):
                reaches[key].append(reach)
        return reaches

    def _reaches(
        self, of_user: FactTable, of_roles: FactTable, column: str, **condition: Any
    ) -> Iterator[tuple[Any, _Reach]]:
        """By grants of the actor's own and of the roles it holds; each with what ``column`` has."""
        own = of_user.model.objects.filter(**{of_user.principal: self.actor}, **condition)
        for key, *times in own.values_list(column, *TIMES):
            yield key, (frozenset(), Window(*times))
        ways = _by_role(self.held)
        rows = of_roles.model.objects.filter(**{f"{of_roles.principal}__in": ways}, **condition)
        for key, role, *times in rows.values_list(column, of_roles.principal, *TIMES):
            for way in ways[role]:
                yield key, (way.scopes, way.window.overlap(Window(*times)))


# What is given, permission by permission


def _of_roles(ways: Sequence[_Way], holdings: _Holdings) -> set[_Conferred]:
    """What these ways give on more than single objects, by grants and by initial permissions."""
    by_role = _by_role(ways)
    items = {
        _conferred(permission, way.scopes, way.window.overlap(window))
        for role, permission, window in _global_grants(ROLE_GLOBAL, by_role, holdings.now)
        for way in by_role[role]
    }
    # Initial permissions fire for roles held without limit alone, whatever they are granted on.
    ruling = {role for role, held in by_role.items() if any(not way.scopes for way in held)}
    for role, *permission in _rules(ruling):
        items |= {
            _conferred(permission, way.scopes, way.window)._replace(by_rule=True)
            for way in by_role[role]
            if not way.scopes
        }
    # A grant that ends before the role is given gives nothing.
    items = {item for item in items if not item.window.is_empty}
    if any(item.by_rule for item in items):
        holdings.read_rules()
    holdings.read({item.permission for item in items})
    return items


def _of_users(acted_as: Sequence[Mapping[str, Any]], holdings: _Holdings) -> set[_Conferred]:
    """What those acted as were granted themselves on more than single objects."""
    windows: dict[int, list[Window]] = defaultdict(list)
    for row in acted_as:
        windows[row["user_id"]].append(_from_now(_window(row), holdings.now))
    items = {
        _conferred(permission, frozenset(), asked.overlap(window))
        for user, permission, window in _global_grants(USER_GLOBAL, windows, holdings.now)
        for asked in windows[user]
    }
    items = {item for item in items if not item.window.is_empty}
    holdings.read({item.permission for item in items} - holdings.granted.keys())
    return items


def _objects_lacking(
    actor: User, conferrals: Sequence[Mapping[str, Any]], roles: set[uuid.UUID]
) -> list[_Conferred]:
    """What these roles, and those acted as, have on single objects and the actor has not."""
    parameters = {
        "user_id": actor.pk,
        "conferrals": json.dumps(conferrals),
        "roles": json.dumps([str(role) for role in roles]),
        "limit": SHOWN + 1,
    }
    rows = running.rows(ceiling_sql.objects_beyond(connection.vendor), parameters)
    return [
        _Conferred(permission, of_type, name, pk, frozenset(), Window(_time(since), _time(until)))
        for permission, of_type, name, pk, since, until in rows
    ]


def _by_role(ways: Iterable[_Way]) -> dict[uuid.UUID, list[_Way]]:
    by_role = defaultdict(list)
    for way in ways:
        by_role[way.role].append(way)
    return by_role


_PERMISSION = ("", "__content_type", "__content_type__app_label", "__codename")


def _global_grants(
    table: FactTable, principals: Iterable[Any], now: datetime
) -> Iterator[tuple[Any, Sequence[Any], Window]]:
    """(principal, what ``_PERMISSION`` has of the permission, what is left of the time)."""
    grants = table.model.objects.filter(**{f"{table.principal}__in": principals})
    columns = [f"permission{column}" for column in _PERMISSION]
    for principal, *permission, since, until in grants.values_list(
        table.principal, *columns, *TIMES
    ):
        yield principal, permission, _from_now(Window(since, until), now)


def _rules(roles: Iterable[uuid.UUID]) -> Iterable[Any]:
    """(role, what ``_PERMISSION`` has of the permission) of initial permissions."""
    rules = InitialPermissions.objects.filter(role__in=list(roles), permissions__isnull=False)
    return rules.values_list("role", *(f"permissions{column}" for column in _PERMISSION))


def _conferred(
    permission: Sequence[Any], scopes: frozenset[uuid.UUID], window: Window
) -> _Conferred:
    key, of_type, app_label, codename = permission
    return _Conferred(key, of_type, f"{app_label}.{codename}", None, scopes, window)


def _too_much(lacking: Iterable[_Conferred], holdings: _Holdings) -> GrantCeiling:
    # One more than is shown tells whether there are more; in one order, to be the same each time.
    told = dict.fromkeys(
        (f"{item.name} on {item.object_pk}" if item.object_pk else item.name)
        + (holdings.held_for(item) or holdings.held_where(item))
        for item in sorted(lacking, key=lambda item: (item.name, item.object_pk or ""))[: SHOWN + 1]
    )
    names = ", ".join(list(told)[:SHOWN])
    more = ", and more" if len(told) > SHOWN else ""
    return GrantCeiling(f"You cannot grant what you do not hold yourself: {names}{more}.")


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
