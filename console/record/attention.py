"""The home page's panels: what asks for attention now, and what happened lately.

Each is for those who may see what it names. Each reads a few rows by an index, however many there
are; whoever wants all of them follows the link to the list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.apps import apps
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import Group, GroupMembership, User
from audit.models import Event
from console.lists.kinds import KINDS
from console.lists.pages import SOON
from console.pages import Crumb, url_with
from console.record.changes import Look
from console.record.history import VIEW
from console.rights import Rights
from permissions.models import Resource, ResourceMode
from permissions.models.fact_tables import GRANTS
from roles.models import Role, RoleAssignment

MOST, NEWEST, DAYS = 8, 1_000, 14
OWN = ("audit", "authentik_core", "authentik_rbac", "permissions")


class Line(NamedTuple):
    text: str
    note: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """``ways`` lead to all of it; ``none`` is said where there is nothing."""

    title: str
    lines: list[Line]
    none: str
    ways: list[Crumb] = field(default_factory=list)

    @property
    def shown(self) -> list[Line]:
        return self.lines[:MOST]

    @property
    def is_cut(self) -> bool:
        return len(self.lines) > MOST


class Bar(NamedTuple):
    label: str
    figure: int
    # Of a hundred.
    width: int


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    note: str
    bars: list[Bar]

    @classmethod
    def of(cls, title: str, note: str, figures: dict[str, int]) -> Chart:
        most = max([1, *figures.values()])
        bars = [Bar(label, n, round(100 * n / most)) for label, n in figures.items()]
        return cls(title, note, bars)


def context_of(rights: Rights) -> dict[str, Any]:
    """What the home page shows besides the box and the ways."""
    return {
        "panels": [panel for panel in _panels(rights) if panel is not None],
        "charts": [chart for chart in _charts(rights) if chart is not None],
        "changes": Look.of({}).page(size=MOST).changes if rights.may(VIEW) else None,
    }


def _panels(rights: Rights) -> Iterator[Panel | None]:
    yield _ending(rights)
    yield _superusers(rights)
    yield _roles_nobody_holds(rights)
    yield _grants_on_what_is_gone(rights)


def _charts(rights: Rights) -> Iterator[Chart | None]:
    yield _changes_by_day(rights)
    yield _grants_by_type(rights)


def _ending(rights: Rights) -> Panel | None:
    moment, rows, ways = now(), [], []
    for kind in KINDS:
        if kind.is_seen(rights):
            soon = kind.rows(rights).filter(valid_until__gt=moment, valid_until__lte=moment + SOON)
            rows += [(row, kind) for row in soon.order_by("valid_until")[: MOST + 1]]
            ways.append(Crumb(kind.title, url_with(kind.page, when="soon")))
    if not ways:
        return None
    rows.sort(key=lambda item: item[0].valid_until)
    lines = [
        Line(
            f"{kind.given(row).text} to {kind.holder(row).text}",
            f"until {row.valid_until:%Y-%m-%d %H:%M}",
            url_with(kind.page, when="soon"),
        )
        for row, kind in rows
    ]
    ends = {kind.title for _, kind in rows}
    return Panel(
        "Ending this week", lines, "Nothing ends this week.", [w for w in ways if w.title in ends]
    )


def _superusers(rights: Rights) -> Panel | None:
    if not (rights.sees(User) and rights.sees(Group)):
        return None
    conferring = rights.visible(Group.objects.filter(is_superuser=True))
    rows = rights.visible(GroupMembership.objects.active(), by="user").filter(
        user__is_active=True, group__ancestor_rows__ancestor__in=conferring
    )
    columns = ("user", "user__username", "group__ancestor_rows__ancestor__name")
    lines = [
        Line(name, f"through {group}", reverse("admin:authentik_core_user_change", args=[pk]))
        for pk, name, group in rows.order_by("pk").values_list(*columns)[: MOST + 1]
    ]
    groups = url_with("admin:authentik_core_group_changelist", is_superuser__exact="1")
    return Panel("Superusers", lines, "Nobody.", [Crumb("Groups that make superusers", groups)])


def _roles_nobody_holds(rights: Rights) -> Panel | None:
    if not rights.sees(Role):
        return None
    held = RoleAssignment.objects.filter(role=OuterRef("pk"))
    rows = rights.visible(Role.objects.shareable().filter(~Exists(held), built_in=False))
    lines = [
        Line(
            role.name, role.description, reverse("admin:authentik_rbac_role_change", args=[role.pk])
        )
        for role in rows.order_by("name")[: MOST + 1]
    ]
    return Panel("Roles nobody holds", lines, "Every role is held.")


def _grants_on_what_is_gone(rights: Rights) -> Panel | None:
    """Of strict types that are registered with us alone, among the newest grants. Deletions take
    grants along; what is shown here was written past them.
    """
    kinds = [kind for kind in KINDS if kind.table.by_object and kind.is_seen(rights)]
    if not kinds:
        return None
    lines = []
    for kind in kinds:
        model = kind.table.model
        there = Resource.objects.filter(
            type=OuterRef("permission__content_type_id"), object_pk=OuterRef("object_pk")
        )
        gone = kind.rows(rights).filter(
            ~Exists(there),
            pk__in=model.objects.order_by("-pk").values("pk")[:NEWEST],
            permission__content_type__resource_type__mode=ResourceMode.STRICT,
        )
        for row in gone.exclude(_of_own_tables()).order_by("-pk")[: MOST + 1]:
            type_ = row.permission.content_type
            named = f"{type_.app_label}.{type_.model}:{row.object_pk}"
            url = url_with(kind.page, resource=named)
            lines.append(Line(kind.given(row).text, f"to {kind.holder(row).text}", url))
    none = f"None among the newest {NEWEST:,} of each kind."
    return Panel("Grants on resources that are gone", lines, none)


def _of_own_tables() -> Q:
    """Rows of our own are no registered resources."""
    own = Q()
    for label in OWN:
        models = [model._meta.model_name for model in apps.get_app_config(label).get_models()]
        own |= Q(
            permission__content_type__app_label=label, permission__content_type__model__in=models
        )
    return own


def _changes_by_day(rights: Rights) -> Chart | None:
    """By the numbers of each day's first events, so that none is counted."""
    if not rights.may(VIEW):
        return None
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    last = Event.objects.order_by("-pk").values("pk")[:1]
    caller = User.objects.filter(pk=rights.caller.pk)
    [numbers] = caller.values_list(*map(_first_since, days), Subquery(last))
    end = (numbers[-1] or 0) + 1
    figures: dict[str, int] = {}
    for day, first in reversed(list(zip(days, numbers[:-1], strict=True))):
        figures[f"{day:%a %m-%d}"] = max(0, end - first) if first is not None else 0
        end = first if first is not None else end
    return Chart.of("Changes by day", "About; numbers that were given up count too.", figures)


def _first_since(day: datetime) -> Subquery:
    since = Event.objects.filter(created__gte=day).order_by("created", "pk")
    return Subquery(since.values("pk")[:1])


def _grants_by_type(rights: Rights) -> Chart | None:
    if not (rights.may("authentik_core.view_user") and rights.may("authentik_rbac.view_role")):
        return None
    figures: Counter[str] = Counter()
    kind = "permission__content_type"
    for table in GRANTS:
        newest = table.model.objects.order_by("-pk").values("pk")[:NEWEST]
        rows = table.model.objects.filter(pk__in=newest)
        by_type = rows.values_list(f"{kind}__app_label", f"{kind}__model").annotate(Count("pk"))
        for app_label, model, number in by_type.order_by():
            figures[f"{app_label}.{model}"] += number
    note = f"The newest {NEWEST:,} of each kind, the most frequent types."
    return Chart.of("Grants by type", note, dict(figures.most_common(MOST)))
