"""Users, as far as programs need them to give them roles."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal, TypeAlias

from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from msgspec import UNSET, Meta, UnsetType, structs
from rest_framework import serializers

from accounts.models import GroupKind, GroupMembership, User
from accounts.secrets import generate_hex_id
from accounts.validators import validate_username
from api.errors import NotSupported
from api.genauth.base import IN_OPERATION, Command, Query, page_of
from api.genauth.lookups import UserIdOptions, UserIdType, like, user_by_id, users_by_id
from api.genauth.wire import (
    DEFAULT_LIMIT,
    LAST_MOMENT,
    Limit,
    Page,
    PageNumber,
    Shape,
    Text,
    Texts,
    iso,
)
from audit.errors import Conflict
from permissions.operations import create_user, delete_users

Status: TypeAlias = Literal["Activated", "Suspended", "Deactivated", "Resigned", "Archived"]
SearchedColumn: TypeAlias = Literal["username", "name", "email"]
Seconds: TypeAlias = Annotated[int, Meta(ge=0, le=LAST_MOMENT // 1000)]
Username: TypeAlias = Annotated[
    str, partial(serializers.CharField, validators=[validate_username]), Meta(max_length=150)
]
Email: TypeAlias = Annotated[str, serializers.EmailField, Meta(max_length=254)]
Password: TypeAlias = Annotated[
    str, partial(serializers.CharField, trim_whitespace=False), Meta(max_length=128)
]
# Kept among the attributes, beside what clients call custom data.
KEPT = ("nickname", "phone")


class NewUserOptions(Shape):
    password_encrypt_type: Literal["none"] | None = None


class NewUser(Shape):
    """Without ``username`` the e-mail address or the phone number is the name, or one is made."""

    username: Username = ""
    name: Text = ""
    nickname: Text = ""
    email: Email = ""
    phone: Annotated[str, Meta(max_length=64)] = ""
    external_id: Text = ""
    password: Password = ""
    status: Status = "Activated"
    custom_data: dict[str, object] = {}
    options: NewUserOptions = NewUserOptions()


class UserDetails(Shape):
    """What is told of a user only when it is asked for."""

    with_custom_data: bool = False
    with_identities: bool = False
    with_department_ids: bool = False


class UserPaging(UserDetails):
    page: PageNumber = 1
    limit: Limit = DEFAULT_LIMIT


class GetUserRequest(UserDetails):
    user_id: Text
    user_id_type: UserIdType = "user_id"


class PagingDto(Shape):
    page: PageNumber | UnsetType = UNSET
    limit: Limit | UnsetType = UNSET


class ListUsersOptions(Shape):
    """What is sent here counts before what the request says beside its options."""

    with_custom_data: bool | UnsetType = UNSET
    with_identities: bool | UnsetType = UNSET
    with_department_ids: bool | UnsetType = UNSET
    pagination: PagingDto = PagingDto()
    fuzzy_search_on: Annotated[list[SearchedColumn], Meta(max_length=3)] = []


class UserFilter(UserPaging):
    """``advanced_filter`` and ``search_query`` are refused: ignored, they would find too much."""

    keywords: Text = ""
    status: Status | None = None
    updated_at_start: Seconds | None = None
    updated_at_end: Seconds | None = None
    options: ListUsersOptions = ListUsersOptions()
    advanced_filter: list[object] = []
    search_query: dict[str, object] = {}


class UserIds(Shape):
    user_ids: Texts
    options: UserIdOptions = UserIdOptions()


class UserDto(Shape):
    user_id: str
    created_at: str
    updated_at: str
    status: str
    work_status: str
    username: str
    name: str
    nickname: str
    email: str
    phone: str
    external_id: str | None
    gender: str
    email_verified: bool
    phone_verified: bool
    user_source_type: str
    custom_data: dict[str, object] | UnsetType = UNSET
    identities: list[dict[str, object]] | UnsetType = UNSET
    department_ids: list[str] | UnsetType = UNSET


class CreateUser(Command):
    """Create a user, who may sign in with the password, if there is one."""

    needs = "authentik_core.add_user"

    def run(self, request: NewUser) -> UserDto:
        username = request.username or request.email or request.phone
        username = username or f"user-{generate_hex_id()}"
        external_id = request.external_id or None
        same_id = Q(external_id=external_id) if external_id else Q(pk__in=())
        if User.objects.filter(Q(username=username) | same_id).exists():
            raise Conflict("The user name or external id is taken.")
        kept = {name: value for name in KEPT if (value := getattr(request, name))}
        user = create_user(
            actor=self.caller,
            username=username,
            name=request.name,
            email=request.email,
            external_id=external_id,
            password=request.password or None,
            is_active=request.status == "Activated",
            attributes={**request.custom_data, **kept},
        )
        return user_dto(user, UserDetails())


class GetUser(Query):
    """One user by the id of the type given."""

    needs = IN_OPERATION

    def run(self, request: GetUserRequest) -> UserDto:
        user = user_by_id(self, request.user_id, request.user_id_type)
        prefetch_related_objects([user], *prefetches(request))
        return user_dto(user, request)


class ListUsers(Command):
    """Users by words, status, and the seconds since 1970 in which they were changed last."""

    needs = IN_OPERATION

    # The older form, with everything in the query.
    get = Command.perform

    def run(self, request: UserFilter) -> Page[UserDto]:
        if request.advanced_filter or request.search_query:
            raise NotSupported("advancedFilter and searchQuery are not supported.")
        options = request.options
        columns = options.fuzzy_search_on or ("username", "name", "email")
        matching = like(request.keywords, *columns)
        if request.status is not None:
            kept = {"Activated": Q(is_active=True), "Suspended": Q(is_active=False)}
            matching &= kept.get(request.status, Q(pk__in=()))
        if (start := request.updated_at_start) is not None:
            matching &= Q(last_updated__gte=datetime.fromtimestamp(start, UTC))
        if (end := request.updated_at_end) is not None:
            matching &= Q(last_updated__lte=datetime.fromtimestamp(end, UTC))
        rows = self.visible(User.objects.order_by("pk")).filter(matching)
        sent = {**structs.asdict(options), **structs.asdict(options.pagination)}
        names = UserPaging.__struct_fields__
        sent = {name: sent[name] for name in names if sent[name] is not UNSET}
        return page_of_users(rows, structs.replace(request, **sent))


class DeleteUsersBatch(Command):
    """Delete users with all they hold; all or none."""

    needs = IN_OPERATION

    def run(self, request: UserIds) -> None:
        users = users_by_id(self, request.user_ids, request.options.user_id_type)
        self.require_each("delete_user", users)
        delete_users(users=users, actor=self.caller)


def page_of_users(rows: QuerySet[User], request: UserPaging) -> Page[UserDto]:
    """Each user with the details asked for."""
    rows = rows.prefetch_related(*prefetches(request))
    return page_of(rows, request, lambda user: user_dto(user, request))


def prefetches(details: UserDetails) -> list[Prefetch]:
    """What ``user_dto`` reads besides the users."""
    if not details.with_department_ids:
        return []
    rows = GroupMembership.objects.active().filter(group__kind=GroupKind.DEPARTMENT)
    rows = rows.select_related("group").order_by("pk")
    return [Prefetch("memberships", queryset=rows, to_attr="in_departments")]


def user_dto(user: User, details: UserDetails) -> UserDto:
    attributes = user.attributes if isinstance(user.attributes, dict) else {}
    own = {name: value for name, value in attributes.items() if name not in KEPT}
    memberships: list[GroupMembership] = getattr(user, "in_departments", [])
    departments = [row.group.hex_id for row in memberships]
    return UserDto(
        user_id=user.hex_id,
        created_at=iso(user.date_joined),
        updated_at=iso(user.last_updated),
        status="Activated" if user.is_active else "Suspended",
        work_status="Active",
        username=user.username,
        name=user.name,
        nickname=str(attributes.get("nickname", "")),
        email=user.email,
        phone=str(attributes.get("phone", "")),
        external_id=user.external_id,
        gender="U",
        email_verified=False,
        phone_verified=False,
        user_source_type="adminCreated",
        custom_data=own if details.with_custom_data else UNSET,
        identities=[] if details.with_identities else UNSET,
        department_ids=departments if details.with_department_ids else UNSET,
    )
