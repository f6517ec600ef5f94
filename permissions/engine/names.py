"""From the words of a request to the types and resources they mean."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import models
from django.db.models import Exists, Q

from audit.errors import InvalidInput
from permissions.engine.running import Parameter, Statement
from permissions.engine.words import (
    UUID_TEXT,
    ResourceRef,
    free_name,
    label_of,
    searchable,
)
from permissions.models import Resource, ResourceMode, ResourceType, python_model
from roles.models import DEFAULT_NAMESPACE

LARGEST_INTEGER = 2**63 - 1
MOST_COLONS = 30

# How the statements name a resource, and what stands for it.
_NAMED = tuple(Parameter(name) for name in ("app_label", "model", "object_pk"))


def canonical_pk(label: str, object_pk: str) -> str:
    """The key as grants store it. Raises InvalidInput keyed by ``object_pk``."""
    if searchable(object_pk) is None or not 0 < len(object_pk) <= 255:
        raise _bad_pk(f"“{object_pk[:60]!a}” is not a valid key.")
    model = python_model(label)
    if model is None:
        return object_pk
    if isinstance(model._meta.pk, models.UUIDField):
        if not UUID_TEXT.fullmatch(object_pk):
            raise _bad_pk(f"“{object_pk[:60]}” is not a valid UUID.")
        return str(uuid.UUID(object_pk))
    is_number = object_pk.isascii() and object_pk.isdigit() and len(object_pk) <= 19
    if not is_number or int(object_pk) > LARGEST_INTEGER:
        raise _bad_pk("A valid integer is required.")
    return str(int(object_pk))


def _bad_pk(message: str) -> InvalidInput:
    return InvalidInput(fields={"object_pk": [message]})


def require_type(label: str) -> ResourceType:
    """By its label, else by its free name.

    Raises InvalidInput keyed by ``model``, worded as authentik words an unknown choice.
    """
    type_ = find_types([label]).get(label)
    if type_ is None:
        raise InvalidInput(fields={"model": [f'"{label[:200]}" is not a valid choice.']})
    return type_


def find_types(names: Iterable[str]) -> dict[str, ResourceType]:
    """Those there are, by the names given: labels, or free names where these are no label.

    One statement, and another one for free names and for labels without the default namespace.
    """
    possible = {name for name in names if searchable(name) is not None}
    models = {name.partition(".")[2] for name in possible}
    rows = ResourceType.objects.filter(content_type__model__in=models).select_related(
        "content_type"
    )
    types = {row.label: row for row in rows if row.label in possible}
    missing = possible - types.keys()
    return {**types, **_called_otherwise(missing)} if missing else types


def _called_otherwise(names: Iterable[str]) -> dict[str, ResourceType]:
    in_default = Q(
        content_type__app_label=DEFAULT_NAMESPACE,
        content_type__model__in=[name for name in names if "." not in name],
    )
    rows = ResourceType.objects.filter(in_default | Q(name__in={free_name(one) for one in names}))
    types = list(rows.select_related("content_type"))
    by_name, by_label = {kind.name: kind for kind in types}, {kind.label: kind for kind in types}
    return {
        name: kind
        for name in names
        if (kind := by_label.get(label_of(name)) or by_name.get(free_name(name))) is not None
    }


def resource_named(text: str) -> ResourceRef:
    """``shop.invoice:42``, or a type alone; where a type's name has colons, the longest name of a
    type that the text begins with. Else colons after the first belong to the key. Raises nothing.
    """
    ends = [n for n, letter in enumerate(text) if letter == ":"][:MOST_COLONS]
    known = find_types([text[:end] for end in ends] + [text])
    name = max(known, key=len, default=text.partition(":")[0])
    label = known[name].label if name in known else label_of(name)
    return ResourceRef(label, text[len(name) + 1 :] if len(text) > len(name) else None)


def resource_exists(resource: ResourceRef) -> bool:
    """Whether grants may name the resource: its row is there, or its type is open."""
    app_label, _, model = resource.type.partition(".")
    rows = _existing(python_model(resource.type)).rows(
        app_label=_safe(app_label), model=_safe(model), object_pk=resource.id
    )
    return bool(rows and rows[0][0])


@cache
def _existing(model: type[models.Model] | None) -> Statement:
    app_label, name, _ = _NAMED
    types = ResourceType.objects.filter(content_type__app_label=app_label, content_type__model=name)
    return Statement.of(types.annotate(exists=_existence(model)).values_list("exists"))


def _existence(model: type[models.Model] | None) -> Any:
    """An expression over a Permission or ResourceType row; see ``resource_exists``."""
    app_label, name, object_pk = _NAMED
    if model is not None:
        key = Parameter(object_pk.name, model._meta.pk)
        return Exists(model._default_manager.filter(pk=key))
    is_open = ResourceType.objects.filter(
        mode=ResourceMode.OPEN, content_type__app_label=app_label, content_type__model=name
    )
    registered = Resource.objects.filter(
        object_pk=object_pk,
        type__content_type__app_label=app_label,
        type__content_type__model=name,
    )
    return Exists(is_open) | Exists(registered)


def _safe(text: str) -> str:
    """What no row can hold is looked up as something no row has."""
    return text if searchable(text) is not None else ""
