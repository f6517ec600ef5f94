"""The six tables of facts, as the console lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.urls import reverse

from accounts.models import Group, User
from console.drawing import PAGES
from console.pages import Cell
from console.rights import Rights
from console.tables.base import spoken
from permissions import engine
from permissions.engine import Question, ResourceRef, StepKind, SubjectRef
from permissions.models.fact_tables import (
    ASSIGNMENTS,
    MEMBERSHIPS,
    ROLE_GLOBAL,
    ROLE_OBJECT,
    USER_GLOBAL,
    USER_OBJECT,
    FactTable,
)
from roles.models import Role


class Needed(NamedTuple):
    """The permissions, on the row that ``of`` leads to; "" is the fact itself."""

    names: tuple[str, ...]
    of: str = ""

    def row(self, fact: Any) -> Model:
        row: Model = getattr(fact, self.of) if self.of else fact
        return row


@dataclass(frozen=True, kw_only=True)
class Kind:
    """``filters`` are fields of ``FactsForm``; ``names`` the foreign keys that are shown by name,
    to whoever may view what they lead to.
    """

    slug: str
    title: str
    icon: str
    section: str
    table: FactTable
    seen_by: tuple[str, ...]
    filters: tuple[str, ...]
    columns: tuple[str, ...]
    names: tuple[str, ...]
    to_end: Needed
    to_prolong: Needed

    @property
    def page(self) -> str:
        return f"console:{self.slug}"

    @property
    def role_column(self) -> str:
        """guardian calls the column of the role so, in grants to roles on resources."""
        return "group" if self.table is ROLE_OBJECT else "role"

    def is_seen(self, rights: Rights) -> bool:
        return all(rights.sees(self._model(by)) for by in self.seen_by)

    def rows(self, rights: Rights) -> QuerySet[Any]:
        """Those the caller may view, with what they name, and whether it may be named."""
        rows = self.table.model.objects.select_related(*self.table.related, "granted_by")
        if self.table in ASSIGNMENTS:
            # Roles of the service's own, and those that stand in for a group, are nobody's to give.
            rows = rows.filter(role__in=Role.objects.shareable())
        for by in self.seen_by:
            rows = rights.visible(rows, by=by)
        for name in self.names:
            there = self._model(name)._default_manager.filter(pk=OuterRef(f"{name}_id"))
            seen = Exists(rights.visible(there))
            rows = rows.annotate(**{f"sees_{name}": seen})
        return rows

    def allowed(self, rights: Rights, needed: Needed, facts: Iterable[Any]) -> list[Any]:
        """Those that the caller may change so; one statement, unless it may change them all."""
        facts = list(facts)
        if not facts or all(rights.may(name) for name in needed.names):
            return facts
        subject = SubjectRef.of(rights.caller)
        asked = [
            Question(
                subject=subject,
                action=name.partition(".")[2],
                resource=ResourceRef(row._meta.label_lower, str(row.pk)),
            )
            for row in map(needed.row, facts)
            for name in needed.names
        ]
        answers, each = engine.check_many(asked), len(needed.names)
        return [
            fact
            for n, fact in enumerate(facts)
            if all(answer.allowed for answer in answers[n * each : (n + 1) * each])
        ]

    def holder(self, fact: Any) -> Cell:
        """Whoever has it; "of a group" and "of a role" are its members and holders."""
        for name in ("user", "group", "holder_role", "role"):
            row = getattr(fact, name, None)
            if row is not None and name in self.names:
                return self._named(fact, name, row)
        return Cell("")

    def given(self, fact: Any) -> Cell:
        if self.table in ASSIGNMENTS:
            return self._named(fact, "role", fact.role)
        if self.table is MEMBERSHIPS:
            return self._named(fact, "group", fact.group)
        object_pk = getattr(fact, "object_pk", None)
        return Cell(spoken(fact.permission) + ("" if object_pk is None else f":{object_pk}"))

    def scope(self, fact: Any) -> str:
        scope = getattr(fact, "scope", None)
        if scope is None:
            return ""
        return str(scope) if fact.sees_scope else "hidden"

    def _named(self, fact: Any, name: str, row: Any) -> Cell:
        if not getattr(fact, f"sees_{name}"):
            return Cell("hidden")
        step = {User: StepKind.USER, Group: StepKind.GROUP, Role: StepKind.ROLE}[type(row)]
        return Cell(str(row), reverse(PAGES[step], args=[row.pk]))

    def _model(self, name: str) -> type[Model]:
        if name == "pk":
            model: type[Model] = self.table.model
            return model
        related = self.table.model._meta.get_field(name).related_model
        assert isinstance(related, type), "a foreign key"
        return related


def _grants(slug: str, title: str, table: FactTable, name: str) -> Kind:
    """``name`` is the foreign key to the principal."""
    word = "user" if table.holder is User else "role"
    take, give = (
        f"{table.holder._meta.app_label}.{verb}_{word}_permissions"
        for verb in ("unassign", "assign")
    )
    on = ("resource",) if table.by_object else ("type",)
    return Kind(
        slug=slug,
        title=title,
        icon="verified_user",
        section="Grants",
        table=table,
        seen_by=(name,),
        filters=("to_user" if word == "user" else "role", "action", *on, "by", "when"),
        columns=("To", "Permission"),
        names=(name,),
        to_end=Needed((take,), name),
        to_prolong=Needed((take, give), name),
    )


KINDS = (
    Kind(
        slug="assignments",
        title="Assignments",
        icon="assignment_ind",
        section="Roles",
        table=ASSIGNMENTS[0],
        seen_by=("pk",),
        filters=("role", "to", "scope", "by", "when"),
        columns=("To", "Role", "Scope"),
        names=("user", "group", "holder_role", "role", "scope"),
        to_end=Needed(("authentik_rbac.delete_roleassignment",)),
        to_prolong=Needed(("authentik_rbac.change_roleassignment",)),
    ),
    Kind(
        slug="memberships",
        title="Memberships",
        icon="group_add",
        section="People",
        table=MEMBERSHIPS,
        seen_by=("group",),
        filters=("to_user", "group", "by", "when"),
        columns=("User", "Group"),
        names=("user", "group"),
        to_end=Needed(("authentik_core.remove_user_from_group",), "group"),
        to_prolong=Needed(
            ("authentik_core.remove_user_from_group", "authentik_core.add_user_to_group"), "group"
        ),
    ),
    _grants("user-grants", "To users, on resources", USER_OBJECT, "user"),
    _grants("role-grants", "To roles, on resources", ROLE_OBJECT, "group"),
    _grants("user-grants-everywhere", "To users, everywhere", USER_GLOBAL, "user"),
    _grants("role-grants-everywhere", "To roles, everywhere", ROLE_GLOBAL, "role"),
)
