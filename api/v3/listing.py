"""Lists whose rows are columns, read by statements compiled once for each shape of request.

The shape is what the text of a statement depends on: the view, the order, and which filters there
are. A request with a search, with a filter that asks the database itself, or from a caller who may
not view every row, has its own statement built as usual. Both read the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.db.models import QuerySet
from django_filters import Filter
from django_filters.utils import get_model_field
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.v3.filters import IntegerFilter
from api.v3.ordering import given_filters, ordered, wanted_order
from permissions.compiled import Parameter, Statement, compiled

SHAPES = 256
# Of the narrowest column a number is compared with.
LARGEST_NUMBER = 2**31 - 1

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a paginator slices and counts, as it would a queryset."""

    page: Statement
    keys: Statement
    values: Mapping[str, Any]

    def __getitem__(self, part: slice) -> list[Sequence[Any]]:
        start = part.start or 0
        return self.page.limited(part.stop - start, start).rows(**self.values)

    def count(self) -> int:
        [(count,)] = self.keys.counting().rows(**self.values)
        return int(count)


class ColumnsViewSet(GenericViewSet):
    """Answers with ``columns``: members of a row of the answer, and what is read for each."""

    columns: ClassVar[Mapping[str, Any]] = {}
    reach: str  # see ModelAccessViewSet; 'all' where nobody is kept from any row

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.rows())

    def answer(self, rows: Rows | QuerySet[Any]) -> Response:
        page: Any = self.paginate_queryset(rows)  # type: ignore[arg-type]  # sliced and counted
        members = [dict(zip(self.columns, columns, strict=True)) for columns in page]
        return self.get_paginated_response(self.completed(members))

    def completed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows of the answer with what no column has."""
        return rows

    @classmethod
    def narrowed(cls, queryset: QuerySet[Any], **values: Any) -> QuerySet[Any]:  # noqa: ARG003  for those who narrow
        """By what a list demands besides its filters: values, or parameters for them."""
        return queryset

    def rows(self, **values: Any) -> Rows | QuerySet[Any]:
        """Everything the request asks for, to be paginated. ``values`` are for ``narrowed``."""
        filters = _plain_values(self) if self.reach == "all" and not self._searched() else None
        if filters is None:
            found = self.filter_queryset(self.narrowed(self.get_queryset(), **values))
            return found.values_list(*self.columns.values())
        order = tuple(wanted_order(self.request, self))
        page, keys = _statements(type(self), order, tuple(filters), tuple(values))
        return Rows(page=page, keys=keys, values={**filters, **values})

    def _searched(self) -> bool:
        return SearchFilter.search_param in self.request.query_params


@lru_cache(maxsize=SHAPES)
def _statements(
    view: type[ColumnsViewSet],
    order: tuple[str, ...],
    filters: tuple[str, ...],
    given: tuple[str, ...],
) -> tuple[Statement, Statement]:
    """The rows in their order, and their keys to be counted."""
    assert view.queryset is not None, "every list has one"
    found = view.narrowed(view.queryset.all(), **{name: Parameter(name) for name in given})
    for name in filters:
        one = _plain_filters(view)[name]
        field = get_model_field(found.model, one.field_name)
        found = one.filter(found, Parameter(name, field))
    page = ordered(found, order).values_list(*view.columns.values())
    return compiled(page), compiled(found.order_by().values_list("pk"))


def _plain_values(view: ColumnsViewSet) -> dict[str, Any] | None:
    """Values of the filters given, None when they are not all plain and right."""
    values = {}
    for name in sorted(given_filters(view.request, view)):
        one = _plain_filters(type(view)).get(name)
        if one is None:
            return None
        try:
            value = _value(one, name, view.request)
        except ValidationError:
            return None
        if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            return None
        if value not in EMPTY_VALUES:
            values[name] = value
    return values


def _value(one: Filter, name: str, request: Request) -> Any:
    text = one.field.widget.value_from_datadict(request.query_params, {}, name)
    return one.field.clean(text)


@cache
def _plain_filters(view: type[ColumnsViewSet]) -> dict[str, Filter]:
    """Those that compare a column with a value, and do nothing else."""
    filterset = getattr(view, "filterset_class", None)
    filters = filterset(queryset=view.queryset).filters if filterset else {}
    return {
        name: one
        for name, one in filters.items()
        if type(one).filter in (Filter.filter, IntegerFilter.filter)
        and one.method is None
        and one.lookup_expr == "exact"
        and not (one.exclude or one.distinct)
    }
