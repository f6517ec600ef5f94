"""The box on the home page: a question in words, or the name of something.

* ``bob approve invoice north-1-01``, ``may bob approve shop.invoice:42``: explain
* ``who can approve north-1-01``: who can; ``what can bob``: what can
* anything else: what is called so

What is known as an action parts the words before it, the subject, from those behind, the resource.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import Group, User
from console import choices
from console.choices import Choice, Typed, offers
from console.forms import choosable
from console.pages import ConsolePage, url_with
from console.rights import CHECK_ACCESS
from permissions import engine
from permissions.engine import searchable
from permissions.models import Resource
from roles.models import Role

WHO_CAN = re.compile(r"who (?:can|may|could|might)\s+(.+?)\??", re.IGNORECASE)
WHAT_CAN = re.compile(r"what (?:can|may)\s+(\S+)(?:\s+do)?\??", re.IGNORECASE)
MAY = re.compile(
    r"(?:why\s+)?(?:(?:can|may|does|could)(?:\s+not)?\s+|(?:can't|cannot)\s+)?(.+?)\??",
    re.IGNORECASE,
)
# Words that say nothing between the others.
FILLING = {"on", "the", "a", "an", "do", "to", "can", "may", "not", "cannot", "can't"}
SHOWN = {
    User: "admin:authentik_core_user_change",
    Group: "admin:authentik_core_group_change",
    Role: "admin:authentik_rbac_role_change",
    Resource: "admin:permissions_resource_change",
}


class Ask(ConsolePage):
    """Leads to the page that answers; shows what is called so where there are several."""

    title = "Search"
    template_name = "console/access/ask.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        text = request.GET.get("q", "").strip()
        typed = Typed(text, self.rights, {})
        found = list(islice(answers(typed), choices.MOST)) if text else []
        is_question = bool(found) and found[0].value == QUESTION
        if is_question or len(found) == 1:
            return redirect(found[0].link)
        return self.render_to_response(self.get_context_data(q=text, found=found))


QUESTION = "question"


@offers("anything")
def answers(typed: Typed) -> Iterator[Choice]:
    """Questions first, and then what is called so."""
    if searchable(typed.text) is None:
        return
    if typed.rights.may(CHECK_ACCESS):
        yield from _questions(typed)
    yield from _things(typed)


def _questions(typed: Typed) -> Iterator[Choice]:
    text = " ".join(typed.text.split())
    if (asked := WHO_CAN.fullmatch(text)) is not None:
        before, action, after = _parted(asked[1], typed)
        if action and not before:
            on = _resource(after, action, typed)
            url = url_with("console:who-can", action=action, resource=on)
            yield Choice(QUESTION, f"Who can {action} {on}".strip(), "everybody who may", url)
    elif (asked := WHAT_CAN.fullmatch(text)) is not None:
        url = url_with("console:what-can", subject=asked[1])
        yield Choice(QUESTION, f"What can {asked[1]} do", "everything, with its source", url)
    elif (asked := MAY.fullmatch(text)) is not None:
        before, action, after = _parted(asked[1], typed)
        if action and before:
            on = _resource(after, action, typed)
            url = url_with("console:explain", subject=before, action=action, resource=on)
            yield Choice(QUESTION, f"May {before} {action} {on}".strip(), "and why", url)


def _parted(text: str, typed: Typed) -> tuple[str, str, str]:
    """(before, action, behind); no action where none of the words is one."""
    words = text.split()
    known = _actions(words)
    for n, word in enumerate(words):
        if word in known:
            return _plain(words[:n]), word, _plain(words[n + 1 :])
    return "", "", ""


def _plain(words: list[str]) -> str:
    return " ".join(word for word in words if word.lower() not in FILLING)


def _actions(words: list[str]) -> set[str]:
    """Those of the words that name a permission of a registered type, short or long."""
    named = Q()
    for word in words:
        named |= Q(codename=word.rpartition(".")[2]) | Q(codename__startswith=f"{word}_")
    rows = Permission.objects.filter(named, content_type__resource_type__isnull=False)
    known: set[str] = set()
    for codename, model in rows.values_list("codename", "content_type__model")[:5_000]:
        known |= {codename, engine.short(codename, model)}
    return {word for word in words if word.rpartition(".")[2] in known}


def _resource(text: str, action: str, typed: Typed) -> str:
    """``shop.invoice:42``, from that or from a key or name alone, as ``invoice 42``."""
    if not text or ":" in text:
        return text
    words = text.split()
    named = Q(object_pk__in=words) | Q(name__iexact=text) | Q(object_pk=text)
    rows = Resource.objects.filter(named).select_related("type__content_type")
    for resource in typed.rights.visible(rows)[:20]:
        codenames = engine.codenames_meant(action, resource.type.label)
        of_type = Permission.objects.filter(content_type=resource.type_id, codename__in=codenames)
        if of_type.exists():
            return f"{resource.type.label}:{resource.object_pk}"
    return text


def _things(typed: Typed) -> Iterator[Choice]:
    """Of each kind a few."""
    kinds: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
        (User, ("username", "name", "email")),
        (Group, ("name", "display_name")),
        (Role, ("name", "display_name")),
        (Resource, ("object_pk", "name")),
    )
    for model, columns in kinds:
        for row in typed.rows(choosable(model), *columns)[:5]:
            link = reverse(SHOWN[model], args=[row.pk])
            also = {str(getattr(row, column)): None for column in columns if getattr(row, column)}
            also.pop(str(row), None)
            note = " · ".join([str(model._meta.model_name), *also])
            yield Choice(str(row), str(row), note, link)
