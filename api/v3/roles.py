"""Roles as authentik's clients know them: a key and a name."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Group, User
from api.access import ModelAccessViewSet, find, may_view, visible_or_404
from api.etags import TaggedView
from api.v3.lists.filters import AnyOfFilter, BooleanFilter, IntegerFilter
from api.v3.lists.listing import ColumnsViewSet
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import AuthentikSerializer
from api.v3.used_by import Reference, UsedBySerializer, used_by
from permissions.operations import (
    assign_role,
    create_role,
    delete_roles,
    unassign_role,
    update_role,
)
from permissions.queries import UuidText, roles_of_group, roles_of_user
from roles.models import InitialPermissions, Role

MEMBER_RESPONSES = {
    204: OpenApiResponse(description="Done, or done before."),
    404: OpenApiResponse(description="The user is missing, or the caller may not view it."),
}


class RoleSerializer(AuthentikSerializer, serializers.ModelSerializer):
    pk = serializers.UUIDField(read_only=True)

    class Meta:
        model = Role
        fields = ["pk", "name"]


class RoleMemberSerializer(AuthentikSerializer):
    pk = serializers.IntegerField()


class RoleFilter(filters.FilterSet):
    """A user or group that is missing, or that the caller may not view, holds nothing."""

    name = filters.CharFilter(help_text="Only with exactly this name.")
    group__name = filters.CharFilter(field_name="name", help_text="As `name`.")
    users = IntegerFilter(
        method="held_by_user", help_text="Only those the user with this number holds."
    )
    groups = filters.UUIDFilter(
        method="held_by_group", help_text="Only those the group with this uuid holds."
    )
    ak_groups = filters.UUIDFilter(method="held_by_group", help_text="As `groups`.")
    inherited = BooleanFilter(
        method="alone", help_text="With users or groups: also what is held through others."
    )
    managed = AnyOfFilter(help_text="Only those that a program manages under one of these names.")
    managed__isnull = BooleanFilter(
        "managed", "isnull", help_text="Only those that no program manages, or only the others."
    )

    class Meta:
        model = Role
        fields: list[str] = []

    def held_by_user(self, queryset: QuerySet[Role], name: str, value: int) -> QuerySet[Role]:
        user = find(User.objects.all(), pk=value)
        held = roles_of_user(value, inherited=self._inherited)
        return self._held(queryset, user, held)

    def held_by_group(self, queryset: QuerySet[Role], name: str, value: Any) -> QuerySet[Role]:
        group = find(Group.objects.all(), pk=value)
        held = roles_of_group(value, inherited=self._inherited)
        return self._held(queryset, group, held)

    def alone(self, queryset: QuerySet[Role], name: str, value: bool) -> QuerySet[Role]:
        """Says something about ``users`` and ``groups`` only."""
        return queryset

    def _held(
        self, queryset: QuerySet[Role], holder: User | Group | None, held: QuerySet[Role]
    ) -> QuerySet[Role]:
        if self.request is None or not may_view(self.request.user, holder):
            return queryset.none()
        return queryset.filter(pk__in=held)

    @property
    def _inherited(self) -> bool:
        return bool(self.form.cleaned_data.get("inherited"))


class RoleViewSet(
    TaggedView,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    ColumnsViewSet,
    ModelAccessViewSet,
):
    called = ("a role", "roles")
    queryset = Role.objects.public()
    serializer_class = RoleSerializer
    lookup_field = "uuid"
    filterset_class = RoleFilter
    filter_backends = FILTER_BACKENDS
    columns = {"pk": UuidText("pk"), "name": "name"}
    ordering = ("name",)
    ordering_fields = {"name": "name", "pk": "uuid", "group__name": "name"}
    search_fields = ("name",)

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        serializer.instance = create_role(actor=self.caller, **serializer.validated_data)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        role = serializer.instance
        assert role is not None, "an update has something to update"
        update_role(role=role, actor=self.caller, **serializer.validated_data)

    def perform_destroy(self, instance: Role) -> None:
        delete_roles(roles=[instance], actor=self.caller)

    @extend_schema(responses=UsedBySerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None, acts_as="retrieve")
    def used_by(self, request: Request, uuid: str) -> Response:
        role = self.get_object()
        references = [
            Reference(Group.objects.filter(role_assignments__role=role).distinct(), "cascade_many"),
            Reference(User.objects.filter(role_assignments__role=role).distinct(), "cascade_many"),
            Reference(InitialPermissions.objects.filter(role=role), "cascade"),
        ]
        return Response(used_by(references, caller=self.caller))

    @extend_schema(request=RoleMemberSerializer, responses=MEMBER_RESPONSES)
    @action(detail=True, methods=["post"], target_permission="authentik_rbac.change_role")
    def add_user(self, request: Request, uuid: str) -> Response:
        """Give the role to a user, without limits; once is enough."""
        assign_role(role=self.get_object(), principal=self._member(), actor=self.caller)
        return Response(status=204)

    @extend_schema(request=RoleMemberSerializer, responses=MEMBER_RESPONSES)
    @action(detail=True, methods=["post"], target_permission="authentik_rbac.change_role")
    def remove_user(self, request: Request, uuid: str) -> Response:
        """Take the role from a user. What was given within a scope stays."""
        role, user = self.get_object(), self._member()
        unassign_role(role=role, principal=user, actor=self.caller, scope=None)
        return Response(status=204)

    def _member(self) -> User:
        """The user of the body, among those the caller may view."""
        body = RoleMemberSerializer(data=self.request.data)
        if isinstance(self.request.data, dict) and self.request.data.get("pk") is None:
            raise NotFound
        body.is_valid(raise_exception=True)
        return visible_or_404(User.objects.all(), caller=self.caller, pk=body.validated_data["pk"])
