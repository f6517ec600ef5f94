"""From the names in a request to what is to be granted: permissions, and the resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models import Exists, OuterRef, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat

from accounts.models import User
from audit.errors import InvalidInput
from permissions.engine import (
    Parameter,
    ResourceRef,
    Statement,
    canonical_pk,
    codenames_meant,
    require_type,
    resource_exists,
    searchable,
)
from permissions.models import Resource, ResourceMode, python_model
from permissions.models.fact_tables import FactTable, grants_to
from permissions.operations.locks import keeping
from roles.models import Role

MOST_PERMISSIONS = 1_000
TOGETHER = "The fields model, object_pk must be used together."
NEEDS_LABEL = "When assigning global permissions, codename must be given as app_label.codename"

PERMISSION, CONTENT_TYPE = (
    [field.attname for field in model._meta.concrete_fields] for model in (Permission, ContentType)
)
COLUMNS = (*PERMISSION, *(f"content_type__{column}" for column in CONTENT_TYPE))


class Resolved(NamedTuple):
    """``permissions`` in the order of their names, repeats included; no resource means everywhere.

    ``exists`` says whether the resource may be named, ``held`` whether the grantee was granted any
    of the permissions there.
    """

    permissions: tuple[Permission, ...]
    resource: ResourceRef | None
    exists: bool
    held: bool


def no_such(resource: ResourceRef) -> InvalidInput:
    return InvalidInput(fields={"object_pk": [f"No {resource.type} has this key."]})


def resolve(
    *,
    names: Sequence[str],
    model: str | None,
    object_pk: str | None,
    grantee: User | Role | None = None,
) -> Resolved:
    """Find the permissions, the resource, and what the grantee has of them, with one statement.

    Names are those that questions take. The resource answered has its type's label; a registered
    one stays until the transaction ends. Raises InvalidInput keyed by ``permissions``, ``model``,
    ``object_pk`` or ``non_field_errors``. A missing resource is told, not raised: the ceiling
    speaks first, so that nobody learns from the answer what exists.
    """
    if len(names) > MOST_PERMISSIONS:
        message = f"At most {MOST_PERMISSIONS} permissions are allowed in one request."
        raise InvalidInput(fields={"permissions": [message]})
    if (model is None) != (object_pk is None):
        raise InvalidInput(fields={"non_field_errors": [TOGETHER]})
    if model is None or object_pk is None:
        return _everywhere(names, grantee)
    return _on_resource(names, model, object_pk, grantee)


def _on_resource(
    names: Sequence[str], label: str, object_pk: str, grantee: User | Role | None
) -> Resolved:
    resource, model = ResourceRef(label, canonical_pk(label, object_pk)), python_model(label)
    meant = {name: codenames_meant(name, label) for name in names}
    codenames = sorted(set(chain.from_iterable(meant.values())))
    app_label, _, type_name = label.partition(".")
    table = grants_to(grantee, by_object=True) if grantee else None
    rows: list[Sequence[Any]] = []
    if codenames and searchable(label) is not None:
        rows = _of_type(model, table, Parameter.room(codenames)).rows(
            app_label=app_label,
            model=type_name,
            codename=codenames,
            object_pk=resource.id,
            row_pk=resource.id,
            grantee=grantee and grantee.pk,
        )
    if not rows:
        registered = require_type(label).label
        if registered != label:
            return _on_resource(names, registered, object_pk, grantee)
        if names:
            raise _refusal(names, set(names), f"{label} has no permission")
        return Resolved((), resource, exists=resource_exists(resource), held=False)
    *_, mode, there, _ = rows[0]
    by_codename = {one.codename: one for one in map(_permission, rows)}
    of_name = {
        name: next((by_codename[one] for one in codenames if one in by_codename), None)
        for name, codenames in meant.items()
    }
    unknown = {name for name in names if of_name[name] is None}
    if unknown:
        raise _refusal(names, unknown, f"{label} has no permission")
    return Resolved(
        tuple(one for name in names if (one := of_name[name])),
        resource,
        exists=bool(there) or (model is None and mode == ResourceMode.OPEN),
        held=any(row[-1] for row in rows),
    )


def _everywhere(names: Sequence[str], grantee: User | Role | None) -> Resolved:
    if not names:
        return Resolved((), None, exists=True, held=False)
    if any("." not in name for name in names):
        raise InvalidInput(fields={"permissions": [NEEDS_LABEL]})
    parts = {name: tuple(searchable(one) or "" for one in name.split(".", 1)) for name in names}
    labels, codenames = (sorted(set(column)) for column in zip(*parts.values(), strict=True))
    table = grants_to(grantee, by_object=False) if grantee else None
    rows = _of_apps(table, Parameter.room(labels), Parameter.room(codenames)).rows(
        app_label=labels, codename=codenames, grantee=grantee and grantee.pk
    )
    with_name: dict[tuple[str, ...], list[Permission]] = defaultdict(list)
    for permission in map(_permission, rows):
        with_name[permission.content_type.app_label, permission.codename].append(permission)
    unclear = {parts[name] for name in names if len(with_name[parts[name]]) != 1}
    if unclear:
        with_name.update(_by_long_name(unclear))
    unknown = {name for name in names if not with_name[parts[name]]}
    if unknown:
        raise _refusal(names, unknown, "Unknown permission")
    ambiguous = {name for name in names if len(with_name[parts[name]]) > 1}
    if ambiguous:
        raise _refusal(names, ambiguous, "More than one type has")
    return Resolved(
        tuple(with_name[parts[name]][0] for name in names),
        None,
        exists=True,
        # What came by a long name has not been looked for.
        held=bool(unclear) or any(row[-1] for row in rows),
    )


def _by_long_name(parts: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], list[Permission]]:
    """By app label, and codename with the type's model after it as in ``view_invoice``: actions of
    one name on several types of an app are told from each other by that.
    """
    labels, codenames = zip(*parts, strict=True)
    long_name = Concat("codename", Value("_"), "content_type__model")
    of_apps = _registered(content_type__app_label__in=labels).annotate(long_name=long_name)
    with_name: dict[tuple[str, ...], list[Permission]] = defaultdict(list)
    for permission in of_apps.filter(long_name__in=codenames).select_related("content_type"):
        with_name[permission.content_type.app_label, permission.long_name].append(permission)
    return with_name


@lru_cache(maxsize=256)
def _of_type(model: Any, table: FactTable | None, room: int) -> Statement:
    """Permissions of a type with its mode, whether the resource has a row, and whether the grantee
    was granted the permission on it.
    """
    keeps = table is not None and model is None and connection.features.has_select_for_update
    registered = Resource.objects.filter(
        type=OuterRef("content_type__resource_type"), object_pk=Parameter("object_pk")
    )
    there: Any = Exists(registered)
    if model is not None:
        there = Exists(model._default_manager.filter(pk=Parameter("row_pk", model._meta.pk)))
    elif keeps:
        # Counted and not looked for, or a resource of an open type would not be kept.
        there = RawSQL("(SELECT COUNT(*) FROM kept)", ())
    permissions = _registered(
        content_type__app_label=Parameter("app_label"),
        content_type__model=Parameter("model"),
        codename__in=Parameter.several("codename", room),
    ).annotate(there=there, held=_held(table))
    columns = (*COLUMNS, "content_type__resource_type__mode", "there", "held")
    statement = Statement.of(permissions.values_list(*columns))
    return statement.reading("kept", keeping()) if keeps else statement


@lru_cache(maxsize=256)
def _of_apps(table: FactTable | None, apps: int, room: int) -> Statement:
    permissions = _registered(
        content_type__app_label__in=Parameter.several("app_label", apps),
        codename__in=Parameter.several("codename", room),
    ).annotate(held=_held(table))
    return Statement.of(permissions.values_list(*COLUMNS, "held"))


def _registered(**condition: Any) -> models.QuerySet[Permission]:
    return Permission.objects.filter(
        **condition, content_type__resource_type__isnull=False
    ).order_by()


def _held(table: FactTable | None) -> Any:
    if table is None:
        return Value(False)
    on: dict[str, Any] = {"object_pk": Parameter("object_pk")} if table.by_object else {}
    grantee = {table.principal: Parameter("grantee", table.holder._meta.pk)}
    return Exists(table.model.objects.filter(permission=OuterRef("pk"), **grantee, **on))


def _permission(row: Sequence[Any]) -> Permission:
    """With its content type, of a row that begins with ``COLUMNS``."""
    end = len(PERMISSION)
    permission = Permission.from_db(DEFAULT_DB_ALIAS, PERMISSION, row[:end])
    of_type = row[end : len(COLUMNS)]
    permission.content_type = ContentType.from_db(DEFAULT_DB_ALIAS, CONTENT_TYPE, of_type)
    return permission


def _refusal(names: Sequence[str], wrong: set[str], why: str) -> InvalidInput:
    """Keyed by position, as a list field's own errors are."""
    return InvalidInput(
        fields={
            "permissions": {
                str(n): [f'{why}: "{name[:200]}".'] for n, name in enumerate(names) if name in wrong
            }
        }
    )
