"""Generated worlds: the engine and the naive evaluator must agree on all six functions.

``RBAC_TRUTH_EXAMPLES`` (default 12) worlds are generated; a failure prints what reproduces it.
"""

import os
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from tests.truth import comparing
from tests.truth.naive import (
    Assignment,
    Grant,
    Membership,
    Person,
    RoleFacts,
    ScopeFacts,
    Team,
    Thing,
    Times,
    World,
)
from tests.truth.writers import Rows, create_type

EXAMPLES = int(os.environ.get("RBAC_TRUTH_EXAMPLES", "12"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    derandomize="RBAC_TRUTH_EXAMPLES" not in os.environ,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENTS = [START + timedelta(days=n) for n in range(4)]
TYPES = {
    # `view` and `view_folder` are two permissions; `approve` belongs to two types of the app.
    "shop.folder": {"view", "view_folder", "approve"},
    "shop.invoice": {"view_invoice", "approve", "pay_invoice"},
}
PERMISSIONS = [(label, codename) for label, names in TYPES.items() for codename in sorted(names)]
ACTIONS = ["view", "shop.view_invoice", "view_folder", "approve", "pay", "nothing"]
GLOBAL_ACTIONS = ["shop.pay_invoice", "shop.view", "shop.approve", "view_invoice"]
THINGS: list[Thing] = [
    (label, key) for label in TYPES for key in ("1", "2", "a/b {c}", "Straße", "never-seen")
]
REGISTRABLE = [thing for thing in THINGS if thing[1] != "never-seen"]
USERNAMES = ["ann", "ben", "cem", "both@example.com"]
EMAILS = ["", "ann@example.com", "both@example.com"]

moments = st.one_of(st.none(), st.sampled_from(MOMENTS))
times = st.one_of(st.just((None, None)), st.tuples(moments, moments))
rarely = st.sampled_from([False, False, False, True])
entries = st.sets(
    st.tuples(
        st.sampled_from(list(TYPES)),
        st.one_of(st.none(), st.sampled_from([key for _, key in THINGS])),
        st.booleans(),
    ),
    max_size=3,
)


class Worlds(RuleBasedStateMachine):
    """Every rule makes one change in the database and the same one in the naive world."""

    writer: Any = Rows

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.write = self.writer()
        self.world = World(types={label: set(names) for label, names in TYPES.items()})
        for label, names in TYPES.items():
            create_type(label, names)
        self.things: set[Thing] = set()

    def teardown(self) -> None:
        try:
            self._compare_everything()
        finally:
            transaction.set_rollback(True)
            self.savepoint.__exit__(None, None, None)

    # People and groups

    @rule(name=st.sampled_from(USERNAMES), email=st.sampled_from(EMAILS), external=st.booleans())
    def add_user(self, name: str, email: str, external: bool) -> None:
        if any(p.username == name for p in self.world.people.values()):
            return
        person = Person(
            username=name,
            uuid=str(uuid.uuid4()),
            hex_id=uuid.uuid4().hex[:24],
            external_id=f"ext-{name}" if external else None,
            email=email,
        )
        user = self.write.add_user(
            username=name,
            uuid=person.uuid,
            hex_id=person.hex_id,
            external_id=person.external_id,
            email=email,
        )
        self.world.people[str(user.pk)] = person

    @precondition(lambda self: self.world.people)
    @rule(data=st.data(), active=st.booleans())
    def set_active(self, data: st.DataObject, active: bool) -> None:
        user = self._some(data, self.world.people)
        self.write.set_active(user, active=active)
        self.world.people[user].active = active

    @precondition(lambda self: len(self.world.people) > 1)
    @rule(data=st.data())
    def delete_user(self, data: st.DataObject) -> None:
        user = self._some(data, self.world.people)
        self.write.delete_user(user)
        del self.world.people[user]
        self._forget(("user", user))

    @rule(name=st.sampled_from(["g0", "g1", "g2", "g3"]), is_superuser=rarely)
    def add_group(self, name: str, is_superuser: bool) -> None:
        if name in self._names("group"):
            return
        pk = self.write.add_group(name, is_superuser=is_superuser)
        self._names("group")[name] = pk
        self.world.teams[pk] = Team(is_superuser=is_superuser)

    @precondition(lambda self: self.world.teams)
    @rule(data=st.data(), is_superuser=rarely)
    def set_superuser(self, data: st.DataObject, is_superuser: bool) -> None:
        group = self._some(data, self.world.teams)
        self.write.set_superuser(group, is_superuser=is_superuser)
        self.world.teams[group].is_superuser = is_superuser

    @precondition(lambda self: len(self.world.teams) > 1)
    @rule(data=st.data())
    def set_parents(self, data: st.DataObject) -> None:
        group = self._some(data, self.world.teams)
        possible = [g for g in self.world.teams if group not in self.world.ancestors(g)]
        if not possible:
            return
        parents = data.draw(st.sets(st.sampled_from(possible), max_size=2))
        self.write.set_parents(group, parents)
        self.world.teams[group].parents = parents

    @precondition(lambda self: len(self.world.teams) > 1)
    @rule(data=st.data())
    def delete_group(self, data: st.DataObject) -> None:
        group = self._some(data, self.world.teams)
        self.write.delete_group(group)
        self._unname("group", group)
        del self.world.teams[group]
        for team in self.world.teams.values():
            team.parents.discard(group)
        self._forget(("group", group))

    @precondition(lambda self: self.world.people and self.world.teams)
    @rule(data=st.data(), span=times)
    def join(self, data: st.DataObject, span: tuple[Any, Any]) -> None:
        user, group = self._some(data, self.world.people), self._some(data, self.world.teams)
        pk = self.write.join(user, group, *span)
        kept = [m for m in self.world.memberships if m.id != pk]
        self.world.memberships = [*kept, Membership(pk, user, group, Times(*span))]

    @precondition(lambda self: self.world.memberships)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.world.memberships))
        self.write.leave(gone.user, gone.group)
        self.world.memberships.remove(gone)

    # Roles

    @rule(name=st.sampled_from(["r0", "r1", "r2", "r3"]))
    def add_role(self, name: str) -> None:
        if name in self._names("role"):
            return
        pk = self.write.add_role(name)
        self._names("role")[name] = pk
        self.world.roles[pk] = RoleFacts()

    @precondition(lambda self: self.world.roles)
    @rule(data=st.data(), disabled=rarely, disabled_from=moments)
    def set_role(self, data: st.DataObject, disabled: bool, disabled_from: datetime | None) -> None:
        role = self._some(data, self.world.roles)
        self.write.set_role(role, enabled=not disabled, disabled_from=disabled_from)
        self.world.roles[role] = RoleFacts(enabled=not disabled, disabled_from=disabled_from)

    @precondition(lambda self: len(self.world.roles) > 1)
    @rule(data=st.data())
    def delete_role(self, data: st.DataObject) -> None:
        role = self._some(data, self.world.roles)
        self.write.delete_role(role)
        self._unname("role", role)
        del self.world.roles[role]
        self._forget(("role", role))
        self.world.assignments = [a for a in self.world.assignments if a.role != role]

    @precondition(lambda self: len(self.world.scopes) < 5)
    @rule(kind=st.sampled_from(["all", "nothing", *["selected"] * 4]), chosen=entries)
    def add_scope(self, kind: str, chosen: set[tuple[str, str | None, bool]]) -> None:
        once = {(label, key): (label, key, below) for label, key, below in sorted(chosen, key=str)}
        chosen = set(once.values()) if kind == "selected" else set()
        pk = self.write.add_scope(kind, sorted(chosen, key=str))
        self.world.scopes[pk] = ScopeFacts(kind, chosen)

    @precondition(lambda self: self.world.roles and self.world.people)
    @rule(data=st.data(), span=times)
    def assign(self, data: st.DataObject, span: tuple[Any, Any]) -> None:
        role = self._some(data, self.world.roles)
        principal = data.draw(st.sampled_from(self._principals()))
        scope = data.draw(st.sampled_from([None, *self.world.scopes]))
        if principal[0] == "role" and self._holds(role, principal[1]):
            return
        pk = self.write.assign(role, principal, scope, *span)
        kept = [a for a in self.world.assignments if a.id != pk]
        self.world.assignments = [*kept, Assignment(pk, role, principal, scope, Times(*span))]

    @precondition(lambda self: self.world.assignments)
    @rule(data=st.data())
    def unassign(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.world.assignments))
        self.write.unassign(gone.id)
        self.world.assignments.remove(gone)

    # Grants and resources

    @precondition(lambda self: self.world.people or self.world.roles)
    @rule(
        data=st.data(),
        wanted=st.sampled_from(PERMISSIONS),
        everywhere=st.booleans(),
        span=times,
    )
    def grant(
        self, data: st.DataObject, wanted: tuple[str, str], everywhere: bool, span: tuple[Any, Any]
    ) -> None:
        principal = data.draw(st.sampled_from([p for p in self._principals() if p[0] != "group"]))
        keys = [key for label, key in THINGS if label == wanted[0]]
        key = None if everywhere else data.draw(st.sampled_from(keys))
        pk = self.write.grant(principal, wanted, key, *span)
        kept = [g for g in self.world.grants if g.id != pk]
        self.world.grants = [*kept, Grant(pk, principal, wanted, key, Times(*span))]

    @precondition(lambda self: self.world.grants)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.world.grants))
        self.write.revoke(gone.id)
        self.world.grants.remove(gone)

    @rule(data=st.data(), thing=st.sampled_from(REGISTRABLE))
    def register(self, data: st.DataObject, thing: Thing) -> None:
        """New, or moved under another parent."""
        possible = [t for t in self.world.parents if thing not in self._above(t)]
        parent = data.draw(st.sampled_from([None, *possible]))
        self.write.register(thing, parent)
        self.world.parents[thing] = parent

    @precondition(lambda self: self.world.parents)
    @rule(data=st.data())
    def delete_resource(self, data: st.DataObject) -> None:
        thing = self._some(data, self.world.parents)
        self.write.delete_resource(thing)
        del self.world.parents[thing]
        for below, parent in self.world.parents.items():
            if parent == thing:
                self.world.parents[below] = None
        self.world.grants = [g for g in self.world.grants if (g.permission[0], g.key) != thing]
        for scope in self.world.scopes.values():
            scope.entries = {e for e in scope.entries if e[:2] != thing}

    # Questions

    @precondition(lambda self: self.world.people)
    @rule(data=st.data(), at=st.sampled_from(MOMENTS), thing=st.sampled_from(THINGS))
    def ask(self, data: st.DataObject, at: datetime, thing: Thing) -> None:
        name = data.draw(st.sampled_from(self._every_name()))
        asked: list[tuple[str, str, Thing | None]]
        asked = [(name, action, thing) for action in ACTIONS]
        asked += [(name, action, None) for action in GLOBAL_ACTIONS]
        comparing.agree_on_checks(self.world, asked, at)
        comparing.agree_on_explanations(self.world, asked, at)

    def _compare_everything(self) -> None:
        names = [p.username for p in self.world.people.values()]
        at = MOMENTS[len(self.world.grants) % len(MOMENTS)]
        asked: list[tuple[str, str, Thing | None]] = [
            (name, action, thing) for name in names for action in ACTIONS for thing in THINGS
        ]
        comparing.agree_on_checks(self.world, asked, at)
        comparing.agree_on_explanations(self.world, asked[:: len(asked) // 40 + 1], at)
        comparing.agree_on_lists(self.world, names, ["view", "approve", "pay_invoice"], THINGS, at)

    # The naive world's own bookkeeping

    def _names(self, kind: str) -> dict[str, str]:
        return self.__dict__.setdefault(f"{kind}_names", {})

    def _unname(self, kind: str, pk: str) -> None:
        names = self._names(kind)
        del names[next(name for name, known in names.items() if known == pk)]

    def _some(self, data: st.DataObject, rows: dict[Any, Any]) -> Any:
        return data.draw(st.sampled_from(list(rows)))

    def _principals(self) -> list[tuple[str, str]]:
        world = self.world
        return [
            *(("user", pk) for pk in world.people),
            *(("group", pk) for pk in world.teams),
            *(("role", pk) for pk in world.roles),
        ]

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

    def _forget(self, principal: tuple[str, str]) -> None:
        kind, pk = principal
        world = self.world
        world.memberships = [
            m for m in world.memberships if pk != (m.user if kind == "user" else m.group)
        ]
        world.assignments = [a for a in world.assignments if a.principal != principal]
        world.grants = [g for g in world.grants if g.principal != principal]

    def _every_name(self) -> list[str]:
        people = self.world.people.values()
        return [
            *USERNAMES,
            *EMAILS,
            *(p.uuid for p in people),
            *(p.hex_id for p in people),
            *(f"ext-{p.username}" for p in people),
        ]


@pytest.mark.django_db
def test_rows_written_as_they_are_decide_as_the_words_say():
    run_state_machine_as_test(Worlds, settings=SETTINGS)

    assert not User.objects.exists()
