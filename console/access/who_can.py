"""Everybody who may do something, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q
from django.http.response import HttpResponseBase

from accounts.models import Group, User
from console import exporting
from console.access.explaining import REASONS
from console.forms import CLASSES, ActionField, ConsoleForm, ResourceField
from console.pages import ROWS_PER_PAGE, Cell, QuestionPage, url_with
from console.rights import CHECK_ACCESS
from permissions import engine
from permissions.engine import Decision, Question, Reason, ResourceRef, StepKind, SubjectRef
from roles.models import Role

COLUMNS = ("user", "name", "address", "reason", "through")
# People asked about with one statement; and how many are looked through for one page of few.
BATCH, MOST_LOOKED_THROUGH = 500, 10_000
ALLOWING = (
    Reason.SUPERUSER, Reason.USER_GLOBAL, Reason.USER_OBJECT, Reason.ROLE_GLOBAL,
    Reason.ROLE_OBJECT,
)  # fmt: skip


class WhoCanForm(ConsoleForm):
    action = ActionField(label="Who may do what")
    resource = ResourceField(
        required=False, label="On what", help_text="As shop.invoice:42. Empty: without a resource."
    )
    name = forms.CharField(
        required=False,
        max_length=150,
        label="Whose name has",
        widget=forms.TextInput({"class": CLASSES}),
    )
    reason = forms.ChoiceField(
        required=False,
        label="By this reason",
        choices=[("", "any"), *((reason.value, REASONS[reason]) for reason in ALLOWING)],
        widget=forms.Select({"class": CLASSES}),
    )


@dataclass(frozen=True, slots=True)
class Allowed:
    """Somebody who may, and the role or group that it comes through, as far as there is one."""

    user: User
    decision: Decision
    through: str

    @property
    def reason(self) -> str:
        return REASONS[self.decision.reason]


class WhoCan(QuestionPage):
    title = "Who can"
    needs = CHECK_ACCESS
    template_name = "console/access/who_can.html"
    form_class = WhoCanForm

    def answer(self, form: Any) -> Mapping[str, Any] | HttpResponseBase:
        words = form.cleaned_data
        action, resource = words["action"], words["resource"]
        unknown = engine.what_is_unknown(action, resource)
        if unknown is not None:
            form.add_error("action", f"{REASONS[unknown]}.".capitalize())
            return {}
        people = search(action, resource, name=words["name"], reason=words["reason"])
        rows = ([*_cells(one)] for one in people)
        if (file := exporting.answer(self.request, "who-can", COLUMNS, rows)) is not None:
            return file
        after = self._after()
        found, more = page_after(action, resource, words["name"], words["reason"], after)
        return {
            "columns": ("User", "Name", "Reason", "Through"),
            "rows": [self._row(one, action, resource) for one in found],
            "following": self.here(after=more) if more is not None else "",
            "asked": f"{action} on {resource}" if resource else action,
        }

    def _after(self) -> int:
        text = self.request.GET.get("after", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0

    def _row(
        self, one: Allowed, action: str, resource: ResourceRef | None
    ) -> tuple[Cell | str, ...]:
        on = str(resource) if resource else ""
        name = one.user.username
        why = url_with("console:explain", subject=name, action=action, resource=on)
        return Cell(name, why), one.user.name, one.reason, one.through


def page_after(
    action: str, resource: ResourceRef | None, name: str, reason: str, after: int
) -> tuple[list[Allowed], int | None]:
    """One page, and the number of the user to go on after; None at the end."""
    people: list[Allowed] = []
    looked = 0
    for batch in _batches(action, resource, name, after):
        for pk, one in _judged(batch, action, resource):
            looked += 1
            if one is not None and reason in ("", one.decision.reason):
                people.append(one)
            if len(people) == ROWS_PER_PAGE or looked == MOST_LOOKED_THROUGH:
                return people, pk
    return people, None


def search(
    action: str, resource: ResourceRef | None, *, name: str, reason: str
) -> Iterator[Allowed]:
    """All of them, read as they are asked for."""
    for batch in _batches(action, resource, name, 0):
        for _, one in _judged(batch, action, resource):
            if one is not None and reason in ("", one.decision.reason):
                yield one


def _batches(
    action: str, resource: ResourceRef | None, name: str, after: int
) -> Iterator[list[int]]:
    """Numbers of people in order: those who may, or with a name all who are called so."""
    last: int | None = after
    while last is not None:
        if name:
            called_so = Q(username__icontains=name) | Q(name__icontains=name)
            called_so |= Q(email__icontains=name)
            rows = User.objects.filter(called_so, pk__gt=last).order_by("pk")
            batch = list(rows.values_list("pk", flat=True)[:BATCH])
            last = batch[-1] if len(batch) == BATCH else None
        else:
            page = engine.list_subjects(action, resource, after=last, limit=BATCH)
            batch, last = [pk for pk, _ in page.items], page.next
        yield batch


def _judged(
    batch: list[int], action: str, resource: ResourceRef | None
) -> Iterator[tuple[int, Allowed | None]]:
    """Each with its reason, None for those who may not. Four statements."""
    decisions = engine.check_many(
        [Question(subject=SubjectRef(pk=pk), action=action, resource=resource) for pk in batch]
    )
    allowed = {pk: one for pk, one in zip(batch, decisions, strict=True) if one.allowed}
    users = User.objects.in_bulk(allowed)
    keys = {key for one in allowed.values() for key in _holders(one)}
    # The keys are uuids, and so no group has that of a role.
    named: list[Any] = [*Role.objects.filter(pk__in=keys), *Group.objects.filter(pk__in=keys)]
    names = {str(row.pk): row.name for row in named}
    for pk in batch:
        # Who was deleted meanwhile is not there to be shown.
        if pk in allowed and pk in users:
            through = ", ".join(names.get(key, "") for key in _holders(allowed[pk]))
            yield pk, Allowed(users[pk], allowed[pk], through)
        else:
            yield pk, None


def _holders(decision: Decision) -> list[str]:
    """Keys of the role that was granted it, or of the group that makes superusers."""
    return [step.id for step in decision.path if step.kind in (StepKind.ROLE, StepKind.GROUP)]


def _cells(one: Allowed) -> tuple[str, ...]:
    return one.user.username, one.user.name, one.user.email, one.reason, one.through
