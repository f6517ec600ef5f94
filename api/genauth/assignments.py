"""Giving roles to users, groups, departments and holders of roles, and taking them away."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from msgspec import Meta

from accounts.facts import Window
from accounts.models import Group, GroupKind, User
from api.access import Sight
from api.genauth.authentication import pool_id
from api.genauth.base import IN_OPERATION, Command, Query, page_of, whole
from api.genauth.lookups import (
    Target,
    UserIdOptions,
    UserIdType,
    departments,
    like,
    pairs,
    role_by_code,
    target_of,
    user_by_id,
)
from api.genauth.roles import RoleCode, RoleDto, role_dto
from api.genauth.users import UserDto, UserPaging, page_of_users
from api.genauth.wire import Moment, NamespaceCode, Page, Paging, Shape, Text, iso
from api.wire import milliseconds
from audit.errors import InvalidInput
from permissions.operations import assign_roles, unassign_roles
from permissions.queries import held_roles
from roles.models import DEFAULT_NAMESPACE, Role, RoleAssignment

MOST_ROLES = 10
MOST_TARGETS = 50
MOST_TARGETS_OF_MANY_ROLES = 10
MOST_ROLES_ASKED = 50
Targets: TypeAlias = Annotated[list[Target], Meta(min_length=1, max_length=MOST_TARGETS)]
Roles: TypeAlias = Annotated[list[RoleCode], Meta(min_length=1, max_length=MOST_ROLES)]
# "ORG" is what the list of assignments calls departments.
HolderType: TypeAlias = Literal["USER", "GROUP", "ORG", "ROLE"]


class Revocation(RoleCode):
    targets: Targets


class Assignment(Revocation):
    enable_time: datetime | None = None
    end_time: datetime | None = None


class Revocations(Shape):
    targets: Targets
    roles: Roles


class Assignments(Shape):
    targets: Annotated[list[Target], Meta(min_length=1, max_length=MOST_TARGETS_OF_MANY_ROLES)]
    roles: Roles


class Members(UserPaging):
    code: Text
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class RoleDepartments(Paging):
    code: Text
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class RoleAssignmentFilter(Paging):
    role_code: Text
    namespace_code: NamespaceCode = DEFAULT_NAMESPACE
    query: Text = ""
    target_type: Annotated[list[Literal["USER", "ORG"]], Meta(max_length=2)] = []


class UserRoles(Shape):
    user_id: Text
    user_id_type: UserIdType = "user_id"
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class Options(UserIdOptions):
    pass


class HasAnyRoleDto(Shape):
    user_id: Text
    roles: Annotated[list[RoleCode], Meta(min_length=1, max_length=MOST_ROLES_ASKED)]
    options: Options = Options()


class RoleDepartment(Shape):
    id: str
    code: str
    name: str
    description: str


class RoleAssignmentDto(Shape):
    """``ENABLE``: the target holds the role now. ``DISABLE``: not yet, or not any more."""

    role_id: str
    status: Literal["ENABLE", "DISABLE"]
    enable_time: Moment | None
    end_time: Moment | None
    user_pool_id: str
    role_name: str
    role_code: str
    description: str
    created_at: str
    updated_at: str
    target_type: HolderType
    target_identifier: str
    target_name: str


class ListRoleAssignmentsPage(Shape):
    """The one page whose rows are called ``data``."""

    total_count: int
    data: list[RoleAssignmentDto]


class AnyRole(Shape):
    has_any_role: bool


class AssignRole(Command):
    """Assigning again never shortens what is held: times that overlap or touch become one time."""

    needs = IN_OPERATION

    def run(self, request: Assignment) -> None:
        start, end = request.enable_time, request.end_time
        if start is not None and end is not None and end <= start:
            # In this door's words; the operation would name its own.
            raise InvalidInput(fields={"endTime": ["The end must come after the start."]})
        assign_roles(
            pairs=pairs(self, [(request.namespace, request.code)], request.targets),
            actor=self.caller,
            window=Window(start, end) if start or end else None,
        )


class AssignRoleBatch(Command):
    """Every role to every target, for ever; all or none."""

    needs = IN_OPERATION

    def run(self, request: Assignments) -> None:
        names = [(role.namespace, role.code) for role in request.roles]
        assign_roles(pairs=pairs(self, names, request.targets), actor=self.caller)


class RevokeRole(Command):
    """Whatever the scope in which the role is held; not holding it is no error."""

    needs = IN_OPERATION

    def run(self, request: Revocation) -> None:
        names = [(request.namespace, request.code)]
        unassign_roles(pairs=pairs(self, names, request.targets), actor=self.caller)


class RevokeRoleBatch(Command):
    """Every role from every target, as ``revoke-role`` does it; all or none."""

    needs = IN_OPERATION

    def run(self, request: Revocations) -> None:
        names = [(role.namespace, role.code) for role in request.roles]
        unassign_roles(pairs=pairs(self, names, request.targets), actor=self.caller)


class ListRoleMembers(Query):
    """Users whom the role is given directly, as far as that counts now."""

    needs = IN_OPERATION

    def run(self, request: Members) -> Page[UserDto]:
        role = role_by_code(self, request.namespace, request.code)
        held = RoleAssignment.objects.active().filter(role=role, user=OuterRef("pk"))
        rows = self.visible(User.objects.filter(Exists(held)).order_by("pk"))
        return page_of_users(rows, request)


class ListRoleDepartments(Query):
    """Departments that the role is given directly and that hold it now."""

    needs = IN_OPERATION

    def run(self, request: RoleDepartments) -> Page[RoleDepartment]:
        role = role_by_code(self, request.namespace, request.code)
        held = RoleAssignment.objects.active().filter(role=role, group=OuterRef("pk"))
        rows = departments(self).filter(Exists(held)).order_by("name")
        return page_of(
            rows,
            request,
            lambda group: RoleDepartment(
                id=group.hex_id,
                code=group.code or "",
                name=group.display_name or group.name,
                description=group.description,
            ),
        )


class ListRoleAssignments(Query):
    """To whom a role is given directly, also in the past and in the future.

    Groups, departments and roles that the caller may not view are called by their identifiers.
    """

    needs = "authentik_core.view_user"

    def run(self, request: RoleAssignmentFilter) -> ListRoleAssignmentsPage:
        role = role_by_code(self, request.namespace_code, request.role_code)
        rows = RoleAssignment.objects.filter(role=role)
        if request.target_type:
            departments = Q(group__kind=GroupKind.DEPARTMENT)
            kinds = {"USER": Q(user__isnull=False), "ORG": departments}
            rows = rows.filter(Q(*(kinds[kind] for kind in request.target_type), _connector=Q.OR))
        sight = Sight(self.caller)
        for link in ("group", "holder_role"):
            rows = sight.marked(rows, link, f"{link}_shown")
        if request.query:
            # What the caller may not view is not found by its name either.
            groups = Q(group_shown=True) & like(request.query, "group__name", "group__display_name")
            roles = Q(holder_role_shown=True) & like(request.query, "holder_role__name")
            users = like(request.query, "user__username", "user__name")
            rows = rows.filter(users | groups | roles)
        rows = rows.select_related("role", "user", "group", "holder_role__namespace")
        rows = rows.annotate(database_now=Now()).order_by("pk")
        page = page_of(rows, request, role_assignment_dto)
        return ListRoleAssignmentsPage(total_count=page.total_count, data=page.list_)


class GetUserRoles(Query):
    """Every role the user holds now: its own, those of its groups and departments, inherited ones.

    Without a namespace, only those in ``default``.
    """

    needs = IN_OPERATION

    def run(self, request: UserRoles) -> Page[RoleDto]:
        user = user_by_id(self, request.user_id, request.user_id_type)
        rows = self.visible(Role.objects.public().filter(pk__in=held_roles(user)))
        rows = rows.filter(namespace__code=request.namespace).select_related("namespace")
        return whole(role_dto(role) for role in rows.order_by("created", "pk"))


class HasAnyRole(Command):
    """Roles that do not exist are held by nobody."""

    needs = IN_OPERATION

    def run(self, request: HasAnyRoleDto) -> AnyRole:
        user = user_by_id(self, request.user_id, request.options.user_id_type)
        asked = Q()
        for role in request.roles:
            asked |= Q(namespace__code=role.namespace, code=role.code)
        rows = self.visible(Role.objects.public().filter(asked, pk__in=held_roles(user)))
        return AnyRole(has_any_role=rows.exists())


def role_assignment_dto(row: Any) -> RoleAssignmentDto:
    now = getattr(row, "database_now", None) or timezone.now()
    begun = row.valid_from is None or row.valid_from <= now
    ended = row.valid_until is not None and row.valid_until <= now
    to = row.principal
    holder_type: HolderType
    if isinstance(to, User):
        holder_type, identifier, name = "USER", to.hex_id, to.name or to.username
    elif isinstance(to, Group):
        kind, identifier = target_of(to)
        holder_type = "ORG" if kind == "DEPARTMENT" else "GROUP"
        name = (to.display_name or to.name) if row.group_shown else identifier
    else:
        holder_type, identifier = "ROLE", to.code
        name = (to.display_name or to.name) if row.holder_role_shown else identifier
    return RoleAssignmentDto(
        role_id=row.role.hex_id,
        status="ENABLE" if begun and not ended else "DISABLE",
        enable_time=None if row.valid_from is None else milliseconds(row.valid_from),
        end_time=None if row.valid_until is None else milliseconds(row.valid_until),
        user_pool_id=pool_id(),
        role_name=row.role.display_name or row.role.name,
        role_code=row.role.code,
        description=row.role.description,
        created_at=iso(row.created),
        updated_at=iso(row.created),
        target_type=holder_type,
        target_identifier=identifier,
        target_name=name,
    )
