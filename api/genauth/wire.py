"""Names and values as this protocol spells them: camelCase, and moments in milliseconds.

Fields are declared in Python's spelling; a trailing underscore only keeps clear of its words. What
is not required may be sent as null, which is the same as not sending it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from roles.models import DEFAULT_NAMESPACE, validate_code

_HUMP = re.compile(r"_([a-z])")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MOMENT = 253_402_300_799_999  # of the year 9999
LONGEST_CODE = 64
MOST_ROWS = 50
LAST_PAGE = 10**9


class WireSerializer(serializers.Serializer):
    def get_fields(self) -> dict[str, Any]:
        return {_wire(name): _named(name, field) for name, field in super().get_fields().items()}

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        return {name: value for name, value in found.items() if value is not None}


class Nothing(WireSerializer):
    """The operation takes no parameters."""


class Success(WireSerializer):
    success = serializers.BooleanField()


class ValiditySerializer(WireSerializer):
    is_valid = serializers.BooleanField()  # type: ignore[assignment]  # a word of the wire
    message = serializers.CharField(required=False)


def validity(message: str | None = None) -> dict[str, Any]:
    """The shape of ``ValiditySerializer``; the message says what is wrong."""
    return {"isValid": True} if message is None else {"isValid": False, "message": message}


class Paging(WireSerializer):
    """Out of range is refused, not clamped."""

    page = serializers.IntegerField(required=False, min_value=1, max_value=LAST_PAGE)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=MOST_ROWS)


@extend_schema_field(OpenApiTypes.INT64)
class Milliseconds(serializers.Field):
    """Since 1970, as a number or as digits; a datetime inside."""

    default_error_messages = {"invalid": "A number of milliseconds since 1970 is required."}

    def to_internal_value(self, data: Any) -> datetime:
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) < 16:
            data = int(data)
        whole = isinstance(data, int) or (isinstance(data, float) and data.is_integer())
        if isinstance(data, bool) or not whole or not 0 <= data <= LAST_MOMENT:
            self.fail("invalid")
        return EPOCH + timedelta(milliseconds=int(data))

    def to_representation(self, value: datetime) -> int:
        return milliseconds(value)


class Words(serializers.ListField):
    """A repeated key, or one list with commas."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list) and all(isinstance(item, str) for item in data):
            data = [word for item in data for word in item.split(",") if word]
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """Values that are no text are refused like texts that are no choice."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=repr(data)[:60])
        return super().to_internal_value(data)


def text(most: int = 255, **arguments: Any) -> serializers.CharField:
    """Required, and not empty."""
    return serializers.CharField(max_length=most, **arguments)


def optional(most: int = 255, **arguments: Any) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, max_length=most, **arguments)


def namespace(**arguments: Any) -> serializers.CharField:
    """A namespace that exists, by code; without one, ``default``."""
    return serializers.CharField(
        required=False, max_length=255, help_text=f"`{DEFAULT_NAMESPACE}` unless given", **arguments
    )


def namespace_of(given: dict[str, Any], name: str = "namespace") -> str:
    return str(given.get(name) or DEFAULT_NAMESPACE)


class NewCode(serializers.CharField):
    """A code to be: letters, digits, hyphens, underscores, at most 64."""

    def __init__(self, kind: str, **arguments: Any) -> None:
        self.kind = kind
        # Spaces around a code are a fault in it, not to be removed.
        super().__init__(max_length=LONGEST_CODE, trim_whitespace=False, **arguments)
        self.error_messages["blank"] = f"{kind} code must not empty"

    def run_validation(self, data: Any = serializers.empty) -> Any:
        value = super().run_validation(data)
        if isinstance(value, str) and value and not is_code(value):
            raise serializers.ValidationError(f"invalid {self.kind} code: {value}")
        return value


def is_code(value: str) -> bool:
    try:
        validate_code(value)
    except ValidationError:
        return False
    return len(value) <= LONGEST_CODE


def each(item: Any, *, most: int) -> Any:
    """From one to so many of what a serializer describes."""
    return item(many=True, allow_empty=False, max_length=most)


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def iso(moment: datetime) -> str:
    """In UTC with milliseconds, ``2026-01-01T00:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _wire(name: str) -> str:
    return _HUMP.sub(lambda match: match[1].upper(), name.rstrip("_"))


def _named(name: str, field: serializers.Field) -> serializers.Field:
    if _wire(name) != name:
        field.source = name
    if not field.required and not field.read_only:
        field.allow_null = True
    return field
