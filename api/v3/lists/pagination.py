"""Pages as authentik's clients know them: numbers instead of URLs, 0 where there is none."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response

PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000

_NUMBER = {"type": "number"}
_NUMBERS = ("next", "previous", "count", "current", "total_pages", "start_index", "end_index")


class RowsPage(Page):
    def __iter__(self) -> Iterator[Any]:
        return iter(self.object_list)  # Page asks itself for each row by its number


class LazyPaginator(Paginator):
    """Counts only when it must: a first page that is not full is all there is.

    Of ``KeptRows`` it reads a page by its limits, of a queryset a slice.
    """

    def page(self, number: int | str) -> Page:
        if str(number) != "1":
            valid = self.validate_number(number)
            return RowsPage(self._read(self.per_page, (valid - 1) * self.per_page), valid, self)
        # One more than the page tells whether there is another, without counting.
        rows = self._read(self.per_page + 1, 0)
        if len(rows) <= self.per_page:
            self.__dict__["count"] = len(rows)  # takes the place of the cached property
        return RowsPage(rows[: self.per_page], 1, self)

    def _read(self, limit: int, offset: int) -> Sequence[Any]:
        rows: Any = self.object_list
        if hasattr(rows, "page"):
            return list(rows.page(limit, offset))
        return list(rows[offset : offset + limit])


class Pagination(PageNumberPagination):
    """A ``page_size`` that is no positive number is ignored, one above the cap is capped;
    a ``page`` that does not exist is 404 "Invalid page.".
    """

    django_paginator_class = LazyPaginator
    page_size = PAGE_SIZE
    page_size_query_param = "page_size"
    max_page_size = MAX_PAGE_SIZE
    # DRF would take `page=last`; authentik's contract says 404.
    last_page_strings = ()
    invalid_page_message = "Invalid page."

    def get_paginated_response(self, data: Any) -> Response:
        page = self.page
        assert page is not None, "paginate_queryset comes first"
        return Response(
            {
                "pagination": {
                    "next": page.next_page_number() if page.has_next() else 0,
                    "previous": page.previous_page_number() if page.has_previous() else 0,
                    "count": page.paginator.count,
                    "current": page.number,
                    "total_pages": page.paginator.num_pages,
                    "start_index": page.start_index(),
                    "end_index": page.end_index(),
                },
                "results": data,
                "autocomplete": {},
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "pagination": {
                    "type": "object",
                    "properties": dict.fromkeys(_NUMBERS, _NUMBER),
                    "required": list(_NUMBERS),
                },
                "results": schema,
                "autocomplete": {"type": "object", "additionalProperties": {}},
            },
            "required": ["pagination", "results", "autocomplete"],
        }
