"""Deleting what holds or receives access, together with every fact about it.

A key may be used again later; nothing a deleted thing held, and nothing granted on it, may come
back with the next thing of that key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from django.contrib.auth.models import Permission
from django.db import models, transaction
from django.db.models import Q, QuerySet, prefetch_related_objects

from accounts.models import Group, GroupParent, Token, User
from accounts.tokens import token_facts
from audit.errors import Forbidden
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.models.fact_tables import (
    ASSIGNMENTS,
    GRANTS,
    MEMBERSHIPS,
    ROLE_GLOBAL,
    ROLE_OBJECT,
    USER_GLOBAL,
    USER_OBJECT,
    FactTable,
)
from permissions.operations import closure
from permissions.operations.assignments import delete_assignments
from permissions.operations.audit_facts import group_facts, role_facts, user_facts
from permissions.operations.batches import batches
from permissions.operations.grants import delete_grants
from permissions.operations.group_parents import remove_parent_rows
from permissions.operations.locks import Change, lock_groups_of, lock_rows, one_at_a_time
from permissions.operations.membership import remove_memberships
from roles.models import InitialPermissions, Role, RoleAssignment, Scope, ScopeEntry, managed_key

BATCH = 1_000
Facts: TypeAlias = Callable[[Any], dict[str, Any]]
Deleter: TypeAlias = Callable[..., object]


class BuiltInRole(Forbidden):
    """Clients know the roles the service brings by their names."""

    code = "built_in_role"
    default_message = "A built-in role cannot be renamed or deleted."


def forget_resources(label: str, keys: Iterable[str], *, actor: User | None) -> None:
    """Delete the object grants and scope entries on resources of a type. Call in a transaction."""
    app_label, _, model = label.partition(".")
    permissions = list(
        Permission.objects.filter(
            content_type__app_label=app_label, content_type__model=model
        ).values_list("pk", flat=True)
    )
    for batch in batches(keys, BATCH):
        # By permission and key: the index that starts with them finds the rows.
        on_them = Q(permission__in=permissions, object_pk__in=batch)
        _delete_facts((USER_OBJECT, ROLE_OBJECT), on_them, actor=actor)
        entries = ScopeEntry.objects.filter(
            content_type__app_label=app_label, content_type__model=model, object_pk__in=batch
        )
        _delete_entries(label, entries, actor=actor)


def forget_permissions(permissions: Iterable[Permission], *, actor: User | None) -> None:
    """Delete permissions and every grant of them. Call in a transaction."""
    keys = [permission.pk for permission in permissions]
    # Grants first: with the permissions they would go without an event.
    _delete_facts(GRANTS, Q(permission__in=keys), actor=actor)
    Permission.objects.filter(pk__in=keys).delete()


@transaction.atomic
def delete_users(*, users: Iterable[User], actor: User | None) -> None:
    """Their grants, memberships, assignments, tokens and sessions end with this transaction."""
    users = list(users)
    own = Q(user__in=[user.pk for user in users])
    # Whoever adds a member locks the group first, and would wait for us with that lock.
    lock_groups_of(users)
    users = lock_rows(users)
    _delete_facts((USER_GLOBAL, USER_OBJECT, ASSIGNMENTS[0], MEMBERSHIPS), own, actor=actor)
    delete_tokens(tokens=Token.objects.filter(own), actor=actor)
    delete_rows(users, EventKind.USER_DELETED, actor=actor, before=user_facts)


@transaction.atomic
def delete_groups(*, groups: Iterable[Group], actor: User | None) -> None:
    """Groups below a deleted one lose what they had through it. Roles of their own go with them."""
    one_at_a_time(Change.GROUP_PARENTS)
    groups = lock_rows(groups)
    keys = [group.pk for group in groups]
    delete_roles(roles=Role.objects.filter(managed__in=map(managed_key, groups)), actor=actor)
    # Asked before the links go, which alone say whose closure must be mended.
    below = set(GroupParent.objects.filter(parent__in=keys).values_list("child", flat=True))
    _delete_facts((ASSIGNMENTS[0], MEMBERSHIPS), Q(group__in=keys), actor=actor)
    links = GroupParent.objects.filter(Q(child__in=keys) | Q(parent__in=keys))
    _delete_each(links.select_related("child", "parent"), remove_parent_rows, actor=actor)
    delete_rows(groups, EventKind.GROUP_DELETED, actor=actor, before=group_facts)
    closure.rebuild(closure.GROUPS, below - set(keys))


@transaction.atomic
def delete_roles(*, roles: Iterable[Role], actor: User | None) -> None:
    """Raises BuiltInRole, and deletes none then."""
    roles = list(roles)
    if any(role.built_in for role in roles):
        raise BuiltInRole
    roles = lock_rows(roles)
    keys = [role.pk for role in roles]
    _delete_facts([ROLE_GLOBAL], Q(role__in=keys), actor=actor)
    _delete_facts([ROLE_OBJECT], Q(group__in=keys), actor=actor)
    _delete_facts([ASSIGNMENTS[0]], Q(role__in=keys) | Q(holder_role__in=keys), actor=actor)
    rules = lock_rows(InitialPermissions.objects.filter(role__in=keys))
    delete_rows(rules, EventKind.INITIAL_PERMISSIONS_DELETED, actor=actor)
    prefetch_related_objects(roles, "namespace")
    delete_rows(roles, EventKind.ROLE_DELETED, actor=actor, before=role_facts)


@transaction.atomic
def delete_tokens(*, tokens: Iterable[Token], actor: User | None) -> None:
    delete_rows(lock_rows(tokens), EventKind.TOKEN_DELETED, actor=actor, before=token_facts)


@transaction.atomic(savepoint=False)
def delete_rows(
    rows: Sequence[models.Model],
    kind: EventKind,
    *,
    actor: User | None,
    before: Facts = lambda row: {"name": str(row)},
) -> None:
    """Delete rows of one of our own models and all that is granted on them."""
    if not rows:
        return
    model = type(rows[0])
    # Told before they go: what an event says of a row may be read from others that go with it.
    entries = [Entry(kind=kind, target=row, before=before(row)) for row in rows]
    keys = [row.pk for row in rows]
    forget_resources(model._meta.label_lower, map(str, keys), actor=actor)
    for batch in batches(keys, BATCH):
        model._default_manager.filter(pk__in=batch).delete()
    record_many(entries, actor=actor)


def deleter_of(table: FactTable) -> Deleter:
    """What takes rows of this table away, with their events."""
    if table in ASSIGNMENTS:
        return delete_assignments
    return remove_memberships if table is MEMBERSHIPS else delete_grants


def _delete_facts(tables: Iterable[FactTable], condition: Q, *, actor: User | None) -> None:
    for table in tables:
        rows = table.locked(table.model.objects.filter(condition))
        _delete_each(rows, deleter_of(table), actor=actor)


def _delete_each(rows: QuerySet[Any], delete: Deleter, *, actor: User | None) -> None:
    while True:
        # From the start each time: those read before have gone by now.
        batch = list(rows.order_by("pk")[:BATCH])
        delete(batch, actor=actor)
        if len(batch) < BATCH:
            return


def _delete_entries(label: str, entries: Any, *, actor: User | None) -> None:
    """Scopes cover less without them; an event for each scope says what it lost.

    What doors noted about the entries goes with them, lest it pass for what is there.
    """
    keys = set(entries.values_list("scope", flat=True))
    if not keys:
        return
    # Assignments before scopes before entries, as whoever deletes or changes those goes, or the two
    # would wait for each other.
    inline = RoleAssignment.objects.filter(scope__in=keys, scope__name__isnull=True)
    inline.update(properties={})
    scopes = {row.pk: row for row in lock_rows(Scope.objects.filter(pk__in=keys))}
    lost: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in entries.filter(scope__in=scopes).order_by("pk"):
        lost[row.scope_id].append(
            {
                "type": label,
                "object_pk": row.object_pk,
                "with_descendants": row.with_descendants,
            }
        )
    entries.delete()
    Scope.objects.filter(pk__in=lost).update(properties={})
    kind = EventKind.SCOPE_CHANGED
    record_many(
        (
            Entry(kind=kind, target=scopes[key], before={"entries": gone})
            for key, gone in lost.items()
        ),
        actor=actor,
    )
