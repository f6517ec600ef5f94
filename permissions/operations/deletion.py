"""Deleting what holds or receives access, together with every fact about it.

A key may be used again later; nothing a deleted thing held, and nothing granted on it, may come
back with the next thing of that key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from django.contrib.auth.models import Permission
from django.db import models, transaction
from django.db.models import Q, prefetch_related_objects

from accounts.models import Group, GroupMembership, GroupParent, Token, User
from accounts.tokens import token_facts
from audit.errors import Forbidden
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from permissions.operations import closure
from permissions.operations.assignments import delete_assignments
from permissions.operations.audit_facts import group_facts, role_facts, user_facts
from permissions.operations.grants import delete_grants
from permissions.operations.membership import remove_memberships, remove_parent_rows
from roles.models import InitialPermissions, Role, RoleAssignment, Scope, ScopeEntry, managed_key

BATCH = 1_000
M = TypeVar("M", bound=models.Model)


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
    for batch in _batches(list(keys)):
        # By permission and key: the index that starts with them finds the rows.
        on_them = Q(permission__in=permissions, object_pk__in=batch)
        _delete_grants(UserObjectPermission, on_them, "user", actor=actor)
        _delete_grants(RoleObjectPermission, on_them, "group", actor=actor)
        entries = ScopeEntry.objects.filter(
            content_type__app_label=app_label, content_type__model=model, object_pk__in=batch
        )
        _delete_entries(label, entries, actor=actor)


def forget_permissions(permissions: Iterable[Permission], *, actor: User | None) -> None:
    """Delete permissions and every grant of them. Call in a transaction."""
    keys = [permission.pk for permission in permissions]
    granted = Q(permission__in=keys)
    _delete_grants(UserGlobalGrant, granted, "user", actor=actor)
    _delete_grants(RoleGlobalGrant, granted, "role", actor=actor)
    _delete_grants(UserObjectPermission, granted, "user", actor=actor)
    _delete_grants(RoleObjectPermission, granted, "group", actor=actor)
    Permission.objects.filter(pk__in=keys).delete()


@transaction.atomic
def delete_users(*, users: Iterable[User], actor: User | None) -> None:
    """Their grants, memberships, assignments, tokens and sessions end with this transaction."""
    users = list(users)
    own = Q(user__in=[user.pk for user in users])
    closure.lock_groups(Q(pk__in=GroupMembership.objects.filter(own).values("group")))
    users = lock_rows(users)
    _delete_grants(UserGlobalGrant, own, "user", actor=actor)
    _delete_grants(UserObjectPermission, own, "user", actor=actor)
    _delete_assignments(own, actor=actor)
    _delete_memberships(own, actor=actor)
    delete_tokens(tokens=Token.objects.filter(own), actor=actor)
    _delete_rows(users, EventKind.USER_DELETED, actor=actor, before=user_facts)


@transaction.atomic
def delete_groups(*, groups: Iterable[Group], actor: User | None) -> None:
    """Groups below a deleted one lose what they had through it. Roles of their own go with them."""
    closure.lock(closure.GROUPS)
    groups = lock_rows(groups)
    keys = [group.pk for group in groups]
    delete_roles(roles=Role.objects.filter(managed__in=map(managed_key, groups)), actor=actor)
    below = set(GroupParent.objects.filter(parent__in=keys).values_list("child", flat=True))
    _delete_assignments(Q(group__in=keys), actor=actor)
    _delete_memberships(Q(group__in=keys), actor=actor)
    _delete_parents(Q(child__in=keys) | Q(parent__in=keys), actor=actor)
    _delete_rows(groups, EventKind.GROUP_DELETED, actor=actor, before=group_facts)
    closure.rebuild(closure.GROUPS, below - set(keys))


@transaction.atomic
def delete_roles(*, roles: Iterable[Role], actor: User | None) -> None:
    """Raises BuiltInRole, and deletes none then."""
    roles = list(roles)
    if any(role.built_in for role in roles):
        raise BuiltInRole
    roles = lock_rows(roles)
    keys = [role.pk for role in roles]
    _delete_grants(RoleGlobalGrant, Q(role__in=keys), "role", actor=actor)
    _delete_grants(RoleObjectPermission, Q(group__in=keys), "group", actor=actor)
    _delete_assignments(Q(role__in=keys) | Q(holder_role__in=keys), actor=actor)
    rules = list(InitialPermissions.objects.filter(role__in=keys))
    _delete_rows(rules, EventKind.INITIAL_PERMISSIONS_DELETED, actor=actor)
    prefetch_related_objects(roles, "namespace")
    _delete_rows(roles, EventKind.ROLE_DELETED, actor=actor, before=role_facts)


@transaction.atomic
def delete_tokens(*, tokens: Iterable[Token], actor: User | None) -> None:
    _delete_rows(list(tokens), EventKind.TOKEN_DELETED, actor=actor, before=token_facts)


def lock_rows(rows: Iterable[M]) -> list[M]:
    """Those that nobody has deleted meanwhile.

    To be called before facts about them are looked for: what others write about them by then has
    been written, and will be found, or will be refused. In one order, against deadlocks.
    """
    found: list[M] = []
    given = list(rows)
    for batch in _batches(sorted(row.pk for row in given)):
        known = type(given[0])._default_manager.filter(pk__in=batch)
        found += known.order_by("pk").select_for_update()
    return found


Facts = Callable[[Any], dict[str, Any]]


def _name(row: models.Model) -> dict[str, Any]:
    return {"name": str(row)}


def delete_rows(
    rows: Sequence[models.Model], kind: EventKind, *, actor: User | None, before: Facts = _name
) -> None:
    """Delete rows of one of our own models and all that is granted on them."""
    with transaction.atomic():
        _delete_rows(rows, kind, actor=actor, before=before)


def _delete_rows(
    rows: Sequence[models.Model], kind: EventKind, *, actor: User | None, before: Facts = _name
) -> None:
    if not rows:
        return
    model = type(rows[0])
    entries = [Entry(kind=kind, target=row, before=before(row)) for row in rows]
    keys = [row.pk for row in rows]
    forget_resources(model._meta.label_lower, map(str, keys), actor=actor)
    for batch in _batches(keys):
        model._default_manager.filter(pk__in=batch).delete()
    record_many(entries, actor=actor)


def _delete_grants(table: Any, condition: Q, principal: str, *, actor: User | None) -> None:
    rows = table.objects.filter(condition).select_related("permission__content_type", principal)
    while batch := list(rows.order_by("pk")[:BATCH]):
        delete_grants(batch, actor=actor)


def _delete_entries(label: str, entries: Any, *, actor: User | None) -> None:
    """Scopes cover less without them; an event for each scope says what it lost.

    What doors noted about the entries goes with them, lest it pass for what is there.
    """
    named = set(entries.values_list("scope", flat=True))
    if not named:
        return
    # Assignments before scopes before entries, as whoever deletes or changes those goes, or the two
    # would wait for each other.
    inline = RoleAssignment.objects.filter(scope__in=named, scope__name__isnull=True)
    inline.update(properties={})
    scopes = {row.pk: row for row in lock_rows(Scope.objects.filter(pk__in=named))}
    lost: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in entries.filter(scope__in=scopes).order_by("pk"):
        below = row.with_descendants
        lost[row.scope_id].append(
            {"type": label, "object_pk": row.object_pk, "with_descendants": below}
        )
    entries.delete()
    Scope.objects.filter(pk__in=lost).update(properties={})
    changed = EventKind.SCOPE_CHANGED
    record_many(
        [
            Entry(kind=changed, target=scopes[key], before={"entries": gone})
            for key, gone in lost.items()
        ],
        actor=actor,
    )


def _delete_assignments(condition: Q, *, actor: User | None) -> None:
    rows = RoleAssignment.objects.filter(condition).select_related(
        "role", "scope", "user", "group", "holder_role"
    )
    delete_assignments(list(rows), actor=actor)


def _delete_memberships(condition: Q, *, actor: User | None) -> None:
    rows = GroupMembership.objects.filter(condition).select_related("group", "user")
    while batch := list(rows.order_by("pk")[:BATCH]):
        remove_memberships(batch, actor=actor)


def _delete_parents(condition: Q, *, actor: User | None) -> None:
    rows = GroupParent.objects.filter(condition).select_related("child", "parent")
    while batch := list(rows.order_by("pk")[:BATCH]):
        remove_parent_rows(batch, actor=actor)


def _batches(keys: list[Any]) -> Iterable[list[Any]]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
