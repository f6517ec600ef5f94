"""Lists whose rows are columns, read by statements compiled once for each shape of request.

The shape is what the text of a statement depends on: the view, the order, which filters there are,
and in which state facts are to be. A request with a search, or with a filter that asks the database
itself, has its own statement built as usual, and so has one of a caller who may not view every row:
on PostgreSQL the kept statement asks for that permission itself and finds nothing without it. All
read the same columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import repeat
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.db import connection
from django.db.models import QuerySet
from django_filters import Filter
from django_filters.utils import get_model_field
from rest_framework.exceptions import NotFound
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.facts import State
from api.access import ModelAccessViewSet
from api.v3.lists.filters import IntegerFilter, state_of
from api.v3.lists.ordering import given_filters, ordered, wanted_order
from permissions.engine import Parameter, Statement, everywhere

SHAPES = 256
CALLER = "caller"
# Of the narrowest column a number is compared with.
LARGEST_NUMBER = 2**31 - 1

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The statements of one shape. ``page_of_all`` finds nothing for who may not view every row."""

    page: Statement
    page_of_all: Statement | None
    keys: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRows:
    """What a request asks for, by the statements of its shape."""

    view: ColumnsViewSet
    kept: Kept
    values: Mapping[str, Any]
    built: Callable[[], QuerySet[Any]]  # the same, of what a caller may view who may not view all

    def page(self, limit: int, offset: int) -> Sequence[Any]:
        """At most ``limit`` rows after the first ``offset``.

        A statement that finds anything tells how far the caller's permission reaches, and the view
        need not ask for that.
        """
        if self.kept.page_of_all is not None and "reach" not in vars(self.view):
            self.view.reach = "all"
            if rows := self.kept.page_of_all.limited(limit, offset).rows(**self.values):
                return rows
            self.view.reach = "some"
            if rows := list(self.built()[offset : offset + limit]):
                return rows
            del self.view.reach
        if self.view.reach == "all":
            return self.kept.page.limited(limit, offset).rows(**self.values)
        return list(self.built()[offset : offset + limit])

    def count(self) -> int:
        if self.view.reach != "all":
            return self.built().count()
        [(count,)] = self.kept.keys.counting().rows(**self.values)
        return int(count)


class ColumnsViewSet(GenericViewSet):
    """Answers with ``columns``: members of a row of the answer, and what is read for each."""

    columns: ClassVar[Mapping[str, Any]] = {}
    takes_state: ClassVar[bool] = False
    reach: str  # see ModelAccessViewSet; 'all' where nobody is kept from any row

    @cached_property
    def state(self) -> State:
        """Of the facts the list is about; the parameter ``state`` where the view takes it."""
        return state_of(self.request) if self.takes_state else State.ACTIVE

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.answer(self.rows())

    def answer(self, rows: Any) -> Response:
        """``rows`` to be paginated: a queryset or ``KeptRows``."""
        try:
            page: Any = self.paginate_queryset(rows)
        except NotFound:
            self.get_queryset()  # who may view nothing is told so, whatever the page
            raise
        members = map(dict, map(zip, repeat(self.columns), page))
        return self.get_paginated_response(self.completed(list(members)))

    def completed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows of the answer with what no column has."""
        return rows

    @classmethod
    def narrowed(
        cls,
        queryset: QuerySet[Any],
        state: State,  # noqa: ARG003  for those who narrow
        **values: Any,  # noqa: ARG003
    ) -> QuerySet[Any]:
        """By what a list demands besides its filters: values, or parameters for them."""
        return queryset

    def rows(self, **values: Any) -> KeptRows | QuerySet[Any]:
        """Everything the request asks for, to be paginated. ``values`` are for ``narrowed``."""

        state = self.state

        def built() -> QuerySet[Any]:
            rows = self.filter_queryset(self.narrowed(self.get_queryset(), state, **values))
            return rows.values_list(*self.columns.values())

        searched = SearchFilter.search_param in self.request.query_params
        filters = None if searched else _plain_values(self)
        if filters is None:
            return built()
        order = tuple(wanted_order(self.request, self))
        kept = _statements(type(self), state, order, tuple(filters), tuple(values))
        values_of_all = {**filters, **values, CALLER: self.request.user.pk}
        return KeptRows(view=self, kept=kept, values=values_of_all, built=built)


@lru_cache(maxsize=SHAPES)
def _statements(
    view: type[ColumnsViewSet],
    state: State,
    order: tuple[str, ...],
    filters: tuple[str, ...],
    narrowing: tuple[str, ...],
) -> Kept:
    assert view.queryset is not None, "every list has one"
    # Names alone: with values a cache of so many statements would hold one for each request.
    names = {name: Parameter(name) for name in narrowing}
    asked = view.narrowed(view.queryset.all(), state, **names)
    for name in filters:
        one = _plain_filters(view)[name]
        field = get_model_field(asked.model, one.field_name)
        asked = one.filter(asked, Parameter(name, field))

    def page(rows: QuerySet[Any]) -> Statement:
        return Statement.of(ordered(rows, order).values_list(*view.columns.values()))

    page_of_all = None
    # SQLite would look for the rows before it asks, and loses nothing by asking first.
    if connection.vendor == "postgresql" and issubclass(view, ModelAccessViewSet):
        may_view_all = everywhere(Parameter(CALLER), view.seen_model())
        page_of_all = page(asked.filter(may_view_all))
    return Kept(
        page=page(asked),
        page_of_all=page_of_all,
        keys=Statement.of(asked.order_by().values_list("pk")),
    )


def _plain_values(view: ColumnsViewSet) -> dict[str, Any] | None:
    """Values of the filters given, None when they are not all plain and right."""
    values = {}
    # Sorted: the order of parameters in a URL must not make another shape.
    for name in sorted(given_filters(view.request, view)):
        one = _plain_filters(type(view)).get(name)
        if one is None:
            return None
        try:
            text = one.field.widget.value_from_datadict(view.request.query_params, {}, name)
            value = one.field.clean(text)
        except ValidationError:
            return None
        if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            return None
        # An empty parameter filters nothing, and so is no part of the shape.
        if value not in EMPTY_VALUES:
            values[name] = value
    return values


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
