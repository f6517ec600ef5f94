"""From the words of a request to the permissions and the resource they mean."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat

from audit.errors import InvalidInput
from permissions.engine.running import Parameter, Statement
from permissions.engine.words import (
    FOUND_BY,
    UUID_TEXT,
    ResourceRef,
    action_parameters,
    free_name,
    label_of,
    searchable,
)
from permissions.models import Resource, ResourceMode, ResourceType, python_model
from roles.models import DEFAULT_NAMESPACE

MOST_PERMISSIONS = 1_000
LARGEST_INTEGER = 2**63 - 1
MOST_COLONS = 30
TOGETHER = "The fields model, object_pk must be used together."
NEEDS_LABEL = "When assigning global permissions, codename must be given as app_label.codename"


PERMISSION, CONTENT_TYPE = (
    [field.attname for field in model._meta.concrete_fields] for model in (Permission, ContentType)
)
# How the statements name a resource, and what stands for it.
_NAMED = tuple(Parameter(name) for name in ("app_label", "model", "object_pk"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """``permissions`` in the order asked for, repeats included; no resource means globally."""

    permissions: tuple[Permission, ...]
    resource: ResourceRef | None
    exists: bool

    def require_resource(self) -> None:
        """Raise InvalidInput where the resource is named and does not exist."""
        if self.resource is not None and not self.exists:
            raise no_such(self.resource)


def no_such(resource: ResourceRef) -> InvalidInput:
    return InvalidInput(fields={"object_pk": [f"No {resource.type} has this key."]})


def resolve(*, names: Sequence[str], model: str | None, object_pk: str | None) -> Resolved:
    """Find every permission with one statement, and whether the resource exists with the same.

    Names are those that questions take. The resource answered has its type's label.
    Raises InvalidInput keyed by ``permissions``, ``model``, ``object_pk`` or ``non_field_errors``.
    A missing resource is told, not raised: the grant ceiling speaks first, so that nobody learns
    from the answer what exists.
    """
    if len(names) > MOST_PERMISSIONS:
        message = f"At most {MOST_PERMISSIONS} permissions are allowed in one request."
        raise InvalidInput(fields={"permissions": [message]})
    if (model is None) != (object_pk is None):
        raise InvalidInput(fields={"non_field_errors": [TOGETHER]})
    if model is None or object_pk is None:
        return Resolved(permissions=_global(names), resource=None, exists=True)
    return _on_resource(names, model, object_pk)


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


def _global(names: Sequence[str]) -> tuple[Permission, ...]:
    if any("." not in name for name in names):
        raise InvalidInput(fields={"permissions": [NEEDS_LABEL]})
    parts = {name: (name.partition(".")[0], name.partition(".")[2]) for name in names}
    with_name: dict[tuple[str, str], list[Permission]] = defaultdict(list)
    for permission in _registered(
        Q(
            content_type__app_label__in={_safe(label) for label, _ in parts.values()},
            codename__in={_safe(codename) for _, codename in parts.values()},
        )
    ):
        with_name[permission.content_type.app_label, permission.codename].append(permission)
    unclear = {parts[name] for name in names if len(with_name[parts[name]]) != 1}
    if unclear:
        with_name.update(_by_long_name(unclear))
    _refuse(names, [name for name in names if not with_name[parts[name]]], "Unknown permission")
    _refuse(names, [n for n in names if len(with_name[parts[n]]) > 1], "More than one type has")
    return tuple(with_name[parts[name]][0] for name in names)


def _by_long_name(wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Permission]]:
    """By app label, and codename with the type's model behind it as in ``view_invoice``: actions of
    one name on several types of an app are told from each other by that.
    """
    labels, names = {_safe(label) for label, _ in wanted}, {_safe(name) for _, name in wanted}
    long_name = Concat("codename", Value("_"), "content_type__model")
    of_apps = _registered(Q(content_type__app_label__in=labels)).annotate(long_name=long_name)
    found: dict[tuple[str, str], list[Permission]] = defaultdict(list)
    for permission in of_apps.filter(long_name__in=names):
        key = (permission.content_type.app_label, permission.long_name)
        found[key].append(permission)
    return found


def _on_resource(names: Sequence[str], label: str, object_pk: str) -> Resolved:
    resource = ResourceRef(label, canonical_pk(label, object_pk))
    meant = {name: action_parameters(name, resource) for name in names}
    codenames = sorted({str(one[key]) for one in meant.values() for key in FOUND_BY})
    rows: list[tuple[Permission, bool]] = []
    if codenames:
        statement = _of_type(python_model(label), Parameter.room(codenames))
        for *columns, exists in statement.rows(**_named(resource), codename=codenames):
            own, of_type = columns[: len(PERMISSION)], columns[len(PERMISSION) :]
            permission = Permission.from_db(DEFAULT_DB_ALIAS, PERMISSION, own)
            permission.content_type = ContentType.from_db(DEFAULT_DB_ALIAS, CONTENT_TYPE, of_type)
            rows.append((permission, bool(exists)))
    by_codename = {permission.codename: permission for permission, _ in rows}
    if not by_codename:
        known = require_type(label).label
        if known != label:
            return _on_resource(names, known, object_pk)
        exists = resource_exists(resource)
    else:
        exists = rows[0][1]
    of_name: dict[str, Any] = {
        name: next((by_codename[one[key]] for key in FOUND_BY if one[key] in by_codename), None)
        for name, one in meant.items()
    }
    _refuse(names, [name for name in names if not of_name[name]], f"{label} has no permission")
    chosen = tuple(of_name[name] for name in names)
    return Resolved(permissions=chosen, resource=resource, exists=exists)


@lru_cache(maxsize=256)
def _of_type(model: type[models.Model] | None, room: int) -> Statement:
    """Permissions of a type with that type, and whether a resource of it exists."""
    app_label, name, _ = _NAMED
    permissions = _registered(
        Q(
            content_type__app_label=app_label,
            content_type__model=name,
            codename__in=Parameter.several("codename", room),
        )
    ).annotate(resource_exists=_existence(model))
    of_type = [f"content_type__{column}" for column in CONTENT_TYPE]
    return Statement.of(permissions.values_list(*PERMISSION, *of_type, "resource_exists"))


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
    wanted = {name for name in names if searchable(name) is not None}
    models = {name.partition(".")[2] for name in wanted}
    rows = ResourceType.objects.filter(content_type__model__in=models)
    found = {row.label: row for row in rows.select_related("content_type") if row.label in wanted}
    missing = wanted - found.keys()
    return {**found, **_called_otherwise(missing)} if missing else found


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
    rows = _existing(python_model(resource.type)).rows(**_named(resource))
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


def _named(resource: ResourceRef) -> dict[str, Any]:
    app_label, _, model = resource.type.partition(".")
    return {"app_label": _safe(app_label), "model": _safe(model), "object_pk": resource.id}


def _registered(condition: Q) -> models.QuerySet[Permission]:
    registered = ResourceType.objects.filter(pk=OuterRef("content_type_id"))
    permissions = Permission.objects.filter(condition, Exists(registered))
    return permissions.select_related("content_type").order_by()


def _refuse(names: Sequence[str], bad: Iterable[str], why: str) -> None:
    """Keyed by position, as a list field's own errors are."""
    wrong = set(bad)
    if wrong:
        raise InvalidInput(
            fields={
                "permissions": {
                    str(n): [f'{why}: "{name[:200]}".']
                    for n, name in enumerate(names)
                    if name in wrong
                }
            }
        )


def _safe(text: str) -> str:
    """What no row can hold is looked up as something no row has."""
    return text if searchable(text) is not None else ""
