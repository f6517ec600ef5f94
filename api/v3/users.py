"""``/core/users/``: users, the caller itself, passwords, and service accounts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

import django_filters
from django.db import models
from django.db.models import BooleanField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator

from accounts.models import (
    Group,
    GroupMembership,
    Token,
    User,
    UserType,
    superuser_membership,
    uid_of,
)
from accounts.validators import validate_path, validate_username
from api.etags import TaggedView, row_state
from api.headers import NO_STORE
from api.json import loads
from api.moments import MomentField
from api.v3.fields import AttributesField, KeysField, flag, storable
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
    PartialGroupSerializer,
    PartialRoleSerializer,
    Row,
    TimesInGroupSerializer,
    keys,
    link,
    partial_group,
    partial_role,
    shown,
    timed,
    times_as,
)
from api.v3.used_by import Reference, UsedBySerializer, used_by
from permissions.operations import (
    create_service_account,
    create_user,
    delete_users,
    set_password,
    update_user,
)
from permissions.queries import codenames_of, groups_of, roles_of
from roles.models import Role, RoleAssignment

LONGEST_PASSWORD = 4_096
# Each is a condition, or a step further inside one.
MOST_STEPS = 50
ATTRIBUTES = "A JSON object; only those whose attributes hold all of its members."


# Which linked objects a list shows when the caller does not say.
INCLUDED = {"groups": True, "roles": True, "memberships": False}

GROUPS = Link(
    name="groups",
    rows=GroupMembership.objects.active(),
    owner="user",
    other="group",
    seen=Group,
    # A group of several parents comes once for each, the first by name before the others.
    columns={
        "name": F("group__name"),
        "is_superuser": F("group__is_superuser"),
        "attributes": F("group__attributes"),
        "parent": F("group__parent_rows__parent"),
        "parent_name": F("group__parent_rows__parent__name"),
    },
    order=("name", "parent_name"),
    marks={"parent_shown": "group__parent_rows__parent"},
)
ROLES = Link(
    name="roles",
    rows=ASSIGNED,
    owner="user",
    other="role",
    seen=Role,
    # Like those of groups, so that one statement reads both.
    columns={
        "name": F("role__name"),
        "is_superuser": Value(False),
        "attributes": Value(None, models.JSONField()),
        "parent": Value(None, models.UUIDField()),
        "parent_name": Value(None, models.CharField()),
    },
    order=("name",),
    marks={"parent_shown": "role"},
)
MEMBERSHIPS = timed("user", "group", Group)


def links_of(included: Mapping[str, bool]) -> list[Link]:
    return [GROUPS, ROLES, *([MEMBERSHIPS] if included["memberships"] else [])]


def tell_nothing_linked(user: Any) -> None:
    """Of a user that is in no group and has no role; no statement."""
    user.superuser_by_groups = False
    user.linked = lambda: {GROUPS.name: [], ROLES.name: []}


def represented(
    user: Mapping[str, Any], linked: Mapping[str, Sequence[Row]], included: Mapping[str, bool]
) -> Row:
    """A user by its ``COLUMNS``."""
    groups = list({row["key"]: row for row in reversed(linked["groups"])}.values())[::-1]
    roles = linked["roles"]
    told = {
        "groups": [row["key"] for row in groups],
        "groups_obj": shown(groups, partial_group) if included["groups"] else None,
        "roles": [row["key"] for row in roles],
        "roles_obj": shown(roles, partial_role) if included["roles"] else None,
        "memberships": (
            shown(linked["memberships"], times_as("group")) if included["memberships"] else None
        ),
        "avatar": avatar(user["name"] or user["username"]),
        "uid": uid_of(user["uuid"]),
        **user,
    }
    return {member: told[member] for member in MEMBERS}


class EmailOrNothing(serializers.EmailField):
    """Declared as an address all the same, as authentik does; ``allow_blank`` would change that."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return "" if data == "" else super().run_validation(data)


class UserSerializer(AuthentikSerializer, serializers.ModelSerializer):
    """The union of what authentik's clients from 2024.8 to 2026.8 know of a user."""

    pk = serializers.IntegerField(read_only=True)
    username = serializers.CharField(
        max_length=150, validators=[validate_username, UniqueValidator(User.objects.all())]
    )
    name = serializers.CharField(allow_blank=True, max_length=255)
    is_superuser = serializers.BooleanField(read_only=True)
    groups = KeysField(queryset=Group.objects.all(), read=keys("groups"), default=list)
    groups_obj = PartialGroupSerializer(many=True, allow_null=True, read_only=True)
    roles = KeysField(queryset=Role.objects.public(), read=keys("roles"), default=list)
    roles_obj = PartialRoleSerializer(many=True, allow_null=True, read_only=True)
    memberships = TimesInGroupSerializer(many=True, allow_null=True, read_only=True)
    email = EmailOrNothing(max_length=254, required=False)
    avatar = serializers.CharField(read_only=True)
    attributes = AttributesField(required=False)
    uid = serializers.CharField(read_only=True)
    path = serializers.CharField(max_length=512, validators=[validate_path], required=False)
    type = serializers.ChoiceField(UserType.choices, required=False)

    class Meta:
        model = User
        fields = [
            "pk",
            "username",
            "name",
            "is_active",
            "last_login",
            "date_joined",
            "is_superuser",
            "groups",
            "groups_obj",
            "roles",
            "roles_obj",
            "memberships",
            "email",
            "avatar",
            "attributes",
            "uid",
            "path",
            "type",
            "uuid",
            "password_change_date",
            "last_updated",
        ]
        read_only_fields = ["date_joined", "uuid", "password_change_date", "last_updated"]

    def to_representation(self, user: Any) -> Row:
        """Of a user whose links are known."""
        included = self.context.get("included", INCLUDED)
        return represented({name: getattr(user, name) for name in COLUMNS}, user.linked(), included)

    def validate_type(self, value: str) -> str:
        if value == UserType.INTERNAL_SERVICE_ACCOUNT != getattr(self.instance, "type", ""):
            raise ValidationError("Internal service accounts cannot be made here.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if getattr(self.instance, "type", "") == UserType.INTERNAL_SERVICE_ACCOUNT:
            raise ValidationError("Internal service accounts cannot be changed.")
        return attrs


MEMBERS = UserSerializer.Meta.fields
# Those that are columns, and what is read for each.
COLUMNS: dict[str, Any] = {
    **{name: name for name in MEMBERS if name in {f.name for f in User._meta.concrete_fields}},
    "pk": "pk",
    "is_superuser": ExpressionWrapper(
        Q(superuser_membership(OuterRef("pk")), is_active=True), BooleanField()
    ),
}


def avatar(name: str) -> str:
    """A picture that needs no request: the first letters of the name."""
    words = name.split()
    return _initials("".join(word[0] for word in words[:2]).upper())


@lru_cache(maxsize=1_024)
def _initials(letters: str) -> str:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        '<rect width="64" height="64" fill="#5c6b7a"/><text x="32" y="41" font-size="26" '
        'font-family="sans-serif" text-anchor="middle" fill="#fff">'
        f"{escape(letters)}</text></svg>"
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"


def attributes_filter(queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
    """Rows whose attributes have these members; ``a__b`` names member b of the object a."""
    try:
        members = loads(value.encode())
    except ParseError:
        raise ValidationError(["filter: failed to parse JSON"]) from None
    if not isinstance(members, dict):
        raise ValidationError(["filter: value must be key:value mapping"])
    if not storable(members):
        raise ValidationError({name: ["Null characters are not allowed."]})
    steps = [step for path in members for step in path.split("__")]
    if len(steps) > MOST_STEPS:
        raise ValidationError({name: [f"At most {MOST_STEPS} names of members are allowed."]})
    for number, (path, member) in enumerate(members.items()):
        expression: Any = models.F("attributes")
        for key in path.split("__"):
            expression = KeyTransform(key, expression)
        queryset = queryset.alias(**{f"member{number}": expression})
        queryset = queryset.filter(**{f"member{number}": member})
    return queryset


def _moment(column: str, lookup: str, what: str) -> django_filters.IsoDateTimeFilter:
    return django_filters.IsoDateTimeFilter(
        column, lookup, help_text=f"Only who {what} this moment."
    )


class UserFilter(django_filters.FilterSet):
    username = django_filters.CharFilter(help_text="Only with exactly this user name.")
    name = django_filters.CharFilter(help_text="Only with exactly this name.")
    email = django_filters.CharFilter(help_text="Only with this e-mail address.")
    attributes = django_filters.CharFilter(method=attributes_filter, help_text=ATTRIBUTES)
    is_active = BooleanFilter(help_text="Only active ones, or only the others.")
    is_superuser = BooleanFilter(
        method="filter_superuser", help_text="Only what is superuser, or only the others."
    )
    uuid = django_filters.UUIDFilter(help_text="Only with this uuid.")
    path = django_filters.CharFilter(help_text="Only under exactly this path.")
    path_startswith = django_filters.CharFilter(
        "path", "startswith", max_length=512, help_text="Only under paths that begin like this."
    )
    type = django_filters.MultipleChoiceFilter(
        choices=UserType.choices, help_text="Only of this type; repeat it for any of several."
    )
    groups_by_pk = VisibleChoices(
        queryset=Group.objects.all(),
        method="filter_groups",
        help_text="Only members of the group with this uuid; repeat it for any of several.",
    )
    groups_by_name = VisibleChoices(
        queryset=Group.objects.all(),
        to_field_name="name",
        method="filter_groups",
        help_text="Only members of the group with this name; repeat it for any of several.",
    )
    roles_by_pk = VisibleChoices(
        queryset=Role.objects.public(),
        method="filter_roles",
        help_text="Only those who were given the role with this uuid; may be repeated.",
    )
    roles_by_name = VisibleChoices(
        queryset=Role.objects.public(),
        to_field_name="name",
        method="filter_roles",
        help_text="Only those who were given the role of this name; may be repeated.",
    )
    date_joined = _moment("date_joined", "exact", "was created at")
    date_joined__lt = _moment("date_joined", "lt", "was created before")
    date_joined__gt = _moment("date_joined", "gt", "was created after")
    last_updated = _moment("last_updated", "exact", "was changed last at")
    last_updated__lt = _moment("last_updated", "lt", "was changed last before")
    last_updated__gt = _moment("last_updated", "gt", "was changed last after")
    last_login = _moment("last_login", "exact", "signed in last at")
    last_login__lt = _moment("last_login", "lt", "signed in last before")
    last_login__gt = _moment("last_login", "gt", "signed in last after")
    last_login__isnull = BooleanFilter(
        "last_login", "isnull", help_text="Only who never signed in, or only the others."
    )

    class Meta:
        model = User
        fields: list[str] = []

    def filter_superuser(self, queryset: QuerySet[User], name: str, value: bool) -> QuerySet[User]:
        """Active members of superuser groups, also through groups between."""
        condition = Q(superuser_membership(models.OuterRef("pk")), is_active=True)
        return queryset.filter(condition if value else ~condition)

    def filter_groups(
        self, queryset: QuerySet[User], name: str, value: list[Group]
    ) -> QuerySet[User]:
        members = GroupMembership.objects.active().filter(group__in=[group.pk for group in value])
        return queryset.filter(pk__in=members.values("user")) if value else queryset

    def filter_roles(
        self, queryset: QuerySet[User], name: str, value: list[Role]
    ) -> QuerySet[User]:
        roles = [role.pk for role in value]
        holders = RoleAssignment.objects.active().unscoped().filter(role__in=roles)
        holders = holders.filter(user__isnull=False)
        return queryset.filter(pk__in=holders.values("user")) if value else queryset


class UserSelfGroupsSerializer(serializers.Serializer):
    name = serializers.CharField(read_only=True)
    pk = serializers.CharField(read_only=True)


class UserSelfRolesSerializer(serializers.Serializer):
    name = serializers.CharField(read_only=True)
    pk = serializers.CharField(read_only=True)


class UserSelfSerializer(serializers.ModelSerializer):
    """Groups and roles are all the caller has, its own and inherited."""

    pk = serializers.IntegerField(read_only=True)
    is_superuser = serializers.BooleanField(read_only=True)
    is_current = serializers.SerializerMethodField()
    groups = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()
    avatar = serializers.SerializerMethodField()
    uid = serializers.CharField(read_only=True)
    settings = serializers.SerializerMethodField()
    type = serializers.ChoiceField(UserType.choices, read_only=True)
    system_permissions = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = [
            "pk",
            "username",
            "name",
            "is_active",
            "is_superuser",
            "is_current",
            "groups",
            "roles",
            "email",
            "avatar",
            "uid",
            "settings",
            "type",
            "system_permissions",
        ]
        read_only_fields = fields

    def get_is_current(self, user: User) -> bool:
        return True

    @extend_schema_field(UserSelfGroupsSerializer(many=True))
    def get_groups(self, user: User) -> Any:
        return UserSelfGroupsSerializer(groups_of(user), many=True).data

    @extend_schema_field(UserSelfRolesSerializer(many=True))
    def get_roles(self, user: User) -> Any:
        return UserSelfRolesSerializer(roles_of(user), many=True).data

    def get_avatar(self, user: User) -> str:
        return avatar(user.name or user.username)

    def get_settings(self, user: User) -> dict[str, Any]:
        settings = user.attributes.get("settings")
        return settings if isinstance(settings, dict) else {}

    def get_system_permissions(self, user: User) -> list[str]:
        return codenames_of(user, "authentik_rbac")


class SessionUserSerializer(serializers.Serializer):
    user = UserSelfSerializer()
    users = UserSelfSerializer(many=True)


class UserPathSerializer(serializers.Serializer):
    paths = serializers.ListField(child=serializers.CharField(), read_only=True)


class UserPasswordSetSerializer(AuthentikSerializer):
    # Blanks at its ends belong to a password.
    password = serializers.CharField(trim_whitespace=False, max_length=LONGEST_PASSWORD)


class UserServiceAccountSerializer(AuthentikSerializer):
    # Room for "service-account-…-password" around it, the identifier of the token.
    name = serializers.CharField(max_length=150, validators=[validate_username])
    create_group = serializers.BooleanField(default=False)
    expiring = serializers.BooleanField(default=True)
    expires = MomentField(required=False)

    def to_internal_value(self, data: Any) -> Any:
        # authentik's clients look for the fault of a missing name here (contract, I.5).
        if isinstance(data, dict) and "name" not in data:
            raise ValidationError({"non_field_errors": ["A name is required."]})
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if User.objects.filter(username=attrs["name"]).exists():
            raise ValidationError("A user with this name exists already.")
        if attrs["create_group"] and Group.objects.filter(name=attrs["name"]).exists():
            raise ValidationError("A group with this name exists already.")
        return attrs


class UserServiceAccountResponseSerializer(serializers.Serializer):
    username = serializers.CharField()
    token = serializers.CharField()
    user_uid = serializers.CharField()
    user_pk = serializers.IntegerField()
    group_pk = serializers.CharField(required=False)


_INCLUDES = [
    OpenApiParameter(
        f"include_{name}",
        OpenApiTypes.BOOL,
        default=default,
        description=f"Whether the answer describes `{name}` in full.",
    )
    for name, default in INCLUDED.items()
]
_WITH_MEMBERSHIPS = [one for one in _INCLUDES if one.name == "include_memberships"]


@extend_schema_view(
    list=extend_schema(parameters=_INCLUDES), retrieve=extend_schema(parameters=_WITH_MEMBERSHIPS)
)
class UserViewSet(TaggedView, LinkedViewSet, viewsets.ModelViewSet):
    """People and programs that can sign in or hold tokens."""

    called = ("a user", "users")
    columns = COLUMNS
    queryset = User.objects.all()
    serializer_class = UserSerializer
    filterset_class = UserFilter
    filter_backends = FILTER_BACKENDS
    ordering = ("username",)
    ordering_fields = {
        name: name
        for name in (
            "pk",
            "username",
            "name",
            "email",
            "is_active",
            "last_login",
            "date_joined",
            "last_updated",
            "password_change_date",
            "path",
            "type",
            "uuid",
        )
    }
    search_fields = ("username", "name", "email", "uuid")
    asks_in_between = True  # the user's groups

    def state_of(self, row: Any) -> Any:
        linked = {name: sorted(map(str, keys(name)(row))) for name in ("groups", "roles")}
        # Signing in changes nothing that anybody writes.
        return {**row_state(row), **linked, "last_login": None}

    def completed(self, rows: Sequence[Row]) -> list[Row]:
        included = self._included()
        linked = Linked(links_of(included), [row["pk"] for row in rows], self.sight)
        return [represented(row, linked.of(row["pk"]), included) for row in rows]

    def get_object(self) -> User:
        user: User = super().get_object()
        link([user], links_of(self._included()), self.sight)
        return user

    def read(self, row: Any) -> Any:
        user = User.objects.with_superuser().get(pk=row.pk)
        link([user], links_of(INCLUDED), self.sight)
        return user

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "included": self._included()}

    def _included(self) -> dict[str, bool]:
        """Which linked objects a read shows; a write always needs and shows them."""
        asked = {"list": tuple(INCLUDED), "retrieve": ("memberships",)}.get(self.action, ())
        flags = {
            name: flag(self.request, f"include_{name}", default=INCLUDED[name]) for name in asked
        }
        return {**INCLUDED, **flags}

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        require_links(self.caller, serializer.validated_data)
        user = create_user(actor=self.caller, **serializer.validated_data)
        if any(serializer.validated_data.get(name) for name in ("groups", "roles")):
            user = self.read(user)
        else:
            tell_nothing_linked(user)
        serializer.instance = user

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        user = serializer.instance
        assert isinstance(user, User), "an update has something to update"
        require_links(self.caller, serializer.validated_data, user)
        update_user(
            user=user,
            actor=self.caller,
            precondition=self.require_unchanged,
            **serializer.validated_data,
        )
        serializer.instance = self.read(user)

    def perform_destroy(self, instance: User) -> None:
        delete_users(users=[instance], actor=self.caller)

    @extend_schema(responses=SessionUserSerializer)
    @action(detail=False, permission_classes=[IsAuthenticated])
    def me(self, request: Request) -> Response:
        """Read who the caller is and which system permissions it has."""
        caller = UserSelfSerializer(self.caller).data
        return Response({"user": caller, "users": [caller]})

    @extend_schema(
        responses=UserPathSerializer,
        parameters=[
            OpenApiParameter(
                "search", OpenApiTypes.STR, description="Only those that contain this text."
            )
        ],
        filters=False,
    )
    @action(detail=False, acts_as="list", pagination_class=None)
    def paths(self, request: Request) -> Response:
        """List the paths that users are sorted under."""
        users = self.filter_queryset(self.visible(User.objects.all()))
        paths = users.order_by("path").values_list("path", flat=True).distinct()
        return Response({"paths": list(paths)})

    @extend_schema(
        request=UserServiceAccountSerializer,
        responses={200: UserServiceAccountResponseSerializer},
    )
    @action(
        detail=False,
        methods=["post"],
        global_permissions=("authentik_core.add_user", "authentik_core.add_token"),
    )
    def service_account(self, request: Request) -> Response:
        """Create a service account with a token, and with a group of its own if asked to."""
        body = UserServiceAccountSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = create_service_account(actor=self.caller, **body.validated_data)
        answer = {
            "username": made.user.username,
            "token": made.key,
            "user_uid": made.user.uid,
            "user_pk": made.user.pk,
        }
        if made.group:
            answer["group_pk"] = str(made.group.pk)
        return Response(answer, headers=NO_STORE)

    @extend_schema(request=UserPasswordSetSerializer, responses={204: None})
    @action(detail=True, methods=["post"], target_permission="authentik_core.reset_user_password")
    def set_password(self, request: Request, pk: str) -> Response:
        """Set the user's password."""
        body = UserPasswordSetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = self.get_object()
        set_password(user=user, password=body.validated_data["password"], actor=self.caller)
        return Response(status=204)

    @extend_schema(responses=UsedBySerializer(many=True), filters=False)
    @action(detail=True, acts_as="retrieve", pagination_class=None)
    def used_by(self, request: Request, pk: str) -> Response:
        user = self.get_object()
        memberships = GroupMembership.objects.active().filter(user=user)
        references = [
            Reference(Group.objects.filter(pk__in=memberships.values("group")), "cascade_many"),
            Reference(Token.objects.filter(user=user), "cascade"),
        ]
        return Response(used_by(references, caller=self.caller))
