"""ETags: which state of a thing a client has read, and whether it is still that one when it writes.

An ETag stands for what writing the thing changes, not for the bytes of an answer: other members,
such as the names of a group's users, may change without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import orjson
from django.db import transaction
from django.db.models import Model
from django.utils.crypto import salted_hmac
from django.utils.http import parse_etags, quote_etag
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.errors import PreconditionFailed
from audit.errors import InvalidInput, NotFound
from permissions.operations import hold

M = TypeVar("M", bound=Model)
ANSWERED = frozenset({"create", "retrieve", "update", "partial_update"})
HONOURED = frozenset({"update", "partial_update", "destroy"})
# Half of a digest is still more than anybody can guess or meet twice.
LENGTH = 32


def row_state(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def etag_of(state: Any) -> str:
    """Keyed: a plain digest would let whoever may see it guess what the caller may not view."""
    text = orjson.dumps(state, default=str, option=orjson.OPT_SORT_KEYS)
    return quote_etag(salted_hmac("api.etags", text, algorithm="sha256").hexdigest()[:LENGTH])


def names_a_state(request: Request) -> bool:
    return "If-Match" in request.headers


def require_match(request: Request, state: Any) -> None:
    """Raises PreconditionFailed unless ``If-Match`` names this state or any; InvalidInput if it
    names none. Weak ETags match nothing.
    """
    expected = parse_etags(request.headers["If-Match"])
    if not expected:
        message = 'ETags in quotation marks are required, or "*".'
        raise InvalidInput(fields={"If-Match": [message]})
    if expected != ["*"] and etag_of(state) not in expected:
        raise PreconditionFailed


@contextmanager
def held_as_named(request: Request, row: M, *, for_good: bool) -> Iterator[M]:
    """The row as it is, which nobody changes before what happens within is done, if the request
    names a state; then it is in that one. Else as it was read. Raises NotFound.
    """
    if not names_a_state(request):
        yield row
        return
    with transaction.atomic():
        hold(row, for_good=for_good)
        current = type(row)._default_manager.filter(pk=row.pk).first()
        if current is None:
            raise NotFound
        require_match(request, row_state(current))
        yield current


class TaggedFactView(GenericViewSet):
    """To stand before the other bases of a view over one model. Its own changes are to be made
    within ``unchanged``.
    """

    _target: Model | None
    etags_answered, etags_honoured = ANSWERED, HONOURED
    # Whether changing takes other locks before the row's own: then the operation asks in their
    # midst, by ``require_unchanged``, and not ``unchanged`` before it.
    asks_in_between = False

    def state_of(self, row: Any) -> Any:
        """What the ETag stands for, of a row as the view reads it; no statement."""
        return row_state(row)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.action in ANSWERED and response.status_code < 300:
            response["ETag"] = etag_of(self.state_of(self.shown(response)))
        return response

    def shown(self, response: Response) -> Any:
        """The row that an answer shows."""
        return response.data.serializer.instance

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.unchanged():
            response: Response = super().destroy(request, *args, **kwargs)  # type: ignore[misc]  # of the next base
        return response

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Nobody changes the object of the path before what happens within is done, and it is in
        the state the client names, if it names one.
        """
        if not names_a_state(self.request):
            yield
        elif self.asks_in_between and self.action != "destroy":
            self._require_match()
            yield
        else:
            with transaction.atomic():
                self.require_unchanged()
                yield

    def require_unchanged(self) -> None:
        """Nobody changes the object of the path any more, and it is in the state the client names,
        if it names one. Call in a transaction.
        """
        if names_a_state(self.request):
            hold(self.get_object(), for_good=self.action == "destroy")
            # Read anew: it may have changed while the lock was waited for.
            self._require_match()

    def _require_match(self) -> None:
        self._target = None
        self._target = self.get_object()
        require_match(self.request, self.state_of(self._target))


class TaggedView(TaggedFactView):
    """One whose objects are replaced, too."""

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.unchanged():
            response: Response = super().update(request, *args, **kwargs)  # type: ignore[misc]  # of the next base
        return response
