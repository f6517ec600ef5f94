"""Which roles a user or a group holds on which objects: the reason this door exists.

One permission per principal and role. Several assignments of one role, which other doors can make,
are shown as one; writing a permission replaces all of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Group, GroupKind, User
from api.aria.base import IN_VIEW, SIGNED_IN, OperationView, identifier, valid
from api.aria.errors import no_such
from api.aria.traversal import (
    NOTES,
    Instance,
    TraversalSpecInstanceSerializer,
    as_sent,
    entries_of,
    instances_of,
)
from api.aria.wire import IdentifierField, LinkSerializer
from api.wire import WireSerializer
from audit.errors import InvalidInput
from permissions import engine
from permissions.engine import searchable
from permissions.operations import create_scope, delete_assignments, replace_assignments
from roles.models import Role, RoleAssignment, Scope, ScopeKind

Principal = User | Group


class RolePermissionSerializer(WireSerializer):
    """A role on objects: all of them, those of a scope, or those named here, in this order.

    With none of the three the role is held without objects.
    """

    hyphenated = ("traversal_spec_instances",)

    role_name = serializers.CharField(max_length=150, trim_whitespace=False)
    scope_id = IdentifierField(required=False)
    allow_all_objects = serializers.BooleanField(required=False)
    traversal_spec_instances = TraversalSpecInstanceSerializer(many=True, required=False)
    links = LinkSerializer(many=True, required=False, read_only=True)


class RolePermissionsSerializer(WireSerializer):
    permissions = RolePermissionSerializer(many=True)


class PrincipalSerializer(WireSerializer):
    """Users and groups: their ``role-permissions`` are a list, or one wrapped in an object."""

    hyphenated = ("role_permissions",)

    role_permissions = RolePermissionSerializer(many=True, required=False)
    role_names = serializers.ListField(
        child=serializers.CharField(max_length=150, trim_whitespace=False),
        required=False,
        max_length=1_000,
    )

    def to_internal_value(self, data: Any) -> Any:
        sent = data.get("role-permissions") if isinstance(data, Mapping) else None
        if isinstance(sent, Mapping) and "permissions" in sent:
            data = {**data, "role-permissions": sent["permissions"]}
        return super().to_internal_value(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A permission to be: everywhere, within a named scope, or on the objects of the instances.

    ``notes`` is what was sent, for answering it again.
    """

    role: Role
    everywhere: bool
    scope: Scope | None
    instances: list[Instance]
    notes: dict[str, Any]


def shown_assignments() -> QuerySet[RoleAssignment]:
    """What counts now, of the roles this door shows, ordered for ``described``."""
    return (
        RoleAssignment.objects.active()
        .filter(role__in=Role.objects.shareable())
        .select_related("role", "scope")
        .prefetch_related("scope__entries__content_type")
        .order_by("role__name", "pk")
    )


def described(assignments: Iterable[RoleAssignment]) -> list[dict[str, Any]]:
    """The role permissions of one principal."""
    by_role = groupby(assignments, key=lambda assignment: assignment.role)
    return [_described(role, list(rows)) for role, rows in by_role]


def _described(role: Role, rows: list[RoleAssignment]) -> dict[str, Any]:
    notes = rows[0].properties.get(NOTES) if len(rows) == 1 else None
    if notes is not None:
        return {"roleName": role.name, **notes}
    scopes = [row.scope for row in rows]
    if any(scope is None or scope.kind == ScopeKind.ALL for scope in scopes):
        return {"roleName": role.name, "allowAllObjects": True}
    answer: dict[str, Any] = {"roleName": role.name, "allowAllObjects": False}
    if len(scopes) == 1 and scopes[0] is not None and scopes[0].name is not None:
        return {**answer, "scopeId": str(scopes[0].pk)}
    instances = [instance for scope in scopes if scope for instance in instances_of(scope)]
    return {**answer, "traversal-spec-instances": instances} if instances else answer


def wanted_permissions(view: OperationView, items: Sequence[Mapping[str, Any]]) -> list[Wanted]:
    """Find the roles and scopes that validated bodies name, and ask whether the caller may.

    Raises NotFound, PermissionDenied. Call in the transaction that writes them.
    """
    names = [item["role_name"] for item in items]
    roles = {role.name: role for role in view.visible(named_roles(names))} if names else {}
    for name in names:
        if name not in roles:
            raise no_such("Role", name)
    view.require_each("change_role", roles.values())
    scopes = _scopes(view, {item["scope_id"] for item in items if "scope_id" in item})
    return [_wanted(roles[item["role_name"]], item, scopes) for item in items]


def named_roles(names: Iterable[str]) -> QuerySet[Role]:
    return Role.objects.shareable().filter(name__in=[n for n in names if searchable(n) is not None])


def _scopes(view: OperationView, ids: set[uuid.UUID]) -> dict[uuid.UUID, Scope]:
    if not ids:
        return {}
    named = Scope.objects.filter(pk__in=ids, name__isnull=False)
    rows = engine.visible(named, user=view.caller).rows
    found = {scope.pk: scope for scope in rows}
    for key in ids:
        if key not in found:
            raise no_such("Scope", key)
    return found


def _wanted(role: Role, item: Mapping[str, Any], scopes: Mapping[uuid.UUID, Scope]) -> Wanted:
    notes = _notes(item)
    return Wanted(
        role=role,
        everywhere=notes["allowAllObjects"],
        scope=scopes.get(item["scope_id"]) if "scope_id" in item else None,
        instances=notes.get("traversal-spec-instances", []),
        notes=notes,
    )


def _notes(item: Mapping[str, Any]) -> dict[str, Any]:
    """What a validated body says of objects, in the form it is kept and answered in."""
    notes: dict[str, Any] = {"allowAllObjects": item.get("allow_all_objects", False)}
    if "scope_id" in item:
        notes["scopeId"] = str(item["scope_id"])
    if "traversal_spec_instances" in item:
        notes["traversal-spec-instances"] = as_sent(item["traversal_spec_instances"])
    return notes


@transaction.atomic
def put_permissions(
    view: OperationView, principal: Principal, items: Sequence[Mapping[str, Any]]
) -> None:
    """Upsert by role; permissions for other roles stay. What is there already is left alone."""
    rows = lock_assignments(principal)
    for wanted in wanted_permissions(view, items):
        same = [row for row in rows if row.role_id == wanted.role.pk]
        if not (len(same) == 1 and _says(same[0], wanted)):
            replace_assignments(
                role=wanted.role,
                principal=principal,
                scope=_scope_of(wanted, view.caller),
                properties={NOTES: wanted.notes},
                actor=view.caller,
            )


@transaction.atomic
def set_permissions(
    view: OperationView, principal: Principal, items: Sequence[Mapping[str, Any]]
) -> None:
    """The principal holds exactly these permissions, as far as this door shows any.

    What is sent as it is shown stays as it is, with what this door has no words for: its times,
    and the resources of other types in its scopes.
    """
    names = {item["role_name"] for item in items}
    if len(names) < len(items):
        raise InvalidInput(fields={"role-permissions": ["A role can be named once only."]})
    lock_assignments(principal)
    rows = list(shown_assignments().filter(**_of(principal)).select_related("user", "group"))
    shown = described(rows)
    changed = [
        item for item in items if {"roleName": item["role_name"], **_notes(item)} not in shown
    ]
    put_permissions(view, principal, changed)
    gone = [row for row in rows if row.role.name not in names]
    view.require_each("change_role", {row.role_id: row.role for row in gone}.values())
    delete_assignments(gone, actor=view.caller)


def lock_assignments(principal: Principal) -> list[RoleAssignment]:
    """Every assignment of a shown role, over or to come ones too.

    The principal's row is locked first: of two writers at once the second must see what the first
    wrote, or both would stand. The key itself stays free: assignments by other doors refer to it.
    """
    if isinstance(principal, User):
        User.objects.select_for_update(no_key=True).get(pk=principal.pk)
    else:
        Group.objects.select_for_update(no_key=True).get(pk=principal.pk)
    return list(
        RoleAssignment.objects.filter(**_of(principal), role__in=Role.objects.shareable())
        .select_related("role", "scope", "user", "group")
        .order_by("pk")
    )


def _of(principal: Principal) -> dict[str, Principal]:
    return {"user" if isinstance(principal, User) else "group": principal}


def _says(row: RoleAssignment, wanted: Wanted) -> bool:
    unlimited = row.valid_from is None and row.valid_until is None
    return unlimited and row.properties.get(NOTES) == wanted.notes


def _scope_of(wanted: Wanted, actor: User) -> Scope | None:
    if wanted.everywhere or wanted.scope is not None:
        return None if wanted.everywhere else wanted.scope
    entries = entries_of(wanted.instances)
    return create_scope(
        actor=actor,
        kind=ScopeKind.SELECTED if entries else ScopeKind.NOTHING,
        entries=entries,
        properties={NOTES: {"instances": wanted.instances}},
    )


class PrincipalPermissions(OperationView):
    """The operations on ``…/permissions``, for users and for groups."""

    access = {"GET": IN_VIEW, "PUT": IN_VIEW, "DELETE": IN_VIEW}

    def principal(self, key: str) -> Principal:
        """The principal with this id among those the caller may view."""
        raise NotImplementedError

    def answer(self, principal: Principal) -> Response:
        rows = shown_assignments().filter(**_of(principal))
        return Response({"permissions": described(rows)})

    def read(self, key: str) -> Response:
        return self.answer(self.principal(key))

    def write(self, request: Request, key: str) -> Response:
        body = valid(RolePermissionSerializer, request)
        principal = self.principal(key)
        put_permissions(self, principal, [body])
        return self.answer(principal)

    @transaction.atomic
    def remove(self, key: str, role_name: str) -> Response:
        principal = self.principal(key)
        role = self.visible(named_roles([role_name])).first()
        if role is None:
            raise no_such("Role", role_name)
        self.require_each("change_role", [role])
        rows = [row for row in lock_assignments(principal) if row.role_id == role.pk]
        if not rows:
            raise no_such("RolePermission", role_name)
        delete_assignments(rows, actor=self.caller)
        return Response(status=204)


class UserPermissions(PrincipalPermissions):
    def principal(self, key: str) -> User:
        found = self.visible(User.objects.all()).filter(uuid=identifier(key, name="userId")).first()
        if found is None:
            raise no_such("User", key)
        return found

    @extend_schema(
        operation_id="getAssignedRolePermissionsForUser", responses=RolePermissionsSerializer
    )
    def get(self, request: Request, user_id: str) -> Response:
        return self.read(user_id)

    @extend_schema(
        operation_id="assignRolePermissionToUser",
        request=RolePermissionSerializer,
        responses=RolePermissionsSerializer,
    )
    def put(self, request: Request, user_id: str) -> Response:
        return self.write(request, user_id)


class UserPermission(UserPermissions):
    http_method_names = ["delete"]

    @extend_schema(operation_id="unassignedRolePermissionFromUser", responses={204: None})
    def delete(self, request: Request, user_id: str, role_name: str) -> Response:
        return self.remove(user_id, role_name)


class GroupPermissions(PrincipalPermissions):
    def principal(self, key: str) -> Group:
        groups = self.visible(Group.objects.filter(kind=GroupKind.GROUP))
        found = groups.filter(pk=identifier(key, name="groupId")).first()
        if found is None:
            raise no_such("UserGroup", key)
        return found

    @extend_schema(
        operation_id="getAssignedRolePermissionsForGroup", responses=RolePermissionsSerializer
    )
    def get(self, request: Request, group_id: str) -> Response:
        return self.read(group_id)

    @extend_schema(
        operation_id="assignRolePermissionToGroup",
        request=RolePermissionSerializer,
        responses=RolePermissionsSerializer,
    )
    def put(self, request: Request, group_id: str) -> Response:
        return self.write(request, group_id)


class GroupPermission(GroupPermissions):
    http_method_names = ["delete"]

    @extend_schema(operation_id="unassignRolePermissionFromGroup", responses={204: None})
    def delete(self, request: Request, group_id: str, role_name: str) -> Response:
        return self.remove(group_id, role_name)


class OwnPermissions(PrincipalPermissions):
    access = {"GET": SIGNED_IN}

    @extend_schema(operation_id="getCurrentUserPermissions", responses=RolePermissionsSerializer)
    def get(self, request: Request) -> Response:
        return self.answer(self.caller)
