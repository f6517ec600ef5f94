"""Users, as far as programs need them to give them roles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import GroupKind, GroupMembership, User
from accounts.secrets import generate_hex_id
from accounts.validators import validate_username
from api.genauth.base import IN_OPERATION, Command, Operation, Query
from api.genauth.errors import NotSupported
from api.genauth.lookups import UserIdSerializer, like, user_by_id, user_id_type, users_by_id
from api.genauth.wire import LAST_MOMENT, Choice, Paging, WireSerializer, iso, optional, text
from audit.errors import Conflict
from permissions.operations import create_user, delete_users

ACTIVATED, SUSPENDED = "Activated", "Suspended"
STATUSES = (ACTIVATED, SUSPENDED, "Deactivated", "Resigned", "Archived")
PLAIN = "none"
MOST = 50
SEARCHED = ("username", "name", "email")
LAST_SECOND = LAST_MOMENT // 1000
# Kept among the attributes, beside what clients call custom data.
KEPT = ("nickname", "phone")


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


class UserDetailsSerializer(WireSerializer):
    """What is told of a user only when it is asked for."""

    with_custom_data = serializers.BooleanField(required=False)
    with_identities = serializers.BooleanField(required=False)
    with_department_ids = serializers.BooleanField(required=False)


class GetUserSerializer(UserIdSerializer, UserDetailsSerializer):
    pass


class ListUsersOptionsSerializer(UserDetailsSerializer):
    pagination = Paging(required=False)
    fuzzy_search_on = serializers.ListField(child=Choice(choices=SEARCHED), required=False)


class UserFilterSerializer(Paging, UserDetailsSerializer):
    """``advanced_filter`` and ``search_query`` are refused: ignored, they would find too much."""

    keywords = optional()
    status = Choice(choices=STATUSES, required=False)
    updated_at_start = serializers.IntegerField(required=False, min_value=0, max_value=LAST_SECOND)
    updated_at_end = serializers.IntegerField(required=False, min_value=0, max_value=LAST_SECOND)
    options = ListUsersOptionsSerializer(required=False)
    advanced_filter = serializers.ListField(required=False)
    search_query = serializers.DictField(required=False)


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
    custom_data = serializers.DictField(required=False)
    identities = serializers.ListField(child=serializers.DictField(), required=False)
    department_ids = serializers.ListField(child=serializers.CharField(), required=False)


class UserPages(Operation):
    """Users in pages, each with the details asked for."""

    needs = IN_OPERATION
    answers = UserSerializer
    paged = True
    details: Mapping[str, Any] = MappingProxyType({})

    def users(
        self, rows: QuerySet[User], given: Mapping[str, Any], details: Mapping[str, Any]
    ) -> dict[str, Any]:
        self.details = details
        return self.page(rows.prefetch_related(*prefetches(details)), given)

    def describe(self, row: User) -> Any:
        return described(row, self.details)


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
        prefetch_related_objects([user], *prefetches(given))
        return described(user, given)


class ListUsers(UserPages, Command):
    accepts = UserFilterSerializer

    def get(self, request: Request) -> Response:
        """The older form, with everything in the query."""
        return self.perform(request, request.query_params)

    def run(self, given: dict[str, Any]) -> Any:
        if given.get("advanced_filter") or given.get("search_query"):
            raise NotSupported("advancedFilter and searchQuery are not supported.")
        rows = self.visible(User.objects.order_by("pk")).filter(matching(given))
        options = given.get("options", {})
        return self.users(rows, {**given, **options.get("pagination", {})}, {**given, **options})


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
    kept = {name: given[name] for name in KEPT if given.get(name)}
    return {
        "username": username or f"user-{generate_hex_id()}",
        "name": given.get("name", ""),
        "email": given.get("email", ""),
        "external_id": given.get("external_id") or None,
        "password": given.get("password") or None,
        "is_active": given.get("status", ACTIVATED) == ACTIVATED,
        "attributes": {**given.get("custom_data", {}), **kept},
    }


def matching(given: Mapping[str, Any]) -> Q:
    """Users by words, status, and the seconds since 1970 in which they were changed last."""
    columns = given.get("options", {}).get("fuzzy_search_on") or SEARCHED
    found = like(given.get("keywords"), *columns)
    if "status" in given:
        known = {ACTIVATED: Q(is_active=True), SUSPENDED: Q(is_active=False)}
        found &= known.get(given["status"], Q(pk__in=()))
    if "updated_at_start" in given:
        found &= Q(last_updated__gte=datetime.fromtimestamp(given["updated_at_start"], UTC))
    if "updated_at_end" in given:
        found &= Q(last_updated__lte=datetime.fromtimestamp(given["updated_at_end"], UTC))
    return found


def prefetches(details: Mapping[str, Any]) -> list[Prefetch]:
    """What ``described`` reads besides the users."""
    if not details.get("with_department_ids"):
        return []
    rows = GroupMembership.objects.active().filter(group__kind=GroupKind.DEPARTMENT)
    rows = rows.select_related("group").order_by("pk")
    return [Prefetch("memberships", queryset=rows, to_attr="in_departments")]


def described(user: Any, details: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
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
    if details.get("with_custom_data"):
        own = {name: value for name, value in attributes.items() if name not in KEPT}
        answer["customData"] = own
    if details.get("with_identities"):
        answer["identities"] = []
    if details.get("with_department_ids"):
        answer["departmentIds"] = [row.group.hex_id for row in user.in_departments]
    return answer
