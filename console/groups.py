"""A group's page: what lies above and below it, who is in it, what it gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from accounts.models import Group, GroupClosure, GroupMembership, User
from console.facts import MEMBERSHIP, ROLE_GRANT, ROLE_OBJECT_GRANT, FactPart
from console.forms import principal_text
from console.giving import JOIN
from console.holdings import (
    AssignmentPart,
    GrantPart,
    ObjectGrantPart,
    ThroughPart,
)
from console.pages import Cell, url_with
from console.parts import Button, Line, Part, RowPage, link_to
from console.trees import DOWN, UP, tree_of
from permissions.queries import roles_of_group
from roles.models import managed_key


class Members(FactPart):
    name, title, kind = "members", "Members", MEMBERSHIP
    own_columns = ("User", "Name")
    empty = "Nobody is in it."

    def chosen(self, rows: Any) -> Any:
        return rows.filter(group=self.row).order_by("user__username")

    def told(self, row: GroupMembership) -> Sequence[Cell]:
        return link_to(row.user), Cell(row.user.name)


class MembersBelow(Part):
    """Who belongs to it through groups below."""

    name, title, at_first = "members-below", "Members of groups below", False
    columns = ("User", "Name", "Through")
    empty = "Nobody."

    def rows(self) -> Any:
        joined = self._memberships()
        return self.rights.visible(User.objects.filter(pk__in=joined.values("user"))).order_by(
            "username"
        )

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        through: dict[Any, list[str]] = defaultdict(list)
        seen = self.rights.visible(self._memberships().filter(user__in=rows), by="group")
        names = seen.order_by("group__name").values_list("user", "group__name")
        for user, name in names:
            through[user].append(name)
        for user in rows:
            yield Line((link_to(user), Cell(user.name), Cell(", ".join(through[user.pk]))))

    def _memberships(self) -> Any:
        below = GroupClosure.objects.filter(ancestor=self.row).exclude(descendant=self.row)
        return GroupMembership.objects.active().filter(group__in=below.values("descendant"))


class Roles(AssignmentPart):
    name, title = "roles", "Roles it gives"
    empty = "It gives no role itself."

    def chosen(self, rows: Any) -> Any:
        # What the role that stands for the group gives, is told as granted to the group.
        own = managed_key(self.row)
        return rows.filter(group=self.row).exclude(role__managed=own).order_by("role__name", "pk")


class RolesThrough(ThroughPart):
    """What members have through groups above, and through the roles that the group gives."""

    name, title = "roles-through", "Roles through groups above and roles"

    def leading(self) -> Q:
        above = GroupClosure.objects.filter(descendant=self.row).exclude(ancestor=self.row)
        roles = roles_of_group(self.row.pk, inherited=True)
        return Q(group__in=above.values("ancestor")) | Q(holder_role__in=roles)


class GrantsEverywhere(GrantPart):
    """To the role that stands for the group, which nobody else holds."""

    kind, holder = ROLE_GRANT, "role"

    def chosen(self, rows: Any) -> Any:
        return self.in_order(rows.filter(role__managed=managed_key(self.row)))


class GrantsOnResources(ObjectGrantPart):
    # guardian's name for the column; what stands there is the role.
    kind, holder = ROLE_OBJECT_GRANT, "group"

    def chosen(self, rows: Any) -> Any:
        return self.in_order(rows.filter(group__managed=managed_key(self.row)))


class GroupPage(RowPage):
    template_name = "console/group.html"
    parents = (("Groups", "admin:authentik_core_group_changelist"),)
    parts = (Members, MembersBelow, Roles, RolesThrough, GrantsEverywhere, GrantsOnResources)

    def facts(self) -> Iterable[tuple[str, Cell]]:
        group: Group = self.row
        yield "Shown as", Cell(group.display_name)
        yield "Description", Cell(group.description)
        yield "Kind", Cell(group.get_kind_display())
        yield "Code", Cell(group.code or "")
        yield "Organization", Cell(group.organization)
        yield "Superusers", Cell("its members are superusers" if group.is_superuser else "no")

    def buttons(self) -> Iterable[Button]:
        group, rights, back = self.row, self.rights, self.request.path
        if rights.may_on(JOIN, group):
            url = url_with("console:add-to-group", group=group.name, next=back)
            yield Button("Add a member", url)
        if rights.may("authentik_rbac.add_roleassignment"):
            url = url_with("console:give-role", to=principal_text(group), next=back)
            yield Button("Give a role", url)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        trees = [(way, tree_of(self.row, way, self.request, self.rights)) for way in (UP, DOWN)]
        return {**context, "trees": [] if context["is_one"] else trees}
