"""The root of the errors that operations raise.

It lives in the lowest layer so that every layer may raise it; the status each one answers with is
in the one table of ``api/errors.py``.
"""

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """A request that is understood and refused.

    ``message`` is written for the caller. ``fields`` (field name to messages) is set when the fault
    lies in named input; doors that key their errors by field use it instead of the message.
    """

    code = "error"
    default_message = "The request was refused."

    def __init__(self, message: str = "", *, fields: Mapping[str, Any] | None = None) -> None:
        self.fields = dict(fields) if fields is not None else None
        first = ""
        for value in (fields or {}).values():
            text = value[0] if isinstance(value, list) and value else value
            if isinstance(text, str):
                first = text
                break
        self.message = message or first or self.default_message
        super().__init__(self.message)


class InvalidInput(DomainError):
    """Input that cannot be what the operation needs; ``fields`` says which and why."""

    code = "invalid"
    default_message = "Invalid input."


class NotFound(DomainError):
    """The thing named does not exist, or is hidden from the caller: the two look the same."""

    code = "not_found"
    default_message = "Not found."


class Conflict(DomainError):
    """The state does not allow the change: a name is taken, a thing is still in use."""

    code = "conflict"
    default_message = "The change conflicts with the current state."


class Forbidden(DomainError):
    """The actor may not do this."""

    code = "permission_denied"
    default_message = "You do not have permission to perform this action."


class Unauthenticated(DomainError):
    """Nobody known is asking. Only doors that challenge their callers raise it."""

    code = "not_authenticated"
    default_message = "Authentication credentials were not provided."


class TooLarge(DomainError):
    """More than one request may hold; the message names the limit."""

    code = "too_large"
    default_message = "The request is too large."
