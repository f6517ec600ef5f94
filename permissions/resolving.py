"""From the words of a request to the permissions and the resource they mean."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q

from audit.errors import InvalidInput
from permissions.decisions import ResourceRef, searchable
from permissions.engine import python_model
from permissions.models import Resource, ResourceMode, ResourceType

MOST_PERMISSIONS = 1_000
LARGEST_INTEGER = 2**63 - 1
TOGETHER = "The fields model, object_pk must be used together."
NEEDS_LABEL = "When assigning global permissions, codename must be given as app_label.codename"


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
        return _canonical_uuid(object_pk)
    return _canonical_integer(object_pk)


def _canonical_uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise _bad_pk(f"“{text[:60]}” is not a valid UUID.") from None


def _canonical_integer(text: str) -> str:
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > LARGEST_INTEGER:
        raise _bad_pk("A valid integer is required.")
    return str(int(text))


def _bad_pk(message: str) -> InvalidInput:
    return InvalidInput(fields={"object_pk": [message]})


def _global(names: Sequence[str]) -> tuple[Permission, ...]:
    if any("." not in name for name in names):
        raise InvalidInput(fields={"permissions": [NEEDS_LABEL]})
    wanted = {name: (name.partition(".")[0], name.partition(".")[2]) for name in names}
    found: dict[tuple[str, str], list[Permission]] = defaultdict(list)
    for permission in _registered(
        Q(
            content_type__app_label__in={_safe(label) for label, _ in wanted.values()},
            codename__in={_safe(codename) for _, codename in wanted.values()},
        )
    ):
        found[permission.content_type.app_label, permission.codename].append(permission)
    _refuse(names, [name for name in names if not found[wanted[name]]], "Unknown permission")
    _refuse(names, [n for n in names if len(found[wanted[n]]) > 1], "More than one type has")
    return tuple(found[wanted[name]][0] for name in names)


def _on_resource(names: Sequence[str], label: str, object_pk: str) -> Resolved:
    app_label, _, model = label.partition(".")
    resource = ResourceRef(label, canonical_pk(label, object_pk))
    bare = {name: _without_label(name, app_label) for name in names}
    permissions = _registered(
        Q(
            content_type__app_label=_safe(app_label),
            content_type__model=_safe(model),
            codename__in={_safe(name) for pair in bare.items() for name in pair},
        )
    ).annotate(resource_exists=_existence(resource))
    by_codename: dict[str, Any] = {p.codename: p for p in permissions}
    if not by_codename:
        require_type(label)
        exists = resource_exists(resource)
    else:
        exists = next(iter(by_codename.values())).resource_exists
    found: dict[str, Any] = {
        name: by_codename.get(name) or by_codename.get(bare[name]) for name in names
    }
    _refuse(names, [name for name in names if found[name] is None], f"{label} has no permission")
    chosen = tuple(found[name] for name in names)
    return Resolved(permissions=chosen, resource=resource, exists=bool(exists))


def require_type(label: str) -> ResourceType:
    """Raises InvalidInput keyed by ``model``, worded as authentik words an unknown choice."""
    found = None
    if searchable(label) is not None:
        found = ResourceType.objects.labelled(label).select_related("content_type").first()
    if found is None:
        raise InvalidInput(fields={"model": [f'"{label[:200]}" is not a valid choice.']})
    return found


def hold_resource(resource: ResourceRef | None) -> None:
    """Raise InvalidInput where the resource is gone; one that is registered stays with us, as
    ``held`` says. One statement, on SQLite none.
    """
    if resource is None or python_model(resource.type) is not None or not _has_row_locks():
        return
    app_label, _, model = resource.type.partition(".")
    named = {"type__content_type__app_label": app_label, "type__content_type__model": model}
    registered = held(Resource.objects.filter(object_pk=resource.id, **named))
    if not registered and not resource_exists(resource):
        raise no_such(resource)


def held(resources: models.QuerySet[Resource]) -> set[tuple[int, str]]:
    """Types and keys of those that are there. Nobody deletes these before the transaction ends,
    because what it writes about them must go with them. One statement.
    """
    text, parameters = resources.order_by("pk").values("type", "object_pk").query.sql_with_params()
    if _has_row_locks():
        # The weakest lock a deletion waits for; Django has no word for it.
        text += " FOR KEY SHARE OF permissions_resource"
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        return set(cursor.fetchall())


def _has_row_locks() -> bool:
    """SQLite needs none, its writing transactions exclude each other."""
    return connection.features.has_select_for_update


def resource_exists(resource: ResourceRef) -> bool:
    """Whether grants may name the resource: its row is there, or its type is open."""
    found = ResourceType.objects.labelled(resource.type).annotate(found=_existence(resource))
    return bool(found.values_list("found", flat=True).first())


def _existence(resource: ResourceRef) -> Any:
    """An expression over a Permission or ResourceType row; see ``resource_exists``."""
    model = python_model(resource.type)
    if model is not None:
        return Exists(model._default_manager.filter(pk=resource.id))
    app_label, _, name = resource.type.partition(".")
    named = {"content_type__app_label": app_label, "content_type__model": name}
    is_open = ResourceType.objects.filter(mode=ResourceMode.OPEN, **named)
    registered = Resource.objects.filter(
        object_pk=resource.id,
        type__content_type__app_label=app_label,
        type__content_type__model=name,
    )
    return Exists(is_open) | Exists(registered)


def _registered(condition: Q) -> models.QuerySet[Permission]:
    known = ResourceType.objects.filter(pk=OuterRef("content_type_id"))
    return Permission.objects.filter(condition, Exists(known)).select_related("content_type")


def _without_label(name: str, app_label: str) -> str:
    """``app.codename`` names the type's own app, or it is no such thing and stays whole."""
    return name.removeprefix(f"{app_label}.")


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
