"""Filters whose bad values are 400, where django-filter's own would guess or overflow."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet
from django.db.models.functions import Now
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.facts import State, in_state
from api.v3.fields import FLAGS, LARGEST_INTEGER

_NUMBER = re.compile(r"-?[0-9]+")


class DigitsField(forms.IntegerField):
    """Django's own also takes underscores, blanks and the digits of every script."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and value and not _NUMBER.fullmatch(value):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        number: int | None = super().to_python(value)
        return number


@extend_schema_field(OpenApiTypes.INT)
class IntegerFilter(filters.Filter):
    """A whole number; numbers no key can have find nothing."""

    field_class = DigitsField

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if isinstance(value, int) and not 0 < value <= LARGEST_INTEGER:
            return qs.none()
        return super().filter(qs, value)


class FlagField(forms.Field):
    default_error_messages: ClassVar[dict[str, Any]] = {"invalid": "Must be true or false."}

    def to_python(self, value: Any) -> bool | None:
        if value in self.empty_values:
            return None
        flag = FLAGS.get(value.strip().lower())
        if flag is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return flag


class BooleanFilter(django_filters.BooleanFilter):
    """True or false. django-filter's own takes any other word for "do not filter": whoever asks for
    `is_active=yes` would be shown everybody.
    """

    field_class = FlagField


STATE_HELP = "Only what counts now, what has yet to begin, what is over, or all of it."
STATE_PARAMETER = OpenApiParameter(
    "state", str, enum=State.values, default=State.ACTIVE.value, description=STATE_HELP
)
_STATE = serializers.ChoiceField(State.choices)


def state_of(request: Request) -> State:
    """What counts now, unless the request says otherwise. Raises ValidationError."""
    text = request.query_params.get("state", "")
    try:
        return State(_STATE.run_validation(text)) if text else State.ACTIVE
    except ValidationError as error:
        raise ValidationError({"state": error.detail}) from None


class StateFilter(filters.ChoiceFilter):
    """Where facts stand in time; all of them when it is not given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=State.choices, help_text=STATE_HELP, **kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return qs.filter(in_state(State(value))) if value else qs


class ExpiringFilter(filters.IsoDateTimeFilter):
    """What still counts, or will, and ends before a moment."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = "Counts now or later, and ends before then."
        super().__init__(help_text=help_text, **kwargs)

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        return qs.filter(valid_until__gt=Now(), valid_until__lt=value) if value else qs


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
