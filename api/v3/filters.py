"""Filters whose bad values are 400, where django-filter's own would guess or overflow."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field


@extend_schema_field(OpenApiTypes.INT)
class IntegerFilter(filters.Filter):
    """A whole number; numbers no key can have find nothing."""

    field_class = forms.IntegerField


class ManyTextsField(forms.Field):
    """A parameter given once or several times; a list of texts."""

    widget = forms.SelectMultiple

    def validate(self, value: list[str]) -> None:
        for text in value or ():
            ProhibitNullCharactersValidator()(text)


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class AnyOfFilter(filters.Filter):
    """Equal to any of the texts given."""

    field_class = ManyTextsField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lookup_expr="in", **kwargs)


@extend_schema_field(OpenApiTypes.STR)
class UuidTextFilter(filters.UUIDFilter):
    """A uuid that authentik's schema declares as any text."""
