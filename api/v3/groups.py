"""``/core/groups/``: groups, their members, parents and roles."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Prefetch, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator

from accounts.models import Group, GroupClosure, GroupMembership, GroupParent, User
from api.access import ModelAccessViewSet, Sight, allowed, resource_of, visible_or_404
from api.etags import TaggedView, row_state
from api.v3.fields import AttributesField, KeyField, KeysField, flag, window_of
from api.v3.links import require_links
from api.v3.lists.choices import VisibleChoices
from api.v3.lists.filters import BooleanFilter
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import AuthentikSerializer
from api.v3.partials import (
    PartialRoleSerializer,
    PartialUserSerializer,
    RelatedGroupSerializer,
    TimesOfMemberSerializer,
    first_parent,
    name_of_first_parent,
    shown,
    with_parents,
    with_times,
)
from api.v3.used_by import Reference, UsedBySerializer, used_by
from api.v3.users import ATTRIBUTES, attributes_filter, role_keys
from permissions.operations import (
    GroupCycle,
    add_members,
    create_group,
    delete_groups,
    remove_members,
    update_group,
)
from roles.models import Role, RoleAssignment

# Which linked objects a representation shows when the caller does not say.
INCLUDED = {
    "users": True,
    "children": False,
    "parents": False,
    "inherited_roles": False,
    "memberships": False,
}
READ_APART = ("users", "inherited_roles", "memberships")


def read_groups(
    queryset: QuerySet[Group],
    sight: Sight,
    *,
    users: bool = True,
    inherited_roles: bool = False,
    memberships: bool = False,
) -> QuerySet[Group]:
    """With everything a group's representation needs, in five statements more, or eight."""
    members = GroupMembership.objects.active().order_by("user_id")
    if users:
        members = sight.marked(members.select_related("user"), "user")
    children = GroupParent.objects.select_related("child").order_by("child__name")
    queryset = queryset.prefetch_related(
        Prefetch("memberships", members, to_attr="memberships_read"),
        with_parents(sight),
        Prefetch("child_rows", sight.marked(children, "child"), to_attr="children_read"),
        _with_roles(sight),
    )
    if memberships:
        queryset = queryset.prefetch_related(with_times(sight, "user"))
    return queryset.prefetch_related(_with_ancestors(sight)) if inherited_roles else queryset


def _with_roles(sight: Sight, prefix: str = "") -> Prefetch[Any]:
    rows = RoleAssignment.objects.active().unscoped().select_related("role")
    rows = rows.filter(role__in=Role.objects.public()).order_by("role__name")
    marked = sight.marked(rows, "role")
    return Prefetch(f"{prefix}role_assignments", marked, to_attr="assignments_read")


def _with_ancestors(sight: Sight) -> Prefetch[Any]:
    """With the roles that come from them, as rows of ``ancestors_read``."""
    rows = GroupClosure.objects.select_related("ancestor")
    rows = rows.prefetch_related(_with_roles(sight, "ancestor__"))
    return Prefetch("ancestor_rows", rows, to_attr="ancestors_read")


def _parent_keys(group: Any) -> list[UUID]:
    return [row.parent_id for row in group.parents_read]


class GroupSerializer(AuthentikSerializer, serializers.ModelSerializer):
    """The union of what authentik's clients from 2024.8 to 2026.8 know of a group.

    ``parent`` is the first of ``parents`` by name. Written, it stands for the whole list, unless it
    is what the caller read: whoever knows one parent only must not remove the others unawares.
    """

    name = serializers.CharField(max_length=255, validators=[UniqueValidator(Group.objects.all())])
    num_pk = serializers.IntegerField(read_only=True)
    parent = KeyField(  # type: ignore[assignment]  # DRF's own attribute of this name is not needed
        queryset=Group.objects.all(), read=_parent_keys, allow_null=True, required=False
    )
    parent_name = serializers.SerializerMethodField()
    parents = KeysField(queryset=Group.objects.all(), read=_parent_keys, required=False)
    parents_obj = serializers.SerializerMethodField()
    children = serializers.SerializerMethodField()
    children_obj = serializers.SerializerMethodField()
    users = KeysField(
        queryset=User.objects.all(),
        read=lambda group: [row.user_id for row in group.memberships_read],
        default=list,
    )
    users_obj = serializers.SerializerMethodField()
    attributes = AttributesField(required=False)
    roles = KeysField(queryset=Role.objects.public(), read=role_keys, required=False)
    roles_obj = serializers.SerializerMethodField()
    inherited_roles_obj = serializers.SerializerMethodField()
    memberships = serializers.SerializerMethodField()

    class Meta:
        model = Group
        fields = [
            "pk",
            "num_pk",
            "name",
            "is_superuser",
            "parent",
            "parent_name",
            "parents",
            "parents_obj",
            "children",
            "children_obj",
            "users",
            "users_obj",
            "attributes",
            "roles",
            "roles_obj",
            "inherited_roles_obj",
            "memberships",
        ]

    def get_parent_name(self, group: Group) -> str | None:
        return name_of_first_parent(group)

    @extend_schema_field(RelatedGroupSerializer(many=True, allow_null=True))
    def get_parents_obj(self, group: Any) -> Any:
        if not self._included("parents"):
            return None
        return RelatedGroupSerializer(shown(group.parents_read, "parent"), many=True).data

    def get_children(self, group: Any) -> list[UUID]:
        return [row.child_id for row in group.children_read]

    @extend_schema_field(RelatedGroupSerializer(many=True, allow_null=True))
    def get_children_obj(self, group: Any) -> Any:
        if not self._included("children"):
            return None
        return RelatedGroupSerializer(shown(group.children_read, "child"), many=True).data

    @extend_schema_field(PartialUserSerializer(many=True, allow_null=True))
    def get_users_obj(self, group: Any) -> Any:
        if not self._included("users"):
            return None
        return PartialUserSerializer(shown(group.memberships_read, "user"), many=True).data

    @extend_schema_field(PartialRoleSerializer(many=True))
    def get_roles_obj(self, group: Any) -> Any:
        return PartialRoleSerializer(shown(group.assignments_read, "role"), many=True).data

    @extend_schema_field(PartialRoleSerializer(many=True, allow_null=True))
    def get_inherited_roles_obj(self, group: Any) -> Any:
        if not self._included("inherited_roles"):
            return None
        roles = {
            role.pk: role
            for row in group.ancestors_read
            for role in shown(row.ancestor.assignments_read, "role")
        }
        direct = set(role_keys(group))
        inherited = [role for pk, role in roles.items() if pk not in direct]
        return PartialRoleSerializer(sorted(inherited, key=lambda r: r.name), many=True).data

    @extend_schema_field(TimesOfMemberSerializer(many=True, allow_null=True))
    def get_memberships(self, group: Any) -> Any:
        if not self._included("memberships"):
            return None
        return TimesOfMemberSerializer(group.memberships_timed, many=True).data

    def _included(self, name: str) -> bool:
        return bool(self.context.get("included", INCLUDED)[name])

    def validate_is_superuser(self, value: bool) -> bool:
        """The flag has permissions of its own; whether the caller may make superusers at all is for
        the operation to say.
        """
        group = self.instance if isinstance(self.instance, Group) else None
        if value == (group.is_superuser if group else False):
            return value
        verb = "enable" if value else "disable"
        resource = resource_of(group) if group else None
        caller = self.context["request"].user
        if not allowed(caller, f"authentik_core.{verb}_group_superuser", resource):
            raise ValidationError(f"You may not {verb} the superuser status of this group.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        group = self.instance if isinstance(self.instance, Group) else None
        parent = attrs.pop("parent", serializers.empty)
        if parent is not serializers.empty and "parents" not in attrs:
            if group is None or parent != first_parent(group):
                attrs["parents"] = [parent] if parent else []
        elif "parents" not in attrs and not self.partial:
            attrs["parents"] = []
        if group is not None and group in attrs.get("parents", ()):
            key = "parents" if "parents" in self.initial_data else "parent"
            raise ValidationError({key: ["Cannot set group as parent of itself."]})
        return attrs


@extend_schema_field({"type": "integer"})
class MembersFilter(VisibleChoices):
    """By the users' numbers."""


class GroupFilter(django_filters.FilterSet):
    name = django_filters.CharFilter(help_text="Only with exactly this name.")
    is_superuser = BooleanFilter(help_text="Only what is superuser, or only the others.")
    attributes = django_filters.CharFilter(method=attributes_filter, help_text=ATTRIBUTES)
    members_by_pk = MembersFilter(
        queryset=User.objects.all(),
        method="filter_members",
        help_text="Only groups this user is in itself; repeat it for any of several.",
    )
    members_by_username = VisibleChoices(
        queryset=User.objects.all(),
        to_field_name="username",
        method="filter_members",
        help_text="Only groups the user of this name is in itself; may be repeated.",
    )

    class Meta:
        model = Group
        fields: list[str] = []

    def filter_members(
        self, queryset: QuerySet[Group], name: str, value: list[User]
    ) -> QuerySet[Group]:
        joined = GroupMembership.objects.active().filter(user__in=[user.pk for user in value])
        return queryset.filter(pk__in=joined.values("group")) if value else queryset


class UserAccountSerializer(AuthentikSerializer):
    pk = serializers.IntegerField()

    def to_internal_value(self, data: Any) -> Any:
        # A user that is not named is a user that is not there (contract, I.16).
        if isinstance(data, dict) and data.get("pk") is None:
            raise NotFound
        if isinstance(data, dict) and not isinstance(data["pk"], int | str):
            raise ValidationError({"pk": ["A valid integer is required."]})
        return super().to_internal_value(data)


class JoiningSerializer(UserAccountSerializer):
    """Who joins, and for what time: without times, a membership that is there stays as it is."""

    valid_from = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Counts from then on; null: at once."
    )
    valid_until = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Counts until then; null: without end."
    )
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


_INCLUDES = [
    OpenApiParameter(
        f"include_{name}",
        OpenApiTypes.BOOL,
        default=default,
        description=f"Whether the answer describes `{name}` in full.",
    )
    for name, default in INCLUDED.items()
]


@extend_schema_view(
    list=extend_schema(parameters=_INCLUDES), retrieve=extend_schema(parameters=_INCLUDES)
)
class GroupViewSet(TaggedView, viewsets.ModelViewSet, ModelAccessViewSet):
    """Users who are given things together; members of a group count in the groups above it."""

    called = ("a group", "groups")
    queryset = Group.objects.all()
    serializer_class = GroupSerializer
    filterset_class = GroupFilter
    filter_backends = FILTER_BACKENDS
    ordering = ("name",)
    ordering_fields = {"pk": "pk", "name": "name", "is_superuser": "is_superuser"}
    search_fields = ("name",)

    def get_queryset(self) -> QuerySet[Any]:
        groups = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return groups
        included = {name: self._included()[name] for name in READ_APART}
        return read_groups(groups, Sight(self.caller), **included)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "included": self._included()}

    def _included(self) -> dict[str, bool]:
        if self.action not in ("list", "retrieve"):
            return INCLUDED
        return {
            name: flag(self.request, f"include_{name}", default=default)
            for name, default in INCLUDED.items()
        }

    def state_of(self, row: Any) -> Any:
        return {
            **row_state(row),
            "users": [one.user_id for one in row.memberships_read],
            "parents": sorted(_parent_keys(row)),
            "roles": sorted(role_keys(row)),
        }

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        require_links(self.caller, serializer.validated_data)
        group = create_group(actor=self.caller, **serializer.validated_data)
        serializer.instance = read_groups(Group.objects.all(), Sight(self.caller)).get(pk=group.pk)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        group = serializer.instance
        assert isinstance(group, Group), "an update has something to update"
        require_links(self.caller, serializer.validated_data, group)
        update_group(group=group, actor=self.caller, **serializer.validated_data)
        serializer.instance = read_groups(Group.objects.all(), Sight(self.caller)).get(pk=group.pk)

    def perform_destroy(self, instance: Group) -> None:
        delete_groups(groups=[instance], actor=self.caller)

    def handle_exception(self, exc: Exception) -> Response:
        """A cycle is told under the name by which the caller gave the parents."""
        if isinstance(exc, GroupCycle) and "parents" not in self.request.data:
            exc = GroupCycle(fields={"parent": [exc.message]})
        return super().handle_exception(exc)

    @extend_schema(request=JoiningSerializer, responses={204: None, 404: None})
    @action(detail=True, methods=["post"], target_permission="authentik_core.add_user_to_group")
    def add_user(self, request: Request, pk: str) -> Response:
        """Make a user a member of the group, for a time or without limit; once is enough."""
        user, words = self._named_user(JoiningSerializer)
        add_members(
            group=self.get_object(),
            users=[user],
            actor=self.caller,
            window=window_of(words),
            reason=words.get("reason", ""),
        )
        return Response(status=204)

    @extend_schema(request=UserAccountSerializer, responses={204: None, 404: None})
    @action(
        detail=True, methods=["post"], target_permission="authentik_core.remove_user_from_group"
    )
    def remove_user(self, request: Request, pk: str) -> Response:
        """End a user's own membership of the group."""
        user, _ = self._named_user(UserAccountSerializer)
        remove_members(group=self.get_object(), users=[user], actor=self.caller)
        return Response(status=204)

    def _named_user(self, kind: type[UserAccountSerializer]) -> tuple[User, dict[str, Any]]:
        """And what the body says besides."""
        body = kind(data=self.request.data)
        body.is_valid(raise_exception=True)
        words = body.validated_data
        return visible_or_404(User.objects.all(), caller=self.caller, pk=words["pk"]), words

    @extend_schema(responses=UsedBySerializer(many=True), filters=False)
    @action(detail=True, acts_as="retrieve", pagination_class=None)
    def used_by(self, request: Request, pk: str) -> Response:
        group = self.get_object()
        members = GroupMembership.objects.active().filter(group=group)
        references = [
            Reference(User.objects.filter(pk__in=members.values("user")), "cascade_many"),
            Reference(group.children.all(), "cascade_many"),
        ]
        return Response(used_by(references, caller=self.caller))
