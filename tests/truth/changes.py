"""Changes to a world: each is made in the database and in the naive world alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from audit.errors import InvalidInput
from tests.truth.naive import (
    Assignment,
    Grant,
    Membership,
    Person,
    Principal,
    RoleFacts,
    ScopeFacts,
    Team,
    Thing,
    Times,
    World,
)
from tests.truth.writers import Rows, create_type

T = TypeVar("T")

# The doors cannot be asked about another moment than now, which lies between the second and third.
# With a fraction of a second: SQLite compares times as text, and writes whole seconds without one.
NOW = datetime.now(UTC).replace(microsecond=250_000)
MOMENTS = [NOW + timedelta(days=n) for n in (-2, -1, 1, 2)]
TYPES = {
    # `view` and `view_folder` are two permissions; `approve` belongs to two types of the app.
    "shop.folder": {"view", "view_folder", "approve"},
    "shop.invoice": {"view_invoice", "approve", "pay_invoice"},
}
PERMISSIONS = [(label, codename) for label, names in TYPES.items() for codename in sorted(names)]
THINGS: list[Thing] = [
    (label, key) for label in TYPES for key in ("1", "2", "a/b {c}", "Straße", "never-seen")
]
REGISTRABLE = [thing for thing in THINGS if thing[1] != "never-seen"]
USERNAMES = ["ann", "ben", "cem", "both@example.com"]
EMAILS = ["", "ann@example.com", "both@example.com"]
GROUPS = [f"g{n}" for n in range(5)]
ROLES = [f"r{n}" for n in range(5)]


class Changes:
    """``pick`` chooses one of several things; a change with nothing to choose from does nothing."""

    def __init__(self, write: Rows) -> None:
        self.write = write
        self.world = World(types={label: set(names) for label, names in TYPES.items()})
        self.names: dict[str, dict[str, str]] = {"group": {}, "role": {}}
        for label, names in TYPES.items():
            create_type(label, names)

    # People and groups

    def add_user(self, pick: Pick) -> None:
        name = pick(USERNAMES)
        if any(p.username == name for p in self.world.people.values()):
            return
        fields: dict[str, Any] = {
            "username": name,
            "hex_id": uuid.uuid4().hex[:24],
            "external_id": pick([None, f"ext-{name}"]),
            "email": pick(EMAILS),
        }
        key = uuid.uuid4()
        if self.write.judges_names and self._is_known(name):
            with pytest.raises(InvalidInput):
                self.write.add_user(uuid=key, **fields)
            return
        user = self.write.add_user(uuid=key, **fields)
        self.world.people[str(user.pk)] = Person(uuid=str(key), **fields)

    def _is_known(self, name: str) -> bool:
        """Whether somebody is found by what is to be somebody else's user name."""
        return any(
            name in (p.uuid, p.hex_id, p.external_id, p.email) for p in self.world.people.values()
        )

    def set_active(self, pick: Pick) -> None:
        if not self.world.people:
            return
        user, active = pick(list(self.world.people)), pick([True, True, True, False])
        self.write.set_active(user, active=active)
        self.world.people[user].active = active

    def delete_user(self, pick: Pick) -> None:
        if not self.world.people:
            return
        user = pick(list(self.world.people))
        self.write.delete_user(user)
        del self.world.people[user]
        self.world.memberships = [m for m in self.world.memberships if m.user != user]
        self._forget(("user", user))

    def add_group(self, pick: Pick) -> None:
        name = pick(GROUPS)
        if name in self.names["group"]:
            return
        pk = self.write.add_group(name)
        self.names["group"][name] = pk
        self.world.teams[pk] = Team()

    def set_superuser(self, pick: Pick) -> None:
        if not self.world.teams:
            return
        group, is_superuser = pick(list(self.world.teams)), pick([False, False, True])
        self.write.set_superuser(group, is_superuser=is_superuser)
        self.world.teams[group].is_superuser = is_superuser

    def set_parents(self, pick: Pick) -> None:
        if not self.world.teams:
            return
        group = pick(list(self.world.teams))
        possible = [g for g in self.world.teams if group not in self.world.ancestors(g)]
        parents = {pick(possible) for _ in range(pick([0, 1, 1, 2]))} if possible else set()
        self.write.set_parents(group, parents)
        self.world.teams[group].parents = parents

    def delete_group(self, pick: Pick) -> None:
        if not self.world.teams:
            return
        group = pick(list(self.world.teams))
        self.write.delete_group(group)
        self._unname("group", group)
        del self.world.teams[group]
        for team in self.world.teams.values():
            team.parents.discard(group)
        self.world.memberships = [m for m in self.world.memberships if m.group != group]
        self._forget(("group", group))

    def join(self, pick: Pick) -> None:
        if not (self.world.people and self.world.teams):
            return
        user, group = pick(list(self.world.people)), pick(list(self.world.teams))
        span = self._span(pick)
        pk = self.write.join(user, group, *span)
        kept = [m for m in self.world.memberships if m.id != pk]
        self.world.memberships = [*kept, Membership(pk, user, group, Times(*span))]

    def leave(self, pick: Pick) -> None:
        if self.world.memberships:
            gone = pick(self.world.memberships)
            self.write.leave(gone.user, gone.group)
            self.world.memberships.remove(gone)

    # Roles

    def add_role(self, pick: Pick) -> None:
        name = pick(ROLES)
        if name in self.names["role"]:
            return
        pk = self.write.add_role(name)
        self.names["role"][name] = pk
        self.world.roles[pk] = RoleFacts()

    def set_role(self, pick: Pick) -> None:
        if not self.world.roles:
            return
        role, enabled = pick(list(self.world.roles)), pick([True, True, True, False])
        disabled_from = pick([*[None] * 6, *MOMENTS])
        self.write.set_role(role, enabled=enabled, disabled_from=disabled_from)
        self.world.roles[role] = RoleFacts(enabled=enabled, disabled_from=disabled_from)

    def delete_role(self, pick: Pick) -> None:
        if not self.world.roles:
            return
        role = pick(list(self.world.roles))
        self.write.delete_role(role)
        self._unname("role", role)
        del self.world.roles[role]
        self._forget(("role", role))
        self.world.assignments = [a for a in self.world.assignments if a.role != role]

    def add_scope(self, pick: Pick) -> None:
        if len(self.world.scopes) >= 5:
            return
        kind = pick(["all", "all", "nothing", *["selected"] * 5])
        chosen = {}
        for _ in range(pick([1, 1, 2, 3])):
            label, key = pick(THINGS)
            key_or_all = pick([key, key, key, None])
            chosen[label, key_or_all] = (label, key_or_all, pick([False, True]))
        entries = set(chosen.values())
        pk = self.write.add_scope(kind, sorted(entries, key=str))
        self.world.scopes[pk] = ScopeFacts(kind, entries)

    def assign(self, pick: Pick) -> None:
        principals = self._principals()
        if not (self.world.roles and principals):
            return
        role, principal = pick(list(self.world.roles)), pick(principals)
        if principal[0] == "role" and self._holds(role, principal[1]):
            return
        scope = pick([None, None, None, None, *self.world.scopes])
        span = self._span(pick)
        pk = self.write.assign(role, principal, scope, *span)
        kept = [a for a in self.world.assignments if a.id != pk]
        self.world.assignments = [*kept, Assignment(pk, role, principal, scope, Times(*span))]

    def unassign(self, pick: Pick) -> None:
        if self.world.assignments:
            gone = pick(self.world.assignments)
            self.write.unassign(gone.id)
            self.world.assignments.remove(gone)

    # Grants and resources

    def grant(self, pick: Pick) -> None:
        principals = [p for p in self._principals() if p[0] != "group"]
        if not principals:
            return
        # Roles have most grants, or there would be little to inherit.
        roles = [p for p in principals if p[0] == "role"]
        principal, wanted = pick([*principals, *roles, *roles]), pick(PERMISSIONS)
        keys = [key for label, key in THINGS if label == wanted[0]]
        key = pick([None, *keys])
        span = self._span(pick)
        pk = self.write.grant(principal, wanted, key, *span)
        kept = [g for g in self.world.grants if g.id != pk]
        self.world.grants = [*kept, Grant(pk, principal, wanted, key, Times(*span))]

    def revoke(self, pick: Pick) -> None:
        if self.world.grants:
            gone = pick(self.world.grants)
            self.write.revoke(gone.id)
            self.world.grants.remove(gone)

    def register(self, pick: Pick) -> None:
        """New, or moved under another parent."""
        thing = pick(REGISTRABLE)
        parent = pick([None, *(t for t in self.world.parents if thing not in self._above(t))])
        self.write.register(thing, parent)
        self.world.parents[thing] = parent

    def delete_resource(self, pick: Pick) -> None:
        if not self.world.parents:
            return
        thing = pick(list(self.world.parents))
        self.write.delete_resource(thing)
        del self.world.parents[thing]
        for below, parent in self.world.parents.items():
            if parent == thing:
                self.world.parents[below] = None
        self.world.grants = [g for g in self.world.grants if (g.permission[0], g.key) != thing]
        for scope in self.world.scopes.values():
            scope.entries = {e for e in scope.entries if e[:2] != thing}

    # Questions

    def every_name(self) -> list[str]:
        people = self.world.people.values()
        return [
            *(p.username for _ in range(4) for p in people),
            *USERNAMES,
            *EMAILS,
            *(p.uuid for p in people),
            *(p.hex_id for p in people),
            *(f"ext-{p.username}" for p in people),
        ]

    # Bookkeeping

    def _span(self, pick: Pick) -> tuple[datetime | None, datetime | None]:
        if pick([True, True, True, False]):
            return None, None
        since, until = pick([None, *MOMENTS]), pick([None, *MOMENTS])
        return (since, None) if since and until and until <= since else (since, until)

    def _principals(self) -> list[Principal]:
        world = self.world
        kinds: dict[str, Iterable[str]] = {
            "user": world.people,
            "group": world.teams,
            "role": world.roles,
        }
        return [(kind, pk) for kind, rows in kinds.items() for pk in rows]

    def _holds(self, holder: str, role: str) -> bool:
        """Whether the first role is the second, or its holders hold the second."""
        given = [a.role for a in self.world.assignments if a.principal == ("role", holder)]
        return holder == role or any(self._holds(next_role, role) for next_role in given)

    def _above(self, thing: Thing | None) -> set[Thing]:
        found = set()
        while thing is not None:
            found.add(thing)
            thing = self.world.parents[thing]
        return found

    def _unname(self, kind: str, pk: str) -> None:
        names = self.names[kind]
        del names[next(name for name, known in names.items() if known == pk)]

    def _forget(self, principal: Principal) -> None:
        self.world.assignments = [a for a in self.world.assignments if a.principal != principal]
        self.world.grants = [g for g in self.world.grants if g.principal != principal]


class Pick:
    """Chooses one of several things: drawn by hypothesis, or by a seeded generator."""

    def __init__(self, choose: Callable[[Sequence[Any]], Any]) -> None:
        self._choose = choose

    def __call__(self, among: Sequence[T]) -> T:
        chosen: T = self._choose(among)
        return chosen


# How often each change happens: more is built than torn down.
WEIGHTS: dict[Callable[[Changes, Pick], None], int] = {
    Changes.add_user: 6,
    Changes.set_active: 1,
    Changes.delete_user: 1,
    Changes.add_group: 6,
    Changes.set_superuser: 1,
    Changes.set_parents: 6,
    Changes.delete_group: 1,
    Changes.join: 10,
    Changes.leave: 1,
    Changes.add_role: 6,
    Changes.set_role: 1,
    Changes.delete_role: 1,
    Changes.add_scope: 6,
    Changes.assign: 16,
    Changes.unassign: 2,
    Changes.grant: 16,
    Changes.revoke: 2,
    Changes.register: 8,
    Changes.delete_resource: 1,
}
WEIGHTED = [change for change, weight in WEIGHTS.items() for _ in range(weight)]
