"""Assignments, memberships and grants: as lines of a page, to be ended, and given other times.

``FactPart`` is a part whose lines have the buttons that the caller may press.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import GroupMembership
from console.forms import CLASSES, ConsoleForm, MomentField
from console.pages import Cell, FormPage
from console.parts import Button, Line, Part, when
from console.rights import Rights
from console.states import StatedForm
from console.tables.base import spoken, type_of
from permissions import engine
from permissions.engine import Question, ResourceRef, SubjectRef
from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from permissions.operations import (
    change_assignment,
    change_membership,
    delete_assignment,
    delete_object_grant,
    end_membership,
    hold,
    unassign_permissions,
    update_object_grant,
)
from roles.models import RoleAssignment


@dataclass(frozen=True, slots=True, kw_only=True)
class FactKind:
    """``seen_by`` are the foreign keys whose rows one must be allowed to view; ``asked_of`` is the
    one whose row the rights are asked about, "pk" the fact itself. Without ``change`` its times
    stay as they are until it ends.
    """

    model: type[Any]
    seen_by: tuple[str, ...]
    asked_of: str
    end: tuple[str, ...]
    change: tuple[str, ...] = ()
    related: tuple[str, ...]

    def seen(self, rights: Rights) -> Any:
        rows = self.model.objects.select_related(*self.related, "granted_by")
        for column in self.seen_by:
            rows = rights.visible(rows, by=column)
        return rows

    def allowed(self, rights: Rights, names: Sequence[str], rows: Iterable[Any]) -> set[Any]:
        """Keys of those facts on which the caller may do all that is named. One statement, none for
        whoever may do it on every one.
        """
        keys = {
            row.pk: row.pk if self.asked_of == "pk" else getattr(row, self.column) for row in rows
        }
        missing = [name for name in names if not rights.may(name)]
        if not names or not missing:
            return set(keys) if names else set()
        asked = [(pk, name, self._resource(key)) for pk, key in keys.items() for name in missing]
        subject = SubjectRef.of(rights.caller)
        decisions = engine.check_many(
            [
                Question(subject=subject, action=name.partition(".")[2], resource=on)
                for _, name, on in asked
            ]
        )
        refused = {pk for (pk, _, _), one in zip(asked, decisions, strict=True) if not one.allowed}
        return set(keys) - refused

    @property
    def column(self) -> str:
        return f"{self.asked_of}_id"

    def _resource(self, key: Any) -> ResourceRef:
        model: Any = self.model
        if self.asked_of != "pk":
            model = self.model._meta.get_field(self.asked_of).related_model
        return ResourceRef(model._meta.label_lower, str(key))


JOIN, LEAVE = "authentik_core.add_user_to_group", "authentik_core.remove_user_from_group"
TO_USERS = ("authentik_core.unassign_user_permissions", "authentik_core.assign_user_permissions")
TO_ROLES = ("authentik_rbac.unassign_role_permissions", "authentik_rbac.assign_role_permissions")

ASSIGNMENT, MEMBERSHIP = "assignment", "membership"
USER_GRANT, USER_OBJECT_GRANT = "user-grant", "user-object-grant"
ROLE_GRANT, ROLE_OBJECT_GRANT = "role-grant", "role-object-grant"
KINDS = {
    ASSIGNMENT: FactKind(
        model=RoleAssignment,
        seen_by=("pk",),
        asked_of="pk",
        end=("authentik_rbac.delete_roleassignment",),
        change=("authentik_rbac.change_roleassignment",),
        related=("role", "user", "group", "holder_role", "scope"),
    ),
    MEMBERSHIP: FactKind(
        model=GroupMembership,
        seen_by=("group", "user"),
        asked_of="group",
        end=(LEAVE,),
        change=(LEAVE, JOIN),
        related=("group", "user"),
    ),
    USER_GRANT: FactKind(
        model=UserGlobalGrant,
        seen_by=("user",),
        asked_of="user",
        end=TO_USERS[:1],
        related=("user", "permission__content_type"),
    ),
    USER_OBJECT_GRANT: FactKind(
        model=UserObjectPermission,
        seen_by=("user",),
        asked_of="user",
        end=TO_USERS[:1],
        change=TO_USERS,
        related=("user", "permission__content_type"),
    ),
    ROLE_GRANT: FactKind(
        model=RoleGlobalGrant,
        seen_by=("role",),
        asked_of="role",
        end=TO_ROLES[:1],
        related=("role", "permission__content_type"),
    ),
    ROLE_OBJECT_GRANT: FactKind(
        model=RoleObjectPermission,
        # guardian's name for the column; what stands there is the role.
        seen_by=("group",),
        asked_of="group",
        end=TO_ROLES[:1],
        change=TO_ROLES,
        related=("group", "permission__content_type"),
    ),
}  # fmt: skip


class FactPart(Part):
    """``kind`` is a key of ``KINDS``; ``told`` are the cells before the times."""

    kind: ClassVar[str]
    own_columns: ClassVar[Sequence[str]]

    def __init_subclass__(cls) -> None:
        cls.columns = (*cls.own_columns, "When (UTC)", "Given by")

    def rows(self) -> Any:
        return self.chosen(KINDS[self.kind].seen(self.rights))

    def chosen(self, rows: Any) -> Any:
        """Those of the page's row, in order."""
        raise NotImplementedError

    def told(self, row: Any) -> Sequence[Cell]:
        """What the page's row does not say already; each part has its own columns."""
        raise NotImplementedError

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        kind = KINDS[self.kind]
        ended = kind.allowed(self.rights, kind.end, rows)
        changed = kind.allowed(self.rights, kind.change, rows)
        for row in rows:
            by = str(row.granted_by or "")
            cells = (*self.told(row), when(row), Cell(by, note=getattr(row, "reason", "")))
            buttons = [
                Button(text, self._url(page, row), sentence(row))
                for text, page, keys in (
                    ("Change", "console:change-fact", changed),
                    ("End", "console:end-fact", ended),
                )
                if row.pk in keys
            ]
            yield Line(cells, buttons)

    def _url(self, page: str, row: Any) -> str:
        back = urlencode({"next": self.page.request.get_full_path()})
        return f"{reverse(page, args=[self.kind, row.pk])}?{back}"


def sentence(row: Any) -> str:
    """What the fact says."""
    if isinstance(row, GroupMembership):
        return f"{row.user} is in {row.group}"
    if isinstance(row, RoleAssignment):
        within = f" within {row.scope.name or 'a scope of its own'}" if row.scope else ""
        return f"{row.principal} holds {row.role}{within}"
    principal = row.user if hasattr(row, "user") else getattr(row, "role", None) or row.group
    on = f" {row.object_pk}" if hasattr(row, "object_pk") else ""
    return f"{principal} is granted {spoken(row.permission)}{on}"


class FactPage(FormPage):
    """About one fact, ``<kind>/<key>``; without it one is led back, and told so."""

    template_name = "console/fact.html"
    verb: ClassVar[str]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if kwargs["kind"] not in KINDS:
            raise Http404
        self.kind = KINDS[kwargs["kind"]]
        self.fact = self.kind.seen(self.rights).filter(pk=kwargs["pk"]).first()
        if self.fact is None:
            messages.error(request, "This is not there any more, and so nothing was changed.")
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def is_allowed(self) -> bool:
        return bool(self.kind.allowed(self.rights, getattr(self.kind, self.verb), [self.fact]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        told = {"sentence": sentence(self.fact), "when": when(self.fact)}
        return super().get_context_data(**told, **kwargs)


def reason_field() -> forms.CharField:
    widget = forms.TextInput({"class": CLASSES})
    return forms.CharField(required=False, max_length=500, widget=widget)


class ReasonForm(ConsoleForm):
    reason = reason_field()


class EndFact(FactPage):
    title, button, verb = "End", "End it", "end"
    form_class = ReasonForm

    def perform(self, form: Any) -> str:
        said = f"No more: {sentence(self.fact)}."
        fact, actor = self.fact, self.caller
        match fact:
            case RoleAssignment():
                delete_assignment(row=fact, actor=actor)
            case GroupMembership():
                end_membership(row=fact, actor=actor)
            case UserObjectPermission() | RoleObjectPermission():
                delete_object_grant(grant=fact, actor=actor)
            case _:
                app_label, _, _ = type_of(fact.permission).partition(".")
                unassign_permissions(
                    principal=getattr(fact, self.kind.asked_of),
                    names=[f"{app_label}.{fact.permission.codename}"],
                    model=None,
                    object_pk=None,
                    actor=actor,
                )
        return said


class TimesForm(StatedForm):
    valid_from = MomentField(label="From (UTC)", help_text="Empty: from the beginning.")
    valid_until = MomentField(label="Until (UTC)", help_text="Empty: without an end.")
    reason = reason_field()


class ChangeFact(FactPage):
    title, button, verb = "Change the times", "Save", "change"
    form_class = TimesForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "current": _times(self.fact)}

    def perform(self, form: Any) -> str:
        hold(self.fact, for_good=False)
        self.fact.refresh_from_db(fields=["valid_from", "valid_until"])
        current = _times(self.fact)
        form.require_same(current)
        words = form.cleaned_data
        # Fields hold minutes: what was not touched keeps its seconds.
        changed = {name: words[name] for name in current if words[name] != current[name]}
        if isinstance(self.fact, UserObjectPermission | RoleObjectPermission):
            update_object_grant(grant=self.fact, actor=self.caller, **changed)
        else:
            reason = words["reason"] or None
            change = (
                change_assignment if isinstance(self.fact, RoleAssignment) else change_membership
            )
            change(row=self.fact, actor=self.caller, reason=reason, **changed)
        return f"Saved: {sentence(self.fact)}."


def _times(fact: Any) -> Mapping[str, Any]:
    """As the fields hold them."""
    times = {"valid_from": fact.valid_from, "valid_until": fact.valid_until}
    return {name: at and at.replace(second=0, microsecond=0) for name, at in times.items()}
