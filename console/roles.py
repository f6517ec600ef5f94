"""A role's page: who holds it, what it gives, and what happened to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from unfold.widgets import UnfoldBooleanSwitchWidget

from accounts.facts import valid_at
from accounts.models import GroupClosure
from audit.errors import Conflict
from console.facts import ROLE_GRANT, ROLE_OBJECT_GRANT, TO_ROLES, reason_field
from console.forms import CLASSES, MomentField, choosable, principal_text
from console.holdings import AssignmentPart, GrantPart, ObjectGrantPart, principal_cell
from console.pages import Cell, Crumb, FormPage, url_with
from console.parts import Button, Line, Part, RowPage, link_to, moment
from console.states import StatedForm
from console.tables.base import spoken
from permissions.operations import hold, update_role
from permissions.queries import users_holding
from roles.models import InitialPermissions, Role, RoleAssignment

CHANGE = "authentik_rbac.change_role"


class Holders(AssignmentPart):
    name, title = "holders", "Holders"
    own_columns = ("Holder", "Within")
    empty = "Nobody is given it."

    def chosen(self, rows: Any) -> Any:
        return rows.filter(role=self.row).order_by("-pk")

    def other(self, row: RoleAssignment) -> Cell:
        return principal_cell(row)


class Everybody(Part):
    """The users who hold it now, themselves or through groups and roles."""

    name, title, at_first = "everybody", "Everybody who holds it", False
    columns = ("User", "Name", "Through")

    def rows(self) -> Any:
        return self.rights.visible(users_holding(self.row)).order_by("username")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        own = RoleAssignment.objects.active().filter(role=self.row, user__in=rows)
        given = set(own.values_list("user", flat=True))
        through = self._groups(rows)
        for user in rows:
            ways = [*(["itself"] if user.pk in given else []), *through[user.pk]]
            yield Line((link_to(user), Cell(user.name), Cell(", ".join(ways) or "a group or role")))

    def _groups(self, rows: list[Any]) -> Mapping[Any, list[str]]:
        """By the user, those groups that are given the role and may be seen."""
        held, joined = "ancestor__role_assignments", "descendant__memberships"
        pairs = GroupClosure.objects.filter(
            valid_at(prefix=f"{held}__"),
            valid_at(prefix=f"{joined}__"),
            **{f"{held}__role": self.row, f"{joined}__user__in": rows},
        )
        names = self.rights.visible(pairs, by="ancestor").order_by("ancestor__name")
        through: dict[Any, list[str]] = defaultdict(list)
        for user, name in names.values_list(f"{joined}__user", "ancestor__name").distinct():
            through[user].append(name)
        return through


class Holds(AssignmentPart):
    name, title = "holds", "Roles it holds"
    empty = "It holds no other role."

    def chosen(self, rows: Any) -> Any:
        return rows.filter(holder_role=self.row).order_by("role__name", "pk")


class GrantsEverywhere(GrantPart):
    kind, holder = ROLE_GRANT, "role"
    empty = "It gives nothing everywhere."

    def buttons(self) -> Iterable[Button]:
        page: Any = self.page
        yield page.matrix


class GrantsOnResources(ObjectGrantPart):
    # guardian's name for the column; what stands there is the role.
    kind, holder = ROLE_OBJECT_GRANT, "group"
    empty = "It gives nothing on single resources."


class Initial(Part):
    """What its holders are granted on all that they create."""

    name, title = "initial", "Initial permissions"
    columns = ("Name", "For", "Permissions")

    def rows(self) -> Any:
        rows = InitialPermissions.objects.filter(role=self.row)
        seen = self.rights.visible(rows.prefetch_related("permissions__content_type"))
        return seen.order_by("name")

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        for one in rows:
            permissions = ", ".join(sorted(spoken(each) for each in one.permissions.all()))
            yield Line((link_to(one), Cell(f"the {one.mode}"), Cell(permissions)))


class RolePage(RowPage):
    parents = (("Roles", "admin:authentik_rbac_role_changelist"),)
    parts = (Holders, Everybody, Holds, GrantsEverywhere, GrantsOnResources, Initial)

    def facts(self) -> Iterable[tuple[str, Cell]]:
        role = self.row
        yield "Shown as", Cell(role.display_name)
        yield "Description", Cell(role.description)
        yield "Namespace and code", Cell(f"{role.namespace.code}:{role.code}")
        yield "Status", Cell("enabled" if role.is_enabled else "disabled: it gives nothing")
        yield "Gives nothing from (UTC)", Cell(moment(role.disabled_from))
        yield "Created (UTC)", Cell(moment(role.created))
        yield "Changed (UTC)", Cell(moment(role.last_updated))

    @property
    def matrix(self) -> Button:
        may_change = any(self.rights.may_on(name, self.row) for name in TO_ROLES)
        text = "Change the permissions" if may_change and is_people_s(self.row) else "As a matrix"
        return Button(text, reverse("console:role-permissions", args=[self.row.pk]))

    def buttons(self) -> Iterable[Button]:
        role, rights, back = self.row, self.rights, self.request.path
        if not is_people_s(role):
            return
        if rights.may("authentik_rbac.add_roleassignment"):
            yield Button("Give it", url_with("console:give-role", role=role.name, next=back))
            to = principal_text(role)
            yield Button("Let it hold a role", url_with("console:give-role", to=to, next=back))
        yield self.matrix
        if rights.may_on(TO_ROLES[1], role):
            words = {"to": principal_text(role), "next": back}
            yield Button("Grant on a resource", url_with("console:grant", **words))
        if rights.may_on(CHANGE, role):
            yield Button(
                "Rename, describe, disable", reverse("console:change-role", args=[role.pk])
            )


def is_people_s(role: Role) -> bool:
    """Whether it may be given and changed: not the service's, nor one that stands for a group."""
    return choosable(Role).filter(pk=role.pk).exists()


class RoleFormPage(FormPage):
    """About one role; without it one is led to the roles, and told so."""

    role: Role

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        rows = self.rights.visible(choosable(Role).select_related("namespace"))
        role = rows.filter(pk=kwargs["pk"]).first()
        if role is None:
            messages.error(request, "This role is not there any more, and nothing was changed.")
            return redirect("admin:authentik_rbac_role_changelist")
        self.role = role
        return super().dispatch(request, *args, **kwargs)

    def crumbs(self) -> list[Crumb]:
        roles = reverse("admin:authentik_rbac_role_changelist")
        return [Crumb("Roles", roles), Crumb(self.role.name, link_to(self.role).url)]

    def get_success_url(self) -> str:
        return self.next or link_to(self.role).url


def _text(longest: int, **kwargs: Any) -> forms.CharField:
    widget = forms.TextInput({"class": CLASSES})
    return forms.CharField(max_length=longest, widget=widget, **kwargs)


class RoleForm(StatedForm):
    name = _text(150)
    display_name = _text(255, required=False, label="Shown as")
    description = _text(512, required=False)
    is_enabled = forms.BooleanField(
        required=False,
        label="Enabled",
        help_text="A disabled role gives nothing.",
        widget=UnfoldBooleanSwitchWidget,
    )
    disabled_from = MomentField(
        label="Gives nothing from (UTC)", help_text="Empty: as long as it is enabled."
    )
    reason = reason_field()


class ChangeRole(RoleFormPage):
    title, button = "Change the role", "Save"
    form_class = RoleForm
    told: ClassVar = ("name", "display_name", "description", "is_enabled", "disabled_from")
    told_at = {"code": "name"}

    def is_allowed(self) -> bool:
        return self.rights.may_on(CHANGE, self.role)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "current": self._current()}

    def perform(self, form: Any) -> str:
        hold(self.role, for_good=False)
        self.role.refresh_from_db(fields=list(self.told))
        current = self._current()
        form.require_same(current)
        words = form.cleaned_data
        changed = {name: words[name] for name in self.told if words[name] != current[name]}
        if "name" in changed and Role.objects.filter(name=changed["name"]).exists():
            raise Conflict(fields={"name": ["Another role is called so."]})
        update_role(role=self.role, actor=self.caller, **changed)
        return f"The role {self.role} is saved."

    def _current(self) -> Mapping[str, Any]:
        """As the fields hold it: moments by the minute."""
        values = {name: getattr(self.role, name) for name in self.told}
        since = values["disabled_from"]
        return {**values, "disabled_from": since and since.replace(second=0, microsecond=0)}
