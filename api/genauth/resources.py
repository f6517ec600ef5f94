"""Resource types by the codes of this protocol: ``ecs`` in namespace ``shop`` is ``shop.ecs``.

``ecs:42`` is its resource 42, ``ecs:*`` and ``ecs`` alone all of them; the action ``ecs:Start`` is
its permission ``Start``. The types are open: resources need not be registered to be granted or
asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Literal, TypeAlias

from django.contrib.auth.models import Permission
from django.db.models import Prefetch, Q, QuerySet
from msgspec import UNSET, Meta, UnsetType

from api.genauth.base import IN_OPERATION, Command, Operation, Query, page_of
from api.genauth.lookups import namespace_by_code, namespaces_by_code
from api.genauth.wire import (
    NamespaceCode,
    NewCode,
    Page,
    Paging,
    Shape,
    Text,
    Texts,
    Words,
)
from audit.errors import InvalidInput, NotFound
from permissions.engine import is_word
from permissions.models import ResourceMode, ResourceType
from permissions.operations import (
    ActionSpec,
    TypeSpec,
    create_types,
    delete_types,
    update_type,
)
from roles.models import DEFAULT_NAMESPACE

MOST = 50
MOST_ACTIONS = 100
MOST_DIVIDERS = 30
LONGEST_ACTION = 100
EVERY = "*"
Kind: TypeAlias = Literal["DATA", "API", "MENU", "BUTTON", "UI"]
Description: TypeAlias = Annotated[str, Meta(max_length=1000)]
APIIdentifier: TypeAlias = Annotated[str, Meta(max_length=2000)]


class Action(Shape):
    name: Text
    description: Text = ""


Actions: TypeAlias = Annotated[list[Action], Meta(max_length=MOST_ACTIONS)]


class NewResourceOfList(Shape):
    code: Annotated[str, partial(NewCode, "resource")]
    type: Kind
    name: Text = ""
    description: Description = ""
    actions: Actions = []
    api_identifier: APIIdentifier = ""


class NewResource(NewResourceOfList):
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class NewResources(Shape):
    namespace: NamespaceCode = DEFAULT_NAMESPACE
    list_: Annotated[list[NewResourceOfList], Meta(min_length=1, max_length=MOST)]


class ResourceCode(Shape):
    code: Text
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class ResourceCodes(Shape):
    code_list: Annotated[Texts, Words]
    namespace: NamespaceCode = DEFAULT_NAMESPACE


class ResourceFilter(Paging):
    namespace: NamespaceCode = DEFAULT_NAMESPACE
    type: Kind | None = None


class ResourceChange(ResourceCode):
    type: Kind | UnsetType = UNSET
    name: Text = ""
    description: Description | UnsetType = UNSET
    actions: Actions | UnsetType = UNSET
    api_identifier: APIIdentifier | UnsetType = UNSET


class DeletedResources(Shape):
    """By codes, or by ids, which are the codes here too."""

    namespace: NamespaceCode = DEFAULT_NAMESPACE
    code_list: Annotated[list[Text], Meta(max_length=MOST)] = []
    ids: Annotated[list[Text], Meta(max_length=MOST)] = []


class Resource(Shape):
    code: str
    type: Kind
    name: str
    description: str
    actions: list[Action]
    api_identifier: str
    namespace: str
    linked_to_tenant: bool


class CreateResource(Command):
    """Register a resource type with its actions."""

    needs = "permissions.add_resourcetype"

    def run(self, request: NewResource) -> Resource:
        space = request.namespace
        namespaces_by_code(self, [space])
        create_types(actor=self.caller, specs=[spec(space, request)])
        return resource(typed(space).get(content_type__model=request.code))


class CreateResourcesBatch(Command):
    """Register all of these resource types or none."""

    needs = "permissions.add_resourcetype"

    def run(self, request: NewResources) -> None:
        space = request.namespace
        namespaces_by_code(self, [space])
        create_types(actor=self.caller, specs=[spec(space, one) for one in request.list_])


class GetResource(Query):
    """One resource type by its code."""

    needs = IN_OPERATION

    def run(self, request: ResourceCode) -> Resource:
        return resource(visible_type(self, request.namespace, request.code))


class GetResourcesBatch(Query):
    """Unknown codes are left out."""

    needs = IN_OPERATION

    def run(self, request: ResourceCodes) -> list[Resource]:
        rows = visible_types(self, request.namespace)
        rows = rows.filter(content_type__model__in=request.code_list)
        return [resource(row) for row in rows]


class ListResources(Query):
    """The resource types of a namespace, or those of one kind."""

    needs = IN_OPERATION

    def run(self, request: ResourceFilter) -> Page[Resource]:
        rows = visible_types(self, request.namespace)
        if request.type is not None:
            of_kind = Q(properties__type=request.type)
            if request.type == "DATA":
                # Types of other protocols have no kind, and are shown as data.
                of_kind |= ~Q(properties__has_key="type")
            rows = rows.filter(of_kind)
        return page_of(rows, request, resource)


class UpdateResource(Command):
    """Actions that are left out of ``actions`` go, with every grant of them."""

    needs = IN_OPERATION

    def run(self, request: ResourceChange) -> Resource:
        space, code, actions = request.namespace, request.code, request.actions
        row = visible_type(self, space, code)
        self.require_each("change_resourcetype", [row])
        properties = {
            "type": request.type,
            "description": request.description,
            "api_identifier": request.api_identifier,
        }
        sent = {name: value for name, value in properties.items() if value is not UNSET}
        update_type(
            type=row,
            actor=self.caller,
            verbose_name=request.name or row.verbose_name,
            properties={**row.properties, **sent},
            actions=None if actions is UNSET else actions_of(code, actions),
            drop_grants=True,
        )
        return resource(visible_type(self, space, code))


class DeleteResource(Command):
    """With its resources and every grant on them. What does not exist is no error."""

    needs = IN_OPERATION

    def run(self, request: ResourceCode) -> None:
        delete(self, request.namespace, [request.code])


class DeleteResourcesBatch(Command):
    """With their resources and every grant on them. What does not exist is no error."""

    needs = IN_OPERATION

    def run(self, request: DeletedResources) -> None:
        codes = [*request.code_list, *request.ids]
        if not codes:
            raise InvalidInput(fields={"codeList": ["This list may not be empty."]})
        delete(self, request.namespace, codes)


def delete(operation: Operation, space: str, codes: Sequence[str]) -> None:
    rows = list(visible_types(operation, space).filter(content_type__model__in=codes))
    operation.require_each("delete_resourcetype", rows)
    delete_types(types=rows, actor=operation.caller)


# From words to types and actions


def spec(space: str, request: NewResourceOfList) -> TypeSpec:
    return TypeSpec(
        label=f"{space}.{request.code}",
        verbose_name=request.name or request.code,
        actions=actions_of(request.code, request.actions),
        properties={
            "type": request.type,
            "description": request.description,
            "api_identifier": request.api_identifier,
        },
        mode=ResourceMode.OPEN,
    )


def actions_of(code: str, actions: Iterable[Action]) -> tuple[ActionSpec, ...]:
    """``code:*`` stands for every action and is none itself."""
    by_verb = {
        verb: action.description or f"{code}:{verb}"
        for action in actions
        if (verb := verb_of(code, action.name)) != EVERY
    }
    return tuple(
        ActionSpec(name=verb, verbose_name=words, renames=True) for verb, words in by_verb.items()
    )


def verb_of(code: str, action: str) -> str:
    """``Start`` from ``ecs:Start`` or from ``Start``; the prefix must be the resource's code."""
    verb = action.removeprefix(f"{code}:")
    if ":" in action and verb == action:
        message = f"The action {action} belongs to another resource than {code}."
        raise InvalidInput(fields={"actions": [f"{message} Or is it {code}:{action}?"]})
    if not is_word(verb, longest=LONGEST_ACTION):
        raise InvalidInput(f"invalid action: {action}")
    return verb


def split(resource: str, *, dividers: str = ":") -> tuple[str, str | None]:
    """Code and key of ``ecs:42``; no key for ``ecs:*`` and ``ecs``."""
    return _divided(resource, next(_ends(resource, dividers)))


def split_known(
    space: str, resources: Iterable[str], *, dividers: str = ":"
) -> dict[str, tuple[str, str | None]]:
    """As ``split``, but for types of other doors too, whose names may have dividers; one statement.

    The first divider counts where a type goes by what stands before it, else the end of the longest
    code of a type.
    """
    ends = {one: list(_ends(one, dividers)) for one in resources}
    rows = ResourceType.objects.filter(
        content_type__app_label=space,
        content_type__model__in={one[:end] for one, several in ends.items() for end in several},
    )
    known = set(rows.values_list("content_type__model", flat=True))
    found = {}
    for one, (first, *further) in ends.items():
        longer = [end for end in further if one[:end] in known and one[:first] not in known]
        found[one] = _divided(one, max(longer, default=first))
    return found


def _ends(resource: str, dividers: str) -> Iterator[int]:
    """Where the code may end: at the dividers in their order, or nowhere."""
    ends = (n for n, letter in enumerate(resource) if letter in dividers)
    yield from islice(ends, MOST_DIVIDERS)
    yield len(resource)


def _divided(resource: str, end: int) -> tuple[str, str | None]:
    key = resource[end + 1 :]
    return resource[:end], None if key in ("", EVERY) else key


def typed(space: str) -> QuerySet[ResourceType]:
    """The types of a namespace, with their actions."""
    actions = Prefetch("content_type__permission_set", Permission.objects.order_by("pk"))
    rows = ResourceType.objects.filter(content_type__app_label=space, built_in=False)
    return rows.select_related("content_type").prefetch_related(actions).order_by("pk")


def visible_types(operation: Operation, space: str) -> QuerySet[ResourceType]:
    namespace_by_code(operation, space)
    return operation.visible(typed(space))


def visible_type(operation: Operation, space: str, code: str) -> ResourceType:
    row = visible_types(operation, space).filter(content_type__model=code).first()
    if row is None:
        raise NotFound("resource does not exist")
    return row


def kind_of(row: ResourceType) -> Kind:
    return row.properties.get("type", "DATA")


def short(code: str, codename: str) -> str:
    """The action's word for a codename; other protocols name it ``approve_invoice``."""
    return f"{code}:{codename.removesuffix(f'_{code}')}"


def resource(row: ResourceType) -> Resource:
    code = row.content_type.model
    return Resource(
        code=code,
        type=kind_of(row),
        name=row.verbose_name,
        description=str(row.properties.get("description", "")),
        actions=[
            Action(name=short(code, permission.codename), description=permission.name)
            for permission in row.content_type.permission_set.all()
        ],
        api_identifier=str(row.properties.get("api_identifier", "")),
        namespace=row.content_type.app_label,
        linked_to_tenant=False,
    )
