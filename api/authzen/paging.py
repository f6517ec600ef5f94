"""Pages of search results: complete, in order, and continued by a signed token.

A token holds the key the last page ended with, so a page costs the same wherever it is and nothing
is skipped or shown twice when results come and go between. It belongs to one search: the entities,
the limit, and the context where the request repeats it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.core import signing
from msgspec import UNSET

from api.authzen.entities import ActionSearch, Page, ResourceSearch, SubjectSearch
from audit.errors import InvalidInput

# Also the default: whoever does not look for a token should see all there is, if that can be.
MOST_RESULTS = 1_000
SALT = "authzen.page"

Search = SubjectSearch | ResourceSearch | ActionSearch
canonical = msgspec.json.Encoder(order="deterministic").encode


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a token says: where to continue, and of which search."""

    after: int | str
    limit: int
    search: str
    context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The results a request wants: at most ``limit`` of those after ``after``."""

    after: Any
    limit: int
    search: str
    context: str
    is_asked_for: bool

    @property
    def size(self) -> int:
        """How many to look for: for none, one, because that tells whether there are any."""
        return min(self.limit, MOST_RESULTS) or 1

    def answer(self, results: Sequence[dict[str, str]], following: Any) -> dict[str, Any]:
        """``following`` is the key of the last result when more come after it, else None."""
        if self.limit == 0 and results:
            results, following = (), self.after
        token = ""
        if following is not None:
            mark = Mark(following, self.limit, self.search, self.context)
            token = signing.dumps(msgspec.to_builtins(mark), salt=SALT)
        if not token and not self.is_asked_for:
            return {"results": results}
        return {"results": results, "page": {"next_token": token, "count": len(results)}}


def window(request: Search, *, start: int | str) -> Window:
    """Raises InvalidInput for a token that was changed or belongs to another search."""
    page = Page() if request.page is UNSET else request.page
    mark = None
    if page.token:
        try:
            mark = msgspec.convert(signing.loads(page.token, salt=SALT), Mark)
        except (signing.BadSignature, msgspec.ValidationError):
            raise InvalidInput("The page token is not one of this service.") from None
    limit = page.limit if page.limit is not UNSET else mark.limit if mark else MOST_RESULTS
    members = (getattr(request, name, UNSET) for name in ("subject", "action", "resource"))
    entities = [member for member in members if member is not UNSET]
    asked = Window(
        after=mark.after if mark else start,
        limit=limit,
        search=_digest([type(request).__name__, *entities]),
        context=_digest(request.context),
        is_asked_for=request.page is not UNSET,
    )
    if mark:
        same_context = request.context is UNSET or mark.context == asked.context
        if not same_context or (mark.search, mark.limit) != (asked.search, asked.limit):
            raise InvalidInput("The page token belongs to another search.")
    return asked


def _digest(value: Any) -> str:
    text = b"" if value is UNSET else canonical(value)
    return hashlib.sha256(text).hexdigest()[:32]
