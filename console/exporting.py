"""Tables as files: CSV for spreadsheets, JSON for programs.

    if (file := exporting.answer(request, "who-can", columns, rows)) is not None:
        return file

``columns`` are the headings, and ``rows`` yield as many cells each. The URL says which file it is
to be: ``?format=csv``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

FORMATS = ("csv", "json")
# What makes a spreadsheet take a cell for a formula.
STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """For ``csv.writer``, which wants to write somewhere."""

    def write(self, line: str) -> str:
        return line


def answer(
    request: HttpRequest, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> HttpResponse | StreamingHttpResponse | None:
    """The file that the query asks for, or None when it asks for none. The rows of CSV are read
    while they are sent.
    """
    match request.GET.get("format"):
        case "csv":
            file: Any = StreamingHttpResponse(
                _lines(columns, rows), content_type="text/csv; charset=utf-8"
            )
        case "json":
            objects = [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]
            file = JsonResponse({"results": objects})
        case _:
            return None
    ending = request.GET["format"]
    file["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return file


def harmless(cell: Any) -> str:
    """A cell that no spreadsheet runs."""
    text = "" if cell is None else str(_plain(cell))
    return f"'{text}" if text.startswith(STARTS_FORMULA) else text


def _lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat()
    return cell if cell is None or isinstance(cell, bool | int | float | str) else str(cell)
