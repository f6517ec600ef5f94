"""Organizations and their departments: groups that lie below each other.

An organization is its topmost department; both carry its code. Whoever is in a department is in
those above it too.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from accounts.models import Group, GroupKind, User
from accounts.secrets import generate_hex_id
from api.genauth.base import IN_OPERATION, Command, Operation, Query
from api.genauth.groups import Description
from api.genauth.lookups import departments, users_by_id
from api.genauth.users import UserDto, UserPaging, page_of_users
from api.genauth.wire import NewCode, Page, Shape, Text, Texts
from audit.errors import Conflict, NotFound
from permissions.operations import add_members, create_group, delete_groups, remove_members

# What clients call the topmost department when an id is asked for.
ROOT = "root"


class NewOrganization(Shape):
    organization_name: Text
    organization_code: Annotated[str, partial(NewCode, "organization")]
    description: Description = ""


class OrganizationCode(Shape):
    organization_code: Text


class NewDepartment(OrganizationCode):
    name: Text
    parent_department_id: Text
    code: Annotated[str, partial(NewCode, "department")] = ""
    description: Description = ""


class DepartmentId(OrganizationCode):
    department_id: Text


class DepartmentMembers(DepartmentId):
    user_ids: Texts


class DepartmentMembersPage(UserPaging):
    organization_code: Text
    department_id: Text
    include_children_departments: bool = False


class Organization(Shape):
    organization_code: str
    organization_name: str
    description: str
    department_id: str


class Department(Shape):
    department_id: str
    organization_code: str
    parent_department_id: str
    name: str
    code: str
    description: str


class CreateOrganization(Command):
    """Create an organization with its topmost department."""

    needs = "authentik_core.add_group"

    def run(self, request: NewOrganization) -> Organization:
        code = request.organization_code
        group = create(self, code, code, request.organization_name, request.description)
        return Organization(
            organization_code=code,
            organization_name=group.display_name,
            description=group.description,
            department_id=group.hex_id,
        )


class CreateDepartment(Command):
    """Create a department below another, which may be the topmost one, ``root``."""

    needs = "authentik_core.add_group"

    def run(self, request: NewDepartment) -> Department:
        organization, code = request.organization_code, request.code or None
        parent = department(self, organization, request.parent_department_id)
        # Whoever will be in the new one is in the parent too.
        self.require_each("add_user_to_group", [parent])
        group = create(self, organization, code, request.name, request.description, parent)
        return department_dto(group, parent)


class GetDepartment(Query):
    """One department by its id; ``root`` is the topmost one."""

    needs = IN_OPERATION

    def run(self, request: DepartmentId) -> Department:
        group = department(self, request.organization_code, request.department_id)
        return department_dto(group, group.parents.first())


class DeleteDepartment(Command):
    """What lies below it stays, without what it had through it."""

    needs = IN_OPERATION

    def run(self, request: DepartmentId) -> None:
        group = department(self, request.organization_code, request.department_id)
        self.require_each("delete_group", [group])
        delete_groups(groups=[group], actor=self.caller)


class DeleteOrganization(Command):
    """With all its departments."""

    needs = IN_OPERATION

    def run(self, request: OrganizationCode) -> None:
        root = department(self, request.organization_code, ROOT)
        rows = Group.objects.filter(kind=GroupKind.DEPARTMENT, organization=root.organization)
        self.require_each("delete_group", rows)
        delete_groups(groups=rows, actor=self.caller)


class AddDepartmentMembers(Command):
    """All of the users or none; one who is in the department already is no error."""

    needs = IN_OPERATION

    def run(self, request: DepartmentMembers) -> None:
        group = department(self, request.organization_code, request.department_id)
        self.require_each("add_user_to_group", [group])
        members = users_by_id(self, request.user_ids)
        add_members(group=group, users=members, actor=self.caller)


class RemoveDepartmentMembers(Command):
    """All of the users or none; one who is not in the department is no error."""

    needs = IN_OPERATION

    def run(self, request: DepartmentMembers) -> None:
        group = department(self, request.organization_code, request.department_id)
        self.require_each("remove_user_from_group", [group])
        members = users_by_id(self, request.user_ids)
        remove_members(group=group, users=members, actor=self.caller)


class ListDepartmentMembers(Query):
    """Users who are in the department directly, or also in those below it."""

    needs = IN_OPERATION

    def run(self, request: DepartmentMembersPage) -> Page[UserDto]:
        group = department(self, request.organization_code, request.department_id)
        below = Group.objects.filter(ancestor_rows__ancestor=group)
        groups = below if request.include_children_departments else [group]
        rows = self.visible(User.objects.members_of(groups).order_by("pk"))
        return page_of_users(rows, request)


def department(operation: Operation, organization: str, department_id: str) -> Group:
    rows = departments(operation).filter(organization=organization)
    key = {"code": organization} if department_id == ROOT else {"hex_id": department_id}
    group = rows.filter(**key).first()
    if group is None:
        raise NotFound("department does not exist")
    return group


def create(
    operation: Operation,
    organization: str,
    code: str | None,
    name: str,
    description: str,
    *parents: Group,
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
        description=description,
        parents=parents,
    )


def department_dto(group: Group, parent: Group | None) -> Department:
    return Department(
        department_id=group.hex_id,
        organization_code=group.organization,
        parent_department_id=ROOT if parent is None else parent.hex_id,
        name=group.display_name or group.name,
        code=group.code or "",
        description=group.description,
    )
