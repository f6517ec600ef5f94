"""The change log: every write, who made it, and what was before and after.

Events are not counted. A page walks back from the newest through at most 50,000 of them, and says
how far it came; ``after`` in the query goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http.response import HttpResponseBase

from accounts.models import User
from audit.models import Event, EventKind
from console import choices, exporting
from console.choices import Choice, Typed, offers
from console.forms import CLASSES, ConsoleForm, MomentField, NamedField
from console.pages import ROWS_PER_PAGE, QuestionPage, url_with
from console.record.history import (
    ASSIGNMENTS,
    GRANTS,
    MEMBERSHIPS,
    PARENTS,
    VIEW,
    Thing,
    holding,
    touching,
)
from permissions.engine import short

MOST_LOOKED_THROUGH, MOST_IN_A_FILE = 50_000, 10_000
# Events are numbered as they are written and stamped shortly before.
STAMPED_BEFORE = timedelta(minutes=1)
SERVICE = "the service"
DOORS = {
    "v3": "authentik's API",
    "authzen": "AuthZEN",
    "aria": "Aria Operations",
    "genauth": "GenAuth",
    "console": "console",
    "command": "command line",
}
COLUMNS = (
    "time", "kind", "actor", "target_type", "target_key", "target", "door", "reason", "request",
    "before", "after",
)  # fmt: skip


def spoken_kind(kind: str) -> str:
    return kind.replace("_", " ")


KINDS = sorted((kind.value, spoken_kind(kind)) for kind in EventKind)


class ThingField(NamedField):
    kind = "things"

    def named(self, text: str) -> Thing:
        thing = Thing.named(text)
        if thing is None:
            raise ValidationError(
                f"There is no user, group or role {text}. What is gone is named as role:auditor."
            )
        return thing


class ActorField(NamedField):
    kind = "users"

    def named(self, text: str) -> Q:
        if text == SERVICE:
            return Q(actor_pk__isnull=True)
        pk = User.objects.filter(username=text).values_list("pk", flat=True).first()
        return Q(actor_name=text) if pk is None else Q(actor_pk=pk)


def _choice(label: str, kinds: list[tuple[str, str]]) -> forms.ChoiceField:
    widget = forms.Select({"class": CLASSES})
    return forms.ChoiceField(
        required=False, label=label, choices=[("", "any"), *kinds], widget=widget
    )


class ChangesForm(ConsoleForm):
    about = ThingField(
        required=False,
        label="About",
        help_text="As role:auditor or shop.invoice:42; a type alone is all of it.",
    )
    subject = ThingField(required=False, label="Given to or taken from")
    actor = ActorField(required=False, label="Done by")
    kind = _choice("What", KINDS)
    door = _choice("Through", list(DOORS.items()))
    since = MomentField(label="From (UTC)")
    until = MomentField(label="Until (UTC)")
    request = forms.CharField(
        required=False, max_length=128, widget=forms.TextInput({"class": CLASSES})
    )


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    before: str
    after: str

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Change:
    """An event as people read it."""

    event: Event

    @property
    def kind(self) -> str:
        return spoken_kind(self.event.kind)

    @property
    def actor(self) -> str:
        return self.event.actor_name or SERVICE

    @property
    def door(self) -> str:
        return DOORS.get(self.event.door, self.event.door)

    @property
    def about(self) -> str:
        """The log about the same target, and below of the same actor and of the same request."""
        target = f"{self.event.target_type}:{self.event.target_pk}"
        return url_with("console:changes", about=target)

    @property
    def by(self) -> str:
        return url_with("console:changes", actor=self.actor)

    @property
    def together(self) -> str:
        return url_with("console:changes", request=self.event.request_id)

    @property
    def what(self) -> str:
        """What was given or taken, where the target is whoever it was given to."""
        facts = self.event.after or self.event.before or {}
        match self.event.kind:
            case kind if kind in GRANTS:
                model, key = str(facts.get("model", "")), facts.get("object_pk")
                codename = str(facts.get("permission", "")).partition(".")[2]
                action = short(codename, model.partition(".")[2])
                return f"{action} · {model}" + (f":{key}" if key is not None else "")
            case kind if kind in (*ASSIGNMENTS, *PARENTS):
                return str(facts.get("name", ""))
            case kind if kind in MEMBERSHIPS:
                return str(facts.get("username", ""))
        return ""

    @property
    def differences(self) -> list[Difference]:
        """What changed comes first."""
        before, after = self.event.before or {}, self.event.after or {}
        rows = [
            Difference(name.replace("_", " "), _said(before, name), _said(after, name))
            for name in {**before, **after}
        ]
        return sorted(rows, key=lambda row: not row.is_changed)

    @property
    def cells(self) -> tuple[Any, ...]:
        event = self.event
        before, after = (facts and _json(facts) for facts in (event.before, event.after))
        return (
            event.created, event.kind, event.actor_name, event.target_type, event.target_pk,
            event.target_name, event.door, event.reason, event.request_id, before, after,
        )  # fmt: skip


class Changes(QuestionPage):
    title = "Change log"
    needs = VIEW
    template_name = "console/record/changes.html"
    form_class = ChangesForm
    always_asked = True

    def answer(self, form: Any) -> Mapping[str, Any] | HttpResponseBase:
        look = Look.of(form.cleaned_data)
        cells = (change.cells for change in islice(look.everything(), MOST_IN_A_FILE))
        if (file := exporting.answer(self.request, "changes", COLUMNS, cells)) is not None:
            return file
        page = look.page(self._after())
        following = "" if page.following is None else self.here(after=page.following)
        return {"changes": page.changes, "following": following, "back_to": page.back_to}

    def _after(self) -> int | None:
        text = self.request.GET.get("after", "")
        return int(text) if text.isdecimal() and len(text) < 19 else None


@dataclass(frozen=True, slots=True)
class LogPage:
    """``following`` goes on from here, None at the end; ``back_to`` is where the search stopped
    before the page was full.
    """

    changes: list[Change]
    following: int | None = None
    back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """``among`` are the events that indexes lead to; ``condition`` is asked of each of them."""

    among: QuerySet[Event]
    condition: Q

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Look:
        among = _between(words.get("since"), words.get("until"))
        condition = Q()
        if words.get("actor") is not None:
            among = among.filter(words["actor"])
        if words.get("about"):
            condition &= touching(words["about"])
        if words.get("subject"):
            condition &= holding(words["subject"])
        columns = {"kind": "kind", "door": "door", "request": "request_id"}
        for word, column in columns.items():
            if words.get(word):
                condition &= Q(**{column: words[word]})
        return cls(among, condition)

    def page(self, after: int | None = None, *, size: int = ROWS_PER_PAGE) -> LogPage:
        """Of the newest events before ``after``. Two statements at most."""
        among = self.among if after is None else self.among.filter(pk__lt=after)
        stop = None
        if self.condition:
            beyond = among.order_by("-pk").values_list("pk", "created")
            stop = next(iter(beyond[MOST_LOOKED_THROUGH : MOST_LOOKED_THROUGH + 1]), None)
        looked = among.filter(self.condition, pk__gt=stop[0] if stop else 0)
        rows = [Change(event) for event in looked.order_by("-pk")[: size + 1]]
        if len(rows) > size:
            return LogPage(rows[:size], rows[size - 1].event.pk)
        return LogPage(rows, stop[0] + 1, stop[1]) if stop else LogPage(rows)

    def everything(self) -> Iterator[Change]:
        """Page by page, as it is asked for."""
        page = self.page(size=1_000)
        yield from page.changes
        while page.following is not None:
            page = self.page(page.following, size=1_000)
            yield from page.changes


@offers("things")
def things(typed: Typed) -> Iterator[Choice]:
    """Whoever holds something, and what it is held on."""
    yield from islice(choices.principals(typed), choices.MOST // 2)
    yield from choices.resources(typed)


def _between(since: datetime | None, until: datetime | None) -> QuerySet[Event]:
    """By their numbers too, which order them: else a page walks through all that came later."""
    rows, numbers = Event.objects.all(), Event.objects.values_list("pk", flat=True)
    if since is not None:
        rows = rows.filter(created__gte=since)
        later = numbers.filter(created__gte=since - STAMPED_BEFORE)
        first = later.order_by("created", "pk").first()
        rows = rows.none() if first is None else rows.filter(pk__gte=first)
    if until is not None:
        rows = rows.filter(created__lt=until)
        earlier = numbers.filter(created__lt=until + STAMPED_BEFORE)
        last = earlier.order_by("-created", "-pk").first()
        rows = rows.none() if last is None else rows.filter(pk__lte=last)
    return rows


def _said(facts: Mapping[str, Any], name: str) -> str:
    if name not in facts or facts[name] is None:
        return ""
    value = facts[name]
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
