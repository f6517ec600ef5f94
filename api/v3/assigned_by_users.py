"""Which users have been granted something on a type or an object, and granting it to them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User, UserType
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
from permissions.holders_sql import users_granted
from permissions.models import UserGlobalGrant, UserObjectPermission


class UserAssignedObjectPermissionSerializer(serializers.ModelSerializer):
    """A user and what it has been granted itself, not through roles."""

    pk = serializers.IntegerField(read_only=True)
    name = serializers.CharField()
    email = serializers.EmailField(required=False, max_length=254)
    attributes = serializers.DictField(required=False)
    uid = serializers.CharField(read_only=True)
    is_superuser = serializers.BooleanField()
    permissions = ObjectGrantSerializer(many=True)
    object_permissions = ObjectGrantSerializer(many=True)
    model_permissions = GlobalGrantSerializer(many=True)

    class Meta:
        model = User
        fields = [
            "pk",
            "username",
            "name",
            "is_active",
            "last_login",
            "email",
            "attributes",
            "uid",
            "permissions",
            "object_permissions",
            "model_permissions",
            "is_superuser",
        ]


class UserAssignedPermissionViewSet(ModelAccessViewSet):
    queryset = User.objects.with_superuser()
    serializer_class = UserAssignedObjectPermissionSerializer
    filter_backends = FILTER_BACKENDS
    ordering = ("username",)
    ordering_fields = {
        name: name for name in ("pk", "username", "name", "email", "is_active", "last_login")
    }
    search_fields = ("username", "name", "email")

    @extend_schema(parameters=[MODEL_PARAMETER, OBJECT_PARAMETER])
    def list(self, request: Request) -> Response:
        users = self.get_queryset()
        wanted = asked(request)
        granted = users_granted(list(wanted.permissions), wanted.object_pk)
        page = self.paginate_queryset(self.filter_queryset(users.filter(pk__in=granted)))
        return self.get_paginated_response(_rows(page or [], wanted))

    @extend_schema(
        operation_id="rbac_permissions_assigned_by_users_assign",
        request=assigning.PermissionAssignSerializer,
        responses=assigning.PermissionAssignResultSerializer(many=True),
    )
    @action(
        detail=True,
        methods=["post"],
        pagination_class=None,
        filter_backends=(),
        target_permission="authentik_core.assign_user_permissions",
    )
    def assign(self, request: Request, pk: str) -> Response:
        return assigning.assign(request, self._grantee("assigned to"))

    @extend_schema(
        request=assigning.PermissionAssignSerializer,
        responses={204: OpenApiResponse(description="None of them is granted any more.")},
    )
    @action(
        detail=True,
        methods=["patch"],
        target_permission="authentik_core.unassign_user_permissions",
    )
    def unassign(self, request: Request, pk: str) -> Response:
        return assigning.unassign(request, self._grantee("unassigned from"))

    def _grantee(self, verb: str) -> User:
        user: User = self.get_object()
        if user.type == UserType.INTERNAL_SERVICE_ACCOUNT:
            raise ValidationError(f"Permissions cannot be {verb} an internal service account.")
        return user


def _rows(users: list[User], wanted: Asked) -> list[dict[str, Any]]:
    held = UserObjectPermission.objects.filter(user__in=keys(users))
    on_objects = object_grants(held, "user_id", wanted)
    on_types = global_grants(UserGlobalGrant.objects.filter(user__in=keys(users)), "user_id")
    return [
        {
            "pk": user.pk,
            "username": user.username,
            "name": user.name,
            "is_active": user.is_active,
            "last_login": user.last_login,
            "email": user.email,
            "attributes": user.attributes,
            "uid": user.uid,
            "permissions": on_objects.get(user.pk, []),
            "object_permissions": on_objects.get(user.pk, []),
            "model_permissions": on_types.get(user.pk, []),
            "is_superuser": user.is_superuser,
        }
        for user in users
    ]
