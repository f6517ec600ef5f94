"""Names as this protocol spells them: camelCase mostly, hyphens in a few places.

Fields are declared in Python's spelling. What is not required may be sent as null, which is the
same as not sending it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers

_HUMP = re.compile(r"_([a-z])")


class WireSerializer(serializers.Serializer):
    """``hyphenated``: the fields with hyphens on the wire."""

    hyphenated: Iterable[str] = ()

    def get_fields(self) -> dict[str, Any]:
        return {self._wire(name): self._named(name, f) for name, f in super().get_fields().items()}

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        return {name: value for name, value in found.items() if value is not None}

    def _wire(self, name: str) -> str:
        if name in self.hyphenated:
            return name.replace("_", "-")
        return _HUMP.sub(lambda match: match[1].upper(), name)

    def _named(self, name: str, field: serializers.Field) -> serializers.Field:
        if self._wire(name) != name:
            field.source = name
        if not field.required:
            field.allow_null = True
        return field


class LinkSerializer(WireSerializer):
    """A link to something related; ignored in requests."""

    href = serializers.CharField()
    rel = serializers.CharField(required=False)
    name = serializers.CharField(required=False)


class PageInfoSerializer(WireSerializer):
    """Present when ``page`` or ``pageSize`` was sent."""

    total_count = serializers.IntegerField()
    page = serializers.IntegerField()
    page_size = serializers.IntegerField()


class IdentifierField(serializers.UUIDField):
    """A UUID as text; DRF would take numbers too."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


def optional_text(**arguments: Any) -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, **arguments)


def listing(wrapper: str, item: type[WireSerializer]) -> type[WireSerializer]:
    """The model of a list, for the OpenAPI document."""
    name = f"{item.__name__.removesuffix('Serializer')}ListSerializer"
    fields = {
        wrapper: item(many=True),
        "page_info": PageInfoSerializer(required=False),
        "__doc__": "",
        "__module__": __name__,
    }
    return type(name, (WireSerializer,), fields)


def display_name(row: Any) -> str:
    """The name where nobody chose another."""
    return str(row.display_name or row.name)


def milliseconds(moment: datetime | None) -> int | None:
    """Since 1970."""
    return None if moment is None else int(moment.timestamp() * 1000)


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None: responses leave out what there is not."""
    return {name: value for name, value in values.items() if value is not None}
