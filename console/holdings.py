"""Parts of pages: assignments of roles, and grants, as they are told of whoever has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django.db.models import Q

from console.facts import ASSIGNMENT, FactPart
from console.pages import Cell, url_with
from console.parts import Line, Part, link_to, when
from console.rights import CHECK_ACCESS, Rights
from console.tables.base import spoken, type_of
from permissions import engine
from roles.models import Role, RoleAssignment


def scope_cells(rows: Iterable[RoleAssignment]) -> dict[Any, Cell]:
    """What the scope of each assignment covers, by the scope. Two statements."""
    scopes = {row.scope for row in rows if row.scope is not None}
    covers = engine.coverage_of(scopes)
    cells = {
        scope.pk: link_to(scope, scope.name)._replace(note=covers[scope.pk])
        if scope.name
        else Cell(covers[scope.pk])
        for scope in scopes
    }
    return {None: Cell("everywhere"), **cells}


class AssignmentPart(FactPart):
    """Who or what holds which role; ``other`` is the end of it that the page is not about."""

    kind = ASSIGNMENT
    own_columns = ("Role", "Within")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        self.within = scope_cells(rows)
        return super().lines(rows)

    def other(self, row: RoleAssignment) -> Cell:
        return role_cell(row.role)

    def told(self, row: RoleAssignment) -> Sequence[Cell]:
        return self.other(row), self.within[row.scope_id]


class ThroughPart(Part):
    """Assignments that count now of what the row does not hold itself, but through others."""

    columns = ("Role", "Through", "Within", "When (UTC)")

    def leading(self) -> Q:
        """The condition on assignments."""
        raise NotImplementedError

    def rows(self) -> Any:
        rows = RoleAssignment.objects.active().filter(self.leading())
        seen = self.rights.visible(rows.select_related("role", "group", "holder_role", "scope"))
        return seen.order_by("role__name", "pk")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        within = scope_cells(rows)
        for row in rows:
            cells = (role_cell(row.role), principal_cell(row), within[row.scope_id], when(row))
            yield Line(cells)


def role_cell(role: Role) -> Cell:
    """One that stands for a group is told by what it is: its name is a key."""
    return link_to(role, role.display_name if role.managed else role.name)


def principal_cell(row: RoleAssignment) -> Cell:
    return link_to(row.principal)._replace(note=str(row.principal._meta.verbose_name))


class GrantPart(FactPart):
    """``holder`` is the column of who was granted it."""

    title = "Granted everywhere"
    name = "grants"
    own_columns: ClassVar[Sequence[str]] = ("Permission",)
    holder: ClassVar[str]

    def chosen(self, rows: Any) -> Any:
        return self.in_order(rows.filter(**{self.holder: self.row}))

    def in_order(self, rows: Any) -> Any:
        kind = "permission__content_type"
        return rows.order_by(f"{kind}__app_label", f"{kind}__model", "permission__codename")

    def told(self, row: Any) -> Sequence[Cell]:
        return (permission_cell(row.permission, self.rights),)


class ObjectGrantPart(GrantPart):
    name, title = "resource-grants", "Granted on resources"
    own_columns = ("Permission", "Resource")

    def in_order(self, rows: Any) -> Any:
        # By the index of the table: one principal may have a million of them.
        return rows.order_by("permission", "object_pk")

    def told(self, row: Any) -> Sequence[Cell]:
        on = Cell(row.object_pk)
        if self.rights.may(CHECK_ACCESS):
            resource = f"{type_of(row.permission)}:{row.object_pk}"
            on = Cell(on.text, self.asked(row.permission.codename, resource))
        return permission_cell(row.permission, self.rights), on

    def asked(self, action: str, resource: str) -> str:
        """The question that the resource leads to."""
        return url_with("console:who-can", action=action, resource=resource)


def permission_cell(permission: Any, rights: Rights) -> Cell:
    """Leads to everybody who may do it."""
    text = spoken(permission)
    if not rights.may(CHECK_ACCESS):
        return Cell(text)
    asked = {"action": permission.codename, "resource": type_of(permission)}
    return Cell(text, url_with("console:who-can", **asked))
