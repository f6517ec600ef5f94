"""Pages of resource types, resources and scopes: what they are, and what is given on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, Q

from console.lists.kinds import KINDS, Kind
from console.lists.pages import on_resource
from console.pages import Cell, url_with
from console.parts import Button, Line, Part, RowPage, link_to, when
from console.rights import CHECK_ACCESS
from permissions import engine
from permissions.engine import ResourceRef, short
from permissions.models import Resource
from roles.models import Scope, ScopeEntry

LISTS = {kind.slug: kind for kind in KINDS}


def named(resource: Resource) -> str:
    return f"{resource.type.label}:{resource.object_pk}"


class Actions(Part):
    """Of a type, or of the type of a resource; each leads to who can do it there."""

    name, title = "actions", "Actions"
    columns = ("Action", "Permission", "Who")
    empty = "Nothing can be done with it."

    def rows(self) -> Any:
        kind = self.row.type_id if isinstance(self.row, Resource) else self.row.pk
        rows = Permission.objects.filter(content_type=kind).select_related("content_type")
        return rows.order_by("codename")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        on = named(self.row) if isinstance(self.row, Resource) else self.row.label
        may_ask = self.rights.may(CHECK_ACCESS)
        for row in rows:
            kind = row.content_type
            action = short(row.codename, kind.model)
            who = url_with("console:who-can", action=action, resource=on) if may_ask else ""
            cells = Cell(action), Cell(f"{kind.app_label}.{row.codename}", note=row.name)
            yield Line((*cells, Cell("Who can" if who else "", who)))


class Tree(Part):
    """Resources with what lies below each, to be opened step by step."""

    columns = ("Resource", "Key", "Below")

    def chosen(self) -> Any:
        """The resources the tree begins with; each page has its own."""
        raise NotImplementedError

    def rows(self) -> Any:
        below = Resource.objects.filter(parent=OuterRef("pk"))
        rows = self.rights.visible(self.chosen()).select_related("type__content_type")
        return rows.annotate(has_more=Exists(below)).order_by("object_pk")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for row in rows:
            more = "more below" if row.has_more else ""
            yield Line((link_to(row), Cell(named(row)), Cell(more)))


class OfTheType(Tree):
    name, title, empty = "resources", "Resources", "None is registered."

    def chosen(self) -> Any:
        """Those on top. Below one of another type they are found there."""
        return Resource.objects.filter(type=self.row).filter(
            Q(parent__isnull=True) | ~Q(parent__type=self.row)
        )


class Below(Tree):
    name, title, empty = "below", "Below it", "Nothing lies below it."

    def chosen(self) -> Any:
        return Resource.objects.filter(parent=self.row)


class Above(Tree):
    name, title, empty = "above", "Above it", "It lies below nothing."

    def chosen(self) -> Any:
        above = Resource.objects.filter(descendant_rows__descendant=self.row)
        return above.exclude(pk=self.row.pk)


class Grants(Part):
    """Who was granted anything on it, and nothing that comes by scopes or by its type."""

    columns = ("To", "Permission", "When")
    empty = "Nothing is granted on it alone."
    kind: ClassVar[Kind]

    def is_seen(self) -> bool:
        return self.kind.is_seen(self.rights)

    def rows(self) -> Any:
        on = ResourceRef(self.row.type.label, self.row.object_pk)
        rows = self.kind.rows(self.rights).filter(on_resource(on))
        return rows.order_by("permission", self.kind.table.principal)

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for row in rows:
            yield Line((Cell(*self.kind.holder(row)), Cell(*self.kind.given(row)), when(row)))

    def buttons(self) -> Iterable[Button]:
        yield Button("End or prolong", url_with(self.kind.page, resource=named(self.row)))


class ToUsers(Grants):
    name, title, kind = "users", "Granted to users", LISTS["user-grants"]


class ToRoles(Grants):
    name, title, kind = "roles", "Granted to roles", LISTS["role-grants"]


class Scopes(Part):
    """Those that name it, or its whole type."""

    name, title, empty = "scopes", "Scopes that name it", "No scope names it."
    columns = ("Scope", "How")

    def is_seen(self) -> bool:
        return self.rights.sees(Scope)

    def rows(self) -> Any:
        it = Q(object_pk=self.row.object_pk) | Q(object_pk__isnull=True)
        rows = ScopeEntry.objects.filter(it, content_type=self.row.type_id).select_related("scope")
        return self.rights.visible(rows, by="scope").order_by("pk")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for row in rows:
            how = "every one of its type" if row.object_pk is None else "by its key"
            how += " and all below" if row.with_descendants else ""
            yield Line((link_to(row.scope), Cell(how)))


class TypePage(RowPage):
    parents = (("Resource types", "admin:permissions_resourcetype_changelist"),)
    parts = (Actions, OfTheType)

    def facts(self) -> Iterable[tuple[str, Cell]]:
        kind = self.row
        yield "Called", Cell(f"{kind.app_verbose_name}: {kind.verbose_name}")
        yield "Also", Cell(kind.name or "")
        yield "Mode", Cell(kind.mode, note=str(kind.get_mode_display()))
        yield "Below", link_to(kind.parent)
        yield "Built in", Cell("yes" if kind.built_in else "")

    def buttons(self) -> Iterable[Button]:
        for kind in KINDS:
            word = {"resource", "type"}.intersection(kind.filters)
            if word and kind.is_seen(self.rights):
                url = url_with(kind.page, **{word.pop(): self.row.label})
                yield Button(f"Grants {kind.title[0].lower()}{kind.title[1:]}", url)


class ResourcePage(RowPage):
    parents = (("Resources", "admin:permissions_resource_changelist"),)
    parts = (ToUsers, ToRoles, Actions, Below, Above, Scopes)

    def facts(self) -> Iterable[tuple[str, Cell]]:
        yield "Named", Cell(named(self.row))
        yield "Type", self._type()
        yield "Mode", Cell(self.row.type.mode)

    def _type(self) -> Cell:
        """A way there for whoever may view types."""
        seen = self.rights.may("permissions.view_resourcetype")
        return link_to(self.row.type) if seen else Cell(self.row.type.label)


class Entries(Part):
    name, title, empty = "entries", "What it covers", "No single type or resource."
    columns = ("Type", "Resource", "Below")

    def rows(self) -> Any:
        return self.row.entries.select_related("content_type").order_by("pk")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for row in rows:
            kind = row.content_type
            key = "every one" if row.object_pk is None else row.object_pk
            below = "and all below" if row.with_descendants else ""
            yield Line((Cell(f"{kind.app_label}.{kind.model}"), Cell(key), Cell(below)))


class Assignments(Part):
    name, title, empty = "assignments", "Assignments that use it", "No assignment uses it."
    columns = ("To", "Role", "When")
    kind = LISTS["assignments"]

    def is_seen(self) -> bool:
        return self.kind.is_seen(self.rights)

    def rows(self) -> Any:
        return self.kind.rows(self.rights).filter(scope=self.row).order_by("-pk")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for row in rows:
            yield Line((Cell(*self.kind.holder(row)), Cell(*self.kind.given(row)), when(row)))


class ScopePage(RowPage):
    parents = (("Scopes", "admin:authentik_rbac_scope_changelist"),)
    parts = (Entries, Assignments)

    def facts(self) -> Iterable[tuple[str, Cell]]:
        scope = self.row
        yield "Covers", Cell(engine.coverage_of([scope])[scope.pk])
        yield "Description", Cell(scope.description)
        yield "Name", Cell(scope.name or "none; it belongs to one assignment")
        yield "Built in", Cell("yes" if scope.built_in else "")

    def buttons(self) -> Iterable[Button]:
        kind = LISTS["assignments"]
        if self.row.name and kind.is_seen(self.rights):
            yield Button("End or prolong", url_with(kind.page, scope=self.row.name))
        if self.row.name and self.rights.may("authentik_rbac.add_roleassignment"):
            words = {"scope": self.row.name, "next": self.request.path}
            yield Button("Give a role within it", url_with("console:give-role", **words))
