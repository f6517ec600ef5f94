"""The one table from errors to responses, and the tree of what is raised.

Operations raise domain errors and views never catch them; each door may restyle the body, none
decides the status anew.

* DomainError
  * InvalidInput
    · GroupCycle
    · RoleCycle
    · ResourceCycle
    · MissingParameter
    · MalformedParameter
  * Unauthenticated
    · NotSignedIn
    · BadAccessKey
  * Forbidden
    · GrantCeiling
    · SuperuserOnly
    · ReservedNamespace
    · BuiltInRole
    · BuiltInScope
  * NotFound
    · NoSuchUser
  * Conflict
    · NamespaceTaken
    · TypeTaken
    · ActionInUse
    · RoleTaken
    · BuiltInType
    · ScopeInUse
  * PreconditionFailed
  * TooLarge
  * NotSupported
"""

import logging
from collections.abc import Iterator, Mapping
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
    ActionInUse,
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


class MissingParameter(InvalidInput):
    """A required parameter of the query was not sent."""

    def __init__(self, name: str) -> None:
        super().__init__(f'Query Parameter "{name}" is required.')


class MalformedParameter(InvalidInput):
    """A value in the path or the query is of the wrong type."""

    default_message = "Invalid input format."

    def __init__(self, name: str) -> None:
        super().__init__()
        self.parameter = name


class NotSignedIn(Unauthenticated):
    """Nobody signed in with what was sent, or too long ago."""

    default_message = "Not logged in, or the login has expired."


class BadAccessKey(Unauthenticated):
    default_message = "The access key is wrong, disabled or expired."


class NoSuchUser(NotFound):
    """For doors that tell a missing user from another missing thing."""

    default_message = "user does not exist"


class PreconditionFailed(DomainError):
    """The thing is not in the state that ``If-Match`` names."""

    code = "precondition_failed"
    default_message = "It has changed since it was read. Read it again, and decide anew."


class NotSupported(DomainError):
    """A request of the protocol that this service has no operation for."""

    code = "not_supported"
    default_message = "This operation is not supported."


# A subclass does not inherit its parent's line: each error is listed, and a test looks.
STATUS_OF: dict[type[DomainError], int] = {
    InvalidInput: 400,
    GroupCycle: 400,
    RoleCycle: 400,
    ResourceCycle: 400,
    MissingParameter: 400,
    MalformedParameter: 400,
    Unauthenticated: 401,
    NotSignedIn: 401,
    BadAccessKey: 401,
    Forbidden: 403,
    GrantCeiling: 403,
    SuperuserOnly: 403,
    ReservedNamespace: 403,
    BuiltInRole: 403,
    BuiltInScope: 403,
    NotFound: 404,
    NoSuchUser: 404,
    Conflict: 409,
    NamespaceTaken: 409,
    TypeTaken: 409,
    ActionInUse: 409,
    RoleTaken: 409,
    BuiltInType: 409,
    ScopeInUse: 409,
    PreconditionFailed: 412,
    TooLarge: 413,
    NotSupported: 501,
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

# What ``answer_to`` may have an answer for.
ANSWERED: tuple[type[Exception], ...] = (
    DomainError,
    exceptions.APIException,
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
    answer = None if response else _net_below(exception)
    return _rolled_back(*answer) if answer else response


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


def flattened(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The messages of refused input, at any depth: (path in the form ``a[0].b``, message).

    DRF's messages keep their code.
    """
    if isinstance(data, Mapping):
        for key, value in data.items():
            member = f"[{key}]" if str(key).isdigit() else f".{key}"
            below = path if key == "non_field_errors" else f"{path}{member}".removeprefix(".")
            yield from flattened(value, below)
    elif isinstance(data, list):
        for n, value in enumerate(data):
            inner = isinstance(value, Mapping | list)
            yield from flattened(value, f"{path}[{n}]" if inner else path)
    else:
        yield path, data if isinstance(data, str) else str(data)


def _net_below(exception: Exception) -> tuple[int, dict[str, Any]] | None:
    for kind, status, detail in _LAST_NETS:
        if isinstance(exception, kind):
            logger.warning("%s answered with %d", kind.__name__, status, exc_info=exception)
            return status, {"detail": detail}
    # Django raises the bare class for a row that is gone when it is to be changed, and for nothing
    # else that a view does; what a database reports has classes below it.
    if type(exception) is DatabaseError:
        return 404, {"detail": "Not found."}
    return None


def _rolled_back(status: int, body: dict[str, Any]) -> Response:
    set_rollback()
    return Response(body, status=status)
