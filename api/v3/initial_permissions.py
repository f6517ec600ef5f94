"""What holders of a role are granted on the objects they create."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Model, Prefetch
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import ModelAccessViewSet
from api.etags import TaggedView, row_state
from api.v3.fields import LARGEST_INTEGER, KeyField, KeysField
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import AuthentikSerializer
from api.v3.permissions import PermissionSerializer
from api.v3.used_by import UsedBySerializer
from permissions.operations import (
    MOST_PERMISSIONS,
    create_initial_permissions,
    delete_initial_permissions,
    update_initial_permissions,
)
from roles.models import InitialPermissions, InitialPermissionsMode, Role

CATALOGUE = Permission.objects.filter(content_type__resource_type__isnull=False).select_related(
    "content_type__resource_type"
)


@extend_schema_field(OpenApiTypes.UUID)
class RoleField(KeyField):
    """One of the roles the caller may view."""


class PermissionsField(KeysField):
    """Permissions of the catalogue, which everybody may view."""

    default_error_messages = {
        "max_length": "Ensure this field has no more than {max_length} elements."
    }

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list) and len(data) > MOST_PERMISSIONS:
            self.fail("max_length", max_length=MOST_PERMISSIONS)
        return super().to_internal_value(data)

    def _found(self, keys: list[Any]) -> dict[Any, Model]:
        rows: dict[Any, Model] = {**CATALOGUE.in_bulk([k for k in keys if k <= LARGEST_INTEGER])}
        return rows


class InitialPermissionsSerializer(AuthentikSerializer, serializers.ModelSerializer):
    pk = serializers.IntegerField(read_only=True)
    mode = serializers.ChoiceField(
        choices=InitialPermissionsMode.choices,
        required=False,
        help_text="Whether everybody who holds the role is granted them, or the creator alone.",
    )
    role = RoleField(queryset=Role.objects.public(), read=lambda row: [row.role_id])
    permissions = PermissionsField(
        queryset=CATALOGUE,
        read=lambda row: [permission.pk for permission in row.permissions.all()],
        required=False,
    )
    permissions_obj = PermissionSerializer(source="permissions", many=True, read_only=True)

    class Meta:
        model = InitialPermissions
        fields = ["pk", "name", "mode", "role", "permissions", "permissions_obj"]


class InitialPermissionsFilter(filters.FilterSet):
    name = filters.CharFilter(help_text="Only with exactly this name.")

    class Meta:
        model = InitialPermissions
        fields: list[str] = []


@extend_schema_view(
    destroy=extend_schema(description="Delete an initial permission; what it gave stays.")
)
class InitialPermissionsViewSet(
    TaggedView,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    ModelAccessViewSet,
):
    called = ("an initial permission", "initial permissions")
    queryset = InitialPermissions.objects.prefetch_related(
        Prefetch("permissions", CATALOGUE.order_by("pk"))
    )
    serializer_class = InitialPermissionsSerializer
    filterset_class = InitialPermissionsFilter
    filter_backends = FILTER_BACKENDS
    ordering = ("name",)
    ordering_fields = {"name": "name", "pk": "pk"}
    search_fields = ("name",)

    def state_of(self, row: Any) -> Any:
        return {**row_state(row), "permissions": [one.pk for one in row.permissions.all()]}

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        row = create_initial_permissions(actor=self.caller, **serializer.validated_data)
        serializer.instance = self.read(row)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        row = serializer.instance
        assert isinstance(row, InitialPermissions), "an update has something to update"
        update_initial_permissions(initial=row, actor=self.caller, **serializer.validated_data)
        serializer.instance = self.read(row)

    def perform_destroy(self, instance: InitialPermissions) -> None:
        delete_initial_permissions(initial=instance, actor=self.caller)

    @extend_schema(responses=UsedBySerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None, acts_as="retrieve")
    def used_by(self, request: Request, pk: str) -> Response:
        self.get_object()  # Nothing refers to initial permissions, but the path names one.
        return Response([])
