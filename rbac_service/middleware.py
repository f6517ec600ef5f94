"""What surrounds every request, and what the decision path leaves out.

``/access/`` answers decisions to gateways, thousands a second, by bearer token alone: sessions,
CSRF cookies, messages, static files and browser headers cost it time and give it nothing. Django
has one middleware list for all paths, so the browser's middleware classes are subclassed here to
step aside for that prefix; everything else about them is unchanged.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import clickjacking, common, csrf, security
from whitenoise import middleware as whitenoise

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

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestContextMiddleware:
    """Binds door, request id and reason for the audit events and log lines of one request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = _request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
        reason = _reason(request.META.get("HTTP_X_AUDIT_REASON", ""))
        with context.bind(door=door(request.path_info), request_id=request_id, reason=reason):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


def door(path: str) -> str:
    """The protocol a path belongs to; empty for what is none, such as health checks."""
    return next((name for prefix, name in _DOORS if path.startswith(prefix)), "")


def _request_id(given: str) -> str:
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _reason(given: str) -> str:
    """UTF-8, percent-encoded where it is not ASCII: granian empties headers that hold other bytes.

    Servers that hand such bytes on hand them on as Latin-1.
    """
    if not given:
        return ""
    decoded = unquote(given.encode("latin-1", "replace").decode("utf-8", "replace"))
    return _CONTROL.sub(" ", decoded).strip()[:REASON_LENGTH]


class BodyLimitMiddleware:
    """Answers 413 to bodies above RBAC_MAX_BODY before anything reads them.

    DRF parses straight from the stream and so passes by Django's own limit.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if _content_length(request) > settings.RBAC_MAX_BODY:
            detail = f"The request body is larger than {settings.RBAC_MAX_BODY} bytes."
            return errors.answer(request, 413, detail)
        return self.get_response(request)


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


class _NotForDecisions:
    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(DECISION_PREFIX):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]  # the class it is mixed into has it


class SecurityMiddleware(_NotForDecisions, security.SecurityMiddleware):
    pass


class WhiteNoiseMiddleware(_NotForDecisions, whitenoise.WhiteNoiseMiddleware):
    pass


class SessionMiddleware(_NotForDecisions, sessions.SessionMiddleware):
    pass


class CommonMiddleware(_NotForDecisions, common.CommonMiddleware):
    pass


class CsrfViewMiddleware(_NotForDecisions, csrf.CsrfViewMiddleware):
    def process_view(
        self,
        request: HttpRequest,
        callback: Callable[..., HttpResponseBase],
        callback_args: tuple[Any, ...],
        callback_kwargs: dict[str, Any],
    ) -> Any:
        if request.path_info.startswith(DECISION_PREFIX):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


class AuthenticationMiddleware(_NotForDecisions, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_NotForDecisions, messages.MessageMiddleware):
    pass


class XFrameOptionsMiddleware(_NotForDecisions, clickjacking.XFrameOptionsMiddleware):
    pass
