"""Names and moments of ours as camelCase protocols spell them.

Fields are declared in Python's spelling; a trailing underscore only keeps clear of its words. What
is not required may be sent as null, which is the same as not sending it. Members that nobody knows
are ignored, unless a known one that is not there is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from rest_framework import serializers

from api.members import refuse_near_misses

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WireSerializer(serializers.Serializer):
    # No docstring: the OpenAPI document would describe every model that has none by it.

    # The fields with hyphens instead of humps.
    hyphenated: ClassVar[Collection[str]] = ()
    # What validated values become, with a keyword for each; what was not sent is left to its
    # defaults.
    record: ClassVar[Callable[..., Any]] = dict
    # The fields whose null is a value.
    nullable: ClassVar[Collection[str]] = ()
    # Whether validated values are called as on the wire, not as the fields.
    keeps_wire_names: ClassVar[bool] = False
    wire_names: ClassVar[dict[str, str]]

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        cls.wire_names = {
            name: name.replace("_", "-") if name in cls.hyphenated else camel_case(name)
            for name in cls._declared_fields
        }

    def get_fields(self) -> dict[str, Any]:
        fields = {}
        for name, field in super().get_fields().items():
            wire = self.wire_names[name]
            # The framework refuses a source that repeats the name.
            if wire != name and not self.keeps_wire_names:
                field.source = name
            if not field.required:
                field.allow_null = True
            fields[wire] = field
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and not data.keys() <= self.fields.keys():
            # Beside the member that is meant, another like it is not it misspelt.
            refuse_near_misses(data, self.fields, self.fields.keys() - data.keys())
        values = super().to_internal_value(data)
        return self.record(
            **{name: v for name, v in values.items() if v is not None or name in self.nullable}
        )


class IdentifierField(serializers.UUIDField):
    """A UUID as text; DRF would take numbers too."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


def camel_case(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name.rstrip("_"))


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
