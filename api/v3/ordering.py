"""The ``ordering`` parameter: names of members, comma-separated, each with an optional ``-``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.filters import OrderingFilter, SearchFilter
from rest_framework.request import Request


class Ordering(OrderingFilter):
    """Names come from the view's ``ordering_fields`` (member to column); unknown ones are dropped.

    The key is always the last criterion, so that pages neither repeat nor miss a row.
    """

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: Any
    ) -> QuerySet[Any]:
        asked = request.query_params.get(self.ordering_param, "").split(",")
        wanted = list(_columns(asked, view.ordering_fields)) or list(view.ordering)
        return queryset.order_by(*wanted, *getattr(view, "ordering_ties", ("pk",)))


def _columns(names: Iterable[str], fields: dict[str, str]) -> Iterable[str]:
    for name in names:
        bare = name.strip()
        sign = "-" if bare.startswith("-") else ""
        column = fields.get(bare.removeprefix("-"))
        if column is not None:
            yield sign + column


FILTER_BACKENDS = (DjangoFilterBackend, Ordering, SearchFilter)
