"""What surrounds every request, and how decisions go around most of it."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import resolve

from audit import context
from rbac_service import errors

DECISION_PREFIX = "/access/"

_DOORS = (
    ("/access/", "authzen"),
    ("/.well-known/", "authzen"),
    ("/suite-api/", "aria"),
    ("/api/auth/", "aria"),
    ("/genauth/", "genauth"),
    ("/api/", "v3"),
    ("/admin/", "console"),
)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
REASON_LENGTH = 500
UNCHECKED_SECONDS = 5

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestMiddleware:
    """Binds door, request id and reason for the audit events and log lines of one request, and
    answers 413 to bodies above RBAC_MAX_BODY.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = request.META.get("HTTP_X_REQUEST_ID", "")
        if not _REQUEST_ID.fullmatch(request_id):
            request_id = uuid.uuid4().hex
        # UTF-8, percent-encoded if it is not ASCII: granian empties headers that hold other bytes,
        # and servers that hand such bytes on hand them on as Latin-1.
        header = request.META.get("HTTP_X_AUDIT_REASON", "")
        text = unquote(header.encode("latin-1", "replace").decode("utf-8", "replace"))
        # A line break in it would forge a line of the log.
        reason = _CONTROL.sub(" ", text).strip()[:REASON_LENGTH]
        door = next((name for prefix, name in _DOORS if request.path_info.startswith(prefix)), "")
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        with context.bind(door=door, request_id=request_id, reason=reason):
            # Before anything reads it: DRF parses from the stream, past Django's own limit.
            if length > settings.RBAC_MAX_BODY:
                detail = f"The request body is larger than {settings.RBAC_MAX_BODY} bytes."
                response: HttpResponseBase = errors.answer(request, 413, detail)
            else:
                response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


class ConnectionMiddleware:
    """Lets a connection that has just been used pass without the question whether it still works.

    Django asks that of the database once in every request (``CONN_HEALTH_CHECKS``), which is a
    round trip of its own. One that broke within these seconds costs one request, answered 503, and
    is closed after it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        database: Any = connections[DEFAULT_DB_ALIAS]
        used = getattr(database, "used", None)
        if used is not None and time.monotonic() - used < UNCHECKED_SECONDS:
            database.health_check_done = True
        response = self.get_response(request)
        database.used = time.monotonic()
        return response


class DecisionMiddleware:
    """Hands ``/access/`` to its view at once, past everything later in the list.

    Gateways ask for thousands of decisions a second, by bearer token alone: sessions, CSRF cookies,
    messages, static files and browser headers would cost them time and give them nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(DECISION_PREFIX):
            return self.get_response(request)
        # Django's handler would set it, but only after the middleware that is passed by here.
        request.resolver_match = match = resolve(request.path_info)
        return match.func(request, *match.args, **match.kwargs)


class PagePolicyMiddleware(CSPMiddleware):
    """The content security policy of pages. Answers of the APIs are never shown as one, and to put
    a policy together for each would cost them more than reading the token.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
