"""The text authentik's clients show for an object, without a statement per row."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db.models import F, Model, OuterRef, QuerySet, Subquery, TextField, UUIDField, Value
from django.db.models.functions import Cast, Coalesce, Concat, NullIf

from accounts.models import Group, Token, User
from permissions.models import Resource, python_model
from permissions.queries import UuidText
from roles.models import InitialPermissions, Namespace, Role, Scope

# The column people know a row by, and the words before it.
_NAMES: dict[type[Model], tuple[str, str]] = {
    User: ("username", ""),
    Group: ("name", "Group "),
    Role: ("name", "Role "),
    Token: ("identifier", "Token "),
    Namespace: ("code", "Namespace "),
    Scope: ("name", "Scope "),
    InitialPermissions: ("name", ""),
}

Key = tuple[str, str]


def describe(row: Model) -> str:
    """The same text as ``descriptions`` has for the row."""
    column, before = _NAMES.get(type(row), ("", ""))
    return f"{before}{getattr(row, column)}" if column else str(row)


def registered_text(type_id: str, key: str) -> Subquery:
    """What a registered resource is called: its name, else its key; the columns hold its key."""
    registered = Resource.objects.filter(type_id=OuterRef(type_id), object_pk=OuterRef(key))
    return Subquery(registered.values_list(Coalesce(NullIf("name", Value("")), "object_pk")))


def descriptions(keys: Mapping[str, set[str]]) -> dict[Key, str]:
    """Texts of rows of our own tables, by type label and key; none for a row that is missing.

    ``keys`` by label. One statement, if there are any.
    """
    parts = [
        _rows(label, model, pks) for label, pks in keys.items() if (model := python_model(label))
    ]
    if not parts:
        return {}
    rows = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return {(label, key): text for label, key, text in rows}


def _rows(label: str, model: type[Model], pks: set[str]) -> QuerySet[Any]:
    column, before = _NAMES.get(model, ("pk", f"{model._meta.verbose_name} "))
    is_uuid = isinstance(model._meta.pk, UUIDField)
    keys: list[Any] = []
    for text in pks:
        with suppress(ValueError):  # what no row can have as its key
            keys.append(uuid.UUID(text) if is_uuid else int(text))
    return model._default_manager.filter(pk__in=keys).values_list(
        Value(label, output_field=TextField()),
        UuidText("pk") if is_uuid else Cast("pk", TextField()),
        Concat(Value(before), Cast(F(column), TextField()), output_field=TextField()),
    )
