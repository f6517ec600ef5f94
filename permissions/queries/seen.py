"""Which things somebody may know of. Nobody learns by naming a thing whether it is there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from accounts.models import User
from permissions.engine import Question, ResourceRef, SubjectRef, check_many, visible
from permissions.models import Resource, ResourceType, python_model

BATCH = 1_000


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
            seen |= _acted_on(user, kind, [key for key in batch if key not in seen])
    return seen


def _viewed(rows: QuerySet[Any], key: str, keys: Sequence[str], user: User) -> set[str]:
    viewed = visible(rows, user=user)
    if viewed.reach == "all":
        return set(keys)
    return {str(value) for value in viewed.rows.values_list(key, flat=True)}


def _acted_on(user: User, kind: ResourceType, keys: Sequence[str]) -> set[str]:
    if not keys:
        return set()
    of_type = Permission.objects.filter(content_type=kind.pk).values_list("codename", flat=True)
    asked = list(product(keys, of_type))
    subject = SubjectRef.of(user)
    decisions = check_many(
        [
            Question(subject=subject, action=codename, resource=ResourceRef(kind.label, key))
            for key, codename in asked
        ]
    )
    return {key for (key, _), decision in zip(asked, decisions, strict=True) if decision.allowed}
