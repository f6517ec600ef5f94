"""Memberships: who is in which group, from when, until when, and why."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Group, GroupMembership, User
from api.access import ModelAccessViewSet, allowed, find, label_of, resource_of
from api.etags import TaggedFactView
from api.moments import MomentField
from api.v3.fields import KeyField, UserField, window_of
from api.v3.links import JOIN, LEAVE
from api.v3.lists.filters import ExpiringFilter, IntegerFilter, StateFilter
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import NativeSerializer, NativeView
from permissions import engine
from permissions.engine import ResourceRef
from permissions.operations import add_members, change_membership, end_membership


class MembershipSerializer(NativeSerializer):
    """A user's own membership of a group. Only times and reason can change."""

    fixed = frozenset({"group", "user"})

    pk = serializers.IntegerField(read_only=True)
    group = KeyField(queryset=Group.objects.all(), read=lambda row: [row.group_id])
    group_name = serializers.CharField(source="group.name", read_only=True)
    user = UserField(queryset=User.objects.all(), read=lambda row: [row.user_id])
    username = serializers.CharField(source="user.username", read_only=True)
    valid_from = MomentField(
        required=False, allow_null=True, help_text="Counts from then on; null: at once."
    )
    valid_until = MomentField(
        required=False, allow_null=True, help_text="Counts until then; null: without end."
    )
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    created = serializers.DateTimeField(read_only=True)
    granted_by = serializers.IntegerField(source="granted_by_id", read_only=True, allow_null=True)


class MembershipFilter(filters.FilterSet):
    group = filters.UUIDFilter(
        field_name="group_id", help_text="Only members of the group with this uuid itself."
    )
    user = IntegerFilter(
        field_name="user_id", help_text="Only what the user with this number is in itself."
    )
    state = StateFilter()
    expiring_before = ExpiringFilter()

    class Meta:
        model = GroupMembership
        fields: list[str] = []


@extend_schema_view(
    create=extend_schema(
        description=(
            "Make a user a member of a group, for a time or without limit. Whoever is in it "
            "already keeps the membership, which never becomes shorter by this."
        )
    ),
    destroy=extend_schema(description="End a user's own membership of a group."),
)
class MembershipViewSet(
    NativeView,
    TaggedFactView,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    ModelAccessViewSet,
):
    """Who may view both the user and the group may view the membership; the group decides who
    gives and takes it, under the grant ceiling.
    """

    called = ("a membership", "memberships")
    queryset = GroupMembership.objects.select_related("group", "user")
    serializer_class = MembershipSerializer
    filterset_class = MembershipFilter
    filter_backends = FILTER_BACKENDS
    seen_by = "group"
    ordering = ("group__name", "user__username")
    ordering_fields = {
        "pk": "pk",
        "group": "group__name",
        "user": "user__username",
        "created": "created",
        "valid_from": "valid_from",
        "valid_until": "valid_until",
    }
    search_fields = ("group__name", "user__username", "user__name", "reason")

    def visible(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        seen = super().visible(queryset)
        users = engine.visible(queryset, user=self.caller, by="user")
        if users.reach == "all":
            return seen
        # Everybody may view themselves, and so their own memberships.
        of_users = Q(user__in=engine.visible_keys(self.caller.pk, User)) | Q(user=self.caller)
        return seen.filter(of_users)

    def may_create(self) -> bool:
        """By the group that the body names, whether the caller sees it or not."""
        words = self.request.data if isinstance(self.request.data, dict) else {}
        group = find(Group.objects.all(), pk=words.get("group"))
        on = resource_of(group) if group else ResourceRef(label_of(Group))
        return allowed(self.request.user, JOIN, on)

    def needed(self, verb: str, obj: GroupMembership) -> list[tuple[str, ResourceRef]]:
        """A change may both shorten and prolong."""
        group = resource_of(obj.group)
        return [(LEAVE, group)] if verb == "delete" else [(LEAVE, group), (JOIN, group)]

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        words = serializer.validated_data
        [row] = add_members(
            group=words["group"],
            users=[words["user"]],
            actor=self.caller,
            window=window_of(words),
            reason=words.get("reason", ""),
        )
        serializer.instance = row

    def partial_update(self, request: Request, pk: str) -> Response:
        with self.unchanged():
            row = self.get_object()
            body = self.get_serializer(row, data=request.data, partial=True)
            body.is_valid(raise_exception=True)
            row = change_membership(row=row, actor=self.caller, **body.validated_data)
        return Response(self.get_serializer(row).data)

    def perform_destroy(self, instance: GroupMembership) -> None:
        end_membership(row=instance, actor=self.caller)
