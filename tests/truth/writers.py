"""Two ways to make the same facts in the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from accounts.models import Group, GroupClosure, GroupMembership, GroupParent, User
from permissions.models import (
    Resource,
    ResourceClosure,
    ResourceType,
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from permissions.operations import (
    assignments,
    deletion,
    grants,
    group_parents,
    groups,
    membership,
    roles,
    users,
)
from permissions.operations.grant_rows import Grant
from roles.models import Role, RoleAssignment, Scope, ScopeEntry
from tests.truth.naive import PermissionKey, Principal, Thing

PRINCIPALS = {"user": "user_id", "group": "group_id", "role": "holder_role_id"}

GRANTS: dict[str, Any] = {
    "user_global": UserGlobalGrant,
    "role_global": RoleGlobalGrant,
    "user_object": UserObjectPermission,
    "role_object": RoleObjectPermission,
}

HOLDERS: dict[str, Any] = {"user": User, "group": Group, "role": Role}


def create_type(label: str, codenames: Iterable[str], *, mode: str = "open") -> ResourceType:
    app_label, _, model = label.partition(".")
    content_type = ContentType.objects.create(app_label=app_label, model=model)
    for codename in codenames:
        Permission.objects.create(content_type=content_type, codename=codename, name=codename)
    return ResourceType.objects.create(
        content_type=content_type, app_verbose_name=app_label, verbose_name=model, mode=mode
    )


def permission(key: PermissionKey) -> Permission:
    app_label, _, model = key[0].partition(".")
    return Permission.objects.get(
        content_type__app_label=app_label, content_type__model=model, codename=key[1]
    )


def resource_type(label: str) -> ResourceType:
    return ResourceType.objects.labelled(label).get()


class Rows:
    """Writes rows as they are; the closures are worked out again after every change.

    Every method answers the key of the row as text, as decisions name it.
    """

    # Whether a user name that somebody else is known by is refused.
    judges_names = False

    def add_user(self, **fields: Any) -> User:
        return User.objects.create(**fields)

    def set_active(self, user: str, *, active: bool) -> None:
        User.objects.filter(pk=user).update(is_active=active)

    def delete_user(self, user: str) -> None:
        User.objects.get(pk=user).delete()

    def add_group(self, name: str) -> str:
        group = Group.objects.create(name=name)
        self._close_groups()
        return str(group.pk)

    def set_superuser(self, group: str, *, is_superuser: bool) -> None:
        Group.objects.filter(pk=group).update(is_superuser=is_superuser)

    def set_parents(self, group: str, parents: set[str]) -> None:
        GroupParent.objects.filter(child_id=UUID(group)).delete()
        GroupParent.objects.bulk_create(
            GroupParent(child_id=group, parent_id=parent) for parent in parents
        )
        self._close_groups()

    def delete_group(self, group: str) -> None:
        Group.objects.get(pk=group).delete()
        self._close_groups()

    def join(self, user: str, group: str, since: datetime | None, until: datetime | None) -> str:
        membership, _ = GroupMembership.objects.update_or_create(
            user_id=user, group_id=group, defaults={"valid_from": since, "valid_until": until}
        )
        return str(membership.pk)

    def leave(self, user: str, group: str) -> None:
        GroupMembership.objects.get(user_id=user, group_id=UUID(group)).delete()

    def add_role(self, name: str) -> str:
        return str(Role.objects.create(name=name, code=name).pk)

    def set_role(self, role: str, *, enabled: bool, disabled_from: datetime | None) -> None:
        Role.objects.filter(pk=role).update(is_enabled=enabled, disabled_from=disabled_from)

    def delete_role(self, role: str) -> None:
        Role.objects.get(pk=role).delete()

    def add_scope(self, kind: str, entries: Iterable[tuple[str, str | None, bool]]) -> str:
        # Named, because a nameless one goes with its last assignment.
        scope = Scope.objects.create(kind=kind, name=f"scope {Scope.objects.count()}")
        for label, key, descendants in entries:
            ScopeEntry.objects.create(
                scope=scope,
                content_type=resource_type(label).content_type,
                object_pk=key,
                with_descendants=descendants,
            )
        return str(scope.pk)

    def assign(
        self,
        role: str,
        principal: Principal,
        scope: str | None,
        since: datetime | None,
        until: datetime | None,
    ) -> str:
        kind, pk = principal
        holder: dict[str, Any] = {PRINCIPALS[kind]: pk, "scope_id": scope}
        assignment, _ = RoleAssignment.objects.update_or_create(
            role_id=role,
            **holder,
            defaults={"valid_from": since, "valid_until": until},
        )
        return str(assignment.pk)

    def unassign(self, assignment: str) -> None:
        RoleAssignment.objects.get(pk=assignment).delete()

    def grant(
        self,
        principal: Principal,
        wanted: PermissionKey,
        key: str | None,
        since: datetime | None,
        until: datetime | None,
    ) -> str:
        kind, pk = principal
        reason = f"{kind}_{'global' if key is None else 'object'}"
        holder: dict[str, Any] = {"group_id" if reason == "role_object" else f"{kind}_id": pk}
        if key is not None:
            holder["object_pk"] = key
        row, _ = GRANTS[reason].objects.update_or_create(
            permission=permission(wanted),
            **holder,
            defaults={"valid_from": since, "valid_until": until},
        )
        return f"{reason}:{row.pk}"

    def revoke(self, grant: str) -> None:
        reason, _, pk = grant.partition(":")
        GRANTS[reason].objects.get(pk=pk).delete()

    def register(self, thing: Thing, parent: Thing | None) -> None:
        above = Resource.objects.get(**_named(parent)) if parent else None
        Resource.objects.update_or_create(**_named(thing), defaults={"parent": above})
        self._close_resources()

    def delete_resource(self, thing: Thing) -> None:
        named = _named(thing)
        Resource.objects.get(**named).delete()
        content_type = named["type"].content_type
        for model in (UserObjectPermission, RoleObjectPermission):
            model.objects.filter(permission__content_type=content_type, object_pk=thing[1]).delete()
        ScopeEntry.objects.filter(content_type=content_type, object_pk=thing[1]).delete()
        self._close_resources()

    def _close_groups(self) -> None:
        edges = set(GroupParent.objects.values_list("child", "parent"))
        groups = Group.objects.values_list("pk", flat=True)
        GroupClosure.objects.all().delete()
        GroupClosure.objects.bulk_create(
            GroupClosure(descendant_id=below, ancestor_id=above)
            for below, above in _closed(groups, edges)
        )

    def _close_resources(self) -> None:
        rows = dict(Resource.objects.values_list("pk", "parent"))
        edges = {(child, parent) for child, parent in rows.items() if parent is not None}
        ResourceClosure.objects.all().delete()
        ResourceClosure.objects.bulk_create(
            ResourceClosure(descendant_id=below, ancestor_id=above)
            for below, above in _closed(rows, edges)
        )


class Operations(Rows):
    """Writes as every door does, where there is an operation for it."""

    judges_names = True

    def add_user(self, **fields: Any) -> User:
        return users.create_user(actor=None, **fields)

    def set_active(self, user: str, *, active: bool) -> None:
        users.update_user(user=User.objects.get(pk=user), actor=None, is_active=active)

    def delete_user(self, user: str) -> None:
        deletion.delete_users(users=[User.objects.get(pk=user)], actor=None)

    def add_group(self, name: str) -> str:
        return str(groups.create_group(actor=None, name=name).pk)

    def set_superuser(self, group: str, *, is_superuser: bool) -> None:
        groups.update_group(
            group=Group.objects.get(pk=group), is_superuser=is_superuser, actor=None
        )

    def set_parents(self, group: str, parents: set[str]) -> None:
        group_parents.set_parents(
            group=Group.objects.get(pk=group),
            parents=Group.objects.filter(pk__in=parents),
            actor=None,
        )

    def delete_group(self, group: str) -> None:
        deletion.delete_groups(groups=[Group.objects.get(pk=group)], actor=None)

    def join(self, user: str, group: str, since: datetime | None, until: datetime | None) -> str:
        membership.add_members(
            group=Group.objects.get(pk=group), users=[User.objects.get(pk=user)], actor=None
        )
        return super().join(user, group, since, until)

    def leave(self, user: str, group: str) -> None:
        membership.remove_members(
            group=Group.objects.get(pk=group), users=[User.objects.get(pk=user)], actor=None
        )

    def add_role(self, name: str) -> str:
        return str(roles.create_role(actor=None, name=name).pk)

    def set_role(self, role: str, *, enabled: bool, disabled_from: datetime | None) -> None:
        roles.update_role(
            role=Role.objects.get(pk=role),
            actor=None,
            is_enabled=enabled,
            disabled_from=disabled_from,
        )

    def delete_role(self, role: str) -> None:
        deletion.delete_roles(roles=[Role.objects.get(pk=role)], actor=None)

    def assign(
        self,
        role: str,
        principal: Principal,
        scope: str | None,
        since: datetime | None,
        until: datetime | None,
    ) -> str:
        assignments.assign_role(
            role=Role.objects.get(pk=role),
            principal=HOLDERS[principal[0]].objects.get(pk=principal[1]),
            scope=Scope.objects.get(pk=scope) if scope else None,
            actor=None,
        )
        # What is given is never shortened, and a world has what is over.
        return super().assign(role, principal, scope, since, until)

    def unassign(self, assignment: str) -> None:
        row = RoleAssignment.objects.get(pk=assignment)
        assignments.unassign_role(
            role=row.role, principal=row.principal, scope=row.scope, actor=None
        )

    def grant(
        self,
        principal: Principal,
        wanted: PermissionKey,
        key: str | None,
        since: datetime | None,
        until: datetime | None,
    ) -> str:
        holder = HOLDERS[principal[0]].objects.get(pk=principal[1])
        grants.write_grants([Grant(holder, permission(wanted), key)], actor=None)
        return super().grant(principal, wanted, key, since, until)

    def revoke(self, grant: str) -> None:
        reason, _, pk = grant.partition(":")
        grants.delete_grants([GRANTS[reason].objects.get(pk=pk)], actor=None)


def _named(thing: Thing) -> dict[str, Any]:
    return {"type": resource_type(thing[0]), "object_pk": thing[1]}


def _closed(rows: Iterable[Any], edges: set[tuple[Any, Any]]) -> set[tuple[Any, Any]]:
    closed = {(row, row) for row in rows}
    while True:
        longer = {(a, d) for a, b in closed for c, d in edges if b == c} - closed
        if not longer:
            return closed
        closed |= longer
