"""Permissions granted to roles on objects, one row each."""

from __future__ import annotations

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view

from api.access import resource_of
from api.v3.object_grants import ExtraObjectGrantSerializer, ObjectGrantViewSet
from permissions.engine import ResourceRef
from permissions.models import RoleObjectPermission
from roles.models import Role


class ExtraRoleObjectPermissionSerializer(ExtraObjectGrantSerializer):
    pass


class RoleObjectPermissionFilter(filters.FilterSet):
    uuid = filters.UUIDFilter(field_name="group_id", help_text="The role.")

    class Meta:
        model = RoleObjectPermission
        fields: list[str] = []


@extend_schema_view(destroy=extend_schema(description="Take the grant away from the role."))
class RoleObjectPermissionViewSet(ObjectGrantViewSet):
    called = ("a role's grant on an object", "roles' grants on objects")
    queryset = RoleObjectPermission.objects.filter(group__in=Role.objects.public()).select_related(
        "permission__content_type", "group"
    )
    serializer_class = ExtraRoleObjectPermissionSerializer
    filterset_class = RoleObjectPermissionFilter
    seen_by = "group"
    ordering = ("group__name",)
    settled_by = {"group__name": "uuid"}
    ordering_fields = {
        "id": "pk",
        "object_pk": "object_pk",
        "codename": "permission__codename",
        "name": "permission__name",
        "group__name": "group__name",
        "group__role__name": "group__name",
    }

    def needed(self, verb: str, obj: RoleObjectPermission) -> list[tuple[str, ResourceRef]]:
        """A change takes away in one place, or time, and gives in another."""
        role = resource_of(obj.group)
        taking = [("unassign_role_permissions", role)]
        return taking if verb == "delete" else [*taking, ("assign_role_permissions", role)]
