"""Which roles have been granted something on a type or an object, and granting it to them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import ModelAccessViewSet
from api.v3 import assigning
from api.v3.grants import (
    MODEL_PARAMETER,
    OBJECT_PARAMETER,
    Asked,
    GlobalGrantSerializer,
    ObjectGrantSerializer,
    asked,
    global_grants,
    keys,
    object_grants,
)
from api.v3.ordering import FILTER_BACKENDS
from permissions.holders_sql import roles_granted
from permissions.models import RoleGlobalGrant, RoleObjectPermission
from roles.models import Role


class RoleAssignedObjectPermissionSerializer(serializers.Serializer):
    """``permissions`` and ``object_permissions``: one list under its older and its newer name."""

    role_pk = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    permissions = ObjectGrantSerializer(many=True, read_only=True)
    object_permissions = ObjectGrantSerializer(many=True, read_only=True)
    model_permissions = GlobalGrantSerializer(many=True, read_only=True)


class RoleAssignedPermissionViewSet(ModelAccessViewSet):
    queryset = Role.objects.public()
    serializer_class = RoleAssignedObjectPermissionSerializer
    lookup_field = "uuid"
    filter_backends = FILTER_BACKENDS
    ordering = ("name",)
    ordering_fields = {
        "name": "name",
        "group__name": "name",
        "pk": "uuid",
        "role_pk": "uuid",
        "group__role__pk": "uuid",
    }
    search_fields = ("name",)

    @extend_schema(parameters=[MODEL_PARAMETER, OBJECT_PARAMETER])
    def list(self, request: Request) -> Response:
        roles = self.get_queryset()
        wanted = asked(request)
        granted = roles_granted(list(wanted.permissions), wanted.object_pk)
        page = self.paginate_queryset(self.filter_queryset(roles.filter(pk__in=granted)))
        return self.get_paginated_response(_rows(page or [], wanted))

    @extend_schema(
        operation_id="rbac_permissions_assigned_by_roles_assign",
        request=assigning.PermissionAssignSerializer,
        responses=assigning.PermissionAssignResultSerializer(many=True),
    )
    @action(
        detail=True,
        methods=["post"],
        pagination_class=None,
        filter_backends=(),
        target_permission="authentik_rbac.assign_role_permissions",
    )
    def assign(self, request: Request, uuid: str) -> Response:
        return assigning.assign(request, self.get_object())

    @extend_schema(
        request=assigning.PermissionAssignSerializer,
        responses={204: OpenApiResponse(description="None of them is granted any more.")},
    )
    @action(
        detail=True,
        methods=["patch"],
        target_permission="authentik_rbac.unassign_role_permissions",
    )
    def unassign(self, request: Request, uuid: str) -> Response:
        return assigning.unassign(request, self.get_object())


def _rows(roles: list[Role], wanted: Asked) -> list[dict[str, Any]]:
    held = RoleObjectPermission.objects.filter(group__in=keys(roles))
    on_objects = object_grants(held, "group_id", wanted)
    on_types = global_grants(RoleGlobalGrant.objects.filter(role__in=keys(roles)), "role_id")
    return [
        {
            "role_pk": str(role.pk),
            "name": role.name,
            "permissions": on_objects.get(role.pk, []),
            "object_permissions": on_objects.get(role.pk, []),
            "model_permissions": on_types.get(role.pk, []),
        }
        for role in roles
    ]
