"""Which things somebody may know of. Nobody learns by naming a thing whether it is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import Any, TypeVar

from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from accounts.models import User
from permissions.engine import Question, ResourceRef, SubjectRef, check_many, visible
from permissions.models import Resource, ResourceType, python_model

BATCH = 1_000
M = TypeVar("M")


def seen_keys(user: User, kind: ResourceType, keys: Sequence[str]) -> set[str]:
    """Those of existing things of a type that the user may view, or do anything else on.

    One statement per 1,000 if the user may view all of them, else three.
    """
    model: Any = python_model(kind.label)
    seen: set[str] = set()
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        if model is not None:
            seen |= _viewed(model._default_manager.filter(pk__in=batch), "pk", batch, user)
        else:
            rows = Resource.objects.filter(type=kind, object_pk__in=batch)
            seen |= _viewed(rows, "object_pk", batch, user)
            if rest := [key for key in batch if key not in seen]:
                actions = Permission.objects.filter(content_type=kind.pk)
                names = actions.values_list("codename", flat=True)
                asked = [(k, name, ResourceRef(kind.label, k)) for k, name in product(rest, names)]
                seen |= _allowed(user, asked)
    return seen


# Of a type, by its label, the key of a thing.
Named = tuple[str, str]
REGISTRY = "permissions.resource"


def may_be_named(user: User, things: Mapping[Named, Collection[str]]) -> set[Named]:
    """Things, each with actions on it, of which the user may know what they are called: by viewing
    them, or by being allowed one of the actions. Three statements at most, however many.
    """
    labels = {label for label, _ in things}
    of_types = _allowed(user, [(label, *_viewing(label)) for label in labels])
    seen = {thing for thing in things if thing[0] in of_types}
    rest = things.keys() - seen - {("authentik_core.user", str(user.pk))}
    rows = _registered([thing for thing in rest if python_model(thing[0]) is None])
    asked = []
    for thing in rest:
        asked += [(thing, name, ResourceRef(*thing)) for name in things[thing]]
        action, on = _viewing(thing[0])
        if (key := rows.get(thing) if on.type == REGISTRY else thing[1]) is not None:
            asked.append((thing, action, ResourceRef(on.type, str(key))))
    return things.keys() - rest | _allowed(user, asked)


def _allowed(user: User, asked: Sequence[tuple[M, str, ResourceRef]]) -> set[M]:
    """Of those that are asked for, each with an action on something, which the user may do."""
    subject = SubjectRef.of(user)
    decisions = check_many(
        [Question(subject=subject, action=action, resource=on) for _, action, on in asked]
    )
    return {one for (one, _, _), decision in zip(asked, decisions, strict=True) if decision.allowed}


def _viewing(label: str) -> tuple[str, ResourceRef]:
    """What viewing everything of a type needs; registered things are viewed in the registry."""
    if python_model(label) is None:
        return "view_resource", ResourceRef(REGISTRY)
    return f"view_{label.partition('.')[2]}", ResourceRef(label)


def _registered(things: Sequence[Named]) -> dict[Named, int]:
    """The rows of those that are registered. One statement, if there are any."""
    if not things:
        return {}
    labels, keys = zip(*things, strict=True)
    rows = Resource.objects.filter(
        type__content_type__app_label__in={label.partition(".")[0] for label in labels},
        object_pk__in=set(keys),
    )
    columns = rows.values_list(
        "type__content_type__app_label", "type__content_type__model", "object_pk", "pk"
    )
    return {(f"{app_label}.{model}", key): pk for app_label, model, key, pk in columns}


def _viewed(rows: QuerySet[Any], key: str, keys: Sequence[str], user: User) -> set[str]:
    viewed = visible(rows, user=user)
    if viewed.reach == "all":
        return set(keys)
    return {str(value) for value in viewed.rows.values_list(key, flat=True)}
