"""The one table from errors to responses.

Operations raise domain errors and views never catch them; each door may restyle the body, none
decides the status anew.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import (
    BadRequest,
    ObjectDoesNotExist,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, DataError, IntegrityError, OperationalError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler as rest_framework_handler
from rest_framework.views import set_rollback

from audit.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidInput,
    NotFound,
    TooLarge,
    Unauthenticated,
)
from permissions.engine import GrantCeiling, SuperuserOnly
from permissions.operations import (
    BuiltInRole,
    BuiltInScope,
    BuiltInType,
    GroupCycle,
    NamespaceTaken,
    ReservedNamespace,
    ResourceCycle,
    RoleCycle,
    RoleTaken,
    ScopeInUse,
    TypeTaken,
)

logger = logging.getLogger(__name__)

# A subclass does not inherit its parent's line: each error is listed, and a test looks.
STATUS_OF: dict[type[DomainError], int] = {
    InvalidInput: 400,
    GroupCycle: 400,
    RoleCycle: 400,
    ResourceCycle: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    GrantCeiling: 403,
    SuperuserOnly: 403,
    ReservedNamespace: 403,
    BuiltInRole: 403,
    BuiltInScope: 403,
    NotFound: 404,
    Conflict: 409,
    NamespaceTaken: 409,
    TypeTaken: 409,
    RoleTaken: 409,
    BuiltInType: 409,
    TooLarge: 413,
    ScopeInUse: 409,
}

# Nets below the validation of every field: what slips through is bad input all the same.
_LAST_NETS: tuple[tuple[type[Exception], int, str], ...] = (
    (RequestDataTooBig, 413, "The request body is too large."),
    (SuspiciousOperation, 400, "Bad request."),
    (BadRequest, 400, "Bad request."),
    (UnicodeError, 400, "The request holds text that is not valid UTF-8."),
    (RecursionError, 400, "The request is nested too deeply."),
    (DataError, 400, "A value is out of range."),
    (OverflowError, 400, "A value is out of range."),
    (IntegrityError, 409, "The change conflicts with another one."),
    (OperationalError, 503, "The database does not answer; try again."),
    # What a request has read may be deleted by another before it is written or shown.
    (ObjectDoesNotExist, 404, "Not found."),
)
# How Django says that a row to be changed is gone; it has no class of its own for it.
_ROW_IS_GONE = "did not affect any rows"

# What ``answer_to`` may have an answer for.
ANSWERED: tuple[type[Exception], ...] = (
    DomainError,
    exceptions.APIException,
    ValueError,
    DatabaseError,
    *(kind for kind, _, _ in _LAST_NETS),
)


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's handler, with the domain errors; None leaves the rest to the 500 handler."""
    if isinstance(exception, DomainError):
        return _rolled_back(STATUS_OF[type(exception)], body_of(exception))
    if isinstance(exception, DjangoValidationError):
        exception = exceptions.ValidationError(as_serializer_error(exception))
    response = rest_framework_handler(exception, dict(context))
    return response or _caught(exception)


def answer_to(exception: Exception) -> tuple[int, dict[str, Any]] | None:
    """Status and body for views that are not DRF's; None leaves it to the 500 handler."""
    if isinstance(exception, DomainError):
        return STATUS_OF[type(exception)], body_of(exception)
    if isinstance(exception, exceptions.APIException):
        return exception.status_code, {"detail": str(exception.detail)}
    return _net_below(exception)


def body_of(error: DomainError) -> dict[str, Any]:
    """Keyed by field where the fault lies in a field, else a sentence and its code."""
    return error.fields or {"detail": error.message, "code": error.code}


def _caught(exception: Exception) -> Response | None:
    answer = _net_below(exception)
    return _rolled_back(*answer) if answer else None


def _net_below(exception: Exception) -> tuple[int, dict[str, Any]] | None:
    for kind, status, detail in _LAST_NETS:
        if isinstance(exception, kind):
            logger.warning("%s answered with %d", kind.__name__, status, exc_info=exception)
            return status, {"detail": detail}
    if isinstance(exception, ValueError) and "NUL" in str(exception):
        return 400, {"detail": "Text must not hold NUL characters."}
    if isinstance(exception, DatabaseError) and _ROW_IS_GONE in str(exception):
        return 404, {"detail": "Not found."}
    return None


def _rolled_back(status: int, body: dict[str, Any]) -> Response:
    set_rollback()
    return Response(body, status=status)
