"""Complete lists, and pages of them for the clients that ask."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from api.errors import MalformedParameter

PAGE_SIZE = 1000
HIGHEST_PAGE = 10**9


def listed(request: Request, wrapper: str, rows: Any, describe: Any) -> dict[str, Any]:
    """``{wrapper: [describe(row), …]}``; with ``page`` or ``pageSize`` that part and ``pageInfo``.

    ``rows`` is a queryset or a list.
    """
    if not {"page", "pageSize"} & request.query_params.keys():
        return {wrapper: [describe(row) for row in rows]}
    page = _number(request, "page", default=0, least=0, most=HIGHEST_PAGE)
    size = _number(request, "pageSize", default=PAGE_SIZE, least=1, most=PAGE_SIZE)
    total = rows.count() if isinstance(rows, QuerySet) else len(rows)
    part = rows[page * size : (page + 1) * size]
    return {
        wrapper: [describe(row) for row in part],
        "pageInfo": {"totalCount": total, "page": page, "pageSize": size},
    }


def _number(request: Request, name: str, *, default: int, least: int, most: int) -> int:
    """Above the most it may be, the value counts as that."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) < least:
        raise MalformedParameter(name)
    return min(int(text), most)
