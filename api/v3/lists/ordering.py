"""The ``ordering`` parameter: names of members, comma-separated, each with an optional ``-``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, F, QuerySet
from django.db.models.expressions import OrderBy
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.request import Request

# Longer ones keep the database busy for seconds, or are more than SQLite's parser takes.
MOST_VALUES = 200
MOST_WORDS, LONGEST_WORD = 50, 500


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
    columns = []
    for name in request.query_params.get(Ordering.ordering_param, "").split(","):
        member = name.strip()
        column = view.ordering_fields.get(member.removeprefix("-"))
        if column is not None:
            columns.append(f"-{column}" if member.startswith("-") else column)
    settled = {
        column
        for column, parameter in getattr(view, "settled_by", {}).items()
        if request.query_params.get(parameter, "").strip()
    }
    ties = getattr(view, "ordering_ties", ("pk",))
    order = dict.fromkeys([*(columns or view.ordering), *ties])
    return [column for column in order if column.lstrip("-") not in settled]


def ordered(queryset: QuerySet[Any], columns: Iterable[str]) -> QuerySet[Any]:
    """Rows without a value come last, first when descending."""
    # The databases put them at different ends by themselves; a page must be the same on both.
    may_be_null = {field.name for field in queryset.model._meta.concrete_fields if field.null}
    may_be_null |= {
        name for name, value in queryset.query.annotations.items() if isinstance(value, Case)
    }
    order: list[str | OrderBy] = []
    for column in columns:
        name = column.removeprefix("-")
        if name not in may_be_null:
            order.append(column)
        elif column.startswith("-"):
            order.append(F(name).desc(nulls_first=True))
        else:
            order.append(F(name).asc(nulls_last=True))
    return queryset.order_by(*order)


class Filters(DjangoFilterBackend):
    """Builds no form where no parameter of it was given, which is what most requests are like."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        given = given_filters(request, view)
        if not given:
            return queryset
        for name in given:
            if len(request.query_params.getlist(name)) > MOST_VALUES:
                raise ValidationError({name: [f"At most {MOST_VALUES} values are allowed."]})
        return super().filter_queryset(request, queryset, view)


def given_filters(request: Request, view: Any) -> set[str]:
    """Names of the view's filters that have a parameter."""
    filterset = getattr(view, "filterset_class", None)
    if filterset is None:
        return set()
    names = set(request.query_params)
    # A range comes as two parameters, with an ending each.
    endings = ("_min", "_max", "_after", "_before", "_0", "_1")
    names |= {name.removesuffix(end) for name in names for end in endings if name.endswith(end)}
    return filterset.base_filters.keys() & names


class Search(SearchFilter):
    """A search that cannot be is named; DRF's own answers with the words alone.

    Each word is a condition on every column searched, and each column is read for each.
    """

    def get_search_terms(self, request: Request) -> list[str]:
        try:
            terms = list(super().get_search_terms(request))
        except ValidationError as error:
            raise ValidationError({self.search_param: error.detail}) from None
        if len(terms) > MOST_WORDS:
            raise ValidationError({self.search_param: [f"At most {MOST_WORDS} words are allowed."]})
        if any(len(term) > LONGEST_WORD for term in terms):
            message = f"Words have at most {LONGEST_WORD} characters."
            raise ValidationError({self.search_param: [message]})
        return terms


FILTER_BACKENDS = (Filters, Ordering, Search)
