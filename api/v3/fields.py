"""Fields the serializers of this door share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import Model, QuerySet, UUIDField
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from accounts.facts import Window
from permissions import engine
from permissions.engine import searchable

LARGEST_INTEGER = 2**63 - 1


class AttributesField(serializers.DictField):
    """A free JSON object. NUL characters are refused: PostgreSQL cannot store them in JSON."""

    default_error_messages = {"null_characters": "Null characters are not allowed."}

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not storable(value):
            self.fail("null_characters")
        return value


def storable(value: Any) -> bool:
    """Whether every text in a JSON value can be written to a database."""
    if isinstance(value, str):
        return searchable(value) is not None
    if isinstance(value, dict):
        return all(storable(key) and storable(member) for key, member in value.items())
    if isinstance(value, list):
        return all(storable(member) for member in value)
    return True


class KeysField(serializers.ListField):
    """Rows of a queryset by key; writing answers the rows, two statements however many.

    What the caller may not view does not exist for it, except what the object has already: whoever
    sends back what it read changes nothing. ``read`` answers the keys of an object.
    """

    default_error_messages = {"does_not_exist": 'Invalid pk "{pk_value}" - object does not exist.'}

    def __init__(
        self, *, queryset: QuerySet[Any], read: Callable[[Any], Iterable[Any]], **kwargs: Any
    ) -> None:
        is_uuid = isinstance(queryset.model._meta.pk, UUIDField)
        child = serializers.UUIDField() if is_uuid else serializers.IntegerField()
        super().__init__(child=child, **kwargs)
        self.queryset, self.read = queryset, read

    def get_attribute(self, instance: Any) -> Any:
        return self.read(instance)

    def to_representation(self, data: Any) -> list[Any]:
        return list(data)

    def to_internal_value(self, data: Any) -> Any:
        keys = list(dict.fromkeys(super().to_internal_value(data)))
        found = self._found(keys)
        for key in keys:
            if key not in found:
                self.fail("does_not_exist", pk_value=key)
        return [found[key] for key in keys]

    def _found(self, keys: list[Any]) -> dict[Any, Model]:
        possible = [key for key in keys if not isinstance(key, int) or 0 < key <= LARGEST_INTEGER]
        if not possible:
            return {}
        instance = getattr(self.root, "instance", None)
        linked = set(self.read(instance)) if isinstance(instance, Model) else set()
        rows = self.queryset.all()
        seen = engine.visible(rows, user=self.context["request"].user).rows
        found = seen.in_bulk([key for key in possible if key not in linked])
        return {**found, **rows.in_bulk([key for key in possible if key in linked])}


@extend_schema_field({"type": "string", "format": "uuid", "nullable": True})
class KeyField(KeysField):
    """The first of such rows, alone: for clients from before there could be several."""

    def get_attribute(self, instance: Any) -> Any:
        return next(iter(self.read(instance)), None)

    def to_representation(self, data: Any) -> Any:
        return data

    def to_internal_value(self, data: Any) -> Any:
        # Alone first, so that a bad key is not spoken of as an item of a list.
        [row] = super().to_internal_value([self.child.run_validation(data)])
        return row


@extend_schema_field({"type": "integer", "nullable": True})
class UserField(KeyField):
    """A user by number."""


def window_of(words: Mapping[str, Any]) -> Window | None:
    """The time a body asks for; None when it says nothing of time. Null is no limit."""
    if "valid_from" not in words and "valid_until" not in words:
        return None
    return Window(words.get("valid_from"), words.get("valid_until"))


FLAGS = {"true": True, "1": True, "false": False, "0": False}


def flag(request: Request, name: str, *, default: bool) -> bool:
    """A query parameter that is true or false; anything else is the default."""
    return FLAGS.get(request.query_params.get(name, "").lower(), default)
