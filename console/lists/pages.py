"""A list of facts with its filters, and what may be done to the chosen rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from django.forms.forms import DeclarativeFieldsMetaclass
from django.http.response import HttpResponseBase
from django.utils.timezone import now

from accounts.facts import State, in_state
from accounts.models import Group, User
from console import exporting
from console.forms import (
    CLASSES,
    ActionField,
    ConsoleForm,
    GroupField,
    PrincipalField,
    ResourceField,
    RoleField,
    ScopeField,
    TypeField,
    UserField,
)
from console.lists.kinds import KINDS, Kind
from console.pages import ROWS_PER_PAGE, Cell, QuestionPage
from console.record.history import VIEW, history_of
from permissions.engine import ResourceRef, codenames_meant
from permissions.models import ResourceType
from roles.models import Role

SOON = timedelta(days=7)
WHEN = {
    "": "any time",
    "soon": "ending this week",
    "active": "active",
    "future": "to come",
    "ended": "ended",
}
TIMES = ("State", "From", "Until", "Given by")


class FactsForm(ConsoleForm):
    """All filters there are; each list takes its own."""

    role = RoleField(required=False)
    to = PrincipalField(required=False, label="To", help_text="A user, a group or a role.")
    to_user = UserField(required=False, label="User")
    group = GroupField(required=False)
    scope = ScopeField(required=False)
    action = ActionField(required=False)
    resource = ResourceField(required=False, help_text="As shop.invoice:42, or a type alone.")
    type = TypeField(required=False, label="Type")
    by = UserField(required=False, label="Given by")
    when = forms.ChoiceField(
        required=False, choices=list(WHEN.items()), widget=forms.Select({"class": CLASSES})
    )


def form_of(kind: Kind) -> Any:
    left_out = dict.fromkeys(set(FactsForm.base_fields) - set(kind.filters))
    made: Any = DeclarativeFieldsMetaclass  # left untyped by the stubs
    return made("FactsForm", (FactsForm,), left_out)


class Facts(QuestionPage):
    template_name = "console/lists/facts.html"
    form_class = FactsForm
    always_asked = True
    kind: Kind = KINDS[0]

    def is_allowed(self) -> bool:
        return self.kind.is_seen(self.rights)

    def get_title(self) -> str:
        return self.kind.title

    def answer(self, form: Any) -> Mapping[str, Any] | HttpResponseBase:
        kind = self.kind
        rows = chosen(kind, self.rights, form.cleaned_data)
        columns = (*kind.columns, *TIMES)
        cells = ([_text(cell) for cell in self._cells(row)] for row in rows.iterator(2_000))
        if (file := exporting.answer(self.request, kind.slug, columns, cells)) is not None:
            return file
        after = self.request.GET.get("after", "")
        if after.isascii() and after.isdecimal() and len(after) < 19:
            rows = rows.filter(pk__lt=int(after))
        page = list(rows[: ROWS_PER_PAGE + 1])
        shown = page[:ROWS_PER_PAGE]
        ends, prolongs = (
            {row.pk for row in kind.allowed(self.rights, needed, shown)}
            for needed in (kind.to_end, kind.to_prolong)
        )
        has_history = self.rights.may(VIEW)
        return {
            "kind": kind,
            "columns": columns,
            "rows": [
                {
                    "pk": row.pk,
                    "called": " ".join(cell.text for cell in (kind.holder(row), kind.given(row))),
                    "cells": list(zip(columns, self._cells(row), strict=True)),
                    "is_choosable": row.pk in ends | prolongs,
                    "history": history_of(row) if has_history else "",
                }
                for row in shown
            ],
            "may_end": bool(ends),
            "may_prolong": bool(prolongs),
            "following": self.here(after=shown[-1].pk) if len(page) > len(shown) else "",
        }

    def _cells(self, row: Any) -> list[Cell]:
        kind = self.kind
        what = [kind.holder(row), kind.given(row)]
        if "scope" in kind.filters:
            what.append(Cell(kind.scope(row)))
        since, until = (_moment(time) for time in (row.valid_from, row.valid_until))
        by = str(row.granted_by or row.granted_by_id or "")
        return [*what, Cell(state_of(row)), Cell(since), Cell(until), Cell(by)]


def state_of(row: Any) -> str:
    moment = now()
    if row.window.is_over(moment):
        return "ended"
    return "to come" if row.window.start > moment else "active"


def chosen(kind: Kind, rights: Any, words: Mapping[str, Any]) -> QuerySet[Any]:
    """The rows that the filters leave, newest first."""
    rows = kind.rows(rights).order_by("-pk")
    columns = {
        "role": kind.role_column, "to_user": "user", "group": "group", "scope": "scope",
        "by": "granted_by",
    }  # fmt: skip
    for word, column in columns.items():
        if words.get(word):
            rows = rows.filter(**{column: words[word]})
    conditions: dict[str, Callable[[Any], Q]]
    conditions = {"to": _to, "resource": on_resource, "type": _of, "action": _action, "when": _when}
    for word, condition in conditions.items():
        if words.get(word):
            rows = rows.filter(condition(words[word]))
    return rows


def _to(principal: Any) -> Q:
    column = {User: "user", Group: "group", Role: "holder_role"}[type(principal)]
    return Q(**{column: principal})


def _of(kind: ResourceType) -> Q:
    return Q(permission__content_type=kind.pk)


def on_resource(resource: ResourceRef) -> Q:
    app_label, _, model = resource.type.partition(".")
    of_type = Permission.objects.filter(
        content_type__app_label=app_label, content_type__model=model
    )
    condition = Q(permission__in=of_type)
    return condition if resource.id is None else condition & Q(object_pk=resource.id)


def _action(word: str) -> Q:
    """``approve`` is ``approve_invoice`` on invoices, as everywhere."""
    app_label, dot, codename = word.rpartition(".")
    named = Permission.objects.filter(Q(codename=codename) | Q(codename__startswith=f"{codename}_"))
    if dot:
        named = named.filter(content_type__app_label=app_label)
    pks = [
        permission.pk
        for permission in named.select_related("content_type")[:5_000]
        if permission.codename in codenames_meant(codename, _label(permission))
    ]
    return Q(permission__in=pks)


def _label(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.content_type.model}"


def _when(word: str) -> Q:
    if word == "soon":
        moment = now()
        return Q(valid_until__gt=moment, valid_until__lte=moment + SOON)
    return in_state(State(word))


def _moment(time: Any) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""


def _text(cell: Cell) -> str:
    return cell.text
