"""Roles by their codes: creating, reading, changing and deleting them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, TypeAlias

from django.db.models import Q
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from api.genauth.base import IN_OPERATION, Command, Operation, Query, page_of
from api.genauth.lookups import (
    RoleName,
    like,
    namespace_by_code,
    namespaces_by_code,
    role_by_code,
    roles_by_code,
)
from api.genauth.wire import (
    Moment,
    NamespaceCode,
    NewCode,
    Page,
    Paging,
    Shape,
    Text,
    Texts,
    Validity,
    is_code,
    validity,
)
from api.wire import milliseconds
from permissions.operations import RoleSpec, create_roles, delete_roles, name_of, update_role
from roles.models import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, Role

LONGEST_NAME = 50
MOST_ROLES = 50
Code: TypeAlias = Annotated[str, partial(NewCode, "role")]
Name: TypeAlias = Annotated[str, Meta(max_length=LONGEST_NAME)]
Description: TypeAlias = Annotated[str, Meta(max_length=200)]
Status: TypeAlias = Literal["ENABLE", "DISABLE"]


class NewRole(Shape):
    code: Code
    name: Name = ""
    namespace: NamespaceCode = DEFAULT_NAMESPACE
    description: Description = ""
    disable_time: datetime | None = None


class NewRoles(Shape):
    list_: Annotated[list[NewRole], Meta(min_length=1, max_length=MOST_ROLES)]


class RoleCode(Shape):
    code: Text
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class RoleFilter(Paging):
    keywords: Text = ""
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class RoleChange(RoleCode):
    """Null as ``disableTime``: the role is not to end any more."""

    new_code: Code = ""
    name: Name = ""
    description: Description | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    disable_time: datetime | UnsetType | None = UNSET


class RoleCodes(Shape):
    code_list: Texts
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class QualifiedRole(Shape):
    code: Text
    namespace: Text


class QualifiedRoles(Shape):
    role_list: Annotated[list[QualifiedRole], Meta(min_length=1, max_length=MOST_ROLES)]


class RoleParameters(Shape):
    namespace: Text
    code: Text = ""
    name: Text = ""


class RoleDto(Shape):
    id: str
    code: str
    name: str
    description: str
    namespace: str
    namespace_name: str
    status: Status
    disable_time: Moment | None


class CreateRole(Command):
    """Create a role; without a name it is called by its code."""

    needs = "authentik_rbac.add_role"

    def run(self, request: NewRole) -> RoleDto:
        [role] = create_roles(actor=self.caller, specs=specs(self, [request]))
        return role_dto(role)


class CreateRolesBatch(Command):
    """Create all of these roles or none."""

    needs = "authentik_rbac.add_role"

    def run(self, request: NewRoles) -> None:
        create_roles(actor=self.caller, specs=specs(self, request.list_))


class GetRole(Query):
    """One role by its code."""

    needs = IN_OPERATION

    def run(self, request: RoleCode) -> RoleDto:
        return role_dto(role_by_code(self, request.namespace, request.code))


class ListRoles(Query):
    """The roles of a namespace, oldest first."""

    needs = IN_OPERATION

    def run(self, request: RoleFilter) -> Page[RoleDto]:
        space = namespace_by_code(self, request.namespace)
        rows = self.visible(Role.objects.public().filter(namespace=space))
        rows = rows.filter(like(request.keywords, "code", "name", "display_name"))
        rows = rows.select_related("namespace").order_by("created", "pk")
        return page_of(rows, request, role_dto)


class UpdateRole(Command):
    """Change what is given; an empty new code or name changes nothing."""

    needs = IN_OPERATION

    def run(self, request: RoleChange) -> None:
        role = role_by_code(self, request.namespace, request.code)
        self.require_each("change_role", [role])
        status = request.status
        changes: dict[str, Any] = {
            "code": request.new_code or UNSET,
            "display_name": request.name or UNSET,
            "description": request.description,
            "is_enabled": UNSET if status is UNSET else status == "ENABLE",
            "disabled_from": request.disable_time,
        }
        sent = {name: value for name, value in changes.items() if value is not UNSET}
        update_role(role=role, actor=self.caller, **sent)


class DeleteRolesBatch(Command):
    """Delete roles of one namespace, with all that was given by them; all or none."""

    needs = IN_OPERATION

    def run(self, request: RoleCodes) -> None:
        delete(self, [(request.namespace, code) for code in request.code_list])


class MultipleNamespaceDeleteRolesBatch(Command):
    """Delete roles of several namespaces, with all that was given by them; all or none."""

    needs = IN_OPERATION

    def run(self, request: QualifiedRoles) -> None:
        delete(self, [(role.namespace, role.code) for role in request.role_list])


class CheckRoleParams(Command):
    """Whether a role could be created so; says why not."""

    needs = "authentik_rbac.view_role"

    def run(self, request: RoleParameters) -> Validity:
        space = namespace_by_code(self, request.namespace)
        if space.code == SYSTEM_NAMESPACE:
            return validity(f"The namespace {SYSTEM_NAMESPACE} is reserved.")
        if not is_code(request.code):
            return validity(f"invalid role code: {request.code}")
        if len(request.name) > LONGEST_NAME:
            return validity("The name is too long.")
        # Roles of other doors have names that no code was made into.
        same_name = Q(name=name_of(space.code, request.code))
        if Role.objects.filter(Q(namespace=space, code=request.code) | same_name).exists():
            return validity("The role code is taken.")
        return validity()


def specs(operation: Operation, requests: Sequence[NewRole]) -> list[RoleSpec]:
    namespaces = namespaces_by_code(operation, (role.namespace for role in requests))
    return [
        RoleSpec(
            namespace=namespaces[role.namespace],
            code=role.code,
            display_name=role.name or role.code,
            description=role.description,
            disabled_from=role.disable_time,
        )
        for role in requests
    ]


def delete(operation: Operation, names: Sequence[RoleName]) -> None:
    roles = list(roles_by_code(operation, names).values())
    operation.require_each("delete_role", roles)
    delete_roles(roles=roles, actor=operation.caller)


def role_dto(role: Role) -> RoleDto:
    ended = role.disabled_from is not None and role.disabled_from <= timezone.now()
    return RoleDto(
        id=role.hex_id,
        code=role.code,
        name=role.display_name or role.name,
        description=role.description,
        namespace=role.namespace.code,
        namespace_name=role.namespace.name,
        status="ENABLE" if role.is_enabled and not ended else "DISABLE",
        disable_time=None if role.disabled_from is None else milliseconds(role.disabled_from),
    )
