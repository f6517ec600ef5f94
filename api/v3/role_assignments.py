"""Role assignments: roles to users, groups and holders of roles, within a scope and a time."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Now
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import valid_at
from accounts.models import Group, User
from api.access import ModelAccessViewSet, Sight
from api.etags import TaggedFactView
from api.moments import MomentField
from api.v3.fields import LARGEST_INTEGER, KeyField, UserField, window_of
from api.v3.initial_permissions import RoleField
from api.v3.lists.filters import BooleanFilter, ExpiringFilter, IntegerFilter, StateFilter
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import NativeSerializer, NativeView
from api.v3.scopes import InlineScopeSerializer, with_specs
from permissions import engine
from permissions.models.fact_tables import TIMES
from permissions.operations import (
    InlineScope,
    change_assignment,
    create_assignment,
    delete_assignment,
)
from roles.models import Role, RoleAssignment, Scope

PRINCIPALS = ("user", "group", "holder_role")
ONE_PRINCIPAL = "Name exactly one of user, group and holder_role."
ONE_SCOPE = "Name a scope or give an inline one, not both."


class RoleAssignmentSerializer(NativeSerializer):
    """Exactly one of ``user``, ``group`` and ``holder_role`` (whose holders hold the role too).

    ``scope`` is a shared scope, ``inline_scope`` one of this assignment alone; without either the
    role counts everywhere. Only times and reason can change.
    """

    fixed = frozenset({*PRINCIPALS, "role", "scope", "inline_scope"})

    pk = serializers.IntegerField(read_only=True)
    role = RoleField(queryset=Role.objects.public(), read=lambda row: [row.role_id])
    role_name = serializers.CharField(
        source="role.name",
        read_only=True,
        allow_null=True,
        help_text="null when the caller may not view the role.",
    )
    user = UserField(
        queryset=User.objects.all(),
        read=lambda row: [row.user_id],
        required=False,
        allow_null=True,
    )
    group = KeyField(
        queryset=Group.objects.all(),
        read=lambda row: [row.group_id],
        required=False,
        allow_null=True,
    )
    holder_role = KeyField(
        queryset=Role.objects.public(),
        read=lambda row: [row.holder_role_id],
        required=False,
        allow_null=True,
    )
    scope = KeyField(
        queryset=Scope.objects.filter(name__isnull=False),
        read=lambda row: [row.scope_id if row.scope and row.scope.name is not None else None],
        required=False,
        allow_null=True,
    )
    inline_scope = InlineScopeSerializer(required=False, allow_null=True)
    valid_from = MomentField(required=False, allow_null=True)
    valid_until = MomentField(required=False, allow_null=True)
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    created = serializers.DateTimeField(read_only=True)
    granted_by = serializers.IntegerField(source="granted_by_id", read_only=True, allow_null=True)

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shared = instance.scope is not None and instance.scope.name is not None
        inline = instance.scope is not None and not shared
        return {
            "pk": instance.pk,
            "role": str(instance.role_id),
            "role_name": instance.role.name if instance.shown else None,
            "user": instance.user_id,
            "group": instance.group_id,
            "holder_role": instance.holder_role_id,
            "scope": instance.scope_id if shared else None,
            "inline_scope": InlineScopeSerializer(instance.scope).data if inline else None,
            "valid_from": instance.valid_from,
            "valid_until": instance.valid_until,
            "reason": instance.reason,
            "created": instance.created,
            "granted_by": instance.granted_by_id,
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is not None:
            return attrs
        if sum(attrs.get(name) is not None for name in PRINCIPALS) != 1:
            raise serializers.ValidationError(ONE_PRINCIPAL)
        if attrs.get("scope") and attrs.get("inline_scope"):
            raise serializers.ValidationError(ONE_SCOPE)
        return attrs


class RoleAssignmentFilter(filters.FilterSet):
    role = filters.UUIDFilter(
        field_name="role_id",
        help_text="Only what is granted everywhere to the role with this uuid.",
    )
    user = IntegerFilter(
        method="held_by_user",
        help_text="Only what is granted everywhere to the user with this number.",
    )
    group = filters.UUIDFilter(
        field_name="group_id", help_text="Only what the group with this uuid holds."
    )
    holder_role = filters.UUIDFilter(
        field_name="holder_role_id",
        help_text="Only what holders of the role with this uuid hold through it.",
    )
    scope = filters.UUIDFilter(
        field_name="scope_id", help_text="Only what is limited to the scope with this uuid."
    )
    scoped = BooleanFilter(
        field_name="scope",
        lookup_expr="isnull",
        exclude=True,
        help_text="Only what is limited by a scope, or only the others.",
    )
    active = BooleanFilter(method="counting", help_text="Whether it counts now.")
    expired = BooleanFilter(method="over", help_text="Whether its end has passed.")
    state = StateFilter()
    expiring_before = ExpiringFilter()

    class Meta:
        model = RoleAssignment
        fields: list[str] = []

    def held_by_user(self, queryset: QuerySet[Any], name: str, value: int) -> QuerySet[Any]:
        return queryset.filter(user=value) if 0 < value <= LARGEST_INTEGER else queryset.none()

    def counting(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        return queryset.filter(valid_at()) if value else queryset.exclude(valid_at())

    def over(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        is_over = Q(valid_until__isnull=False, valid_until__lte=Now())
        return queryset.filter(is_over) if value else queryset.exclude(is_over)


@extend_schema_view(
    destroy=extend_schema(description="Take the role away from whom the assignment gave it to.")
)
class RoleAssignmentViewSet(
    NativeView,
    TaggedFactView,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    ModelAccessViewSet,
):
    """Roles, principals and scopes are named among those the caller may view, and whatever the
    caller gives meets the grant ceiling.
    """

    called = ("a role assignment", "role assignments")
    queryset = (
        RoleAssignment.objects.filter(role__in=Role.objects.public())
        .select_related("role", "scope", "user", "group", "holder_role")
        .prefetch_related("scope__entries__content_type")
    )
    serializer_class = RoleAssignmentSerializer
    filterset_class = RoleAssignmentFilter
    filter_backends = FILTER_BACKENDS
    ordering = ("shown_name",)
    ordering_fields = {
        "pk": "pk",
        "role": "shown_name",
        "created": "created",
        "valid_from": "valid_from",
        "valid_until": "valid_until",
    }
    search_fields = ("seen_role", "seen_user", "seen_group", "reason")

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows
        sight = Sight(self.caller)
        name: Any = F("role__name")
        if Role not in sight.whole:
            # The order must not tell the names of others either: they come last.
            name = Case(When(shown=True, then=name))
        return sight.marked(rows, "role").annotate(shown_name=name)

    def read(self, row: Any) -> Any:
        return Sight(self.caller).marked(type(self).queryset, "role").get(pk=row.pk)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """A search must not tell the names of roles and holders whom the caller may not view."""
        if SearchFilter.search_param in self.request.query_params:
            queryset = queryset.annotate(
                seen_role=self._seen(Role.objects.filter(pk=OuterRef("role")), "name"),
                seen_user=self._seen(User.objects.filter(pk=OuterRef("user")), "username"),
                seen_group=self._seen(Group.objects.filter(pk=OuterRef("group")), "name"),
            )
        return super().filter_queryset(queryset)

    def _seen(self, rows: QuerySet[Any], column: str) -> Subquery:
        return Subquery(engine.visible(rows, user=self.caller).rows.values(column))

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        words = dict(serializer.validated_data)
        principals = [words.pop(name, None) for name in PRINCIPALS]
        [principal] = [principal for principal in principals if principal is not None]
        if words.get("inline_scope") is not None:
            words["inline_scope"] = InlineScope(**with_specs(words["inline_scope"]))
        window = window_of(words)
        words = {name: value for name, value in words.items() if name not in TIMES}
        row = create_assignment(principal=principal, actor=self.caller, window=window, **words)
        serializer.instance = self.read(row)

    def partial_update(self, request: Request, pk: str) -> Response:
        with self.unchanged():
            row = self.get_object()
            body = self.get_serializer(row, data=request.data, partial=True)
            body.is_valid(raise_exception=True)
            row = change_assignment(row=row, actor=self.caller, **body.validated_data)
        return Response(self.get_serializer(self.read(row)).data)

    def perform_destroy(self, instance: RoleAssignment) -> None:
        delete_assignment(row=instance, actor=self.caller)
