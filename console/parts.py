"""Pages about one row: what it is, and parts, each a table of what belongs to it.

``RowPage`` shows the first few lines of every part that the caller may see, and what happened last;
with ``?part=`` in the query one of them, page by page. A part is a ``Part``: which rows, and how a
line tells one. Each costs a fixed number of statements, however many rows there are.

    class Tokens(Part):
        name, title, columns = "tokens", "Tokens", ("Identifier", "Expires")

        def rows(self) -> Any:
            return self.rights.visible(Token.objects.filter(user=self.row))

        def lines(self, rows: list[Any]) -> Iterable[Line]:
            ...
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.timezone import now

from audit.models import Event
from console.drawing import times
from console.pages import ROWS_PER_PAGE, Cell, ConsolePage
from console.record.changes import Change, Look
from console.record.history import VIEW, Thing, history_of, touching

ROWS_AT_FIRST = 8


class Button(NamedTuple):
    """``about`` says, to those who do not see the line, which one it is."""

    text: str
    url: str
    about: str = ""


class Line(NamedTuple):
    """``labelled`` has each cell with its column, for phones, which show lines as cards."""

    cells: Sequence[Cell]
    buttons: Sequence[Button] = ()
    labelled: Sequence[tuple[str, Cell]] = ()


class Part:
    name: ClassVar[str]
    title: ClassVar[str]
    columns: ClassVar[Sequence[str]]
    empty: ClassVar[str] = "None."
    # Whether the page shows it before anybody asks for it.
    at_first: ClassVar[bool] = True

    def __init__(self, page: RowPage) -> None:
        self.page, self.rights, self.row = page, page.rights, page.row

    def is_seen(self) -> bool:
        return True

    def rows(self) -> Any:
        """Something to take a slice of, in order."""
        raise NotImplementedError

    def lines(self, rows: list[Any]) -> Iterable[Line]:
        """One for each row of a slice; each part shows its own."""
        raise NotImplementedError

    def buttons(self) -> Iterable[Button]:
        return ()

    def show(self, number: int, per_page: int) -> None:
        """Read one page of it; the first is 1."""
        start = (number - 1) * per_page
        rows = list(self.rows()[start : start + per_page + 1])
        self.has_more = len(rows) > per_page
        self.shown = [
            line._replace(labelled=list(zip(self.columns, line.cells, strict=True)))
            for line in self.lines(rows[:per_page])
        ]
        self.number = number

    @property
    def url(self) -> str:
        return f"{self.page.request.path}?part={self.name}"


class RowPage(ConsolePage):
    """``as_view(row=…)``: whoever calls it has found the row among those that the caller
    may view.
    """

    template_name = "console/row.html"
    parts: ClassVar[Sequence[type[Part]]] = ()
    row: Any = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_title(self) -> str:
        return str(self.row)

    def facts(self) -> Iterable[tuple[str, Cell]]:
        """What the row says of itself, each under a word."""
        return ()

    def buttons(self) -> Iterable[Button]:
        return ()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = [part for part in (kind(self) for kind in self.parts) if part.is_seen()]
        asked = self.request.GET.get("part", "")
        one = [part for part in seen if part.name == asked]
        for part in one or [part for part in seen if part.at_first]:
            part.show(*((self._number(), ROWS_PER_PAGE) if one else (1, ROWS_AT_FIRST)))
        return super().get_context_data(
            kind=self.row._meta.verbose_name,
            facts=[] if one else [(word, cell) for word, cell in self.facts() if cell.text],
            buttons=[] if one else list(self.buttons()),
            tabs=seen,
            parts=one or [part for part in seen if part.at_first],
            is_one=bool(one),
            history=history_of(self.row) if self.rights.may(VIEW) else "",
            changes=None if one else self._changes(),
            **kwargs,
        )

    def _changes(self) -> list[Change] | None:
        """The last ones, in whatever part of them the row stands."""
        if not self.rights.may(VIEW):
            return None
        return (
            Look(Event.objects.all(), touching(Thing.of(self.row))).page(size=ROWS_AT_FIRST).changes
        )

    def _number(self) -> int:
        text = self.request.GET.get("page", "")
        is_number = text.isascii() and text.isdecimal() and len(text) < 7
        return max(int(text), 1) if is_number else 1


def link_to(row: Model | None, text: str = "") -> Cell:
    """The row's own page."""
    if row is None:
        return Cell("")
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return Cell(text or str(row), url)


def when(fact: Any) -> Cell:
    """In which state a fact is, and between which moments it counts."""
    moment = now()
    if fact.valid_until is not None and fact.valid_until <= moment:
        state = "ended"
    else:
        is_to_come = fact.valid_from is not None and fact.valid_from > moment
        state = "to come" if is_to_come else "active"
    return Cell(state, note=times(fact.valid_from, fact.valid_until))


def moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else ""
