"""Everything somebody may do, grant by grant, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.contrib.auth.models import Permission
from django.http.response import HttpResponseBase

from accounts.models import User
from console import exporting
from console.access.explaining import REASONS
from console.drawing import times
from console.forms import ConsoleForm, SubjectField, TypeField
from console.pages import ROWS_PER_PAGE, Cell, QuestionPage, url_with
from console.rights import CHECK_ACCESS
from permissions.engine import short
from permissions.models import ResourceType
from permissions.queries import EffectivePermission, effective_permissions, grants_of

COLUMNS = ("type", "action", "on", "reason", "role", "through", "until")
BATCH = 500
# Where the permission stands in a row of ``grants_of``.
PERMISSION = 5


class WhatCanForm(ConsoleForm):
    subject = SubjectField(label="What may who do")
    type = TypeField(required=False, label="On what type", help_text="Empty: on every type.")


class WhatCan(QuestionPage):
    """Everybody who may enter asks about themselves; about others it takes a permission."""

    title = "What can"
    template_name = "console/access/what_can.html"
    form_class = WhatCanForm

    def answer(self, form: Any) -> Mapping[str, Any] | HttpResponseBase:
        user, kind = form.cleaned_data["subject"], form.cleaned_data["type"]
        cells = (_cells(one) for one in _described(user, _rows(user, kind)))
        if (file := exporting.answer(self.request, "what-can", COLUMNS, cells)) is not None:
            return file
        start = self._start()
        rows = list(islice(_rows(user, kind), start, start + ROWS_PER_PAGE + 1))
        has_more = len(rows) > ROWS_PER_PAGE
        described = effective_permissions(user, rows[:ROWS_PER_PAGE])
        return {
            "who": user,
            "is_superuser": user.is_superuser,
            "kind": kind,
            "columns": ("Type", "Action", "On", "Reason", "Role", "Held through", "Until (UTC)"),
            "rows": [self._row(user, one) for one in described],
            "following": self.here(after=start + ROWS_PER_PAGE) if has_more else "",
        }

    def _start(self) -> int:
        text = self.request.GET.get("after", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0

    def _row(self, user: User, one: EffectivePermission) -> tuple[Cell | str, ...]:
        type_, action, on, *source = _cells(one)
        why = ""
        if one.object_pk is not None and self.rights.may(CHECK_ACCESS):
            why = url_with(
                "console:explain", subject=user.username, action=action, resource=f"{type_}:{on}"
            )
        return type_, action, Cell(on, why), *source


def _rows(user: User, kind: ResourceType | None) -> Iterator[tuple[Any, ...]]:
    """Of all grants, those on the type, in their order."""
    rows = grants_of(user).iterator(chunk_size=BATCH)
    if kind is None:
        yield from rows
        return
    of_type = set(Permission.objects.filter(content_type=kind.pk).values_list("pk", flat=True))
    yield from (row for row in rows if row[PERMISSION] in of_type)


def _described(user: User, rows: Iterator[tuple[Any, ...]]) -> Iterable[EffectivePermission]:
    while batch := list(islice(rows, BATCH)):
        yield from effective_permissions(user, batch)


def _cells(one: EffectivePermission) -> tuple[str, ...]:
    kind = one.permission.content_type
    through = [
        f"{held.assignment.principal}{f' within {held.covers}' if held.covers else ''}"
        for held in one.held_through
    ]
    return (
        f"{kind.app_label}.{kind.model}",
        short(one.permission.codename, kind.model),
        one.object_pk or "every one",
        REASONS[one.reason],
        one.role.name if one.role else "",
        ", ".join(through),
        times(None, one.valid_until).removeprefix("until "),
    )
