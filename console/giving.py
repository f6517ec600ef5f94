"""Ways to give somebody access: a role, a membership, a grant; and to let somebody act, or not."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import Permission

from accounts.models import Group, User
from audit.errors import Forbidden, InvalidInput
from console.forms import (
    CLASSES,
    ActionField,
    ConsoleForm,
    GranteeField,
    GroupField,
    PrincipalField,
    ResourceField,
    RoleField,
    ScopeField,
    UserField,
    WhenForm,
)
from console.pages import FormPage
from permissions.engine import ResourceRef, codenames_meant
from permissions.operations import (
    EntrySpec,
    InlineScope,
    add_members,
    assign_permissions,
    create_assignment,
    update_user,
)
from roles.models import Role, ScopeKind

JOIN = "authentik_core.add_user_to_group"
CHANGE = "authentik_core.change_user"
# By whom a grant is given to.
ASSIGN = {
    User: "authentik_core.assign_user_permissions",
    Role: "authentik_rbac.assign_role_permissions",
}


class GiveRoleForm(WhenForm):
    role = RoleField()
    to = PrincipalField(label="To", help_text="A user, a group, or the holders of another role.")
    scope = ScopeField(required=False, help_text="Only on what this scope covers.")
    resource = ResourceField(
        required=False,
        label="Or a resource",
        help_text="Only on this one, as shop.invoice:42, or on every one of a type.",
    )
    below = forms.BooleanField(required=False, label="and all below it")

    def clean(self) -> dict[str, Any]:
        words = super().clean() or {}
        if words.get("scope") and words.get("resource"):
            self.add_error("resource", "Either a scope or a resource, not both.")
        return words

    def inline_scope(self) -> InlineScope | None:
        resource = self.cleaned_data["resource"]
        if resource is None:
            return None
        below = self.cleaned_data["below"]
        entry = EntrySpec(type=resource.type, object_pk=resource.id, with_descendants=below)
        return InlineScope(kind=ScopeKind.SELECTED, entries=[entry])


class GiveRole(FormPage):
    title, button, name = "Give a role", "Give the role", "console:give-role"
    needs = "authentik_rbac.add_roleassignment"
    form_class = GiveRoleForm
    told_at = {"entries": "resource", "targets": "to"}

    def perform(self, form: GiveRoleForm) -> str:
        words = form.cleaned_data
        create_assignment(
            role=words["role"],
            principal=words["to"],
            actor=self.caller,
            scope=words["scope"],
            inline_scope=form.inline_scope(),
            window=form.window(),
            reason=words["reason"],
        )
        return f"{words['to']} now holds the role {words['role']}."


class AddToGroupForm(WhenForm):
    user = UserField()
    group = GroupField()


class AddToGroup(FormPage):
    title, button, name = "Add to a group", "Add", "console:add-to-group"
    form_class = AddToGroupForm

    def is_allowed(self) -> bool:
        return self.rights.may(JOIN) or self.rights.sees(Group)

    def perform(self, form: AddToGroupForm) -> str:
        user, group = form.cleaned_data["user"], form.cleaned_data["group"]
        if not self.rights.may_on(JOIN, group):
            raise Forbidden(fields={"group": ["You may not add anybody to this group."]})
        add_members(
            group=group,
            users=[user],
            actor=self.caller,
            window=form.window(),
            reason=form.cleaned_data["reason"],
        )
        return f"{user} is now in {group}."


class ActivateForm(ConsoleForm):
    user = UserField()
    reason = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput({"class": CLASSES})
    )


class Activate(FormPage):
    title, button, name = "Activate a user", "Activate", "console:activate"
    form_class = ActivateForm
    told_at = {"is_active": "user"}
    is_active: ClassVar[bool] = True

    def is_allowed(self) -> bool:
        return self.rights.may(CHANGE) or self.rights.sees(User)

    def perform(self, form: ActivateForm) -> str:
        user = form.cleaned_data["user"]
        if not self.rights.may_on(CHANGE, user):
            raise Forbidden(fields={"user": ["You may not change this user."]})
        update_user(user=user, actor=self.caller, is_active=self.is_active)
        return f"{user} is {'active' if self.is_active else 'deactivated'}."


class Deactivate(Activate):
    title, button, name = "Deactivate a user", "Deactivate", "console:deactivate"
    is_active = False


class GrantForm(WhenForm):
    to = GranteeField(label="To", help_text="A user or a role.")
    action = ActionField(help_text="As view, or with its app where there is no resource.")
    resource = ResourceField(
        required=False, help_text="As shop.invoice:42; a type alone is every resource of it."
    )


class Grant(FormPage):
    title, button, name = "Grant a permission", "Grant", "console:grant"
    form_class = GrantForm
    told_at = {"permissions": "action", "model": "resource", "object_pk": "resource"}

    def is_allowed(self) -> bool:
        return any(self.rights.may(name) or self.rights.sees(m) for m, name in ASSIGN.items())

    def perform(self, form: GrantForm) -> str:
        words = form.cleaned_data
        to, action, on = words["to"], words["action"], words["resource"]
        if not self.rights.may_on(ASSIGN[type(to)], to):
            raise Forbidden(fields={"to": ["You may not grant anything to this one."]})
        is_single = on is not None and on.id is not None
        assign_permissions(
            principal=to,
            names=[action if on is None or is_single else _everywhere(action, on)],
            model=on.type if is_single else None,
            object_pk=on.id if is_single else None,
            actor=self.caller,
            window=form.window(),
        )
        return f"{to} is now granted {action} on {on or 'everything'}."


def _everywhere(action: str, kind: ResourceRef) -> str:
    """``app_label.codename`` of an action on a type."""
    app_label, _, model = kind.type.partition(".")
    of_type = Permission.objects.filter(
        content_type__app_label=app_label, content_type__model=model
    )
    codenames = set(of_type.values_list("codename", flat=True))
    for codename in codenames_meant(action, kind.type):
        if codename in codenames:
            return f"{app_label}.{codename}"
    raise InvalidInput(fields={"permissions": [f"{kind.type} has no action {action}."]})
