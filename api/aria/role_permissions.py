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

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Group, GroupKind, User
from api.aria.base import IN_VIEW, SIGNED_IN, OperationView, find, find_each, identifier, valid
from api.aria.errors import no_such
from api.aria.traversal import (
    NOTES,
    Instance,
    TraversalSpecInstanceSerializer,
    entries_of,
    instances_of,
)
from api.aria.wire import LinkSerializer
from api.wire import IdentifierField, WireSerializer
from audit.errors import InvalidInput
from permissions import engine
from permissions.operations import InlineScope, RoleSet, ScopedRole, put_scoped_role, unassign_role
from roles.models import Role, RoleAssignment, Scope, ScopeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RolePermission:
    """What a client says: of all objects, a scope and instances the first that is there counts."""

    role_name: str
    scope_id: uuid.UUID | None = None
    allow_all_objects: bool = False
    traversal_spec_instances: list[Instance] | None = None

    @property
    def on_objects(self) -> dict[str, Any]:
        """All it says but the role, in the form it is kept and answered in."""
        answer: dict[str, Any] = {"allowAllObjects": self.allow_all_objects}
        if self.scope_id is not None:
            answer["scopeId"] = str(self.scope_id)
        if self.traversal_spec_instances is not None:
            answer["traversal-spec-instances"] = self.traversal_spec_instances
        return answer

    def scoped(self, role: Role, scopes: Mapping[uuid.UUID, Scope]) -> ScopedRole:
        within: Scope | InlineScope | None = None
        if not self.allow_all_objects and self.scope_id is not None:
            within = scopes[self.scope_id]
        elif not self.allow_all_objects:
            instances = self.traversal_spec_instances or []
            entries = entries_of(instances)
            within = InlineScope(
                kind=ScopeKind.SELECTED if entries else ScopeKind.NOTHING,
                entries=entries,
                properties={NOTES: {"instances": instances}},
            )
        return ScopedRole(role=role, within=within, properties={NOTES: self.on_objects})


class RolePermissionSerializer(WireSerializer):
    """A role on objects: all of them, those of a scope, or those named here, in this order.

    With none of the three the role is held without objects.
    """

    hyphenated = ("traversal_spec_instances",)
    record = RolePermission

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


def shown_assignments() -> QuerySet[RoleAssignment]:
    """What counts now, of the roles this door shows, ordered for ``describe_permissions``."""
    return (
        RoleAssignment.objects.active()
        .filter(role__in=Role.objects.shareable())
        .select_related("role", "scope")
        .prefetch_related("scope__entries__content_type")
        .order_by("role__name", "pk")
    )


def describe_permissions(assignments: Iterable[RoleAssignment]) -> list[dict[str, Any]]:
    """The role permissions of one principal."""
    # In the order of ``shown_assignments``, by role: groupby puts together only what is adjacent.
    by_role = groupby(assignments, key=lambda assignment: assignment.role)
    return [{"roleName": role.name, **_objects_of(list(rows))} for role, rows in by_role]


def _objects_of(rows: Sequence[RoleAssignment]) -> dict[str, Any]:
    """On which objects assignments of one role count together; one is answered as it was sent."""
    notes = rows[0].properties.get(NOTES) if len(rows) == 1 else None
    if notes is not None:
        return notes
    # Written through other doors: told as far as this one has words for it.
    scopes = [row.scope for row in rows if row.scope is not None]
    if len(scopes) < len(rows) or any(scope.kind == ScopeKind.ALL for scope in scopes):
        return {"allowAllObjects": True}
    if len(scopes) == 1 and scopes[0].name is not None:
        return {"allowAllObjects": False, "scopeId": str(scopes[0].pk)}
    instances = [instance for scope in scopes for instance in instances_of(scope)]
    if not instances:
        return {"allowAllObjects": False}
    return {"allowAllObjects": False, "traversal-spec-instances": instances}


def scoped_roles(view: OperationView, items: Sequence[RolePermission]) -> list[ScopedRole]:
    """Find the roles and scopes that are named, and ask whether the caller may change the roles.

    Raises NotFound, PermissionDenied.
    """
    if not items:
        return []
    names = [item.role_name for item in items]
    roles = find_each(view.visible(Role.objects.shareable()), "Role", names, by="name")
    view.require_each("change_role", roles.values())
    scopes: dict[uuid.UUID, Scope] = {}
    if ids := [item.scope_id for item in items if item.scope_id is not None]:
        shared = engine.visible(Scope.objects.filter(name__isnull=False), user=view.caller)
        scopes = find_each(shared.rows, "Scope", ids)
    return [item.scoped(roles[item.role_name], scopes) for item in items]


def roles_to_hold(
    view: OperationView, body: Mapping[str, Any], held: Iterable[RoleAssignment] = ()
) -> RoleSet | None:
    """What the body of a user or a group says about roles; None when nothing.

    ``held`` is shown of it so far. What is sent as it is shown stays as it is, with what this door
    has no words for: its times, and the resources of other types in its scopes.
    """
    if "role_permissions" in body:
        items: list[RolePermission] = body["role_permissions"]
    elif "role_names" in body:
        items = [RolePermission(role_name=name) for name in dict.fromkeys(body["role_names"])]
    else:
        return None
    if len({item.role_name for item in items}) < len(items):
        raise InvalidInput(fields={"role-permissions": ["A role can be named once only."]})
    shown = describe_permissions(held)
    kept = {
        item.role_name for item in items if {"roleName": item.role_name, **item.on_objects} in shown
    }
    written = scoped_roles(view, [item for item in items if item.role_name not in kept])
    return RoleSet(written=written, kept=kept)


class PrincipalPermissions(OperationView):
    """The operations on ``…/permissions``, for users and for groups."""

    access = {"GET": IN_VIEW, "PUT": IN_VIEW, "DELETE": IN_VIEW}

    def principal(self) -> User | Group:
        """Whom the path names, among those the caller may view."""
        raise NotImplementedError

    def answer(self, principal: User | Group) -> Response:
        rows = shown_assignments().filter(
            **{"user" if isinstance(principal, User) else "group": principal}
        )
        return Response({"permissions": describe_permissions(rows)})

    def get(self, request: Request, **path: str) -> Response:
        return self.answer(self.principal())

    def put(self, request: Request, **path: str) -> Response:
        body = valid(RolePermissionSerializer, request)
        principal = self.principal()
        [scoped] = scoped_roles(self, [body])
        put_scoped_role(principal=principal, scoped=scoped, actor=self.caller)
        return self.answer(principal)

    def delete(self, request: Request, role_name: str, **path: str) -> Response:
        principal = self.principal()
        role = find(self.visible(Role.objects.shareable()), "Role", role_name, by="name")
        self.require_each("change_role", [role])
        if not unassign_role(role=role, principal=principal, actor=self.caller):
            raise no_such("RolePermission", role_name)
        return Response(status=204)


def read_and_write(get: str, put: str) -> Any:
    """What the OpenAPI document says of the operations with these ids."""
    answer = RolePermissionsSerializer
    return extend_schema_view(
        get=extend_schema(operation_id=get, responses=answer),
        put=extend_schema(operation_id=put, request=RolePermissionSerializer, responses=answer),
    )


def removal(delete: str) -> Any:
    return extend_schema_view(delete=extend_schema(operation_id=delete, responses={204: None}))


@read_and_write(get="getAssignedRolePermissionsForUser", put="assignRolePermissionToUser")
class UserPermissions(PrincipalPermissions):
    http_method_names = ["get", "put"]

    def principal(self) -> User:
        key = identifier(self.kwargs["user_id"], name="userId")
        return find(self.visible(User.objects.all()), "User", key, by="uuid")


@removal("unassignedRolePermissionFromUser")
class UserPermission(UserPermissions):
    http_method_names = ["delete"]


@read_and_write(get="getAssignedRolePermissionsForGroup", put="assignRolePermissionToGroup")
class GroupPermissions(PrincipalPermissions):
    http_method_names = ["get", "put"]

    def principal(self) -> Group:
        groups = self.visible(Group.objects.filter(kind=GroupKind.GROUP))
        return find(groups, "UserGroup", identifier(self.kwargs["group_id"], name="groupId"))


@removal("unassignRolePermissionFromGroup")
class GroupPermission(GroupPermissions):
    http_method_names = ["delete"]


class OwnPermissions(PrincipalPermissions):
    access = {"GET": SIGNED_IN}
    http_method_names = ["get"]

    @extend_schema(operation_id="getCurrentUserPermissions", responses=RolePermissionsSerializer)
    def get(self, request: Request, **path: str) -> Response:
        return self.answer(self.caller)
