"""Organizations and their departments: groups that lie below each other.

An organization is its topmost department; both carry its code. Whoever is in a department is in
those above it too.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Group, GroupKind, User
from accounts.secrets import generate_hex_id
from api.genauth import users
from api.genauth.base import IN_OPERATION, Command, Operation, Query
from api.genauth.errors import Missing
from api.genauth.lookups import departments, users_by_id
from api.genauth.wire import NewCode, Paging, WireSerializer, optional, text
from audit.errors import Conflict
from permissions.operations import add_members, create_group, delete_groups, remove_members

MOST = 50
LONGEST_NAME = 255
LONGEST_DESCRIPTION = 512
# What clients call the topmost department where an id is asked for.
ROOT = "root"


class NewOrganizationSerializer(WireSerializer):
    organization_name = text(LONGEST_NAME)
    organization_code = NewCode("organization")
    description = optional(LONGEST_DESCRIPTION)


class OrganizationCodeSerializer(WireSerializer):
    organization_code = text()


class NewDepartmentSerializer(OrganizationCodeSerializer):
    name = text(LONGEST_NAME)
    parent_department_id = text()
    code = NewCode("department", required=False, allow_blank=True)
    description = optional(LONGEST_DESCRIPTION)


class DepartmentIdSerializer(OrganizationCodeSerializer):
    department_id = text()


class DepartmentMembersSerializer(DepartmentIdSerializer):
    user_ids = serializers.ListField(child=text(), min_length=1, max_length=MOST)


class DepartmentPageSerializer(Paging, users.UserDetailsSerializer):
    organization_code = text()
    department_id = text()
    include_children_departments = serializers.BooleanField(required=False)


class OrganizationSerializer(WireSerializer):
    organization_code = serializers.CharField()
    organization_name = serializers.CharField()
    description = serializers.CharField()
    department_id = serializers.CharField()


class DepartmentSerializer(WireSerializer):
    department_id = serializers.CharField()
    organization_code = serializers.CharField()
    parent_department_id = serializers.CharField()
    name = serializers.CharField()
    code = serializers.CharField()
    description = serializers.CharField()


class CreateOrganization(Command):
    needs = "authentik_core.add_group"
    accepts = NewOrganizationSerializer
    answers = OrganizationSerializer

    def run(self, given: dict[str, Any]) -> Any:
        code = given["organization_code"]
        group = _create(self, code, code, given["organization_name"], given, parents=())
        return {
            "organizationCode": code,
            "organizationName": group.display_name,
            "description": group.description,
            "departmentId": group.hex_id,
        }


class CreateDepartment(Command):
    needs = "authentik_core.add_group"
    accepts = NewDepartmentSerializer
    answers = DepartmentSerializer

    def run(self, given: dict[str, Any]) -> Any:
        organization = given["organization_code"]
        parent = _department(self, organization, given["parent_department_id"])
        code = given.get("code") or None
        group = _create(self, organization, code, given["name"], given, parents=[parent])
        return described(group, parent)


class GetDepartment(Query):
    needs = IN_OPERATION
    accepts = DepartmentIdSerializer
    answers = DepartmentSerializer

    def run(self, given: dict[str, Any]) -> Any:
        group = _department(self, given["organization_code"], given["department_id"])
        return described(group, group.parents.first())


class DeleteDepartment(Command):
    """What lies below it stays, without what it had through it."""

    needs = IN_OPERATION
    accepts = DepartmentIdSerializer

    def run(self, given: dict[str, Any]) -> None:
        group = _department(self, given["organization_code"], given["department_id"])
        self.require("delete_group", [group])
        delete_groups(groups=[group], actor=self.caller)


class DeleteOrganization(Command):
    """With all its departments."""

    needs = IN_OPERATION
    accepts = OrganizationCodeSerializer

    def run(self, given: dict[str, Any]) -> None:
        root = _department(self, given["organization_code"], ROOT)
        rows = Group.objects.filter(kind=GroupKind.DEPARTMENT, organization=root.organization)
        self.require("delete_group", rows)
        delete_groups(groups=rows, actor=self.caller)


class AddDepartmentMembers(Command):
    needs = IN_OPERATION
    accepts = DepartmentMembersSerializer

    def run(self, given: dict[str, Any]) -> None:
        group = _department(self, given["organization_code"], given["department_id"])
        self.require("add_user_to_group", [group])
        members = users_by_id(self, given["user_ids"])
        add_members(group=group, users=members, actor=self.caller)


class RemoveDepartmentMembers(Command):
    needs = IN_OPERATION
    accepts = DepartmentMembersSerializer

    def run(self, given: dict[str, Any]) -> None:
        group = _department(self, given["organization_code"], given["department_id"])
        self.require("remove_user_from_group", [group])
        members = users_by_id(self, given["user_ids"])
        remove_members(group=group, users=members, actor=self.caller)


class ListDepartmentMembers(users.UserPages, Query):
    accepts = DepartmentPageSerializer

    def run(self, given: dict[str, Any]) -> Any:
        group = _department(self, given["organization_code"], given["department_id"])
        groups: Any = [group]
        if given.get("include_children_departments"):
            groups = Group.objects.filter(ancestor_rows__ancestor=group)
        rows = self.visible(User.objects.members_of(groups).order_by("pk"))
        return self.users(rows, given, given)


def _department(operation: Operation, organization: str, department_id: str) -> Group:
    rows = departments(operation).filter(organization=organization)
    named = {"code": organization} if department_id == ROOT else {"hex_id": department_id}
    found = rows.filter(**named).first()
    if found is None:
        raise Missing("department does not exist")
    return found


def _create(
    operation: Operation,
    organization: str,
    code: str | None,
    name: str,
    given: dict[str, Any],
    *,
    parents: Any,
) -> Group:
    """Names of groups are unique across protocols, so the key is made from the codes."""
    hex_id = generate_hex_id()
    key = f"{organization}:{code or hex_id}"
    if Group.objects.filter(name=key).exists():
        raise Conflict(f"The code {code} is taken in the organization.")
    return create_group(
        actor=operation.caller,
        name=key,
        hex_id=hex_id,
        code=code,
        kind=GroupKind.DEPARTMENT,
        organization=organization,
        display_name=name,
        description=given.get("description", ""),
        parents=parents,
    )


def described(group: Group, parent: Group | None) -> dict[str, Any]:
    return {
        "departmentId": group.hex_id,
        "organizationCode": group.organization,
        "parentDepartmentId": ROOT if parent is None else parent.hex_id,
        "name": group.display_name or group.name,
        "code": group.code or "",
        "description": group.description,
    }
