"""What everybody could do, by the naive rules: read from the database and worked out slowly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, TypeAlias

from accounts.models import Group, GroupMembership, GroupParent, User
from permissions.models import (
    Resource,
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from roles.models import InitialPermissions, Role, RoleAssignment, Scope
from tests.truth.naive import (
    Assignment,
    Grant,
    Membership,
    Person,
    Principal,
    RoleFacts,
    ScopeFacts,
    Team,
    Thing,
    Times,
    Way,
    World,
)

# Type, codename, and key of a resource; None for all of them and for the question without one.
Power: TypeAlias = tuple[str, str, str | None]


def world_of_the_database() -> World:
    """Every fact there is, as the naive evaluator keeps it."""
    world = World()
    for user in User.objects.all():
        world.people[str(user.pk)] = Person(
            username=user.username,
            uuid=str(user.uuid),
            hex_id=user.hex_id,
            external_id=user.external_id,
            email=user.email,
            active=user.is_active,
        )
    for group in Group.objects.all():
        world.teams[str(group.pk)] = Team(is_superuser=group.is_superuser)
    for child, parent in GroupParent.objects.values_list("child", "parent"):
        world.teams[str(child)].parents.add(str(parent))
    for role in Role.objects.all():
        world.roles[str(role.pk)] = RoleFacts(role.is_enabled, role.disabled_from)
    for scope in Scope.objects.prefetch_related("entries__content_type"):
        entries = {
            (_label(entry.content_type), entry.object_pk, entry.with_descendants)
            for entry in scope.entries.all()
        }
        world.scopes[str(scope.pk)] = ScopeFacts(scope.kind, entries)
    for row in Resource.objects.select_related("type__content_type", "parent__type__content_type"):
        above = (row.parent.type.label, row.parent.object_pk) if row.parent else None
        world.parents[row.type.label, row.object_pk] = above
    world.memberships = [
        Membership(str(row.pk), str(row.user_id), str(row.group_id), _times(row))
        for row in GroupMembership.objects.all()
    ]
    world.assignments = [
        Assignment(
            str(row.pk),
            str(row.role_id),
            _principal(row),
            str(row.scope_id) if row.scope_id else None,
            _times(row),
        )
        for row in RoleAssignment.objects.all()
    ]
    world.grants = list(_grants())
    return world


def powers(world: World, people: Iterable[str], things: list[Thing], at: datetime) -> set[Power]:
    """What these people together may do at a moment; superusers among them count for nobody."""
    found: set[Power] = set()
    for pk in people:
        person = world.people.get(pk)
        if person is None or not person.active or is_superuser_at(world, pk, at):
            continue
        own = Way(None, ("user", pk), (), "", ())
        for way in (own, *world.ways(pk, at)):
            holder = ("role", way.role) if way.assignments else ("user", pk)
            for grant in world.grants:
                if grant.principal == holder and grant.times.hold(at):
                    found.update(_given(world, way, grant, things))
    return found


def rules_of(world: World, people: Iterable[str], at: datetime) -> set[tuple[str, str]]:
    """(type, codename) that these people would be granted on what they create."""
    by_role: dict[str, set[tuple[str, str]]] = {}
    for rule in InitialPermissions.objects.prefetch_related("permissions__content_type"):
        named = {(_label(p.content_type), p.codename) for p in rule.permissions.all()}
        by_role.setdefault(str(rule.role_id), set()).update(named)
    found: set[tuple[str, str]] = set()
    for pk in people:
        if pk in world.people and world.people[pk].active:
            for way in world.ways(pk, at):
                if not any(way.scopes):
                    found |= by_role.get(way.role, set())
    return found


def _given(world: World, way: Way, grant: Grant, things: list[Thing]) -> Iterator[Power]:
    label, codename = grant.permission
    if grant.key is None and not any(way.scopes):
        yield label, codename, None
    for kind, key in things:
        is_meant = kind == label and grant.key in (None, key)
        if is_meant and all(world.covers(scope, (kind, key)) for scope in way.scopes):
            yield label, codename, key


def is_superuser_at(world: World, pk: str, at: datetime) -> bool:
    return any(world.teams[team].is_superuser for _, team in world.teams_of(pk, at))


def _grants() -> Iterator[Grant]:
    tables: list[tuple[str, Any, str, str]] = [
        ("user_global", UserGlobalGrant, "user", "user_id"),
        ("role_global", RoleGlobalGrant, "role", "role_id"),
        ("user_object", UserObjectPermission, "user", "user_id"),
        ("role_object", RoleObjectPermission, "role", "group_id"),
    ]
    for name, table, kind, column in tables:
        for row in table.objects.select_related("permission__content_type"):
            permission = (_label(row.permission.content_type), row.permission.codename)
            principal = (kind, str(getattr(row, column)))
            key = getattr(row, "object_pk", None)
            yield Grant(f"{name}:{row.pk}", principal, permission, key, _times(row))


def _label(content_type: Any) -> str:
    return f"{content_type.app_label}.{content_type.model}"


def _times(row: Any) -> Times:
    return Times(row.valid_from, row.valid_until)


def _principal(row: RoleAssignment) -> Principal:
    if row.user_id:
        return "user", str(row.user_id)
    return ("group", str(row.group_id)) if row.group_id else ("role", str(row.holder_role_id))
