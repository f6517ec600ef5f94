"""The body of every refusal under this door's prefix; the statuses come from the one table."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

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


class MissingParameter(exceptions.APIException):
    """A required query parameter was not sent."""

    status_code = 400

    def __init__(self, name: str) -> None:
        super().__init__(f'Query Parameter "{name}" is required.')


class InvalidFormat(exceptions.APIException):
    """A value in the path or the query is of the wrong type."""

    status_code = 400

    def __init__(self, name: str) -> None:
        super().__init__("Invalid input format.")
        self.parameter = name


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
        return body(status, str(exception.detail), code=MISSING_PARAMETER)
    if isinstance(exception, InvalidFormat):
        failures = [(exception.parameter, "Invalid input format.")]
        return body(status, str(exception.detail), failures=failures)
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
    failures = list(_failures(data, ""))
    message = f"Invalid request... #{len(failures)} violations found."
    return body(status, message, failures=failures)


def _failures(data: Any, path: str) -> Iterable[tuple[str, str]]:
    """(path, message), the path in the form ``a[0].b``."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _failures(value, _below(path, str(key)))
    elif isinstance(data, list):
        for n, value in enumerate(data):
            inner = isinstance(value, Mapping | list)
            yield from _failures(value, f"{path}[{n}]" if inner else path)
    else:
        yield path, str(data)


def _below(path: str, key: str) -> str:
    if key == "non_field_errors":
        return path
    if key.isdigit():
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def body(
    status: int,
    message: str,
    *,
    code: int | None = None,
    failures: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """``code`` is the status where the product has no number of its own."""
    found = [{"failureMessage": text, "violationPath": path} for path, text in failures]
    return {
        "type": "Error",
        "message": message,
        "httpStatusCode": status,
        "apiErrorCode": status if code is None else code,
        **({"validationFailures": found} if found else {}),
    }


def plain(status: int, message: str = "") -> JsonResponse:
    """For what fails before or beyond any view."""
    known = OUR_FAULT if status == 500 else MESSAGES.get(status, "The request was refused.")
    return JsonResponse(body(status, message or known), status=status)
