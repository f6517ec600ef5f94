"""Requests and answers as typed records; names and values as this protocol spells them.

A ``Shape`` is declared once: its types say what the door accepts, what the OpenAPI document shows,
and what operations read and answer. Strings without a default must not be empty.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from django.core.exceptions import ValidationError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from msgspec import UNSET, Meta, Struct, StructMeta, UnsetType, structs
from rest_framework import serializers

from api.genauth.errors import WHOLE_SENTENCE
from api.moments import EARLIEST
from api.wire import EPOCH, WireSerializer, camel_case
from roles.models import DEFAULT_NAMESPACE, validate_code

T = TypeVar("T")
LAST_MOMENT = 253_402_300_799_999  # of the year 9999
LONGEST_CODE = 64
MOST_ROWS = 50
DEFAULT_LIMIT = 10
LAST_PAGE = 10**9


class KeywordOnly(StructMeta):
    """The one option of msgspec's structs that subclasses do not inherit."""

    def __new__(mcs, name: str, bases: Any, members: Any, **options: Any) -> Any:
        return super().__new__(mcs, name, bases, members, kw_only=True, **options)


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Shape(Struct, metaclass=KeywordOnly, frozen=True, rename=camel_case):
    """A trailing underscore only keeps a field clear of Python's words, and is not sent."""


# Kinds of fields: they check what a type alone does not say.


@extend_schema_field(OpenApiTypes.INT64)
class Milliseconds(serializers.Field):
    """Since 1970, as a number or as digits; a datetime inside."""

    default_error_messages = {
        "invalid": "A number of milliseconds since 1970 is required.",
        "implausible": "Milliseconds since 1970 are required; these are before the year 2000.",
    }

    def to_internal_value(self, data: object) -> datetime:
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) < 16:
            data = int(data)
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        # True and False are ints too.
        if isinstance(data, bool) or not isinstance(data, int) or not 0 <= data <= LAST_MOMENT:
            self.fail("invalid")
        moment = EPOCH + timedelta(milliseconds=data)
        if moment < EARLIEST:
            self.fail("implausible")
        return moment


class Words(serializers.ListField):
    """A repeated key, or one list with commas."""

    def to_internal_value(self, data: Any) -> list[str]:
        if isinstance(data, list) and all(isinstance(item, str) for item in data):
            data = [word for item in data for word in item.split(",") if word]
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """Values that are no text are refused like texts that are no choice."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=repr(data)[:60])
        return super().to_internal_value(data)


class NewCode(serializers.CharField):
    """A code to be: letters, digits, hyphens, underscores, at most 64."""

    def __init__(self, kind: str, **arguments: Any) -> None:
        self.kind = kind
        # Spaces around a code are a fault in it, not to be removed.
        super().__init__(max_length=LONGEST_CODE, trim_whitespace=False, **arguments)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data == "" and not self.allow_blank:
            raise serializers.ValidationError(f"{self.kind} code must not empty", WHOLE_SENTENCE)
        value = super().run_validation(data)
        if isinstance(value, str) and value and not is_code(value):
            raise serializers.ValidationError(f"invalid {self.kind} code: {value}", WHOLE_SENTENCE)
        return value


def is_code(value: str) -> bool:
    try:
        validate_code(value)
    except ValidationError:
        return False
    return len(value) <= LONGEST_CODE


# Types that many shapes share.

Text: TypeAlias = Annotated[str, Meta(max_length=255)]
Texts: TypeAlias = Annotated[list[Text], Meta(min_length=1, max_length=MOST_ROWS)]
NamespaceCode: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=255, description=f"`{DEFAULT_NAMESPACE}` unless given"),
]
Moment: TypeAlias = Annotated[int, Milliseconds]
PageNumber: TypeAlias = Annotated[int, Meta(ge=1, le=LAST_PAGE)]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MOST_ROWS)]


class Paging(Shape):
    """Out of range is refused, not clamped."""

    page: PageNumber = 1
    limit: Limit = DEFAULT_LIMIT


class Page(Shape, Generic[T]):
    total_count: int
    list_: list[T]


class Success(Shape):
    success: bool


class Validity(Shape):
    is_valid: bool
    message: str | UnsetType = UNSET


def validity(fault: str = "") -> Validity:
    return Validity(is_valid=not fault, message=fault or UNSET)


# From types to fields

KINDS_OF_FIELDS: dict[object, Callable[..., serializers.Field]] = {
    str: serializers.CharField,
    int: serializers.IntegerField,
    bool: serializers.BooleanField,
    datetime: Milliseconds,
    dict: serializers.DictField,
    list: serializers.ListField,
    Literal: Choice,
}
# What ``Meta`` says, as the fields call it.
OPTIONS = {
    "ge": "min_value",
    "le": "max_value",
    "min_length": "min_length",
    "max_length": "max_length",
    "description": "help_text",
}


@cache
def serializer_of(shape: type[Struct]) -> type[serializers.Serializer]:
    """What validates a request of this shape, and describes it or an answer in the document."""
    hints = get_type_hints(shape, include_extras=True)
    members: dict[str, object] = {
        one.name: field_of(hints[one.name], required=one.required) for one in structs.fields(shape)
    }
    nullable = [name for name, hint in hints.items() if {NoneType, UnsetType} <= {*get_args(hint)}]
    # Without a docstring of its own the document would show that of a base class.
    members |= {"__doc__": shape.__doc__ or "", "record": shape, "nullable": nullable}
    base = WireSerializer if issubclass(shape, Shape) else serializers.Serializer
    return type(f"{shape.__name__.removesuffix('Dto')}Serializer", (base,), members)


def field_of(hint: Any, *, required: bool = True) -> serializers.Field:
    bare, options = unwrapped(hint)
    origin, arguments = get_origin(bare) or bare, get_args(bare)
    options["required"] = required
    kind = options.pop("kind", None)
    if isinstance(origin, StructMeta):
        return serializer_of(origin)(**options)
    if origin is list and "min_length" in options and isinstance(arguments[0], StructMeta):
        # Of an empty list clients are told in other words when it is one of records.
        options["allow_empty"] = not options.pop("min_length")
        return serializer_of(arguments[0])(many=True, **options)
    if origin is list and arguments[0] is not object:
        options["child"] = field_of(arguments[0])
    if origin is str and not options.pop("min_length", 0) and not required:
        options["allow_blank"] = True
    if origin is Literal:
        options["choices"] = arguments
    return (kind or KINDS_OF_FIELDS[origin])(**options)


def unwrapped(hint: Any) -> tuple[Any, dict[str, Any]]:
    """The bare type, and what is said around it, as fields take it."""
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        bare, options = unwrapped(arguments[0])
        for one in arguments[1:]:
            if isinstance(one, Meta):
                limits = {option: getattr(one, name) for name, option in OPTIONS.items()}
                options |= {name: value for name, value in limits.items() if value is not None}
            else:
                options["kind"] = one
        return bare, options
    if get_origin(hint) in (Union, UnionType):
        [inner] = [one for one in arguments if one not in (NoneType, UnsetType)]
        bare, options = unwrapped(inner)
        return bare, options | ({"allow_null": True} if NoneType in arguments else {})
    return hint, {}


def iso(moment: datetime) -> str:
    """In UTC with milliseconds, ``2026-01-01T00:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
