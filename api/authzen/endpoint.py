"""The HTTP side of the decision calls: who asks, the body as a typed request, JSON out.

Plain Django instead of DRF: these calls are the busiest of all, and half their time would go into
content negotiation, parsers and renderers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse

from api.errors import ANSWERED, answer_to
from api.json import loads
from audit.errors import InvalidInput, Unauthenticated
from permissions.engine import Caller

Request = TypeVar("Request")
T = TypeVar("T")

encode = msgspec.json.Encoder().encode
CHALLENGE = 'Bearer realm="rbac"'


def endpoint(
    shape: type[Request],
) -> Callable[[Callable[[Request, Caller], Any]], Callable[[HttpRequest], HttpResponse]]:
    """Make a POST view of a function from a request of this shape and its caller to an answer."""

    def decorate(answer: Callable[[Request, Caller], Any]) -> Callable[[HttpRequest], HttpResponse]:
        def view(request: HttpRequest) -> HttpResponse:
            if request.method != "POST":
                response = _json(405, {"detail": f'Method "{request.method}" not allowed.'})
                response.headers["Allow"] = "POST"
                return response
            try:
                return _json(200, _answered(request, shape, answer))
            except ANSWERED as error:
                refusal = answer_to(error)
                if refusal is None:
                    raise
                response = _json(*refusal)
                if response.status_code == 401:
                    response.headers["WWW-Authenticate"] = CHALLENGE
                return response

        return view

    return decorate


def _answered(
    request: HttpRequest, shape: type[Request], answer: Callable[[Request, Caller], Any]
) -> Any:
    """Raises Unauthenticated without a bearer token, or with one that counts for nothing."""
    scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Unauthenticated
    # A WSGI server hands bytes on as Latin-1; what is no UTF-8 becomes characters no key has.
    caller = Caller(key.strip().encode("latin-1", "replace").decode("utf-8", "replace"))
    try:
        return answer(convert(_document(request), shape), caller)
    finally:
        # Strangers learn nothing, not even what is wrong with their request.
        caller.authenticate()


def _document(request: HttpRequest) -> Any:
    if (request.content_type or "").lower() != "application/json":
        raise InvalidInput("The Content-Type must be application/json.")
    body = request.body
    if not body:
        raise InvalidInput("The request body is empty.")
    return loads(body)


def convert(document: Any, shape: type[T]) -> T:
    """Raises InvalidInput, which names the member that is missing or of a wrong type."""
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"{error}.") from None


def _json(status: int, body: Any) -> HttpResponse:
    return HttpResponse(encode(body), status=status, content_type="application/json")
