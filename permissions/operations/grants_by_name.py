"""Authorizing by words: resource types and actions that nobody has registered come into being."""

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
from permissions.engine import canonical_pk, held
from permissions.models import Resource, ResourceMode, ResourceType
from permissions.operations.actions import ensure_actions
from permissions.operations.replaced_grants import Authorization, replace_grants
from permissions.operations.types import MOST_ACTIONS, ActionSpec, TypeSpec, create_types
from roles.models import Role

EVERY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a principal is to be allowed on a resource of ``label``, or without key on all.

    ``actions`` are codenames, ``view`` for ``view_invoice``, or ``*`` for all the type has then.
    ``properties`` are the type's, should it be new.
    """

    principal: User | Role | Group
    label: str
    object_pk: str | None
    actions: tuple[str, ...]
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Labels of types that do not exist, and known types with the actions they lack."""

    labels: list[str]
    lacking: dict[ResourceType, list[str]]


def unknown(wishes: Iterable[Wish]) -> Unknown:
    """What ``authorize`` would register. Taking everything away registers nothing."""
    wanted: dict[str, dict[str, None]] = defaultdict(dict)
    for wish in wishes:
        if wish.actions:
            wanted[wish.label].update(dict.fromkeys(wish.actions))
    types = _types(wanted)
    actions = _actions(types.values())
    lacking = {
        kind: names
        for label, kind in types.items()
        if (names := [a for a in wanted[label] if a != EVERY and not _found(actions[label], a)])
    }
    return Unknown(labels=[label for label in wanted if label not in types], lacking=lacking)


@transaction.atomic
def authorize(*, wishes: Sequence[Wish], actor: User | None) -> None:
    """What each principal may do on each resource becomes exactly what is wished; all or none.

    Raises GrantCeiling, and InvalidInput for a resource that a strict type does not have.
    """
    _register(wishes, actor)
    types = _types({wish.label for wish in wishes})
    actions = _actions(types.values())
    _refuse_missing(wishes, types)
    replace_grants(
        wanted=[
            Authorization(
                principal=wish.principal,
                content_type_id=types[wish.label].pk,
                object_pk=wish.object_pk,
                permissions=_chosen(actions[wish.label], wish.actions),
            )
            for wish in wishes
            if wish.label in types
        ],
        actor=actor,
    )


def _register(wishes: Sequence[Wish], actor: User | None) -> None:
    found = unknown(wishes)
    if found.labels:
        create_types(actor=actor, specs=[_spec(label, wishes) for label in found.labels])
    for kind, names in sorted(found.lacking.items(), key=lambda lacking: lacking[0].pk):
        # Added to whatever others add meanwhile; to set them all would take theirs away.
        ensure_actions(type_label=kind.label, names=names, actor=actor)
        if len(list(_permissions([kind]))) > MOST_ACTIONS:
            raise InvalidInput(fields={"actions": [f"At most {MOST_ACTIONS} actions are allowed."]})


def _spec(label: str, wishes: Sequence[Wish]) -> TypeSpec:
    named = {name: None for wish in wishes if wish.label == label for name in wish.actions}
    return TypeSpec(
        label=label,
        actions=[ActionSpec(name=name) for name in named if name != EVERY],
        mode=ResourceMode.OPEN,
        properties=dict(next(wish.properties for wish in wishes if wish.label == label)),
    )


def _types(labels: Iterable[str]) -> dict[str, ResourceType]:
    named = Q(pk__in=())
    for label in labels:
        app_label, _, model = label.partition(".")
        named |= Q(content_type__app_label=app_label, content_type__model=model)
    rows = ResourceType.objects.filter(named).select_related("content_type")
    return {row.label: row for row in rows}


def _permissions(types: Iterable[ResourceType]) -> Iterable[Permission]:
    keys = [kind.pk for kind in types]
    return Permission.objects.filter(content_type__in=keys).select_related("content_type")


def _actions(types: Iterable[ResourceType]) -> dict[str, dict[str, Permission]]:
    found: dict[str, dict[str, Permission]] = defaultdict(dict)
    for permission in _permissions(types):
        kind = permission.content_type
        found[f"{kind.app_label}.{kind.model}"][permission.codename] = permission
    return found


def _found(actions: Mapping[str, Permission], name: str) -> Permission | None:
    """By codename, else by the short form, as decisions read it."""
    if name in actions:
        return actions[name]
    for permission in actions.values():
        return actions.get(f"{name}_{permission.content_type.model}")
    return None


def _chosen(actions: Mapping[str, Permission], names: Iterable[str]) -> tuple[Permission, ...]:
    wanted = set(names)
    if EVERY in wanted:
        return tuple(actions.values())
    return tuple(permission for name in wanted if (permission := _found(actions, name)))


def _refuse_missing(wishes: Iterable[Wish], types: Mapping[str, ResourceType]) -> None:
    keys: dict[str, set[str]] = defaultdict(set)
    for wish in wishes:
        if wish.object_pk is not None:
            canonical_pk(wish.label, wish.object_pk)
            if wish.label in types and types[wish.label].mode == ResourceMode.STRICT:
                keys[wish.label].add(wish.object_pk)
    named = Q(pk__in=())
    for label, wanted in keys.items():
        named |= Q(type=types[label], object_pk__in=wanted)
    known = held(Resource.objects.filter(named)) if keys else set()
    for label, wanted in keys.items():
        for key in sorted(wanted):
            if (types[label].pk, key) not in known:
                raise InvalidInput(fields={"resources": [f"No {label} has the key {key}."]})
