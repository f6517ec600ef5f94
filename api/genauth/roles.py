"""Roles by their codes: creating, reading, changing and deleting them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone
from rest_framework import serializers

from api.genauth.base import IN_OPERATION, Command, Query
from api.genauth.lookups import (
    like,
    namespace_by_code,
    namespaces_by_code,
    role_by_code,
    roles_by_code,
)
from api.genauth.wire import (
    Choice,
    Milliseconds,
    NewCode,
    Paging,
    ValiditySerializer,
    WireSerializer,
    each,
    is_code,
    milliseconds,
    namespace,
    namespace_of,
    optional,
    text,
    validity,
)
from permissions.operations import RoleSpec, create_roles, delete_roles, name_of, update_role
from roles.models import SYSTEM_NAMESPACE, Role

ENABLE, DISABLE = "ENABLE", "DISABLE"
LONGEST_NAME = 50
LONGEST_DESCRIPTION = 200
MOST_ROLES = 50


class NewRoleSerializer(WireSerializer):
    code = NewCode("role")
    name = optional(LONGEST_NAME)
    namespace = namespace()
    description = optional(LONGEST_DESCRIPTION)
    disable_time = Milliseconds(required=False)


class NewRolesSerializer(WireSerializer):
    list_ = each(NewRoleSerializer, most=MOST_ROLES)


class RoleNameSerializer(WireSerializer):
    code = text()
    namespace = namespace()


class RoleFilterSerializer(Paging):
    keywords = optional()
    namespace = namespace()


class RoleChangeSerializer(RoleNameSerializer):
    new_code = NewCode("role", required=False, allow_blank=True)
    name = optional(LONGEST_NAME)
    description = optional(LONGEST_DESCRIPTION)
    status = Choice(choices=[ENABLE, DISABLE], required=False)
    disable_time = Milliseconds(required=False)


class RoleCodesSerializer(WireSerializer):
    code_list = serializers.ListField(child=text(), min_length=1, max_length=MOST_ROLES)
    namespace = namespace()


class QualifiedRoleSerializer(WireSerializer):
    code = text()
    namespace = text()


class QualifiedRolesSerializer(WireSerializer):
    role_list = each(QualifiedRoleSerializer, most=MOST_ROLES)


class RoleParametersSerializer(WireSerializer):
    namespace = text()
    code = optional()
    name = optional()


class RoleSerializer(WireSerializer):
    id = serializers.CharField()
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    namespace = serializers.CharField()
    namespace_name = serializers.CharField()
    status = serializers.ChoiceField(choices=[ENABLE, DISABLE])
    disable_time = Milliseconds(allow_null=True)


class CreateRole(Command):
    needs = "authentik_rbac.add_role"
    accepts = NewRoleSerializer
    answers = RoleSerializer

    def run(self, given: dict[str, Any]) -> Any:
        return described(*create_roles(actor=self.caller, specs=specs([given])))


class CreateRolesBatch(Command):
    needs = "authentik_rbac.add_role"
    accepts = NewRolesSerializer

    def run(self, given: dict[str, Any]) -> None:
        create_roles(actor=self.caller, specs=specs(given["list_"]))


class GetRole(Query):
    needs = IN_OPERATION
    accepts = RoleNameSerializer
    answers = RoleSerializer

    def run(self, given: dict[str, Any]) -> Any:
        return described(role_by_code(self, namespace_of(given), given["code"]))


class ListRoles(Query):
    needs = IN_OPERATION
    accepts = RoleFilterSerializer
    answers = RoleSerializer
    paged = True

    def run(self, given: dict[str, Any]) -> Any:
        space = namespace_by_code(namespace_of(given))
        rows = self.visible(Role.objects.public().filter(namespace=space))
        rows = rows.filter(like(given.get("keywords"), "code", "name", "display_name"))
        return self.page(rows.select_related("namespace").order_by("created", "pk"), given)

    def describe(self, row: Role) -> Any:
        return described(row)


class UpdateRole(Command):
    needs = IN_OPERATION
    accepts = RoleChangeSerializer

    def run(self, given: dict[str, Any]) -> None:
        role = role_by_code(self, namespace_of(given), given["code"])
        self.require("change_role", [role])
        update_role(role=role, actor=self.caller, **changes(given, self.request.data))


class DeleteRolesBatch(Command):
    needs = IN_OPERATION
    accepts = RoleCodesSerializer

    def run(self, given: dict[str, Any]) -> None:
        space = namespace_of(given)
        roles = roles_by_code(self, [(space, code) for code in dict.fromkeys(given["code_list"])])
        self.require("delete_role", roles)
        delete_roles(roles=roles, actor=self.caller)


class MultipleNamespaceDeleteRolesBatch(Command):
    needs = IN_OPERATION
    accepts = QualifiedRolesSerializer

    def run(self, given: dict[str, Any]) -> None:
        names = dict.fromkeys((one["namespace"], one["code"]) for one in given["role_list"])
        roles = roles_by_code(self, list(names))
        self.require("delete_role", roles)
        delete_roles(roles=roles, actor=self.caller)


class CheckRoleParams(Command):
    """Whether a role could be created so; says why not."""

    needs = "authentik_rbac.view_role"
    accepts = RoleParametersSerializer
    answers = ValiditySerializer

    def run(self, given: dict[str, Any]) -> Any:
        code, name = given.get("code", ""), given.get("name", "")
        space = namespace_by_code(given["namespace"])
        if space.code == SYSTEM_NAMESPACE:
            return validity(f"The namespace {SYSTEM_NAMESPACE} is reserved.")
        if not is_code(code):
            return validity(f"invalid role code: {code}")
        if len(name) > LONGEST_NAME:
            return validity("The name is too long.")
        # Roles of other doors have names that no code was made into.
        same = Q(namespace=space, code=code) | Q(name=name_of(space.code, code))
        if Role.objects.filter(same).exists():
            return validity("The role code is taken.")
        return validity()


def specs(given: Sequence[dict[str, Any]]) -> list[RoleSpec]:
    found = namespaces_by_code(namespace_of(role) for role in given)
    return [
        RoleSpec(
            namespace=found[namespace_of(role)],
            code=role["code"],
            display_name=role.get("name") or role["code"],
            description=role.get("description", ""),
            disabled_from=role.get("disable_time"),
        )
        for role in given
    ]


def changes(given: dict[str, Any], sent: Any) -> dict[str, Any]:
    """Columns from words; of an empty code or name nothing follows."""
    fields = {
        "code": given.get("new_code") or None,
        "display_name": given.get("name") or None,
        "description": given.get("description"),
        "is_enabled": given["status"] == ENABLE if "status" in given else None,
        "disabled_from": given.get("disable_time"),
    }
    wanted = {name: value for name, value in fields.items() if value is not None}
    # Null is a value here: the role is not to end any more.
    if "disableTime" in sent and sent["disableTime"] is None:
        wanted["disabled_from"] = None
    return wanted


def described(role: Role) -> dict[str, Any]:
    ended = role.disabled_from is not None and role.disabled_from <= timezone.now()
    return {
        "id": role.hex_id,
        "code": role.code,
        "name": role.display_name or role.name,
        "description": role.description,
        "namespace": role.namespace.code,
        "namespaceName": role.namespace.name,
        "status": ENABLE if role.is_enabled and not ended else DISABLE,
        "disableTime": None if role.disabled_from is None else milliseconds(role.disabled_from),
    }
