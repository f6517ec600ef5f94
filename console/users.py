"""A user's page: what it is in, holds and was granted, and what happened to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from accounts.models import Group, GroupClosure, GroupMembership, SignIn, Token
from console.access.explaining import REASONS
from console.facts import (
    JOIN,
    MEMBERSHIP,
    TO_USERS,
    USER_GRANT,
    USER_OBJECT_GRANT,
    FactPart,
)
from console.forms import principal_text
from console.giving import CHANGE, Activate
from console.holdings import (
    AssignmentPart,
    GrantPart,
    ObjectGrantPart,
    ThroughPart,
    permission_cell,
)
from console.pages import Cell, url_with
from console.parts import Button, Line, Part, RowPage, link_to, moment
from console.rights import CHECK_ACCESS
from permissions.queries import effective_permissions, grants_of, groups_of, held_roles


class Groups(FactPart):
    name, title, kind = "groups", "Groups", MEMBERSHIP
    own_columns = ("Group",)
    empty = "In no group."

    def chosen(self, rows: Any) -> Any:
        return rows.filter(user=self.row).order_by("group__name")

    def told(self, row: GroupMembership) -> Sequence[Cell]:
        return (link_to(row.group),)


class GroupsAbove(Part):
    name, title = "groups-above", "Groups above these"
    columns = ("Group", "Through")

    def rows(self) -> Any:
        own = GroupMembership.objects.active().filter(user=self.row).values("group")
        return self.rights.visible(groups_of(self.row).exclude(pk__in=own))

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        own = GroupMembership.objects.active().filter(user=self.row).values("group")
        below = GroupClosure.objects.filter(ancestor__in=rows, descendant__in=own)
        seen = self.rights.visible(below, by="descendant")
        through: dict[Any, list[str]] = defaultdict(list)
        names = seen.order_by("descendant__name").values_list("ancestor", "descendant__name")
        for above, name in names:
            through[above].append(name)
        for group in rows:
            yield Line((link_to(group), Cell(", ".join(through[group.pk]))))


class Roles(AssignmentPart):
    name, title = "roles", "Roles"
    empty = "Holds no role of its own."

    def chosen(self, rows: Any) -> Any:
        return rows.filter(user=self.row).order_by("role__name", "pk")


class RolesThrough(ThroughPart):
    name, title = "roles-through", "Roles through groups and roles"

    def leading(self) -> Q:
        return Q(group__in=groups_of(self.row)) | Q(holder_role__in=held_roles(self.row))


class GrantsEverywhere(GrantPart):
    kind, holder = USER_GRANT, "user"


class GrantsOnResources(ObjectGrantPart):
    kind, holder = USER_OBJECT_GRANT, "user"

    def asked(self, action: str, resource: str) -> str:
        words = {"subject": self.row.username, "action": action, "resource": resource}
        return url_with("console:explain", **words)


class Access(Part):
    name, title, at_first = "access", "Access", False
    columns = ("Permission", "On", "Reason", "Role", "Held through", "Until (UTC)")
    empty = "Nothing was granted."

    def is_seen(self) -> bool:
        return bool(self.row == self.page.caller) or self.rights.may(CHECK_ACCESS)

    def rows(self) -> Any:
        return grants_of(self.row)

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for one in effective_permissions(self.row, rows):
            through = [
                f"{held.assignment.principal}{f' within {held.covers}' if held.covers else ''}"
                for held in one.held_through
            ]
            yield Line(
                (
                    permission_cell(one.permission, self.rights),
                    Cell(one.object_pk or "every one"),
                    Cell(REASONS[one.reason]),
                    link_to(one.role),
                    Cell(", ".join(through)),
                    Cell(moment(one.valid_until)),
                )
            )

    def buttons(self) -> Iterable[Button]:
        url = url_with("console:what-can", subject=self.row.username)
        yield Button("As a file, or by type", url)


class Tokens(Part):
    """Never a key."""

    name, title = "tokens", "Tokens"
    columns = ("Identifier", "Intent", "Expires (UTC)", "Last used (UTC)")

    def rows(self) -> Any:
        return self.rights.visible(Token.objects.filter(user=self.row)).order_by("identifier")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for token in rows:
            expires = moment(token.expires) if token.expiring else "never"
            identifier = link_to(token, token.identifier)._replace(note=token.description)
            used = Cell(moment(token.last_used) or "never")
            yield Line((identifier, Cell(token.get_intent_display()), Cell(expires), used))

    def buttons(self) -> Iterable[Button]:
        if self.rights.sees(Token):
            yield Button("List, make, revoke", url_with("console:tokens", user=self.row.username))


class SignIns(Part):
    name, title = "sign-ins", "Sign-ins"
    columns = ("Since (UTC)", "Until (UTC)")
    empty = "Nobody is signed in by the Aria Operations door."

    def rows(self) -> Any:
        return SignIn.objects.filter(user=self.row).order_by("-created")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for one in rows:
            yield Line((Cell(moment(one.created)), Cell(moment(one.expires))))


class UserPage(RowPage):
    parents = (("Users", "admin:authentik_core_user_changelist"),)
    parts = (
        Groups, GroupsAbove, Roles, RolesThrough, GrantsEverywhere, GrantsOnResources, Access,
        Tokens, SignIns,
    )  # fmt: skip

    def facts(self) -> Iterable[tuple[str, Cell]]:
        user = self.row
        yield "Name", Cell(user.name)
        yield "Address", Cell(user.email)
        yield "Status", Cell("active" if user.is_active else "deactivated")
        yield "Superuser", self._superuser()
        yield "Type", Cell(user.get_type_display())
        yield "Path", Cell(user.path)
        yield "Joined (UTC)", Cell(moment(user.date_joined))
        yield "Last signed in (UTC)", Cell(moment(user.last_login) or "never")
        yield "Password changed (UTC)", Cell(moment(user.password_change_date))

    def _superuser(self) -> Cell:
        """By which groups, so far as they may be seen."""
        if not self.row.is_superuser:
            return Cell("no")
        groups = self.rights.visible(groups_of(self.row).filter(is_superuser=True))
        names = ", ".join(groups.values_list("name", flat=True))
        return Cell("yes", note=f"through {names}" if names else "")

    def buttons(self) -> Iterable[Button]:
        user, rights, back = self.row, self.rights, self.request.path
        to = principal_text(user)
        if rights.may("authentik_rbac.add_roleassignment"):
            yield Button("Give a role", url_with("console:give-role", to=to, next=back))
        if rights.may(JOIN) or rights.sees(Group):
            url = url_with("console:add-to-group", user=user.username, next=back)
            yield Button("Add to a group", url)
        if rights.may_on(TO_USERS[1], user):
            yield Button("Grant a permission", url_with("console:grant", to=to, next=back))
        if user.is_active:
            if rights.may_on(CHANGE, user):
                url = url_with("console:deactivate", user=user.username, next=back)
                yield Button("Deactivate", url)
        # To let somebody act is to give all that it holds, and may be too much.
        elif url := Activate.offer(rights, {"user": user.username}, back=back):
            yield Button("Activate", url)
        if rights.may(CHECK_ACCESS):
            yield Button("Explain", url_with("console:explain", subject=user.username))
            yield Button("Compare", url_with("console:compare", subject=user.username))
