"""Resource types by the codes of this protocol: ``ecs`` in namespace ``shop`` is ``shop.ecs``.

``ecs:42`` is its resource 42, ``ecs:*`` and ``ecs`` alone all of them; the action ``ecs:Start`` is
its permission ``Start``. The types are open: resources need not be registered to be granted or
asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Prefetch, Q, QuerySet
from rest_framework import serializers

from api.genauth.base import IN_OPERATION, Command, Operation, Query
from api.genauth.errors import Missing
from api.genauth.lookups import namespace_by_code, namespaces_by_code
from api.genauth.wire import (
    Choice,
    NewCode,
    Paging,
    WireSerializer,
    Words,
    each,
    namespace,
    namespace_of,
    optional,
    text,
)
from audit.errors import InvalidInput
from permissions.models import ResourceMode, ResourceType
from permissions.operations import (
    ActionSpec,
    TypeSpec,
    create_types,
    delete_types,
    update_type,
)

DATA = "DATA"
KINDS = (DATA, "API", "MENU", "BUTTON", "UI")
MOST = 50
MOST_ACTIONS = 100
LONGEST_ACTION = 100
EVERY = "*"


class ActionSerializer(WireSerializer):
    name = text()
    description = optional()


class NewResourceOfListSerializer(WireSerializer):
    code = NewCode("resource")
    type = Choice(choices=KINDS)
    name = optional()
    description = optional(1000)
    actions = serializers.ListField(
        child=ActionSerializer(), required=False, max_length=MOST_ACTIONS
    )
    api_identifier = optional(2000)


class NewResourceSerializer(NewResourceOfListSerializer):
    namespace = namespace()


class NewResourcesSerializer(WireSerializer):
    namespace = namespace()
    list_ = each(NewResourceOfListSerializer, most=MOST)


class ResourceCodeSerializer(WireSerializer):
    code = text()
    namespace = namespace()


class ResourceCodesSerializer(WireSerializer):
    code_list = Words(child=text(), min_length=1, max_length=MOST)
    namespace = namespace()


class ResourceFilterSerializer(Paging):
    namespace = namespace()
    type = Choice(choices=KINDS, required=False)


class ResourceChangeSerializer(ResourceCodeSerializer):
    type = Choice(choices=KINDS, required=False)
    name = optional()
    description = optional(1000)
    actions = serializers.ListField(
        child=ActionSerializer(), required=False, max_length=MOST_ACTIONS
    )
    api_identifier = optional(2000)


class DeletedResourcesSerializer(WireSerializer):
    """By codes, or by ids, which are the codes here too."""

    namespace = namespace()
    code_list = serializers.ListField(child=text(), required=False, max_length=MOST)
    ids = serializers.ListField(child=text(), required=False, max_length=MOST)


class ResourceSerializer(WireSerializer):
    code = serializers.CharField()
    type = serializers.ChoiceField(choices=KINDS)
    name = serializers.CharField()
    description = serializers.CharField()
    actions = ActionSerializer(many=True)
    api_identifier = serializers.CharField()
    namespace = serializers.CharField()
    linked_to_tenant = serializers.BooleanField()


class CreateResource(Command):
    needs = "permissions.add_resourcetype"
    accepts = NewResourceSerializer
    answers = ResourceSerializer

    def run(self, given: dict[str, Any]) -> Any:
        space = namespace_of(given)
        namespaces_by_code([space])
        create_types(actor=self.caller, specs=[spec(space, given)])
        return described(typed([space]).get(content_type__model=given["code"]))


class CreateResourcesBatch(Command):
    needs = "permissions.add_resourcetype"
    accepts = NewResourcesSerializer

    def run(self, given: dict[str, Any]) -> None:
        space = namespace_of(given)
        namespaces_by_code([space])
        create_types(actor=self.caller, specs=[spec(space, one) for one in given["list_"]])


class GetResource(Query):
    needs = IN_OPERATION
    accepts = ResourceCodeSerializer
    answers = ResourceSerializer

    def run(self, given: dict[str, Any]) -> Any:
        return described(visible_type(self, namespace_of(given), given["code"]))


class GetResourcesBatch(Query):
    """Unknown codes are left out."""

    needs = IN_OPERATION
    accepts = ResourceCodesSerializer
    answers = ResourceSerializer
    many = True

    def run(self, given: dict[str, Any]) -> Any:
        rows = visible_types(self, namespace_of(given))
        return [described(row) for row in rows.filter(content_type__model__in=given["code_list"])]


class ListResources(Query):
    needs = IN_OPERATION
    accepts = ResourceFilterSerializer
    answers = ResourceSerializer
    paged = True

    def run(self, given: dict[str, Any]) -> Any:
        rows = visible_types(self, namespace_of(given))
        if "type" in given:
            of_kind = Q(properties__type=given["type"])
            # Types of other protocols have no kind, and are shown as data.
            none = ~Q(properties__has_key="type") if given["type"] == DATA else Q(pk__in=())
            rows = rows.filter(of_kind | none)
        return self.page(rows, given)

    def describe(self, row: ResourceType) -> Any:
        return described(row)


class UpdateResource(Command):
    """Actions that are left out of ``actions`` go, with every grant of them."""

    needs = IN_OPERATION
    accepts = ResourceChangeSerializer
    answers = ResourceSerializer

    def run(self, given: dict[str, Any]) -> Any:
        space, code = namespace_of(given), given["code"]
        row = visible_type(self, space, code)
        self.require("change_resourcetype", [row])
        sent = ("type", "description", "api_identifier")
        properties = {**row.properties, **{name: given[name] for name in sent if name in given}}
        update_type(
            type=row,
            actor=self.caller,
            verbose_name=given.get("name") or row.verbose_name,
            properties=properties,
            actions=actions_of(code, given["actions"]) if "actions" in given else None,
        )
        return described(visible_type(self, space, code))


class DeleteResource(Command):
    """With its resources and every grant on them. What does not exist is no error."""

    needs = IN_OPERATION
    accepts = ResourceCodeSerializer

    def run(self, given: dict[str, Any]) -> None:
        delete(self, namespace_of(given), [given["code"]])


class DeleteResourcesBatch(Command):
    needs = IN_OPERATION
    accepts = DeletedResourcesSerializer

    def run(self, given: dict[str, Any]) -> None:
        codes = [*given.get("code_list", ()), *given.get("ids", ())]
        if not codes:
            raise InvalidInput(fields={"codeList": ["This list may not be empty."]})
        delete(self, namespace_of(given), codes)


def delete(operation: Operation, space: str, codes: Sequence[str]) -> None:
    rows = list(visible_types(operation, space).filter(content_type__model__in=codes))
    operation.require("delete_resourcetype", rows)
    delete_types(types=rows, actor=operation.caller)


# From words to types and actions


def spec(space: str, given: dict[str, Any]) -> TypeSpec:
    code = given["code"]
    return TypeSpec(
        label=f"{space}.{code}",
        verbose_name=given.get("name") or code,
        actions=actions_of(code, given.get("actions", ())),
        properties={
            "type": given["type"],
            "description": given.get("description", ""),
            "api_identifier": given.get("api_identifier", ""),
        },
        mode=ResourceMode.OPEN,
    )


def actions_of(code: str, given: Iterable[dict[str, Any]]) -> tuple[ActionSpec, ...]:
    """``code:*`` stands for every action and is none itself."""
    named = {
        verb: action.get("description") or f"{code}:{verb}"
        for action in given
        if (verb := verb_of(code, action["name"])) != EVERY
    }
    return tuple(ActionSpec(name=verb, verbose_name=words) for verb, words in named.items())


def verb_of(code: str, action: str) -> str:
    """``Start`` from ``ecs:Start`` or from ``Start``; the prefix must be the resource's code."""
    prefix, colon, verb = action.partition(":")
    if not colon:
        verb = action
    elif prefix != code:
        raise _bad_action(f"The action {action} belongs to another resource than {code}.")
    if not verb or len(verb) > LONGEST_ACTION or any(letter.isspace() for letter in verb):
        raise _bad_action(f"invalid action: {action}")
    return verb


def _bad_action(message: str) -> InvalidInput:
    return InvalidInput(fields={"actions": [message]})


def split(resource: str) -> tuple[str, str | None]:
    """Code and key of ``ecs:42``; no key for ``ecs:*`` and ``ecs``."""
    code, _, key = resource.partition(":")
    return code, None if key in ("", EVERY) else key


def typed(spaces: Iterable[str]) -> QuerySet[ResourceType]:
    """The types of namespaces, with their actions."""
    actions = Prefetch("content_type__permission_set", Permission.objects.order_by("pk"))
    rows = ResourceType.objects.filter(content_type__app_label__in=list(spaces), built_in=False)
    return rows.select_related("content_type").prefetch_related(actions).order_by("pk")


def visible_types(operation: Operation, space: str) -> QuerySet[ResourceType]:
    namespace_by_code(space)
    return operation.visible(typed([space]))


def visible_type(operation: Operation, space: str, code: str) -> ResourceType:
    found = visible_types(operation, space).filter(content_type__model=code).first()
    if found is None:
        raise Missing("resource does not exist")
    return found


def kind_of(row: ResourceType) -> str:
    return str(row.properties.get("type", DATA))


def short(row: ResourceType, codename: str) -> str:
    """The action's word for a codename; other protocols name it ``approve_invoice``."""
    code = row.content_type.model
    return f"{code}:{codename.removesuffix(f'_{code}')}"


def described(row: ResourceType) -> dict[str, Any]:
    return {
        "code": row.content_type.model,
        "type": kind_of(row),
        "name": row.verbose_name,
        "description": str(row.properties.get("description", "")),
        "actions": [
            {"name": short(row, permission.codename), "description": permission.name}
            for permission in row.content_type.permission_set.all()
        ],
        "apiIdentifier": str(row.properties.get("api_identifier", "")),
        "namespace": row.content_type.app_label,
        "linkedToTenant": False,
    }
