"""The ``ordering`` parameter: names of members, comma-separated, each with an optional ``-``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import F, Model, QuerySet
from django.db.models.expressions import OrderBy
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.request import Request


class Ordering(OrderingFilter):
    """Names come from the view's ``ordering_fields`` (member to column); unknown ones are dropped.

    The key is always the last criterion, so that pages neither repeat nor miss a row. A view's
    ``settled_by`` names columns that have one value once a parameter is given: rows need not be
    sorted by them, and can then be read from an index in their order.
    """

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        return ordered(queryset, wanted_order(request, view))


def wanted_order(request: Request, view: Any) -> list[str]:
    """The columns, each once."""
    asked = request.query_params.get(Ordering.ordering_param, "").split(",")
    wanted = list(_columns(asked, view.ordering_fields)) or list(view.ordering)
    settled = {
        column
        for column, parameter in getattr(view, "settled_by", {}).items()
        if request.query_params.get(parameter, "").strip()
    }
    ties = getattr(view, "ordering_ties", ("pk",))
    return [name for name in dict.fromkeys([*wanted, *ties]) if name.lstrip("-") not in settled]


def ordered(queryset: QuerySet[Any], columns: Iterable[str]) -> QuerySet[Any]:
    return queryset.order_by(*(_placed(column, queryset.model) for column in columns))


def _columns(names: Iterable[str], fields: dict[str, str]) -> Iterable[str]:
    for name in names:
        bare = name.strip()
        sign = "-" if bare.startswith("-") else ""
        column = fields.get(bare.removeprefix("-"))
        if column is not None:
            yield sign + column


def _placed(column: str, model: type[Model]) -> str | OrderBy:
    """Rows without a value come last, first when descending: as on PostgreSQL, everywhere."""
    name = column.removeprefix("-")
    if name not in {field.name for field in model._meta.concrete_fields if field.null}:
        return column
    if column.startswith("-"):
        return F(name).desc(nulls_first=True)
    return F(name).asc(nulls_last=True)


class Filters(DjangoFilterBackend):
    """Builds no form where no parameter of it was given, which is what most requests are like."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        if not given_filters(request, view):
            return queryset
        return super().filter_queryset(request, queryset, view)


def given_filters(request: Request, view: Any) -> set[str]:
    """Names of the view's filters that have a parameter."""
    filterset = getattr(view, "filterset_class", None)
    return filterset.base_filters.keys() & _given(request) if filterset else set()


def _given(request: Request) -> set[str]:
    """Names of parameters; a range comes as two of them, with an ending each."""
    given = set(request.query_params)
    endings = ("_min", "_max", "_after", "_before", "_0", "_1")
    ranges = {name.removesuffix(end) for name in given for end in endings if name.endswith(end)}
    return given | ranges


class Search(SearchFilter):
    """A search that cannot be is named; DRF's own answers with the words alone."""

    def get_search_terms(self, request: Request) -> list[str]:
        try:
            return list(super().get_search_terms(request))
        except ValidationError as error:
            raise ValidationError({self.search_param: error.detail}) from None


FILTER_BACKENDS = (Filters, Ordering, Search)
