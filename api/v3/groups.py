"""``/core/groups/``: groups, their members, parents and roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import django_filters
from django.db.models import F, JSONField, QuerySet, Value
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

from accounts.models import Group, GroupMembership, GroupParent, User, num_of
from api.access import allowed, resource_of, visible_or_404
from api.etags import TaggedView, row_state
from api.moments import MomentField
from api.v3.fields import AttributesField, KeyField, KeysField, flag, window_of
from api.v3.links import require_links
from api.v3.lists.choices import VisibleChoices
from api.v3.lists.filters import BooleanFilter
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import AuthentikSerializer
from api.v3.partials import (
    ASSIGNED,
    Link,
    Linked,
    LinkedViewSet,
    PartialRoleSerializer,
    PartialUserSerializer,
    RelatedGroupSerializer,
    Row,
    TimesOfMemberSerializer,
    keys,
    link,
    partial_role,
    partial_user,
    related_group,
    shown,
    timed,
    times_as,
)
from api.v3.used_by import Reference, UsedBySerializer, used_by
from api.v3.users import ATTRIBUTES, attributes_filter
from permissions.operations import (
    GroupCycle,
    add_members,
    create_group,
    delete_groups,
    remove_members,
    update_group,
)
from roles.models import Role

# Which linked objects a representation shows when the caller does not say.
INCLUDED = {
    "users": True,
    "children": False,
    "parents": False,
    "inherited_roles": False,
    "memberships": False,
}

USERS = Link(
    name="users",
    rows=GroupMembership.objects.active(),
    owner="group",
    other="user",
    seen=User,
    columns={
        name: F(f"user__{name}")
        for name in ("username", "name", "is_active", "last_login", "email", "attributes", "uuid")
    },
    order=("key",),
)
MEMBERSHIPS = timed("group", "user", User)


def _related(name: str, owner: str, other: str) -> Link:
    columns = ("name", "is_superuser", "attributes")
    return Link(
        name=name,
        rows=GroupParent.objects.all(),
        owner=owner,
        other=other,
        seen=Group,
        columns={column: F(f"{other}__{column}") for column in columns},
        order=("name",),
    )


def _roles(name: str, owner: str) -> Link:
    """With columns like those of groups, and so read together with these."""
    return Link(
        name=name,
        rows=ASSIGNED,
        owner=owner,
        other="role",
        seen=Role,
        columns={
            "name": F("role__name"),
            "is_superuser": Value(False),
            "attributes": Value(None, JSONField()),
        },
        order=("name",),
    )


ALWAYS = (
    USERS,
    _related("parents", "child", "parent"),
    _related("children", "parent", "child"),
    _roles("roles", "group"),
)
# From all groups above, and from the group itself.
INHERITED = _roles("inherited_roles", "group__descendant_rows__descendant")


def links_of(included: Mapping[str, bool]) -> list[Link]:
    asked = {"inherited_roles": INHERITED, "memberships": MEMBERSHIPS}
    return [*ALWAYS, *(link for name, link in asked.items() if included[name])]


def represented(
    group: Mapping[str, Any], linked: Mapping[str, Sequence[Row]], included: Mapping[str, bool]
) -> Row:
    """A group by its ``COLUMNS``."""

    def told(name: str, represent: Callable[[Row], Row]) -> list[Row] | None:
        return shown(linked[name], represent) if included[name] else None

    parents, roles = linked["parents"], linked["roles"]
    first = parents[0] if parents else {"key": None, "shown": False}
    return {
        "pk": group["pk"],
        "num_pk": num_of(group["pk"]),
        "name": group["name"],
        "is_superuser": group["is_superuser"],
        "parent": first["key"],
        "parent_name": first["name"] if first["shown"] else None,
        "parents": [row["key"] for row in parents],
        "parents_obj": told("parents", related_group),
        "children": [row["key"] for row in linked["children"]],
        "children_obj": told("children", related_group),
        "users": [row["key"] for row in linked["users"]],
        "users_obj": told("users", partial_user),
        "attributes": group["attributes"],
        "roles": [row["key"] for row in roles],
        "roles_obj": shown(roles, partial_role),
        "inherited_roles_obj": _inherited(linked) if included["inherited_roles"] else None,
        "memberships": told("memberships", times_as("user")),
    }


def _inherited(linked: Mapping[str, Sequence[Row]]) -> list[Row]:
    direct = {row["key"] for row in linked["roles"]}
    roles = {row["key"]: row for row in linked["inherited_roles"] if row["key"] not in direct}
    return sorted(shown(roles.values(), partial_role), key=itemgetter("name"))


class GroupSerializer(AuthentikSerializer, serializers.ModelSerializer):
    """The union of what authentik's clients from 2024.8 to 2026.8 know of a group.

    ``parent`` is the first of ``parents`` by name. Written, it stands for the whole list, unless it
    is what the caller read: whoever knows one parent only must not remove the others unawares.
    """

    name = serializers.CharField(max_length=255, validators=[UniqueValidator(Group.objects.all())])
    num_pk = serializers.IntegerField(read_only=True)
    parent = KeyField(  # type: ignore[assignment]  # DRF's own attribute of this name is not needed
        queryset=Group.objects.all(), read=keys("parents"), allow_null=True, required=False
    )
    parent_name = serializers.CharField(read_only=True, allow_null=True)
    parents = KeysField(queryset=Group.objects.all(), read=keys("parents"), required=False)
    parents_obj = RelatedGroupSerializer(many=True, allow_null=True, read_only=True)
    children = serializers.ListField(child=serializers.UUIDField(), read_only=True)
    children_obj = RelatedGroupSerializer(many=True, allow_null=True, read_only=True)
    users = KeysField(queryset=User.objects.all(), read=keys("users"), default=list)
    users_obj = PartialUserSerializer(many=True, allow_null=True, read_only=True)
    attributes = AttributesField(required=False)
    roles = KeysField(queryset=Role.objects.public(), read=keys("roles"), required=False)
    roles_obj = PartialRoleSerializer(many=True, read_only=True)
    inherited_roles_obj = PartialRoleSerializer(many=True, allow_null=True, read_only=True)
    memberships = TimesOfMemberSerializer(many=True, allow_null=True, read_only=True)

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

    def to_representation(self, group: Any) -> Row:
        """Of a group whose links are known."""
        included = self.context.get("included", INCLUDED)
        columns = {name: getattr(group, name) for name in COLUMNS}
        return represented(columns, group.linked(), included)

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
            first = next(iter(keys("parents")(group)), None) if group else None
            if group is None or (parent.pk if parent else None) != first:
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

    valid_from = MomentField(
        required=False, allow_null=True, help_text="Counts from then on; null: at once."
    )
    valid_until = MomentField(
        required=False, allow_null=True, help_text="Counts until then; null: without end."
    )
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


COLUMNS = {name: name for name in ("pk", "name", "is_superuser", "attributes")}
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
class GroupViewSet(TaggedView, LinkedViewSet, viewsets.ModelViewSet):
    """Users who are given things together; members of a group count in the groups above it."""

    called = ("a group", "groups")
    columns = COLUMNS
    queryset = Group.objects.all()
    serializer_class = GroupSerializer
    filterset_class = GroupFilter
    filter_backends = FILTER_BACKENDS
    ordering = ("name",)
    ordering_fields = {"pk": "pk", "name": "name", "is_superuser": "is_superuser"}
    search_fields = ("name",)

    def completed(self, rows: Sequence[Row]) -> list[Row]:
        included = self._included()
        linked = Linked(links_of(included), [row["pk"] for row in rows], self.sight)
        return [represented(row, linked.of(row["pk"]), included) for row in rows]

    def get_object(self) -> Group:
        group: Group = super().get_object()
        link([group], links_of(self._included()), self.sight)
        return group

    def read(self, row: Any) -> Any:
        group = Group.objects.get(pk=row.pk)
        link([group], links_of(INCLUDED), self.sight)
        return group

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
            "users": keys("users")(row),
            "parents": sorted(keys("parents")(row)),
            "roles": sorted(keys("roles")(row)),
        }

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        require_links(self.caller, serializer.validated_data)
        group = create_group(actor=self.caller, **serializer.validated_data)
        serializer.instance = self.read(group)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        group = serializer.instance
        assert isinstance(group, Group), "an update has something to update"
        require_links(self.caller, serializer.validated_data, group)
        update_group(group=group, actor=self.caller, **serializer.validated_data)
        serializer.instance = self.read(group)

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
