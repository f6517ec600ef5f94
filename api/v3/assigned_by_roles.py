"""Which roles have been granted something on a type or an object, and granting it to them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import State
from api.v3 import assigning
from api.v3.grants import (
    GlobalGrantSerializer,
    GranteesViewSet,
    ObjectGrantSerializer,
)
from api.v3.lists.ordering import FILTER_BACKENDS
from permissions.queries import ROLES, UuidText, roles_granted
from roles.models import Role


class RoleAssignedObjectPermissionSerializer(serializers.Serializer):
    """``permissions`` and ``object_permissions``: one list under its older and its newer name."""

    role_pk = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    permissions = ObjectGrantSerializer(many=True, read_only=True)
    object_permissions = ObjectGrantSerializer(many=True, read_only=True)
    model_permissions = GlobalGrantSerializer(many=True, read_only=True)


@extend_schema_view(
    list=extend_schema(
        description=(
            "List the roles that have been granted something on a type (`model`), or on one "
            "object of it (`object_pk`)."
        )
    )
)
class RoleAssignedPermissionViewSet(GranteesViewSet):
    queryset = Role.objects.public()
    grantees = ROLES
    key = "role_pk"
    serializer_class = RoleAssignedObjectPermissionSerializer
    lookup_field = "uuid"
    filter_backends = FILTER_BACKENDS
    columns = {"role_pk": UuidText("pk"), "name": "name"}
    ordering = ("name",)
    ordering_fields = {
        "name": "name",
        "group__name": "name",
        "pk": "uuid",
        "role_pk": "uuid",
        "group__role__pk": "uuid",
    }
    search_fields = ("name",)

    @classmethod
    def narrowed(cls, queryset: QuerySet[Role], state: State, **values: Any) -> QuerySet[Role]:
        return queryset.filter(pk__in=roles_granted(**values, state=state))

    @extend_schema(
        operation_id="rbac_permissions_assigned_by_roles_assign",
        description=assigning.ASSIGN.format("role"),
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
        description=assigning.UNASSIGN.format("role"),
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
