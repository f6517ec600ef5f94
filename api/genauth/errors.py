"""The envelope of every answer, and how refusals look in it.

The protocol puts the status into the body and answers HTTP 200 to whatever it understood; only
throttling, unknown URLs and methods, and the service's own failures show in the HTTP status too.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.http import JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api.errors import exception_handler as shared_handler
from audit.context import current

logger = logging.getLogger(__name__)

USER_NOT_FOUND = 2004
NOT_SIGNED_IN = 2020
BAD_ACCESS_KEY = 2333
MESSAGES = {
    401: "Not logged in, or the login has expired.",
    404: "There is no such URL.",
    405: "The method is not allowed here.",
    413: "The request body is too large.",
    500: "Internal server error.",
    501: "This operation is not supported.",
}


class Missing(exceptions.NotFound):
    """Missing and hidden look the same. ``api_code`` where the protocol has one."""

    def __init__(self, message: str, api_code: int | None = None) -> None:
        super().__init__(message)
        self.api_code = api_code


class BadAccessKey(exceptions.APIException):
    status_code = 401
    api_code = BAD_ACCESS_KEY
    default_detail = "The access key is wrong, disabled or expired."


class NotSupported(exceptions.APIException):
    status_code = 501
    default_detail = MESSAGES[501]


def no_user() -> Missing:
    return Missing("user does not exist", USER_NOT_FOUND)


def no_role() -> Missing:
    return Missing("role does not exist")


def no_namespace() -> Missing:
    return Missing("permission group does not exist")


def success(data: Any) -> dict[str, Any]:
    return {"statusCode": 200, "message": "Success", "requestId": _request_id(), "data": data}


def failure(status: int, message: str, *, api_code: int | None = None) -> dict[str, Any]:
    code = {} if api_code is None else {"apiCode": api_code}
    return {"statusCode": status, "message": message, **code, "requestId": _request_id()}


def plain(status: int, message: str = "") -> JsonResponse:
    """For what fails before or beyond any operation."""
    known = message or MESSAGES.get(status, "The request was refused.")
    return JsonResponse(failure(status, known), status=status)


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response:
    response = shared_handler(exception, context)
    if response is None:
        set_rollback()
        logger.error("unhandled error", exc_info=exception)
        return Response(failure(500, MESSAGES[500]), status=500)
    status = response.status_code
    message = _message(exception, status, response.data)
    response.data = failure(status, message, api_code=getattr(exception, "api_code", None))
    if not _shows_in_http(exception, status):
        response.status_code = 200
    return response


def _shows_in_http(exception: Exception, status: int) -> bool:
    if isinstance(exception, NotSupported):
        return False
    return status in (405, 413, 429) or status >= 500


def _message(exception: Exception, status: int, data: Any) -> str:
    if isinstance(data, Mapping) and set(data) <= {"detail", "code"} and "detail" in data:
        return str(data["detail"])
    path, message = _first(data, "")
    # A sentence that names its subject already needs no other.
    if not path or message.startswith("invalid ") or message.endswith("must not empty"):
        return message
    return f"Parameter {path} is malformed: {message}"


def _first(data: Any, path: str) -> tuple[str, str]:
    """The first fault in nested messages: where, in the form ``a[0].b``, and what."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if value:
                return _first(value, _below(path, str(key)))
    if isinstance(data, list):
        for n, value in enumerate(data):
            if isinstance(value, Mapping | list) and value:
                return _first(value, f"{path}[{n}]")
            if value:
                return path, str(value)
    return path, str(data or "The request was refused.")


def _below(path: str, key: str) -> str:
    if key == "non_field_errors":
        return path
    if key.isdigit():
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _request_id() -> str:
    """With hyphens where it is a UUID, as clients of this protocol know it."""
    text = current().request_id
    try:
        return str(uuid.UUID(text)) if len(text) == 32 else text
    except ValueError:
        return text
