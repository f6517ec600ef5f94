"""Models and values that several resources of this protocol share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from api.wire import WireSerializer


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
    """The name, if nobody chose another."""
    return str(row.display_name or row.name)


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Responses leave out what there is not."""
    return {name: value for name, value in values.items() if value is not None}
