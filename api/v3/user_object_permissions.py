"""Permissions granted to users on objects, one row each."""

from __future__ import annotations

from django_filters import rest_framework as filters

from api.access import resource_of
from api.v3.filters import IntegerFilter
from api.v3.object_grants import ExtraObjectGrantSerializer, ObjectGrantViewSet
from permissions.engine import ResourceRef
from permissions.models import UserObjectPermission


class ExtraUserObjectPermissionSerializer(ExtraObjectGrantSerializer):
    pass


class UserObjectPermissionFilter(filters.FilterSet):
    user_id = IntegerFilter()

    class Meta:
        model = UserObjectPermission
        fields: list[str] = []


class UserObjectPermissionViewSet(ObjectGrantViewSet):
    queryset = UserObjectPermission.objects.active().select_related(
        "permission__content_type", "user"
    )
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
        """Moving a grant takes it away in one place and gives it in another."""
        user = resource_of(obj.user)
        taking = [("unassign_user_permissions", user)]
        return taking if verb == "delete" else [*taking, ("assign_user_permissions", user)]
