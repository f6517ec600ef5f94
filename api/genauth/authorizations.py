"""What roles, users, groups and departments may do on resources, and who may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from accounts.models import Group, GroupKind, User
from api.genauth.base import IN_OPERATION, Command, Operation, Query
from api.genauth.lookups import (
    DEPARTMENT,
    GROUP,
    ROLE,
    TARGET_TYPES,
    USER,
    UserIdSerializer,
    code_of,
    group_by_code,
    namespace_by_code,
    role_by_code,
    targets,
    user_by_id,
)
from api.genauth.resources import KINDS, kind_of, short, split, typed, verb_of
from api.genauth.wire import (
    Choice,
    Paging,
    WireSerializer,
    Words,
    each,
    is_code,
    namespace,
    namespace_of,
    text,
)
from audit.errors import InvalidInput
from permissions import engine
from permissions.models import ResourceType
from permissions.operations import (
    GrantsByName,
    Principal,
    group_of,
    managed_key,
    replace_grants_by_name,
    unregistered,
)
from permissions.queries import ResourceGrants, held_grants, holders_of, own_grants
from roles.models import DEFAULT_NAMESPACE, Role

MOST_ITEMS = 10
MOST_TARGETS = 100
MOST_RESOURCES = 50
MOST_ACTIONS = 50
ALLOW = "ALLOW"


class ResourceActionsSerializer(WireSerializer):
    """``code`` is a resource, ``ecs:42``, or all of a code, ``ecs:*`` or ``ecs``."""

    code = text()
    resource_type = Choice(choices=KINDS, required=False)
    actions = serializers.ListField(child=text(), max_length=MOST_ACTIONS)


class AuthorizationSerializer(WireSerializer):
    target_type = Choice(choices=TARGET_TYPES)
    target_identifiers = serializers.ListField(child=text(), max_length=MOST_TARGETS)
    resources = each(ResourceActionsSerializer, most=MOST_RESOURCES)


class AuthorizationsSerializer(WireSerializer):
    namespace = namespace()
    list_ = each(AuthorizationSerializer, most=MOST_ITEMS)


class AuthorizedFilterSerializer(WireSerializer):
    namespace = namespace()
    resource_type = Choice(choices=KINDS, required=False)


class TargetFilterSerializer(AuthorizedFilterSerializer):
    """``resource_list`` holds beginnings of resources."""

    target_type = Choice(choices=TARGET_TYPES)
    target_identifier = text()
    resource_list = Words(child=text(), required=False, min_length=1, max_length=MOST_RESOURCES)
    with_denied = serializers.BooleanField(required=False)


class CodeFilterSerializer(AuthorizedFilterSerializer):
    code = text()


class UserFilterSerializer(UserIdSerializer, AuthorizedFilterSerializer):
    pass


class ResourceTargetsSerializer(Paging):
    resource = text()
    namespace = namespace()
    target_type = Choice(choices=TARGET_TYPES, required=False)


class AuthorizedResourceSerializer(WireSerializer):
    """``effect`` is always ``ALLOW``: there are no denials."""

    resource_code = serializers.CharField()
    resource_type = serializers.ChoiceField(choices=KINDS)
    actions = serializers.ListField(child=serializers.CharField())
    api_identifier = serializers.CharField()
    effect = serializers.CharField()
    description = serializers.CharField()
    condition = serializers.ListField(child=serializers.DictField())


class AuthorizedTargetSerializer(WireSerializer):
    target_type = serializers.ChoiceField(choices=TARGET_TYPES)
    target_identifier = serializers.CharField()
    actions = serializers.ListField(child=serializers.CharField())


class AuthorizeResources(Command):
    """What each target may do on each resource becomes exactly the listed actions.

    An empty list takes everything away there. Resources need not exist; resource codes and actions
    that do not are registered, by whoever may register resource types.
    """

    needs = IN_OPERATION
    accepts = AuthorizationsSerializer

    def run(self, given: dict[str, Any]) -> None:
        space = namespace_of(given)
        namespace_by_code(space)
        wishes = list(self._wishes(space, given["list_"]))
        self._require_rights({wish.principal for wish in wishes})
        found = unregistered(wishes)
        if found.labels:
            self.require_globally("permissions.add_resourcetype")
        if found.lacking:
            self.require("change_resourcetype", found.lacking)
        replace_grants_by_name(grants=wishes, actor=self.caller)

    def _wishes(self, space: str, items: Sequence[dict[str, Any]]) -> Iterator[GrantsByName]:
        named = [
            [
                {"target_type": item["target_type"], "target_identifier": identifier}
                for identifier in item["target_identifiers"]
            ]
            for item in items
        ]
        everybody = [target for targets_of_item in named for target in targets_of_item]
        found = iter(targets(self, everybody, namespace=space))
        for item, targets_of_item in zip(items, named, strict=True):
            principals = [next(found) for _ in targets_of_item]
            for resource in item["resources"]:
                for principal in principals:
                    yield _wish(space, principal, resource)

    def _require_rights(self, principals: Iterable[Principal]) -> None:
        """To replace is to give and to take."""
        users = [one for one in principals if isinstance(one, User)]
        roles = [one for one in principals if isinstance(one, Role)]
        for verb in ("assign", "unassign"):
            self.require(f"{verb}_user_permissions", users)
            self.require(f"{verb}_role_permissions", roles)
            if len(users) + len(roles) < len(list(principals)):
                self.require_globally(f"authentik_rbac.{verb}_role_permissions")


class AuthorizedResources(Query):
    """Base of the lists of what somebody is authorized to, in one namespace."""

    needs = IN_OPERATION
    answers = AuthorizedResourceSerializer
    paged = True

    def listed(self, given: dict[str, Any], types: dict[int, ResourceType], rows: Any) -> Any:
        return [
            described(types[row.content_type_id], row)
            for row in rows
            if given.get("resource_type") in (None, kind_of(types[row.content_type_id]))
        ]

    def describe(self, row: Any) -> Any:
        return row


class GetAuthorizedResources(AuthorizedResources):
    """What the target was authorized to itself."""

    accepts = TargetFilterSerializer

    def run(self, given: dict[str, Any]) -> Any:
        space = namespace_of(given)
        types = types_of(space)
        [principal] = targets(self, [given], namespace=space)
        rows = self.listed(given, types, own(principal, types))
        beginnings = tuple(given.get("resource_list", ("",)))
        return self.whole([row for row in rows if row["resourceCode"].startswith(beginnings)])


class GetRoleAuthorizedResources(AuthorizedResources):
    accepts = CodeFilterSerializer

    def run(self, given: dict[str, Any]) -> Any:
        space = namespace_of(given)
        types = types_of(space)
        role = role_by_code(self, space, given["code"])
        return self.whole(self.listed(given, types, own(role, types)))


class GetGroupAuthorizedResources(AuthorizedResources):
    accepts = CodeFilterSerializer
    paged = False
    many = True

    def run(self, given: dict[str, Any]) -> Any:
        types = types_of(namespace_of(given))
        group = group_by_code(self, given["code"])
        return self.listed(given, types, own(group, types))


class GetUserAuthorizedResources(AuthorizedResources):
    """By grants of its own, of its groups and departments, and of every role it holds."""

    accepts = UserFilterSerializer

    def run(self, given: dict[str, Any]) -> Any:
        types = types_of(namespace_of(given))
        user = user_by_id(self, given)
        return self.whole(self.listed(given, types, held_grants(user, types=types)))


class GetResourceAuthorizedTargets(Command):
    """Who was authorized to a resource or to all of its code; for a code, to any part of it.

    Targets that the caller may not view are left out.
    """

    needs = IN_OPERATION
    accepts = ResourceTargetsSerializer
    answers = AuthorizedTargetSerializer
    paged = True

    def run(self, given: dict[str, Any]) -> Any:
        space = namespace_of(given)
        code, key = split(given["resource"])
        kind = {row.content_type.model: row for row in types_of(space).values()}.get(code)
        actions: dict[Any, set[str]] = defaultdict(set)
        if kind is not None:
            for holder, codename in holders_of(kind.pk, key):
                actions[holder].add(short(kind, codename))
        found = self._seen(set(actions))
        wanted = given.get("target_type")
        rows = [
            {"targetType": name, "targetIdentifier": identifier, "actions": sorted(actions[holder])}
            for holder, (name, identifier) in found.items()
            if wanted in (None, name)
        ]
        rows.sort(key=lambda row: (row["targetType"], row["targetIdentifier"]))
        return self.page(rows, given)

    def describe(self, row: Any) -> Any:
        return row

    def _seen(self, holders: set[tuple[str, Any]]) -> dict[tuple[str, Any], tuple[str, str]]:
        """Type and identifier of the holders that the caller may view."""
        users = {pk for table, pk in holders if table == "user"}
        roles = {pk for table, pk in holders if table == "role"}
        found: dict[tuple[str, Any], tuple[str, str]] = {
            ("user", user.pk): (USER, user.hex_id)
            for user in seen(self, User.objects.filter(pk__in=users))
        }
        public = Role.objects.public().filter(pk__in=roles).select_related("namespace")
        for role in seen(self, public):
            found["role", role.pk] = (ROLE, qualified(role))
        managed = Role.objects.filter(pk__in=roles, managed__isnull=False)
        role_of = {group_of(key): pk for pk, key in managed.values_list("pk", "managed") if key}
        keys = [key for key in role_of if key is not None]
        for group in seen(self, Group.objects.filter(pk__in=keys)):
            is_department = group.kind == GroupKind.DEPARTMENT
            named = (DEPARTMENT, group.hex_id) if is_department else (GROUP, code_of(group))
            found["role", role_of[group.pk]] = named
        return found


def seen(operation: Operation, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Visible rows, none where none may be viewed."""
    return engine.visible(rows, user=operation.caller).rows


def qualified(role: Role) -> str:
    """The code; with its namespace before it where that is not the one everybody means."""
    space = role.namespace.code
    return role.code if space == DEFAULT_NAMESPACE else f"{space}:{role.code}"


def types_of(space: str) -> dict[int, ResourceType]:
    namespace_by_code(space)
    return {row.pk: row for row in typed([space])}


def own(principal: Principal, types: Iterable[int]) -> list[ResourceGrants]:
    """What was granted to the target itself; to a group, by way of its own role."""
    if not isinstance(principal, Group):
        return own_grants(principal, types=types)
    role = Role.objects.filter(managed=managed_key(principal)).first()
    return [] if role is None else own_grants(role, types=types)


def described(kind: ResourceType, row: ResourceGrants) -> dict[str, Any]:
    code = kind.content_type.model
    return {
        "resourceCode": f"{code}:{'*' if row.object_pk is None else row.object_pk}",
        "resourceType": kind_of(kind),
        "actions": [short(kind, codename) for codename in row.codenames],
        "apiIdentifier": str(kind.properties.get("api_identifier", "")),
        "effect": ALLOW,
        "description": str(kind.properties.get("description", "")),
        "condition": [],
    }


def _wish(space: str, principal: Principal, resource: dict[str, Any]) -> GrantsByName:
    code, key = split(resource["code"])
    if not is_code(code):
        raise InvalidInput(fields={"resources": [f"invalid resource code: {code}"]})
    return GrantsByName(
        principal=principal,
        label=f"{space}.{code}",
        object_pk=key,
        actions=tuple(verb_of(code, action) for action in resource["actions"]),
        properties={"type": resource.get("resource_type", KINDS[0])},
    )
