"""Which users have been granted something on a type or an object, and granting it to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import State
from accounts.models import User, UserType, uid_of
from api.v3 import assigning
from api.v3.grants import (
    GlobalGrantSerializer,
    GranteesViewSet,
    ObjectGrantSerializer,
)
from api.v3.lists.listing import Row
from api.v3.lists.ordering import FILTER_BACKENDS
from permissions.queries import USERS, users_granted


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


@extend_schema_view(
    list=extend_schema(
        description=(
            "List the users that have been granted something on a type (`model`), or on one "
            "object of it (`object_pk`)."
        )
    )
)
class UserAssignedPermissionViewSet(GranteesViewSet):
    queryset = User.objects.all()
    grantees = USERS
    key = "pk"
    serializer_class = UserAssignedObjectPermissionSerializer
    filter_backends = FILTER_BACKENDS
    columns = {
        "pk": "pk",
        "username": "username",
        "name": "name",
        "is_active": "is_active",
        "last_login": "last_login",
        "email": "email",
        "attributes": "attributes",
        "uid": "uuid",
        "is_superuser": "superuser_by_groups",
    }
    ordering = ("username",)
    ordering_fields = {
        name: name for name in ("pk", "username", "name", "email", "is_active", "last_login")
    }
    search_fields = ("username", "name", "email")

    @classmethod
    def narrowed(cls, queryset: Any, state: State, **values: Any) -> QuerySet[User]:
        found: QuerySet[User] = queryset.with_superuser()
        return found.filter(pk__in=users_granted(**values, state=state))

    def completed(self, rows: Sequence[Row]) -> Sequence[Row]:
        for row in rows:
            row["uid"] = uid_of(row["uid"])
            row["is_superuser"] = row["is_active"] and row["is_superuser"]
        return super().completed(rows)

    @extend_schema(
        operation_id="rbac_permissions_assigned_by_users_assign",
        description=assigning.ASSIGN.format("user"),
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
        description=assigning.UNASSIGN.format("user"),
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
