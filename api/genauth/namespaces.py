"""Namespaces, under the names of both families of operations that manage them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from api.genauth.base import IN_OPERATION, Command, Operation, Query
from api.genauth.errors import no_namespace
from api.genauth.lookups import like
from api.genauth.wire import (
    NewCode,
    Paging,
    ValiditySerializer,
    WireSerializer,
    Words,
    each,
    iso,
    optional,
    text,
    validity,
)
from permissions.models import ResourceType
from permissions.operations import (
    NamespaceSpec,
    create_namespace,
    create_namespaces,
    delete_namespaces,
    update_namespace,
)
from roles.models import Namespace, Role

LONGEST_NAME = 255
LONGEST_DESCRIPTION = 200
MOST = 50
MOST_DELETED = 10


class NewNamespaceSerializer(WireSerializer):
    code = NewCode("namespace")
    name = optional(LONGEST_NAME)
    description = optional(LONGEST_DESCRIPTION)


class NewPermissionNamespaceSerializer(NewNamespaceSerializer):
    name = text(LONGEST_NAME)


class NewNamespacesSerializer(WireSerializer):
    list_ = each(NewNamespaceSerializer, most=MOST)


class NewPermissionNamespacesSerializer(WireSerializer):
    list_ = each(NewPermissionNamespaceSerializer, most=MOST)


class NamespaceCodeSerializer(WireSerializer):
    code = text()


class CodeListSerializer(WireSerializer):
    code_list = Words(child=text(), min_length=1, max_length=MOST)


class CodesSerializer(WireSerializer):
    codes = Words(child=text(), min_length=1, max_length=MOST)


class DeletedCodeListSerializer(WireSerializer):
    code_list = serializers.ListField(child=text(), min_length=1, max_length=MOST_DELETED)


class DeletedCodesSerializer(WireSerializer):
    codes = serializers.ListField(child=text(), min_length=1, max_length=MOST_DELETED)


class NamespaceChangeSerializer(NamespaceCodeSerializer):
    name = optional(LONGEST_NAME)
    new_code = NewCode("namespace", required=False, allow_blank=True)
    description = optional(LONGEST_DESCRIPTION)


class KeywordsSerializer(Paging):
    keywords = optional()


class QuerySerializer(Paging):
    query = optional()


class NamespaceKeywordsSerializer(KeywordsSerializer):
    code = text()


class NamespaceQuerySerializer(QuerySerializer):
    code = text()


class NamespaceParametersSerializer(WireSerializer):
    code = optional()
    name = optional()


class NamespaceSerializer(WireSerializer):
    code = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()


class ChangedNamespaceSerializer(WireSerializer):
    """What was asked for."""

    code = serializers.CharField()
    name = serializers.CharField(required=False)
    new_code = serializers.CharField(required=False)
    description = serializers.CharField(required=False)


class ListedNamespaceSerializer(NamespaceSerializer):
    status = serializers.IntegerField(help_text="1 when it is enabled, else 0.")


class NamespaceRoleSerializer(WireSerializer):
    id = serializers.CharField()
    name = serializers.CharField()
    code = serializers.CharField()
    description = serializers.CharField()
    namespace = serializers.CharField()
    updated_at = serializers.CharField()


class CreateNamespace(Command):
    needs = "authentik_rbac.add_namespace"
    accepts: type[WireSerializer] = NewNamespaceSerializer
    answers = NamespaceSerializer

    def run(self, given: dict[str, Any]) -> Any:
        return described(create_namespace(actor=self.caller, spec=spec(given)))


class CreatePermissionNamespace(CreateNamespace):
    accepts = NewPermissionNamespaceSerializer


class CreateNamespacesBatch(Command):
    needs = "authentik_rbac.add_namespace"
    accepts: type[WireSerializer] = NewNamespacesSerializer

    def run(self, given: dict[str, Any]) -> None:
        create_namespaces(actor=self.caller, specs=[spec(one) for one in given["list_"]])


class CreatePermissionNamespacesBatch(CreateNamespacesBatch):
    accepts = NewPermissionNamespacesSerializer


class GetNamespace(Query):
    needs = IN_OPERATION
    accepts = NamespaceCodeSerializer
    answers = NamespaceSerializer

    def run(self, given: dict[str, Any]) -> Any:
        return described(visible_namespace(self, given["code"]))


class GetPermissionNamespace(GetNamespace):
    pass


class GetNamespacesBatch(Query):
    """Unknown codes are left out."""

    needs = IN_OPERATION
    accepts: type[WireSerializer] = CodeListSerializer
    answers = NamespaceSerializer
    many = True
    codes = "code_list"

    def run(self, given: dict[str, Any]) -> Any:
        rows = visible_namespaces(self).filter(code__in=given[self.codes])
        return [described(row) for row in rows]


class GetPermissionNamespacesBatch(GetNamespacesBatch):
    accepts = CodesSerializer
    codes = "codes"


class UpdateNamespace(Command):
    needs = IN_OPERATION
    accepts = NamespaceChangeSerializer
    answers: type[WireSerializer] = ChangedNamespaceSerializer

    def run(self, given: dict[str, Any]) -> Any:
        self.changed(given)
        return {("newCode" if name == "new_code" else name): given[name] for name in given}

    def changed(self, given: dict[str, Any]) -> Namespace:
        namespace = visible_namespace(self, given["code"])
        self.require("change_namespace", [namespace])
        fields = {
            "code": given.get("new_code") or None,
            "name": given.get("name") or None,
            "description": given.get("description"),
        }
        wanted = {name: value for name, value in fields.items() if value is not None}
        return update_namespace(namespace=namespace, actor=self.caller, **wanted)


class UpdatePermissionNamespace(UpdateNamespace):
    answers = NamespaceSerializer

    def run(self, given: dict[str, Any]) -> Any:
        return described(self.changed(given))


class DeleteNamespace(Command):
    """With everything in it."""

    needs = IN_OPERATION
    accepts = NamespaceCodeSerializer

    def run(self, given: dict[str, Any]) -> None:
        delete(self, [visible_namespace(self, given["code"])])


class DeletePermissionNamespace(DeleteNamespace):
    pass


class DeleteNamespacesBatch(Command):
    """With everything in them. Unknown codes are no error."""

    needs = IN_OPERATION
    accepts = DeletedCodeListSerializer

    def run(self, given: dict[str, Any]) -> None:
        delete(self, list(visible_namespaces(self).filter(code__in=given["code_list"])))


class DeletePermissionNamespacesBatch(Command):
    """With everything in them; an unknown code is 404 and nothing is deleted."""

    needs = IN_OPERATION
    accepts = DeletedCodesSerializer

    def run(self, given: dict[str, Any]) -> None:
        found = list(visible_namespaces(self).filter(code__in=given["codes"]))
        if len(found) < len(set(given["codes"])):
            raise no_namespace()
        delete(self, found)


class ListNamespaces(Query):
    needs = IN_OPERATION
    accepts: type[WireSerializer] = KeywordsSerializer
    answers = ListedNamespaceSerializer
    paged = True
    words = "keywords"

    def run(self, given: dict[str, Any]) -> Any:
        rows = visible_namespaces(self).filter(like(given.get(self.words), "code", "name"))
        return self.page(rows, given)

    def describe(self, row: Namespace) -> Any:
        return {**described(row), "status": int(row.is_enabled)}


class ListPermissionNamespaces(ListNamespaces):
    accepts = QuerySerializer
    words = "query"


class ListNamespaceRoles(Query):
    needs = IN_OPERATION
    accepts: type[WireSerializer] = NamespaceKeywordsSerializer
    answers = NamespaceRoleSerializer
    paged = True
    words = "keywords"

    def run(self, given: dict[str, Any]) -> Any:
        namespace = visible_namespace(self, given["code"])
        rows = self.visible(Role.objects.public().filter(namespace=namespace))
        rows = rows.filter(like(given.get(self.words), "code", "name", "display_name"))
        return self.page(rows.select_related("namespace").order_by("created", "pk"), given)

    def describe(self, row: Role) -> Any:
        return {
            "id": row.hex_id,
            "name": row.display_name or row.name,
            "code": row.code,
            "description": row.description,
            "namespace": row.namespace.code,
            "updatedAt": iso(row.last_updated),
        }


class ListPermissionNamespaceRoles(ListNamespaceRoles):
    accepts = NamespaceQuerySerializer
    words = "query"


class CheckPermissionNamespaceExists(Command):
    """Whether the code and the name are free; says what is taken."""

    needs = "authentik_rbac.view_namespace"
    accepts = NamespaceParametersSerializer
    answers = ValiditySerializer

    def run(self, given: dict[str, Any]) -> Any:
        for field in ("code", "name"):
            value = given.get(field)
            if value and Namespace.objects.filter(**{field: value}).exists():
                return validity(f"The {field} is taken.")
        return validity()


def spec(given: dict[str, Any]) -> NamespaceSpec:
    return NamespaceSpec(
        code=given["code"],
        name=given.get("name") or given["code"],
        description=given.get("description", ""),
    )


def visible_namespaces(operation: Operation) -> QuerySet[Namespace]:
    return operation.visible(Namespace.objects.order_by("pk"))


def visible_namespace(operation: Operation, code: str) -> Namespace:
    found = visible_namespaces(operation).filter(code=code).first()
    if found is None:
        raise no_namespace()
    return found


def delete(operation: Operation, namespaces: Sequence[Namespace]) -> None:
    """What goes with a namespace needs the same right as if it went alone."""
    if not namespaces:
        return
    operation.require("delete_namespace", namespaces)
    codes = [namespace.code for namespace in namespaces]
    operation.require("delete_role", Role.objects.filter(namespace__in=namespaces))
    types = ResourceType.objects.filter(content_type__app_label__in=codes, built_in=False)
    operation.require("delete_resourcetype", types)
    delete_namespaces(namespaces=namespaces, actor=operation.caller)


def described(row: Namespace) -> dict[str, Any]:
    return {"code": row.code, "name": row.name, "description": row.description}
