"""Actions that come to be by being named, for types whose vocabulary nobody can list beforehand."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Permission
from django.db import transaction

from accounts.models import User
from audit.models import EventKind
from audit.operations import record
from permissions.models import ResourceType


@transaction.atomic
def ensure_actions(
    *, type_label: str, names: Iterable[str], actor: User | None
) -> list[Permission]:
    """The permissions of a type with these codenames (≤ 100 characters), made where missing.

    A new permission gives nobody anything: it has to be granted, under the ceiling, like any other.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return []
    type_ = ResourceType.objects.labelled(type_label).select_related("content_type").get()
    of_type = Permission.objects.filter(content_type=type_.content_type_id)
    known = set(of_type.filter(codename__in=wanted).values_list("codename", flat=True))
    # In one order: two who name the same actions in different orders wait for each other.
    added = sorted(name for name in wanted if name not in known)
    if added:
        Permission.objects.bulk_create(
            [
                Permission(content_type_id=type_.content_type_id, codename=name, name=name)
                for name in added
            ],
            ignore_conflicts=True,
        )
        after = {"actions_added": added}
        record(EventKind.RESOURCE_TYPE_CHANGED, target=type_, actor=actor, after=after)
    return list(of_type.filter(codename__in=wanted).select_related("content_type"))
