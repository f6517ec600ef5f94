"""Namespaces, under the names of both families of operations that manage them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, TypeAlias

from django.db.models import QuerySet
from msgspec import UNSET, Meta, UnsetType, structs

from api.etags import etag_of, held_as_named, row_state
from api.genauth.base import IN_OPERATION, Command, Operation, Paged, Query, page_of
from api.genauth.errors import no_namespace
from api.genauth.lookups import like
from api.genauth.wire import (
    NewCode,
    Page,
    Paging,
    Shape,
    Text,
    Texts,
    Validity,
    Words,
    iso,
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

MOST = 50
MOST_DELETED = 10
Code: TypeAlias = Annotated[str, partial(NewCode, "namespace")]
Description: TypeAlias = Annotated[str, Meta(max_length=200)]
DeletedCodesOf: TypeAlias = Annotated[Texts, Meta(max_length=MOST_DELETED)]


class NewNamespace(Shape):
    code: Code
    name: Text = ""
    description: Description = ""


class NewPermissionNamespace(Shape):
    code: Code
    name: Text
    description: Description = ""


class NewNamespaces(Shape):
    list_: Annotated[list[NewNamespace], Meta(min_length=1, max_length=MOST)]


class NewPermissionNamespaces(Shape):
    list_: Annotated[list[NewPermissionNamespace], Meta(min_length=1, max_length=MOST)]


class NamespaceCode(Shape):
    code: Text


class CodeList(Shape):
    code_list: Annotated[Texts, Words]


class Codes(Shape):
    codes: Annotated[Texts, Words]


class DeletedCodeList(Shape):
    code_list: DeletedCodesOf


class DeletedCodes(Shape):
    codes: DeletedCodesOf


class NamespaceChange(Shape):
    code: Text
    name: Text | UnsetType = UNSET
    new_code: Code | UnsetType = UNSET
    description: Description | UnsetType = UNSET


class Keywords(Paging):
    keywords: Text = ""


class QueryWords(Paging):
    query: Text = ""


class NamespaceKeywords(Keywords):
    code: Text


class NamespaceQueryWords(QueryWords):
    code: Text


class NamespaceParameters(Shape):
    code: Text = ""
    name: Text = ""


class NamespaceDto(Shape):
    code: str
    name: str
    description: str


class ChangedNamespace(Shape):
    """What was asked for."""

    code: str
    name: str | UnsetType = UNSET
    new_code: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


class ListedNamespace(NamespaceDto):
    status: Annotated[int, Meta(description="1 when it is enabled, else 0.")]


class NamespaceRole(Shape):
    id: str
    name: str
    code: str
    description: str
    namespace: str
    updated_at: str


class CreateNamespace(Command):
    """Create a namespace; without a name it is called by its code."""

    answers_etag = True
    needs = "authentik_rbac.add_namespace"

    def run(self, request: NewNamespace) -> NamespaceDto:
        return told(self, create_namespace(actor=self.caller, spec=spec(request)))


class CreatePermissionNamespace(Command):
    """Create a namespace."""

    answers_etag = True
    needs = "authentik_rbac.add_namespace"

    def run(self, request: NewPermissionNamespace) -> NamespaceDto:
        return told(self, create_namespace(actor=self.caller, spec=spec(request)))


class CreateNamespacesBatch(Command):
    """Create all of these namespaces or none."""

    needs = "authentik_rbac.add_namespace"

    def run(self, request: NewNamespaces) -> None:
        create_namespaces(actor=self.caller, specs=[spec(one) for one in request.list_])


class CreatePermissionNamespacesBatch(Command):
    """Create all of these namespaces or none."""

    needs = "authentik_rbac.add_namespace"

    def run(self, request: NewPermissionNamespaces) -> None:
        create_namespaces(actor=self.caller, specs=[spec(one) for one in request.list_])


class GetNamespace(Query):
    """One namespace by its code."""

    answers_etag = True
    needs = IN_OPERATION

    def run(self, request: NamespaceCode) -> NamespaceDto:
        return told(self, visible_namespace(self, request.code))


class GetPermissionNamespace(GetNamespace):
    pass


class GetNamespacesBatch(Query):
    """Unknown codes are left out."""

    needs = IN_OPERATION

    def run(self, request: CodeList) -> list[NamespaceDto]:
        rows = visible_namespaces(self).filter(code__in=request.code_list)
        return [namespace_dto(row) for row in rows]


class GetPermissionNamespacesBatch(Query):
    """Unknown codes are left out."""

    needs = IN_OPERATION

    def run(self, request: Codes) -> list[NamespaceDto]:
        rows = visible_namespaces(self).filter(code__in=request.codes)
        return [namespace_dto(row) for row in rows]


class UpdateNamespace(Command):
    """Change what is given, and answer it; an empty new code or name changes nothing."""

    answers_etag = honours_etag = True
    needs = IN_OPERATION

    def run(self, request: NamespaceChange) -> ChangedNamespace:
        told(self, change(self, request))
        return ChangedNamespace(**structs.asdict(request))


class UpdatePermissionNamespace(Command):
    """Change what is given, and answer the namespace; an empty new code or name changes nothing."""

    answers_etag = honours_etag = True
    needs = IN_OPERATION

    def run(self, request: NamespaceChange) -> NamespaceDto:
        return told(self, change(self, request))


class DeleteNamespace(Command):
    """With everything in it."""

    honours_etag = True
    needs = IN_OPERATION

    def run(self, request: NamespaceCode) -> None:
        namespace = visible_namespace(self, request.code)
        with held_as_named(self.request, namespace, for_good=True):
            delete(self, [namespace])


class DeletePermissionNamespace(DeleteNamespace):
    pass


class DeleteNamespacesBatch(Command):
    """With everything in them. Unknown codes are no error."""

    needs = IN_OPERATION

    def run(self, request: DeletedCodeList) -> None:
        delete(self, list(visible_namespaces(self).filter(code__in=request.code_list)))


class DeletePermissionNamespacesBatch(Command):
    """With everything in them; an unknown code is 404 and nothing is deleted."""

    needs = IN_OPERATION

    def run(self, request: DeletedCodes) -> None:
        namespaces = list(visible_namespaces(self).filter(code__in=request.codes))
        if len(namespaces) < len(set(request.codes)):
            raise no_namespace()
        delete(self, namespaces)


class ListNamespaces(Query):
    """Namespaces whose code or name holds the keywords."""

    needs = IN_OPERATION

    def run(self, request: Keywords) -> Page[ListedNamespace]:
        return page_of_namespaces(self, request.keywords, request)


class ListPermissionNamespaces(Query):
    """Namespaces whose code or name holds the words of the query."""

    needs = IN_OPERATION

    def run(self, request: QueryWords) -> Page[ListedNamespace]:
        return page_of_namespaces(self, request.query, request)


class ListNamespaceRoles(Query):
    """Roles of a namespace whose code or name holds the keywords."""

    needs = IN_OPERATION

    def run(self, request: NamespaceKeywords) -> Page[NamespaceRole]:
        return page_of_roles(self, request.code, request.keywords, request)


class ListPermissionNamespaceRoles(Query):
    """Roles of a namespace whose code or name holds the words of the query."""

    needs = IN_OPERATION

    def run(self, request: NamespaceQueryWords) -> Page[NamespaceRole]:
        return page_of_roles(self, request.code, request.query, request)


class CheckPermissionNamespaceExists(Command):
    """Whether the code and the name are free; says what is taken."""

    needs = "authentik_rbac.view_namespace"

    def run(self, request: NamespaceParameters) -> Validity:
        for field, value in structs.asdict(request).items():
            if value and Namespace.objects.filter(**{field: value}).exists():
                return validity(f"The {field} is taken.")
        return validity()


def spec(request: NewNamespace | NewPermissionNamespace) -> NamespaceSpec:
    return NamespaceSpec(
        code=request.code,
        name=request.name or request.code,
        description=request.description,
    )


def visible_namespaces(operation: Operation) -> QuerySet[Namespace]:
    return operation.visible(Namespace.objects.order_by("pk"))


def visible_namespace(operation: Operation, code: str) -> Namespace:
    namespace = visible_namespaces(operation).filter(code=code).first()
    if namespace is None:
        raise no_namespace()
    return namespace


def page_of_namespaces(operation: Operation, words: str, paging: Paged) -> Page[ListedNamespace]:
    rows = visible_namespaces(operation).filter(like(words, "code", "name"))
    return page_of(
        rows,
        paging,
        lambda row: ListedNamespace(
            code=row.code, name=row.name, description=row.description, status=int(row.is_enabled)
        ),
    )


def page_of_roles(
    operation: Operation, code: str, words: str, paging: Paged
) -> Page[NamespaceRole]:
    namespace = visible_namespace(operation, code)
    rows = operation.visible(Role.objects.public().filter(namespace=namespace))
    rows = rows.filter(like(words, "code", "name", "display_name"))
    rows = rows.select_related("namespace").order_by("created", "pk")
    return page_of(
        rows,
        paging,
        lambda role: NamespaceRole(
            id=role.hex_id,
            name=role.display_name or role.name,
            code=role.code,
            description=role.description,
            namespace=role.namespace.code,
            updated_at=iso(role.last_updated),
        ),
    )


def change(operation: Operation, request: NamespaceChange) -> Namespace:
    namespace = visible_namespace(operation, request.code)
    operation.require_each("change_namespace", [namespace])
    changes: dict[str, Any] = {
        "code": request.new_code or UNSET,
        "name": request.name or UNSET,
        "description": request.description,
    }
    sent = {name: value for name, value in changes.items() if value is not UNSET}
    with held_as_named(operation.request, namespace, for_good=False) as current:
        return update_namespace(namespace=current, actor=operation.caller, **sent)


def delete(operation: Operation, namespaces: Sequence[Namespace]) -> None:
    """What goes with a namespace needs the same right as if it went alone."""
    if not namespaces:
        return
    operation.require_each("delete_namespace", namespaces)
    codes = [namespace.code for namespace in namespaces]
    operation.require_each("delete_role", Role.objects.filter(namespace__in=namespaces))
    types = ResourceType.objects.filter(content_type__app_label__in=codes, built_in=False)
    operation.require_each("delete_resourcetype", types)
    delete_namespaces(namespaces=namespaces, actor=operation.caller)


def told(operation: Operation, row: Namespace) -> NamespaceDto:
    """One namespace, with its ETag."""
    operation.told = {"ETag": etag_of(row_state(row))}
    return namespace_dto(row)


def namespace_dto(row: Namespace) -> NamespaceDto:
    return NamespaceDto(code=row.code, name=row.name, description=row.description)
