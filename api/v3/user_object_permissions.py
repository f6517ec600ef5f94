"""Permissions granted to users on objects, one row each."""

from __future__ import annotations

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view

from api.access import resource_of
from api.v3.lists.filters import IntegerFilter
from api.v3.object_grants import ExtraObjectGrantSerializer, ObjectGrantViewSet
from permissions.engine import ResourceRef
from permissions.models import UserObjectPermission


class ExtraUserObjectPermissionSerializer(ExtraObjectGrantSerializer):
    pass


class UserObjectPermissionFilter(filters.FilterSet):
    user_id = IntegerFilter(help_text="Only grants to the user with this number.")

    class Meta:
        model = UserObjectPermission
        fields: list[str] = []


@extend_schema_view(destroy=extend_schema(description="Take the grant away from the user."))
class UserObjectPermissionViewSet(ObjectGrantViewSet):
    called = ("a user's grant on an object", "users' grants on objects")
    queryset = UserObjectPermission.objects.select_related("permission__content_type", "user")
    serializer_class = ExtraUserObjectPermissionSerializer
    filterset_class = UserObjectPermissionFilter
    seen_by = "user"
    ordering = ("user__username",)
    settled_by = {"user__username": "user_id"}
    ordering_fields = {
        "id": "pk",
        "object_pk": "object_pk",
        "codename": "permission__codename",
        "name": "permission__name",
        "user__username": "user__username",
    }

    def needed(self, verb: str, obj: UserObjectPermission) -> list[tuple[str, ResourceRef]]:
        """A change takes away in one place, or time, and gives in another."""
        user = resource_of(obj.user)
        taking = [("unassign_user_permissions", user)]
        return taking if verb == "delete" else [*taking, ("assign_user_permissions", user)]
