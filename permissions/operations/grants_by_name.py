"""Replacing grants by names: resource types and actions nobody has registered come into being."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q

from accounts.models import Group, User
from audit.errors import InvalidInput
from permissions.engine import canonical_pk
from permissions.models import Resource, ResourceMode, ResourceType
from permissions.operations.grants import ExactGrants, replace_grants
from permissions.operations.locks import Change, keep_resources, one_at_a_time
from permissions.operations.types import (
    MOST_ACTIONS,
    ActionSpec,
    TypeSpec,
    create_types,
    ensure_actions,
)
from roles.models import Role

EVERY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsByName:
    """All that a principal is to be granted on a resource of ``label``, or without key on all.

    ``actions`` are codenames, ``view`` for ``view_invoice``, or ``*`` for all the type has then.
    ``properties`` are the type's, should it be new.
    """

    principal: User | Role | Group
    label: str
    object_pk: str | None
    actions: tuple[str, ...]
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unregistered:
    """Labels of types that do not exist, and registered types with the actions they lack."""

    labels: list[str]
    lacking: dict[ResourceType, list[str]]


def unregistered(grants: Iterable[GrantsByName]) -> Unregistered:
    """What ``replace_grants_by_name`` would register. Taking everything away registers nothing."""
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for one in grants:
        if one.actions:
            names[one.label].update(dict.fromkeys(one.actions))
    types = _types(names)
    permissions = _by_codename(types.values())
    lacking = {
        kind: absent
        for label, kind in types.items()
        if (
            absent := [
                name
                for name in names[label]
                if name != EVERY and not _permission(permissions[label], name)
            ]
        )
    }
    return Unregistered(labels=[label for label in names if label not in types], lacking=lacking)


@transaction.atomic
def replace_grants_by_name(*, grants: Sequence[GrantsByName], actor: User | None) -> None:
    """What each principal is granted on each resource becomes exactly this; all or none.

    Raises GrantCeiling, and InvalidInput for a resource that a strict type does not have.
    """
    _register(grants, actor)
    types = _types({one.label for one in grants})
    permissions = _by_codename(types.values())
    exactly = []
    for one in grants:
        if one.label in types:
            of_type = permissions[one.label]
            by_name = {name: _permission(of_type, name) for name in one.actions}
            chosen = of_type if EVERY in by_name else by_name
            exactly.append(
                ExactGrants(
                    principal=one.principal,
                    content_type_id=types[one.label].pk,
                    object_pk=one.object_pk,
                    permissions=tuple(filter(None, chosen.values())),
                )
            )
    replace_grants(exactly=exactly, actor=actor)
    # After the ceiling has spoken, so that nobody learns from the answer what exists.
    _refuse_missing([one for one in grants if one.actions], types)


def _register(grants: Sequence[GrantsByName], actor: User | None) -> None:
    missing = unregistered(grants)
    if missing.labels:
        # Looked up again: of two who name the same type, the second adds to what the first made.
        one_at_a_time(Change.TYPE_NAMES)
        missing = unregistered(grants)
        specs = []
        for label in missing.labels:
            of_type = [one for one in grants if one.label == label]
            names = {name: None for one in of_type for name in one.actions if name != EVERY}
            specs.append(
                TypeSpec(
                    label=label,
                    actions=[ActionSpec(name=name) for name in names],
                    mode=ResourceMode.OPEN,
                    properties=dict(of_type[0].properties),
                )
            )
        create_types(actor=actor, specs=specs)
    for kind, absent in sorted(missing.lacking.items(), key=lambda lacking: lacking[0].pk):
        # Added to whatever others add meanwhile; to set them all would take theirs away.
        ensure_actions(type_label=kind.label, names=absent, actor=actor)
        if len(list(_permissions([kind]))) > MOST_ACTIONS:
            raise InvalidInput(fields={"actions": [f"At most {MOST_ACTIONS} actions are allowed."]})


def _types(labels: Iterable[str]) -> dict[str, ResourceType]:
    of_labels = Q(pk__in=())
    for label in labels:
        app_label, _, model = label.partition(".")
        of_labels |= Q(content_type__app_label=app_label, content_type__model=model)
    rows = ResourceType.objects.filter(of_labels).select_related("content_type")
    return {row.label: row for row in rows}


def _permissions(types: Iterable[ResourceType]) -> Iterable[Permission]:
    keys = [kind.pk for kind in types]
    return Permission.objects.filter(content_type__in=keys).select_related("content_type")


def _by_codename(types: Iterable[ResourceType]) -> dict[str, dict[str, Permission]]:
    """Label to codename to permission."""
    permissions: dict[str, dict[str, Permission]] = defaultdict(dict)
    for permission in _permissions(types):
        kind = permission.content_type
        permissions[f"{kind.app_label}.{kind.model}"][permission.codename] = permission
    return permissions


def _permission(permissions: Mapping[str, Permission], name: str) -> Permission | None:
    """By codename, else by the short form, as decisions read it."""
    if name in permissions:
        return permissions[name]
    for permission in permissions.values():
        return permissions.get(f"{name}_{permission.content_type.model}")
    return None


def _refuse_missing(grants: Iterable[GrantsByName], types: Mapping[str, ResourceType]) -> None:
    """Resources that are to be granted must exist, if their type is strict."""
    keys: dict[str, set[str]] = defaultdict(set)
    for one in grants:
        if one.object_pk is not None:
            canonical_pk(one.label, one.object_pk)
            if one.label in types and types[one.label].mode == ResourceMode.STRICT:
                keys[one.label].add(one.object_pk)
    of_keys = Q(pk__in=())
    for label, pks in keys.items():
        of_keys |= Q(type=types[label], object_pk__in=pks)
    # Held until the end: a resource that went away meanwhile would leave its grants behind.
    registered = keep_resources(Resource.objects.filter(of_keys)) if keys else set()
    for label, pks in keys.items():
        for pk in sorted(pks):
            if (types[label].pk, pk) not in registered:
                raise InvalidInput(fields={"resources": [f"No {label} has the key {pk}."]})
