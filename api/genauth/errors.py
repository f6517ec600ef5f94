"""How refusals look in the envelope of every answer.

The protocol puts the status into the body and answers HTTP 200 to whatever it understood; only
throttling, unknown URLs and methods, and the service's own failures show in the HTTP status too.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.http import JsonResponse
from rest_framework.response import Response
from rest_framework.views import set_rollback

from api.errors import BadAccessKey, NoSuchUser, NotSignedIn, NotSupported, flattened
from api.errors import exception_handler as shared_handler
from audit.context import current
from audit.errors import NotFound

logger = logging.getLogger(__name__)

# The code of a message that names its subject already, and needs no path before it.
WHOLE_SENTENCE = "whole_sentence"
NOT_SIGNED_IN = 2020
API_CODES: dict[type[Exception], int] = {
    NoSuchUser: 2004,
    NotSignedIn: NOT_SIGNED_IN,
    BadAccessKey: 2333,
}
# As this door calls them.
TIMES = {"valid_from": "enableTime", "valid_until": "endTime"}
MESSAGES = {
    401: NotSignedIn.default_message,
    404: "There is no such URL.",
    405: "The method is not allowed here.",
    413: "The request body is too large.",
    500: "Internal server error.",
    501: NotSupported.default_message,
}


def no_role() -> NotFound:
    return NotFound("role does not exist")


def no_namespace() -> NotFound:
    return NotFound("permission group does not exist")


def failure(status: int, message: str, *, api_code: int | None = None) -> dict[str, object]:
    code = {} if api_code is None else {"apiCode": api_code}
    return {"statusCode": status, "message": message, **code, "requestId": request_id()}


def plain(status: int, message: str = "") -> JsonResponse:
    """For what fails before or beyond any operation."""
    known = message or MESSAGES.get(status, "The request was refused.")
    return JsonResponse(failure(status, known), status=status)


def exception_handler(exception: Exception, context: Mapping[str, object]) -> Response:
    response = shared_handler(exception, context)
    if response is None:
        set_rollback()
        logger.error("unhandled error", exc_info=exception)
        return Response(failure(500, MESSAGES[500]), status=500)
    status = response.status_code
    message = _message(exception, status, response.data)
    response.data = failure(status, message, api_code=API_CODES.get(type(exception)))
    if isinstance(exception, NotSignedIn):
        response["WWW-Authenticate"] = "Bearer"
    # ``If-Match`` is a word of HTTP, and so is its refusal.
    shows_in_http = status in (405, 412, 413, 429) or status >= 500
    if isinstance(exception, NotSupported) or not shows_in_http:
        response.status_code = 200
    return response


def _message(exception: Exception, status: int, data: Any) -> str:
    if isinstance(data, Mapping) and set(data) <= {"detail", "code"} and "detail" in data:
        return str(data["detail"])
    path, message = next(flattened(data), ("", "The request was refused."))
    if not path or getattr(message, "code", "") == WHOLE_SENTENCE:
        return message
    return f"Parameter {TIMES.get(path, path)} is malformed: {message}"


def request_id() -> str:
    """With hyphens where it is a UUID, as clients of this protocol know it."""
    text = current().request_id
    try:
        return str(uuid.UUID(text)) if len(text) == 32 else text
    except ValueError:
        return text
