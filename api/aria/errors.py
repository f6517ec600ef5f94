"""The body of every refusal under this door's prefix; the statuses come from the one table."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api.errors import MalformedParameter, MissingParameter, flattened
from api.errors import exception_handler as shared_handler
from audit.errors import InvalidInput, NotFound

logger = logging.getLogger(__name__)

BAD_TOKEN = 1512
MISSING_PARAMETER = 1509
OUR_FAULT = "Internal Server error, cause unknown."
MESSAGES = {
    401: "Authentication is required.",
    403: "You do not have the privilege for this operation.",
    404: "The requested URL does not exist.",
}


def no_such(kind: str, key: object) -> NotFound:
    """Missing and hidden look the same."""
    return NotFound(f"No such {kind} - {key}.")


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response:
    response = shared_handler(exception, context)
    if response is None:
        set_rollback()
        logger.error("unhandled error", exc_info=exception)
        return Response(body(500, OUR_FAULT), status=500)
    response.data = _restyled(exception, response.status_code, response.data)
    return response


def _restyled(exception: Exception, status: int, data: Any) -> dict[str, Any]:
    if isinstance(exception, MissingParameter):
        return body(status, exception.message, code=MISSING_PARAMETER)
    if isinstance(exception, MalformedParameter):
        failures = [(exception.parameter, exception.message)]
        return body(status, exception.message, failures=failures)
    if isinstance(exception, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        return body(status, str(exception.detail), code=BAD_TOKEN)
    if isinstance(exception, exceptions.ValidationError) or (
        isinstance(exception, InvalidInput) and exception.fields
    ):
        return violations(status, data)
    detail = data.get("detail") if isinstance(data, Mapping) else None
    return body(status, str(detail or MESSAGES.get(status, "The request was refused.")))


def violations(status: int, data: Any) -> dict[str, Any]:
    """The body for input that breaks constraints; ``data`` holds messages at any depth."""
    failures = list(flattened(data))
    message = f"Invalid request... #{len(failures)} violations found."
    return body(status, message, failures=failures)


def body(
    status: int,
    message: str,
    *,
    code: int | None = None,
    failures: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """``code`` is the status if the product has no number of its own."""
    violated = [{"failureMessage": text, "violationPath": path} for path, text in failures]
    return {
        "type": "Error",
        "message": message,
        "httpStatusCode": status,
        "apiErrorCode": status if code is None else code,
        **({"validationFailures": violated} if violated else {}),
    }


def plain(status: int, message: str = "") -> JsonResponse:
    """For what fails before or beyond any view."""
    usual = OUR_FAULT if status == 500 else MESSAGES.get(status, "The request was refused.")
    return JsonResponse(body(status, message or usual), status=status)
