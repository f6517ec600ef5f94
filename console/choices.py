"""What fields offer while somebody types: at most twenty, and only what the caller may view.

``GET /admin/choices/<kind>/?q=…`` answers ``{"results": [{"value", "text", "note", "link"}]}``;
``value`` is what the field then holds. A kind is a function from ``Typed`` to choices, registered
by ``offers``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from accounts.models import Group, User
from console.pages import ConsolePage
from console.rights import Rights
from permissions import engine
from permissions.engine import searchable, short
from permissions.models import Resource, ResourceType
from roles.models import Role, Scope

MOST = 20


class Choice(NamedTuple):
    """``link`` is followed instead of filling the field."""

    value: str
    text: str
    note: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody has typed so far, who that is, and the other fields of the form."""

    text: str
    rights: Rights
    beside: dict[str, str]

    def rows(self, rows: QuerySet[Any], *columns: str) -> QuerySet[Any]:
        """Those the caller may view that have the text in any of the columns, by the first."""
        has_it = Q()
        for column in columns:
            has_it |= Q(**{f"{column}__icontains": self.text})
        return self.rights.visible(rows.filter(has_it)).order_by(columns[0])[:MOST]


Offer = Callable[[Typed], Iterable[Choice]]
OFFERS: dict[str, Offer] = {}


def offers(kind: str) -> Callable[[Offer], Offer]:
    def register(offer: Offer) -> Offer:
        OFFERS[kind] = offer
        return offer

    return register


class Choices(ConsolePage):
    """Nobody reads this page; its shape is the fields' own."""

    def get(self, request: HttpRequest, *args: Any, kind: str, **kwargs: Any) -> HttpResponse:
        if kind not in OFFERS:
            raise Http404
        text = request.GET.get("q", "").strip()
        if searchable(text) is None:
            return JsonResponse({"results": []})
        typed = Typed(text, self.rights, request.GET.dict())
        results = [choice._asdict() for choice in islice(OFFERS[kind](typed), MOST)]
        return JsonResponse({"results": results})


@offers("users")
def users(typed: Typed) -> Iterator[Choice]:
    for user in typed.rows(User.objects.all(), "username", "name", "email"):
        yield Choice(user.username, user.username, _also(user.name, user.email))


@offers("groups")
def groups(typed: Typed) -> Iterator[Choice]:
    for group in typed.rows(Group.objects.all(), "name", "display_name", "code"):
        yield Choice(group.name, group.name, _also(group.display_name, group.kind))


@offers("roles")
def roles(typed: Typed) -> Iterator[Choice]:
    for role in typed.rows(Role.objects.shareable(), "name", "display_name", "code"):
        yield Choice(role.name, role.name, _also(role.display_name, role.description))


@offers("principals")
def principals(typed: Typed) -> Iterator[Choice]:
    yield from _by_turns(typed, user=users, group=groups, role=roles)


@offers("grantees")
def grantees(typed: Typed) -> Iterator[Choice]:
    yield from _by_turns(typed, user=users, role=roles)


def _by_turns(typed: Typed, **kinds: Offer) -> Iterator[Choice]:
    """A few of each kind, so that none hides the others."""
    for kind, offer in kinds.items():
        for choice in islice(offer(typed), MOST // len(kinds)):
            yield Choice(f"{kind}:{choice.value}", choice.text, _also(kind, choice.note))


@offers("scopes")
def scopes(typed: Typed) -> Iterator[Choice]:
    named = Scope.objects.filter(name__isnull=False)
    rows = list(typed.rows(named, "name", "description"))
    covers = engine.coverage_of(rows)
    for scope in rows:
        yield Choice(str(scope.name), str(scope.name), f"covers {covers[scope.pk]}")


@offers("types")
def types(typed: Typed) -> Iterator[Choice]:
    """Everybody may name a type: what they are called is in the catalogue of permissions."""
    for kind in _types(typed.text):
        yield Choice(kind.label, kind.label, kind.verbose_name)


@offers("actions")
def actions(typed: Typed) -> Iterator[Choice]:
    """By their short names, of the type that the form names already, else of all."""
    beside = typed.beside.get("type") or typed.beside.get("resource", "")
    permissions = Permission.objects.filter(
        content_type__resource_type__isnull=False, codename__icontains=typed.text
    ).select_related("content_type")
    if beside and (searchable(beside) is not None):
        app_label, _, model = engine.resource_named(beside).type.partition(".")
        permissions = permissions.filter(
            content_type__app_label=app_label, content_type__model=model
        )
    labels: dict[str, list[str]] = {}
    for permission in permissions.order_by("codename")[: MOST * 10]:
        kind = permission.content_type
        name = short(permission.codename, kind.model)
        labels.setdefault(name, []).append(f"{kind.app_label}.{kind.model}")
    for name, found in labels.items():
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield Choice(name, name, f"on {found[0]}{more}")


@offers("resources")
def resources(typed: Typed) -> Iterator[Choice]:
    """Registered ones by key and name, then the groups, roles and users of our own, then types."""
    label, _, key = typed.text.rpartition(":")
    rows = Resource.objects.select_related("type__content_type")
    if label:
        app_label, _, model = label.partition(".")
        rows = rows.filter(type__content_type__app_label=app_label, type__content_type__model=model)
    has_it = Q(object_pk__icontains=key) | Q(name__icontains=key)
    for resource in typed.rights.visible(rows.filter(has_it)).order_by("object_pk")[:MOST]:
        value = f"{resource.type.label}:{resource.object_pk}"
        yield Choice(value, resource.name or value, value if resource.name else "")
    for model_class, column in ((Group, "name"), (Role, "name"), (User, "username")):
        own = model_class._meta.label_lower
        if label in ("", own):
            asked = Typed(key, typed.rights, typed.beside)
            for row in islice(asked.rows(model_class._default_manager.all(), column), 5):
                yield Choice(f"{own}:{row.pk}", str(row), own)
    if not label:
        for kind in _types(typed.text):
            yield Choice(f"{kind.label}:", f"{kind.label}:…", kind.verbose_name)


def _types(text: str) -> Iterator[ResourceType]:
    app_label, dot, model = text.partition(".")
    has_it = Q(content_type__app_label__icontains=text) | Q(content_type__model__icontains=text)
    has_it |= Q(verbose_name__icontains=text)
    if dot:
        has_it = Q(
            content_type__app_label__icontains=app_label, content_type__model__icontains=model
        )
    rows = ResourceType.objects.filter(has_it).select_related("content_type")
    yield from rows.order_by("built_in", "content_type__app_label", "content_type__model")[:MOST]


def _also(*words: str) -> str:
    return " · ".join(word for word in words if word)
