"""Users. Their id here is a UUID; names are kept apart only as far as clients said so."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Group, GroupKind, GroupMembership, SignIn, User
from accounts.validators import validate_username
from api.aria import paging
from api.aria.base import (
    IN_VIEW,
    SIGNED_IN,
    OperationView,
    find,
    find_each,
    identifier,
    identifiers,
    repeated,
    texts,
    valid,
)
from api.aria.role_permissions import (
    PrincipalSerializer,
    describe_permissions,
    roles_to_hold,
    shown_assignments,
)
from api.aria.wire import listing, optional_text, without_none
from api.errors import MissingParameter
from api.wire import IdentifierField, WireSerializer, milliseconds
from audit.errors import Conflict, InvalidInput
from permissions.operations import change_own_password, delete_users, save_user

# The product's rule; ours for every user name is narrower still.
_UNFIT = re.compile(r"[\s,<&\"'?+%=>;/#]")
NAMES = {"firstName": "first_name", "lastName": "last_name"}
LONGEST_PASSWORD = 1_000
MOST_IDS = 10_000


class UserSerializer(PrincipalSerializer):
    """``password`` is only ever sent by clients. ``roleNames`` counts if ``role-permissions`` is
    absent, and gives the roles without objects.
    """

    id = IdentifierField(required=False)
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(
        required=False, write_only=True, trim_whitespace=False, max_length=LONGEST_PASSWORD
    )
    first_name = optional_text(max_length=120)
    last_name = optional_text(max_length=120)
    email_address = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    distinguished_name = optional_text(max_length=1_000)
    enabled = serializers.BooleanField(required=False)
    group_ids = serializers.ListField(child=IdentifierField(), required=False, max_length=MOST_IDS)
    last_login_time = serializers.IntegerField(read_only=True, required=False)
    external_id = optional_text(max_length=255)


class PasswordChangeSerializer(WireSerializer):
    current_password = serializers.CharField(trim_whitespace=False, max_length=LONGEST_PASSWORD)
    new_password = serializers.CharField(trim_whitespace=False, max_length=LONGEST_PASSWORD)


UserListSerializer = listing("users", UserSerializer)


def user_rows() -> QuerySet[User]:
    """With what ``describe_user`` reads; a fixed number of statements for any number of users."""
    memberships = GroupMembership.objects.active().filter(group__kind=GroupKind.GROUP)
    return User.objects.prefetch_related(
        Prefetch("memberships", queryset=memberships.order_by("pk"), to_attr="shown_memberships"),
        Prefetch("role_assignments", queryset=shown_assignments(), to_attr="shown_assignments"),
    ).order_by("pk")


def describe_user(user: Any) -> dict[str, Any]:
    first, last = _names(user)
    permissions = describe_permissions(user.shown_assignments)
    return {
        "id": str(user.uuid),
        "username": user.username,
        "firstName": first,
        "lastName": last,
        "emailAddress": user.email,
        "enabled": user.is_active,
        "groupIds": [str(row.group_id) for row in user.shown_memberships],
        "role-permissions": permissions,
        "roleNames": [item["roleName"] for item in permissions],
        **without_none(
            {
                "distinguishedName": noted(user, "distinguishedName"),
                "lastLoginTime": user.last_login and milliseconds(user.last_login),
                "externalId": user.external_id,
            }
        ),
    }


class Users(OperationView):
    access = {
        "GET": IN_VIEW,
        "POST": "authentik_core.add_user",
        "PUT": IN_VIEW,
        "DELETE": IN_VIEW,
    }

    @extend_schema(
        operation_id="getUsers",
        parameters=[repeated("id"), repeated("roleName"), repeated("username")],
        responses=UserListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = self.visible(user_rows())
        if (ids := identifiers(request, "id")) is not None:
            rows = rows.filter(uuid__in=ids)
        if (names := texts(request, "roleName")) is not None:
            held = shown_assignments().filter(role__name__in=names, user__isnull=False)
            rows = rows.filter(pk__in=held.order_by().values("user"))
        if (parts := texts(request, "username")) is not None:
            rows = rows.filter(containing("username", parts))
        return Response(paging.listed(request, "users", rows, describe_user))

    @extend_schema(
        operation_id="createUser", request=UserSerializer, responses={201: UserSerializer}
    )
    def post(self, request: Request) -> Response:
        body = valid(UserSerializer, request)
        if "password" not in body:
            raise InvalidInput(fields={"password": ["This field is required."]})
        _require_fit(body["username"])
        fields = _fields(body, None)
        _require_free(fields)
        return self.save(None, fields, body, status=201)

    @extend_schema(operation_id="modifyUser", request=UserSerializer, responses=UserSerializer)
    def put(self, request: Request) -> Response:
        body = valid(UserSerializer, request)
        if "id" not in body:
            raise InvalidInput(fields={"id": ["This field is required."]})
        user = find_user(self, body["id"])
        self.require("change_user", user)
        if body["username"] != user.username:
            _require_fit(body["username"])
        fields = _fields(body, user)
        _require_free(fields, but=user)
        if "password" in body and user != self.caller:
            self.require("reset_user_password", user)
        return self.save(user, fields, body, status=200)

    def save(
        self, user: Any, fields: dict[str, Any], body: Mapping[str, Any], *, status: int
    ) -> Response:
        """With groups and role permissions, if the body speaks of them.

        Of the groups this door shows the user belongs to exactly those sent; departments stay. One
        the user is in already is named without being viewed: it was shown with the user.
        """
        joined: Collection[Group] = ()
        left: Collection[Group] = ()
        if "group_ids" in body:
            ids, groups = set(body["group_ids"]), Group.objects.filter(kind=GroupKind.GROUP)
            shown = {group.pk: group for group in groups.joined_by(user)} if user else {}
            if new := ids - shown.keys():
                joined = find_each(self.visible(groups), "UserGroup", new).values()
            left = [group for key, group in shown.items() if key not in ids]
            self.require_each("add_user_to_group", joined)
            self.require_each("remove_user_from_group", left)
        saved = save_user(
            user=user,
            actor=self.caller,
            password=body.get("password"),
            joined=joined,
            left=left,
            roles=roles_to_hold(self, body, user.shown_assignments if user else ()),
            **fields,
        )
        return Response(describe_user(user_rows().get(pk=saved.pk)), status=status)

    @extend_schema(
        operation_id="deleteUsers",
        parameters=[repeated("id", required=True)],
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        ids = identifiers(request, "id")
        if ids is None:
            raise MissingParameter("id")
        return self.remove(ids)

    def remove(self, ids: list[uuid.UUID]) -> Response:
        """All or none."""
        users = find_each(self.visible(User.objects.all()), "User", ids, by="uuid").values()
        self.require_each("delete_user", users)
        delete_users(users=users, actor=self.caller)
        return Response(status=204)


class UserById(Users):
    access = {"GET": IN_VIEW, "DELETE": IN_VIEW}
    http_method_names = ["get", "delete"]

    @extend_schema(operation_id="getUser", responses=UserSerializer)
    def get(self, request: Request, user_id: str) -> Response:  # type: ignore[override]  # names one
        return Response(describe_user(find_user(self, identifier(user_id, name="id"))))

    @extend_schema(operation_id="deleteUser", responses={204: None})
    def delete(self, request: Request, user_id: str) -> Response:  # type: ignore[override]  # names one
        return self.remove([identifier(user_id, name="id")])


class PasswordChange(OperationView):
    """The caller's own password. The token in use stays good, every other one ends."""

    access = {"PUT": SIGNED_IN}

    @extend_schema(
        operation_id="changePassword", request=PasswordChangeSerializer, responses={204: None}
    )
    def put(self, request: Request) -> Response:
        body = valid(PasswordChangeSerializer, request)
        if not self.caller.check_password(body["current_password"]):
            raise InvalidInput(fields={"currentPassword": ["The password is not right."]})
        change_own_password(
            user=self.caller,
            password=body["new_password"],
            called="newPassword",
            through=request.auth if isinstance(request.auth, SignIn) else None,
        )
        return Response(status=204)


def find_user(view: OperationView, key: uuid.UUID) -> Any:
    return find(view.visible(user_rows()), "User", key, by="uuid")


def containing(field: str, parts: Iterable[str]) -> Q:
    """Any of the parts is in the field, whatever its case."""
    condition = Q(pk__in=())
    for part in parts:
        condition |= Q(**{f"{field}__icontains": part})
    return condition


def _fields(body: Mapping[str, Any], user: User | None) -> dict[str, Any]:
    """The columns of a user that a body speaks of."""
    columns = {"email": "email_address", "is_active": "enabled", "external_id": "external_id"}
    fields = {column: body[name] for column, name in columns.items() if name in body}
    fields["username"] = body["username"]
    if "external_id" in fields:
        fields["external_id"] = fields["external_id"] or None
    names = {wire: body[name] for wire, name in NAMES.items() if name in body}
    if user is not None:
        shown = dict(zip(NAMES, _names(user), strict=True))
        # Names sent back as they are shown must not turn a name that another door gave, and this
        # one only splits, into two.
        names = {} if names.items() <= shown.items() else {**shown, **names}
    if names:
        fields["name"] = " ".join(part for part in map(names.get, NAMES) if part)
    if "distinguished_name" in body:
        names["distinguishedName"] = body["distinguished_name"]
    if names:
        fields["attributes"] = {**(user.attributes if user else {}), **names}
    return fields


def _names(user: User) -> tuple[str, str]:
    """As this door was told, while the user is still called so; else split at the first space."""
    first, last = noted(user, "firstName") or "", noted(user, "lastName") or ""
    if user.name == " ".join(part for part in (first, last) if part):
        return first, last
    first, _, last = user.name.partition(" ")
    return first, last


def noted(row: User | Group, name: str) -> str | None:
    """A text among the attributes, which are free and may be anything."""
    value = row.attributes.get(name) if isinstance(row.attributes, dict) else None
    return value if isinstance(value, str) else None


def _require_fit(username: str) -> None:
    message = "User names hold letters, digits and . @ - _ only."
    if _UNFIT.search(username):
        raise InvalidInput(fields={"username": [message]})
    try:
        validate_username(username)
    except ValidationError:
        raise InvalidInput(fields={"username": [message]}) from None


def _require_free(fields: Mapping[str, Any], but: User | None = None) -> None:
    """Raises Conflict when another user has the name or the external id."""
    taken = Q(username=fields["username"])
    if fields.get("external_id"):
        taken |= Q(external_id=fields["external_id"])
    others = User.objects.filter(taken)
    if (others.exclude(pk=but.pk) if but else others).exists():
        raise Conflict("Another user has this name or external id.")
