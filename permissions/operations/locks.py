"""Who waits for whom. Nothing else locks, and whoever takes several takes them in this order,
because two that take the same locks in different orders wait for each other for ever:

1. ``claim_names``, then ``one_at_a_time``: names of types, the parents of groups, those of
   resources, the roles that hold roles
2. ``lock_groups``, then ``lock_principals``: what these are linked to
3. ``lock_rows``: rows that are to be deleted or changed as a whole, but scopes
4. ``keep_resource``, ``keep_resources``: resources that facts are written about
5. the facts themselves, read for update before they are changed or deleted
6. scopes that are changed, and then their entries: they lose what is deleted

To compare what a client has read with what is there, the row is locked: before anything by
``hold``, if changing it takes no other lock before it, else by a ``Precondition`` in its place.

To lock a row keeps others from changing or deleting it; to keep one only from deleting it, so that
facts about it are not left without it.

SQLite needs none of them: its writing transactions exclude each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import IntEnum
from functools import cache
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from django.db import connection, models

from accounts.models import Group, GroupMembership, User
from audit.errors import Conflict, NotFound
from permissions.engine import (
    Parameter,
    ResourceRef,
    Statement,
    resource_exists,
)
from permissions.models import Resource, ResourceType, python_model
from roles.models import Namespace, Role

BATCH = 1_000
# The weakest lock a deletion waits for; Django has no word for it.
KEEP = " FOR KEY SHARE OF permissions_resource"
M = TypeVar("M", bound=models.Model)
# What a client has read is still so, or it raises. It locks the row for that.
Precondition: TypeAlias = Callable[[], object]


class Change(IntEnum):
    """Two changes that are each fine may together make a cycle, or give two things one name."""

    TYPE_NAMES = 7_000
    GROUP_PARENTS = 7_001
    RESOURCE_PARENTS = 7_002
    ROLE_HOLDERS = 7_003


_FIRST: dict[type[models.Model], Change] = {
    Group: Change.GROUP_PARENTS,
    Role: Change.ROLE_HOLDERS,
    Resource: Change.RESOURCE_PARENTS,
    # Resources go with these.
    ResourceType: Change.RESOURCE_PARENTS,
    Namespace: Change.RESOURCE_PARENTS,
}


# Beside the numbers of ``Change``: these locks have two.
USER_NAMES = 7_010


def claim_names(names: Iterable[str]) -> None:
    """Let one transaction at a time find that these mean no user, and give them to one: no index
    looks at all the columns that a user is known by. One statement, on SQLite none.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT pg_advisory_xact_lock(%s, claimed.key) FROM (
                    SELECT DISTINCT hashtext(name) AS key FROM unnest(%s::text[]) AS name
                    ORDER BY key) AS claimed""",
                [USER_NAMES, list(names)],
            )


def one_at_a_time(change: Change) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(change)])


def lock_groups(condition: models.Q) -> None:
    """Let one transaction at a time change what these groups are linked to."""
    if connection.features.has_select_for_update:
        list(_locked(Group.objects.filter(condition)))


def lock_groups_of(users: Iterable[User]) -> None:
    joined = GroupMembership.objects.filter(user__in=[user.pk for user in users])
    lock_groups(models.Q(pk__in=joined.values("group")))


def lock_principals(principals: Iterable[User | Group | Role]) -> None:
    """Let one transaction at a time change which roles these hold, after it has read them.

    A statement for each kind, on SQLite none. Raises Conflict for one deleted meanwhile.
    """
    if not connection.features.has_select_for_update:
        return
    keys: dict[type[User | Group | Role], set[Any]] = {Group: set(), User: set(), Role: set()}
    for principal in principals:
        keys[type(principal)].add(principal.pk)
    for kind, of_kind in keys.items():
        rows = kind._default_manager.filter(pk__in=of_kind)
        if of_kind and len(_locked(rows)) < len(of_kind):
            raise Conflict(f"The {kind._meta.model_name} does not exist any more.")


def _locked(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    # In one order, as the module says. ``no_key``: else every fact written elsewhere that refers to
    # the row would wait.
    return rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)


def lock_rows(rows: Iterable[M]) -> list[M]:
    """Those of the rows that nobody has deleted meanwhile.

    To be called before facts about them are looked for: what others write about them has then
    either been written, and is found, or will be refused.
    """
    locked: list[M] = []
    rows = sorted(rows, key=attrgetter("pk"))
    for start in range(0, len(rows), BATCH):
        batch = [row.pk for row in rows[start : start + BATCH]]
        there = type(rows[0])._default_manager.filter(pk__in=batch)
        locked += there.order_by("pk").select_for_update()
    return locked


def refresh(row: models.Model) -> None:
    """The row becomes as it is now, and nobody else changes or deletes it before the transaction
    ends: what is told of it and compared with it is true then. One statement. Raises NotFound.
    """
    rows = type(row)._default_manager.filter(pk=row.pk).select_for_update(no_key=True)
    now = rows.first()
    if now is None:
        raise NotFound
    for field in row._meta.concrete_fields:
        # What it links to stays loaded where it is the same.
        setattr(row, field.attname, getattr(now, field.attname))


def hold(row: models.Model, *, for_good: bool) -> None:
    """Let nobody else change the row, before its state is compared with what a client has read;
    with ``for_good`` it is to be deleted, and nobody else may refer to it either.
    """
    # What changing or deleting it takes first must be taken first here too.
    if (change := _FIRST.get(type(row))) is not None:
        one_at_a_time(change)
    if for_good and isinstance(row, User):
        lock_groups_of([row])
    if for_good:
        lock_rows([row])
    else:
        list(_locked(type(row)._default_manager.filter(pk=row.pk)))


def keep_resource(resource: ResourceRef) -> bool:
    """Whether the resource is there; one that is registered stays with us, as ``keep_resources``
    says. One statement, on SQLite none: there it is as it was when the transaction began.
    """
    has_no_row = python_model(resource.type) is not None
    if has_no_row or not connection.features.has_select_for_update:
        return True
    app_label, _, model = resource.type.partition(".")
    kept = keeping().rows(app_label=app_label, model=model, object_pk=resource.id)
    return bool(kept) or resource_exists(resource)


@cache
def keeping() -> Statement:
    """The registered resource of an ``app_label``, a ``model`` and an ``object_pk``, kept."""
    resources = Resource.objects.filter(
        object_pk=Parameter("object_pk"),
        type__content_type__app_label=Parameter("app_label"),
        type__content_type__model=Parameter("model"),
    )
    statement = Statement.of(resources.order_by().values_list("pk"))
    return replace(statement, text=statement.text + KEEP)


def keep_keys(kind: ResourceType, keys: Sequence[str]) -> set[str]:
    """Those keys that are of something there; see ``keep_resources``. One statement per 1,000."""
    model: Any = python_model(kind.label)
    there: set[str] = set()
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        if model is None:
            kept = keep_resources(Resource.objects.filter(type=kind, object_pk__in=batch))
            there.update(key for _, key in kept)
        else:
            pks = model._default_manager.filter(pk__in=batch).values_list("pk", flat=True)
            there.update(map(str, pks))
    return there


def keep_resources(resources: models.QuerySet[Resource]) -> set[tuple[int, str]]:
    """Types and keys of those that are there. Nobody deletes these before the transaction ends,
    because what it writes about them must go with them. One statement.
    """
    text, values = resources.order_by("pk").values("type", "object_pk").query.sql_with_params()
    if connection.features.has_select_for_update:
        text += KEEP
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return set(cursor.fetchall())
