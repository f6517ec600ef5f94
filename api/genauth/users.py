"""Users, as far as programs need them to give them roles."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, prefetch_related_objects
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import GroupKind, GroupMembership, User
from accounts.secrets import generate_hex_id
from accounts.validators import validate_username
from api.genauth.base import IN_OPERATION, Command, Query
from api.genauth.lookups import UserIdSerializer, like, user_by_id, user_id_type, users_by_id
from api.genauth.wire import Choice, Paging, WireSerializer, iso, optional, text
from audit.errors import Conflict
from permissions.subjects import create_user, delete_users

ACTIVATED, SUSPENDED = "Activated", "Suspended"
STATUSES = (ACTIVATED, SUSPENDED, "Deactivated", "Resigned", "Archived")
PLAIN = "none"
MOST = 50


class NewUserOptionsSerializer(WireSerializer):
    password_encrypt_type = Choice(choices=[PLAIN], required=False)


class NewUserSerializer(WireSerializer):
    """Without ``username`` the e-mail address or the phone number is the name, or one is made."""

    username = optional(150, validators=[validate_username])
    name = optional()
    nickname = optional()
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    phone = optional(64)
    external_id = optional()
    password = optional(128, trim_whitespace=False)
    status = Choice(choices=STATUSES, required=False)
    custom_data = serializers.DictField(required=False)
    options = NewUserOptionsSerializer(required=False)


class GetUserSerializer(UserIdSerializer):
    with_custom_data = serializers.BooleanField(required=False)
    with_department_ids = serializers.BooleanField(required=False)


class ListUsersOptionsSerializer(WireSerializer):
    pagination = Paging(required=False)
    with_department_ids = serializers.BooleanField(required=False)


class UserFilterSerializer(Paging):
    keywords = optional()
    options = ListUsersOptionsSerializer(required=False)


class UserIdOptionsSerializer(WireSerializer):
    user_id_type = user_id_type()


class UserIdsSerializer(WireSerializer):
    user_ids = serializers.ListField(child=text(), min_length=1, max_length=MOST)
    options = UserIdOptionsSerializer(required=False)


class UserSerializer(WireSerializer):
    user_id = serializers.CharField()
    created_at = serializers.CharField()
    updated_at = serializers.CharField()
    status = serializers.CharField()
    work_status = serializers.CharField()
    username = serializers.CharField()
    name = serializers.CharField()
    nickname = serializers.CharField()
    email = serializers.CharField()
    phone = serializers.CharField()
    external_id = serializers.CharField(allow_null=True)
    gender = serializers.CharField()
    email_verified = serializers.BooleanField()
    phone_verified = serializers.BooleanField()
    user_source_type = serializers.CharField()
    department_ids = serializers.ListField(child=serializers.CharField(), required=False)


class CreateUser(Command):
    needs = "authentik_core.add_user"
    accepts = NewUserSerializer
    answers = UserSerializer

    def run(self, given: dict[str, Any]) -> Any:
        fields = columns(given)
        taken = Q(username=fields["username"])
        if fields["external_id"]:
            taken |= Q(external_id=fields["external_id"])
        if User.objects.filter(taken).exists():
            raise Conflict("The user name or external id is taken.")
        return described(create_user(actor=self.caller, **fields))


class GetUser(Query):
    needs = IN_OPERATION
    accepts = GetUserSerializer
    answers = UserSerializer

    def run(self, given: dict[str, Any]) -> Any:
        user = user_by_id(self, given)
        with_departments = given.get("with_department_ids", False)
        return described(user, with_departments=with_departments)


class ListUsers(Command):
    needs = IN_OPERATION
    accepts = UserFilterSerializer
    answers = UserSerializer
    paged = True

    def get(self, request: Request) -> Response:
        """The older form, with everything in the query."""
        return self.perform(request, request.query_params)

    def run(self, given: dict[str, Any]) -> Any:
        rows = self.visible(User.objects.order_by("pk"))
        rows = rows.filter(like(given.get("keywords"), "username", "name", "email"))
        return self.page(rows, {**given, **given.get("options", {}).get("pagination", {})})

    def describe(self, row: User) -> Any:
        return described(row)


class DeleteUsersBatch(Command):
    needs = IN_OPERATION
    accepts = UserIdsSerializer

    def run(self, given: dict[str, Any]) -> None:
        kind = given.get("options", {}).get("user_id_type")
        users = users_by_id(self, given["user_ids"], kind)
        self.require("delete_user", users)
        delete_users(users=users, actor=self.caller)


def columns(given: dict[str, Any]) -> dict[str, Any]:
    username = given.get("username") or given.get("email") or given.get("phone")
    kept = {name: given[name] for name in ("nickname", "phone") if given.get(name)}
    return {
        "username": username or f"user-{generate_hex_id()}",
        "name": given.get("name", ""),
        "email": given.get("email", ""),
        "external_id": given.get("external_id") or None,
        "password": given.get("password") or None,
        "is_active": given.get("status", ACTIVATED) == ACTIVATED,
        "attributes": {**given.get("custom_data", {}), **kept},
    }


def described(user: Any, *, with_departments: bool = False) -> dict[str, Any]:
    """Departments cost a statement, unless they were read already."""
    attributes = user.attributes if isinstance(user.attributes, dict) else {}
    answer: dict[str, Any] = {
        "userId": user.hex_id,
        "createdAt": iso(user.date_joined),
        "updatedAt": iso(user.last_updated),
        "status": ACTIVATED if user.is_active else SUSPENDED,
        "workStatus": "Active",
        "username": user.username,
        "name": user.name,
        "nickname": str(attributes.get("nickname", "")),
        "email": user.email,
        "phone": str(attributes.get("phone", "")),
        "externalId": user.external_id,
        "gender": "U",
        "emailVerified": False,
        "phoneVerified": False,
        "userSourceType": "adminCreated",
    }
    if with_departments:
        prefetch_related_objects([user], departments_joined())
        answer["departmentIds"] = [row.group.hex_id for row in user.departments_joined]
    return answer


def departments_joined() -> Prefetch:
    """Memberships in departments that count now, as ``departments_joined`` of each user."""
    rows = GroupMembership.objects.active().filter(group__kind=GroupKind.DEPARTMENT)
    ordered = rows.select_related("group").order_by("pk")
    return Prefetch("memberships", ordered, to_attr="departments_joined")
