"""The text authentik's clients show for an object, without a statement per row."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import F, Model, Q, QuerySet, TextField, UUIDField, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Group, Token, User
from permissions.engine import python_model
from permissions.models import Resource
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


def descriptions(keys: Iterable[Key]) -> dict[Key, str]:
    """Texts of resources by (type label, key), all with one statement.

    Missing ones are left out: rows that are gone, and unregistered resources of open types.
    """
    by_label: dict[str, set[str]] = defaultdict(set)
    for label, key in keys:
        by_label[label].add(key)
    own, registered = [], Q()
    for label, pks in by_label.items():
        model = python_model(label)
        if model is None:
            registered |= _registered(label, pks)
        else:
            own.append(_rows(label, model, pks))
    parts = [*own, _resources(registered)] if registered else own
    if not parts:
        return {}
    found = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return {(label, _written(key, label)): text or key for label, key, text in found}


def _rows(label: str, model: type[Model], pks: set[str]) -> QuerySet[Any]:
    column, before = _NAMES.get(model, ("pk", f"{model._meta.verbose_name} "))
    known = [pk for text in pks if (pk := _key(model, text)) is not None]
    return model._default_manager.filter(pk__in=known).values_list(
        Value(label, output_field=TextField()),
        Cast("pk", TextField()),
        Concat(Value(before), Cast(F(column), TextField()), output_field=TextField()),
    )


def _registered(label: str, pks: set[str]) -> Q:
    app_label, _, model = label.partition(".")
    return Q(
        type__content_type__app_label=app_label,
        type__content_type__model=model,
        object_pk__in=pks,
    )


def _resources(condition: Q) -> QuerySet[Any]:
    label = Concat(
        "type__content_type__app_label",
        Value("."),
        "type__content_type__model",
        output_field=TextField(),
    )
    named = Resource.objects.filter(condition)
    return named.values_list(label, Cast("object_pk", TextField()), Cast("name", TextField()))


def _key(model: type[Model], text: str) -> Any:
    """The key as the model's column takes it; None for what no row can have."""
    try:
        return uuid.UUID(text) if isinstance(model._meta.pk, UUIDField) else int(text)
    except ValueError:
        return None


def _written(key: str, label: str) -> str:
    """SQLite stores uuids as bare digits."""
    model = python_model(label)
    if model is not None and isinstance(model._meta.pk, UUIDField):
        return str(uuid.UUID(key))
    return key
