"""Many facts ended or prolonged at once: first shown, then done, all or none.

The list sends the chosen rows, or its own filters for all that they leave. What the page shows has
been tried and taken back, so a refusal of the ceiling stands there before anything is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from audit.errors import DomainError, Forbidden
from console.forms import CLASSES, ConsoleForm, MomentField
from console.lists.kinds import KINDS, Kind
from console.lists.pages import chosen, form_of, state_of
from console.pages import Crumb, FormPage, tell
from permissions.models.fact_tables import ASSIGNMENTS, MEMBERSHIPS
from permissions.operations import MOST_TOGETHER, end_facts, prolong_facts

END, PROLONG = "end", "prolong"
TOO_MANY = f"At most {MOST_TOGETHER:,} rows at once; choose fewer, or filter further."


class TogetherForm(ConsoleForm):
    act = forms.ChoiceField(choices=[(END, END), (PROLONG, PROLONG)], widget=forms.HiddenInput)
    rows = forms.CharField(widget=forms.HiddenInput, max_length=40_000)
    until = MomentField(label="Until (UTC)", help_text="What ends later, or never, stays as it is.")
    reason = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput({"class": CLASSES})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.data.get("act") != PROLONG:
            del self.fields["until"]

    def clean_rows(self) -> list[int]:
        words = self.cleaned_data["rows"].split(",")
        if not all(word.isascii() and word.isdecimal() and len(word) < 19 for word in words):
            raise ValidationError("Choose some rows first.")
        if len(words) > MOST_TOGETHER:
            raise ValidationError(TOO_MANY)
        return [int(word) for word in words]

    @property
    def is_new(self) -> bool:
        """From the list, which does not ask until when."""
        return "until" in self.fields and "until" not in self.data

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until is None and not self.is_new:
            raise ValidationError("Say until when.")
        return until


@dataclass(frozen=True, slots=True)
class Effect:
    """Who gains or loses what."""

    who: str
    what: str
    before: str
    after: str


class Together(FormPage):
    template_name = "console/lists/together.html"
    form_class = TogetherForm
    kind: Kind = KINDS[0]
    told_at = {"valid_until": "until", "valid_from": "until"}

    def is_allowed(self) -> bool:
        return self.kind.is_seen(self.rights)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404  # rows come from the list alone

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Shown first; done when ``sure`` is sent along."""
        form = self.get_form()
        if "sure" in request.POST and form.is_valid() and not form.is_new:
            return self.form_valid(form)
        return self.render_to_response(self.get_context_data(form=form))

    def get_form_kwargs(self) -> dict[str, Any]:
        data = self.request.POST.copy()
        if "everything" in data:
            data["rows"] = ",".join(self._everything())
        elif data.getlist("row"):
            data["rows"] = ",".join(data.getlist("row"))
        return {**super().get_form_kwargs(), "data": data}

    def perform(self, form: TogetherForm) -> str:
        words = form.cleaned_data
        act, keys = words["act"], words["rows"]
        facts = list(self.kind.rows(self.rights).filter(pk__in=keys))
        needed = self.kind.to_end if act == END else self.kind.to_prolong
        may = self.kind.allowed(self.rights, needed, facts)
        if len(may) < len(facts):
            others = len(facts) - len(may)
            raise Forbidden(fields={"rows": [f"You may not {act} {others} of these rows."]})
        visible = [fact.pk for fact in facts]
        table, actor = self.kind.table, self.caller
        if act == END:
            return f"{end_facts(table=table, keys=visible, actor=actor)} ended."
        until = words["until"]
        count = prolong_facts(table=table, keys=visible, until=until, actor=actor)
        return f"{count} prolonged."

    def get_title(self) -> str:
        word = "End" if self.request.POST.get("act") == END else "Prolong"
        return f"{word}: {self.kind.title.lower()}"

    def crumbs(self) -> list[Crumb]:
        return [Crumb(self.kind.title, reverse(self.kind.page))]

    def get_success_url(self) -> str:
        return self.next or reverse(self.kind.page)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form: TogetherForm = kwargs["form"]
        is_ready = form.is_valid() and not form.is_new and self._is_possible(form)
        keys = form.cleaned_data.get("rows", [])
        facts = list(self.kind.rows(self.rights).filter(pk__in=keys).order_by("-pk"))
        effects = [self._effect(form, fact) for fact in facts]
        context = {"effects": effects, "is_ready": is_ready, "act": form.data.get("act"), **kwargs}
        return super().get_context_data(**context, list_url=reverse(self.kind.page))

    def _is_possible(self, form: TogetherForm) -> bool:
        try:
            with transaction.atomic():
                self.perform(form)
                transaction.set_rollback(True)
        except DomainError as refusal:
            tell(form, refusal, told_at=self.told_at)
            return False
        return True

    def _everything(self) -> list[str]:
        """Keys of all that the list's filters leave, one more than there may be."""
        form: Any = form_of(self.kind)(self.request.GET, rights=self.rights)
        if not form.is_valid():
            return []
        rows = chosen(self.kind, self.rights, form.cleaned_data)
        return [str(pk) for pk in rows.values_list("pk", flat=True)[: MOST_TOGETHER + 1]]

    def _effect(self, form: TogetherForm, fact: Any) -> Effect:
        kind = self.kind
        who, what = kind.holder(fact).text, kind.given(fact).text
        if kind.table in ASSIGNMENTS:
            who = f"the members of {who}" if fact.group_id else who
            who = f"the holders of {who}" if fact.holder_role_id else who
            scope = kind.scope(fact)
            what = f"the role {what}" + (f" within {scope}" if scope else "")
        elif kind.table is MEMBERSHIPS:
            what = f"all that {what} gives"
        elif kind.table.principal != "user":
            who = f"the holders of {who}"
        until = fact.valid_until
        before = f"until {until:%Y-%m-%d %H:%M}" if until else "without an end"
        if state_of(fact) == "ended":
            before = "ended"
        return Effect(who, what, before, self._after(form, fact, before))

    @staticmethod
    def _after(form: TogetherForm, fact: Any, before: str) -> str:
        if form.data.get("act") == END:
            return "has it no more" if before == "ended" else "loses it"
        until = form.cleaned_data.get("until")
        if until is None:
            return ""
        if fact.window.end >= until:
            return "stays"
        return f"gains it until {until:%Y-%m-%d %H:%M}"
