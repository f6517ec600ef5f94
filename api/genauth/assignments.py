"""Giving roles to users, groups, departments and holders of roles, and taking them away."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework import serializers

from accounts.models import Group, GroupKind, User
from api.genauth import roles, users
from api.genauth.base import IN_OPERATION, Command, Query
from api.genauth.lookups import (
    MOST_TARGETS,
    TargetSerializer,
    UserIdSerializer,
    departments,
    pairs,
    role_by_code,
    user_by_id,
    user_id_type,
)
from api.genauth.tokens import pool_id
from api.genauth.wire import (
    Choice,
    Milliseconds,
    Paging,
    WireSerializer,
    each,
    iso,
    milliseconds,
    namespace,
    namespace_of,
    optional,
    text,
)
from permissions.operations import assign_roles, column, unassign_roles
from permissions.queries import held_roles
from roles.models import Role, RoleAssignment

MOST_ROLES = 10
MOST_TARGETS_OF_MANY_ROLES = 10
MOST_ROLES_ASKED = 50
# "ORG" is what the list of assignments calls departments.
KIND_OF_ROW = {"user": "USER", "group": "GROUP", "department": "ORG", "holder_role": "ROLE"}


class RoleCodeSerializer(WireSerializer):
    code = text()
    namespace = namespace()


class RevocationSerializer(RoleCodeSerializer):
    targets = each(TargetSerializer, most=MOST_TARGETS)


class AssignmentSerializer(RevocationSerializer):
    enable_time = Milliseconds(required=False)
    end_time = Milliseconds(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """In this door's words; the operation would name its own."""
        start, end = attrs.get("enable_time"), attrs.get("end_time")
        if start is not None and end is not None and end <= start:
            raise serializers.ValidationError({"endTime": ["The end must come after the start."]})
        return attrs


class RevocationsSerializer(WireSerializer):
    targets = each(TargetSerializer, most=MOST_TARGETS)
    roles = each(RoleCodeSerializer, most=MOST_ROLES)


class AssignmentsSerializer(RevocationsSerializer):
    targets = each(TargetSerializer, most=MOST_TARGETS_OF_MANY_ROLES)


class MembersSerializer(Paging, users.UserDetailsSerializer):
    code = text()
    namespace = namespace()


class RoleDepartmentsSerializer(Paging):
    code = text()
    namespace = namespace()


class RoleAssignmentFilterSerializer(Paging):
    role_code = text()
    namespace_code = namespace()
    query = optional()
    target_type = serializers.ListField(child=Choice(choices=["USER", "ORG"]), required=False)


class UserRolesSerializer(UserIdSerializer):
    namespace = namespace()


class OptionsSerializer(WireSerializer):
    user_id_type = user_id_type()


class HasAnyRoleSerializer(WireSerializer):
    user_id = text()
    roles = each(RoleCodeSerializer, most=MOST_ROLES_ASKED)
    options = OptionsSerializer(required=False)


class RoleDepartmentSerializer(WireSerializer):
    id = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()


class RoleAssignmentSerializer(WireSerializer):
    """``ENABLE``: the target holds the role now. ``DISABLE``: not yet, or not any more."""

    role_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["ENABLE", "DISABLE"])
    enable_time = Milliseconds(allow_null=True)
    end_time = Milliseconds(allow_null=True)
    user_pool_id = serializers.CharField()
    role_name = serializers.CharField()
    role_code = serializers.CharField()
    description = serializers.CharField()
    created_at = serializers.CharField()
    updated_at = serializers.CharField()
    target_type = serializers.ChoiceField(choices=list(KIND_OF_ROW.values()))
    target_identifier = serializers.CharField()
    target_name = serializers.CharField()


class AnyRoleSerializer(WireSerializer):
    has_any_role = serializers.BooleanField()


class AssignRole(Command):
    """Assigning again takes on the times given, or none."""

    needs = IN_OPERATION
    accepts = AssignmentSerializer

    def run(self, given: dict[str, Any]) -> None:
        wanted = pairs(self, [(namespace_of(given), given["code"])], given["targets"])
        self.require("change_role", {role for role, _ in wanted})
        assign_roles(
            pairs=wanted,
            actor=self.caller,
            valid_from=given.get("enable_time"),
            valid_until=given.get("end_time"),
        )


class AssignRoleBatch(Command):
    needs = IN_OPERATION
    accepts = AssignmentsSerializer

    def run(self, given: dict[str, Any]) -> None:
        names = [(namespace_of(role), role["code"]) for role in given["roles"]]
        wanted = pairs(self, names, given["targets"])
        self.require("change_role", {role for role, _ in wanted})
        assign_roles(pairs=wanted, actor=self.caller)


class RevokeRole(Command):
    """Whatever the scope in which the role is held; not holding it is no error."""

    needs = IN_OPERATION
    accepts = RevocationSerializer

    def run(self, given: dict[str, Any]) -> None:
        wanted = pairs(self, [(namespace_of(given), given["code"])], given["targets"])
        self.require("change_role", {role for role, _ in wanted})
        unassign_roles(pairs=wanted, actor=self.caller)


class RevokeRoleBatch(Command):
    needs = IN_OPERATION
    accepts = RevocationsSerializer

    def run(self, given: dict[str, Any]) -> None:
        names = [(namespace_of(role), role["code"]) for role in given["roles"]]
        wanted = pairs(self, names, given["targets"])
        self.require("change_role", {role for role, _ in wanted})
        unassign_roles(pairs=wanted, actor=self.caller)


class ListRoleMembers(users.UserPages, Query):
    """Users whom the role is given directly, as far as that counts now."""

    accepts = MembersSerializer

    def run(self, given: dict[str, Any]) -> Any:
        role = role_by_code(self, namespace_of(given), given["code"])
        held = RoleAssignment.objects.active().filter(role=role, user=OuterRef("pk"))
        rows = self.visible(User.objects.filter(Exists(held)).order_by("pk"))
        return self.users(rows, given, given)


class ListRoleDepartments(Query):
    """Departments that the role is given directly and that hold it now."""

    needs = IN_OPERATION
    accepts = RoleDepartmentsSerializer
    answers = RoleDepartmentSerializer
    paged = True

    def run(self, given: dict[str, Any]) -> Any:
        role = role_by_code(self, namespace_of(given), given["code"])
        held = RoleAssignment.objects.active().filter(role=role, group=OuterRef("pk"))
        return self.page(departments(self).filter(Exists(held)).order_by("name"), given)

    def describe(self, row: Group) -> Any:
        return {
            "id": row.hex_id,
            "code": row.code or "",
            "name": row.display_name or row.name,
            "description": row.description,
        }


class ListRoleAssignments(Query):
    needs = "authentik_core.view_user"
    accepts = RoleAssignmentFilterSerializer
    answers = RoleAssignmentSerializer
    paged = True
    rows_key = "data"

    def run(self, given: dict[str, Any]) -> Any:
        role = role_by_code(self, namespace_of(given, "namespace_code"), given["role_code"])
        rows = RoleAssignment.objects.filter(_of(given), role=role).annotate(database_now=Now())
        rows = rows.select_related("role", "user", "group", "holder_role__namespace")
        return self.page(rows.order_by("pk"), given)

    def describe(self, row: Any) -> Any:
        return {
            "roleId": row.role.hex_id,
            "status": "ENABLE" if _counts(row) else "DISABLE",
            "enableTime": None if row.valid_from is None else milliseconds(row.valid_from),
            "endTime": None if row.valid_until is None else milliseconds(row.valid_until),
            "userPoolId": pool_id(),
            "roleName": row.role.display_name or row.role.name,
            "roleCode": row.role.code,
            "description": row.role.description,
            "createdAt": iso(row.created),
            "updatedAt": iso(row.created),
            **_target(row),
        }


class GetUserRoles(Query):
    """Every role the user holds now: its own, those of its groups and departments, inherited ones.

    Without a namespace, only those in ``default``.
    """

    needs = IN_OPERATION
    accepts = UserRolesSerializer
    answers = roles.RoleSerializer
    paged = True

    def run(self, given: dict[str, Any]) -> Any:
        user = user_by_id(self, given)
        rows = self.visible(Role.objects.public().filter(pk__in=held_roles(user)))
        rows = rows.filter(namespace__code=namespace_of(given)).select_related("namespace")
        return self.whole(rows.order_by("created", "pk"))

    def describe(self, row: Role) -> Any:
        return roles.described(row)


class HasAnyRole(Command):
    """Roles that do not exist are held by nobody."""

    needs = IN_OPERATION
    accepts = HasAnyRoleSerializer
    answers = AnyRoleSerializer

    def run(self, given: dict[str, Any]) -> Any:
        user = user_by_id(self, {**given.get("options", {}), "user_id": given["user_id"]})
        named = Q()
        for role in given["roles"]:
            named |= Q(namespace__code=namespace_of(role), code=role["code"])
        rows = self.visible(Role.objects.public().filter(named, pk__in=held_roles(user)))
        return {"hasAnyRole": rows.exists()}


def _of(given: dict[str, Any]) -> Q:
    """By kind of target, and by words in its name."""
    kinds = {
        "USER": Q(user__isnull=False),
        "ORG": Q(group__kind=GroupKind.DEPARTMENT),
    }
    wanted = Q()
    for kind in given.get("target_type", ()):
        wanted |= kinds[kind]
    if words := given.get("query"):
        columns = ("user__username", "user__name", "group__name", "group__display_name")
        matching = Q()
        for name in (*columns, "holder_role__name"):
            matching |= Q(**{f"{name}__icontains": words})
        wanted &= matching
    return wanted


def _counts(row: Any) -> bool:
    now = row.database_now or timezone.now()
    return (row.valid_from is None or row.valid_from <= now) and (
        row.valid_until is None or row.valid_until > now
    )


def _target(row: RoleAssignment) -> dict[str, str]:
    to = row.principal
    kind = column(to)
    if isinstance(to, User):
        identifier, name = to.hex_id, to.name or to.username
    elif isinstance(to, Group):
        is_department = to.kind == GroupKind.DEPARTMENT
        kind = "department" if is_department else "group"
        identifier = to.hex_id if is_department else to.code or to.name
        name = to.display_name or to.name
    else:
        identifier, name = to.code, to.display_name or to.name
    return {
        "targetType": KIND_OF_ROW[kind],
        "targetIdentifier": identifier,
        "targetName": name,
    }
