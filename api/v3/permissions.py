"""The catalogue of permissions: what can be granted, on which type of resource."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.exceptions import NotFound, ValidationError

from accounts.models import User
from api.access import CallerAccess, find, keys_of, may_view
from api.v3.lists.filters import IntegerFilter, UuidTextFilter
from api.v3.lists.listing import ColumnsViewSet
from api.v3.lists.ordering import FILTER_BACKENDS
from permissions.models.fact_tables import grants_to
from roles.models import Role

# As authentik words it.
UNKNOWN = "Select a valid choice. That choice is not one of the available choices."


class PermissionSerializer(serializers.ModelSerializer):
    """Needs ``content_type__resource_type`` loaded."""

    name = serializers.CharField(max_length=255)
    codename = serializers.CharField(max_length=100)
    model = serializers.CharField(read_only=True, source="content_type.model")
    app_label = serializers.CharField(read_only=True, source="content_type.app_label")
    app_label_verbose = serializers.CharField(read_only=True)
    model_verbose = serializers.CharField(read_only=True)

    class Meta:
        model = Permission
        fields = [
            "id",
            "name",
            "codename",
            "model",
            "app_label",
            "app_label_verbose",
            "model_verbose",
        ]

    def to_representation(self, instance: Permission) -> dict[str, Any]:
        content_type = instance.content_type
        return {
            "id": instance.pk,
            "name": instance.name,
            "codename": instance.codename,
            "model": content_type.model,
            "app_label": content_type.app_label,
            "app_label_verbose": content_type.resource_type.app_verbose_name,
            "model_verbose": content_type.resource_type.verbose_name,
        }


class PermissionFilter(filters.FilterSet):
    """``role`` and ``user``: their own global permissions, to callers who may view them; to others
    they are unknown.
    """

    codename = filters.CharFilter(help_text="Only with this codename.")
    content_type__app_label = filters.CharFilter(help_text="Only of types in this namespace.")
    content_type__model = filters.CharFilter(help_text="Only of types with this name.")
    role = UuidTextFilter(
        method="of_role",
        help_text="Only what is granted everywhere to the role with this uuid.",
    )
    user = IntegerFilter(
        method="of_user",
        help_text="Only what is granted everywhere to the user with this number.",
    )

    class Meta:
        model = Permission
        fields: list[str] = []

    def of_role(
        self, queryset: QuerySet[Permission], name: str, value: Any
    ) -> QuerySet[Permission]:
        return self._granted(queryset, name, find(Role.objects.public(), pk=value))

    def of_user(
        self, queryset: QuerySet[Permission], name: str, value: int
    ) -> QuerySet[Permission]:
        return self._granted(queryset, name, find(User.objects.all(), pk=value))

    def _granted(
        self, queryset: QuerySet[Permission], name: str, principal: User | Role | None
    ) -> QuerySet[Permission]:
        if principal is None or self.request is None or not may_view(self.request.user, principal):
            raise ValidationError({name: [UNKNOWN]})
        table = grants_to(principal, by_object=False)
        granted = table.model.objects.active().filter(**{table.principal: principal})
        return queryset.filter(pk__in=granted.values("permission"))


@extend_schema_view(
    list=extend_schema(
        description=(
            "List the permissions there are. Open to every authenticated caller: it says what "
            "exists, not who holds it."
        )
    ),
    retrieve=extend_schema(description="Read a permission of the catalogue."),
)
class PermissionViewSet(mixins.RetrieveModelMixin, ColumnsViewSet):
    """Readable by every authenticated caller: it says what exists, not who holds it."""

    reach = "all"
    queryset = Permission.objects.filter(content_type__resource_type__isnull=False).select_related(
        "content_type__resource_type"
    )
    serializer_class = PermissionSerializer
    permission_classes = (CallerAccess,)
    filterset_class = PermissionFilter
    filter_backends = FILTER_BACKENDS
    columns = {
        "id": "pk",
        "name": "name",
        "codename": "codename",
        "model": "content_type__model",
        "app_label": "content_type__app_label",
        "app_label_verbose": "content_type__resource_type__app_verbose_name",
        "model_verbose": "content_type__resource_type__verbose_name",
    }
    ordering = ("name",)
    ordering_fields = {
        "id": "pk",
        "name": "name",
        "codename": "codename",
        "model": "content_type__model",
        "content_type__model": "content_type__model",
        "app_label": "content_type__app_label",
        "content_type__app_label": "content_type__app_label",
    }
    search_fields = ("codename", "name", "content_type__model", "content_type__app_label")

    def get_object(self) -> Any:
        if not keys_of(Permission, "pk").fullmatch(self.kwargs["pk"]):
            raise NotFound
        return super().get_object()
