"""What roles, users, groups and departments may do on resources, and who may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from msgspec import Meta

from accounts.models import Group, User
from api.genauth.base import IN_OPERATION, ROW, Command, Operation, Query, whole
from api.genauth.lookups import (
    Target,
    TargetName,
    TargetType,
    UserIdType,
    group_by_code,
    namespace_by_code,
    principals_by_name,
    role_by_code,
    target_of,
    user_by_id,
)
from api.genauth.resources import EVERY, Kind, kind_of, short, split_known, typed, verb_of
from api.genauth.wire import NamespaceCode, Page, Paging, Shape, Text, Texts, Words, is_code
from audit.errors import InvalidInput
from permissions import engine
from permissions.engine import find_types
from permissions.models import ResourceType
from permissions.operations import (
    GrantsByName,
    Principal,
    replace_grants_by_name,
    unregistered,
)
from permissions.queries import Holder, ResourceGrants, held_grants, holders_of, own_grants
from roles.models import DEFAULT_NAMESPACE, Role

MOST_ITEMS = 10
MOST_TARGETS = 100
MOST_RESOURCES = 50
MOST_ACTIONS = 50


class ResourceActions(Shape):
    """``code`` is a resource, ``ecs:42``, or all of a code, ``ecs:*`` or ``ecs``."""

    code: Text
    resource_type: Kind = "DATA"
    actions: Annotated[list[Text], Meta(max_length=MOST_ACTIONS)]


class Authorization(Shape):
    target_type: TargetType
    target_identifiers: Annotated[list[Text], Meta(max_length=MOST_TARGETS)]
    resources: Annotated[list[ResourceActions], Meta(min_length=1, max_length=MOST_RESOURCES)]

    def names_in(self, namespace: str) -> list[TargetName]:
        return [
            Target(target_type=self.target_type, target_identifier=one).name_in(namespace)
            for one in self.target_identifiers
        ]


class Authorizations(Shape):
    namespace: NamespaceCode = DEFAULT_NAMESPACE
    list_: Annotated[list[Authorization], Meta(min_length=1, max_length=MOST_ITEMS)]


class AuthorizedFilter(Shape):
    namespace: NamespaceCode = DEFAULT_NAMESPACE
    resource_type: Kind | None = None


class TargetFilter(AuthorizedFilter):
    """``resource_list`` holds beginnings of resources."""

    target_type: TargetType
    target_identifier: Text
    resource_list: Annotated[Texts, Words] | None = None
    with_denied: bool = False


class CodeFilter(AuthorizedFilter):
    code: Text


class UserFilter(AuthorizedFilter):
    user_id: Text
    user_id_type: UserIdType = "user_id"


class ResourceTargets(Paging):
    resource: Text
    namespace: NamespaceCode = DEFAULT_NAMESPACE
    target_type: TargetType | None = None


class AuthorizedResource(Shape):
    """``effect`` is always ``ALLOW``: there are no denials."""

    resource_code: str
    resource_type: Kind
    actions: list[str]
    api_identifier: str
    effect: str
    description: str
    condition: list[dict[str, object]]


class AuthorizedTarget(Shape):
    target_type: TargetType
    target_identifier: str
    actions: list[str]


class AuthorizeResources(Command):
    """What each target may do on each resource becomes exactly the listed actions.

    An empty list takes everything away there. Resources need not exist; resource codes and actions
    that do not are registered, by whoever may register resource types.
    """

    needs = IN_OPERATION

    def run(self, request: Authorizations) -> None:
        grants = list(self.grants(request))
        self.require_rights({one.principal for one in grants})
        missing = unregistered(grants)
        if missing.labels:
            self.require_globally("permissions.add_resourcetype")
        if any(one.actions for one in grants):
            # Whoever gets here may make types, or names some that are there.
            namespace_by_code(self, request.namespace)
        if missing.lacking:
            self.require_each("change_resourcetype", missing.lacking)
        replace_grants_by_name(grants=grants, actor=self.caller)

    def grants(self, request: Authorizations) -> Iterator[GrantsByName]:
        space = request.namespace
        names = {name for item in request.list_ for name in item.names_in(space)}
        principals = principals_by_name(self, names)
        asked = [resource for item in request.list_ for resource in item.resources]
        parts = split_known(space, {resource.code for resource in asked})
        whole = self.known_whole(space, asked)
        types = find_types(f"{space}.{code}" for code, _ in parts.values())
        for item in request.list_:
            for resource in item.resources:
                code, key = parts[resource.code]
                if not is_code(code) and f"{space}.{code}" not in types:
                    raise InvalidInput(f"invalid resource code: {code}")
                for name in item.names_in(space):
                    yield GrantsByName(
                        principal=principals[name],
                        label=f"{space}.{code}",
                        object_pk=key,
                        actions=tuple(
                            action if (code, action) in whole else verb_of(code, action)
                            for action in resource.actions
                        ),
                        properties={"type": resource.resource_type},
                    )

    def known_whole(self, space: str, asked: list[ResourceActions]) -> set[tuple[str, str]]:
        """Code and action, where other doors named actions with colons: these are found first."""
        names = {action for one in asked for action in one.actions if ":" in action}
        found = Permission.objects.filter(content_type__app_label=space, codename__in=names)
        return set(found.values_list("content_type__model", "codename")) if names else set()

    def require_rights(self, principals: set[Principal]) -> None:
        """To replace is to give and to take."""
        users = [one for one in principals if isinstance(one, User)]
        roles = [one for one in principals if isinstance(one, Role)]
        for verb in ("assign", "unassign"):
            self.require_each(f"{verb}_user_permissions", users)
            self.require_each(f"{verb}_role_permissions", roles)
            if len(users) + len(roles) < len(principals):
                # Grants of a group are kept in a role that nobody was given rights on.
                self.require_globally(f"authentik_rbac.{verb}_role_permissions")


class GetAuthorizedResources(Query):
    """What the target was authorized to itself."""

    needs = IN_OPERATION

    def run(self, request: TargetFilter) -> Page[AuthorizedResource]:
        types = types_of(self, request.namespace)
        target = Target(
            target_type=request.target_type, target_identifier=request.target_identifier
        )
        name = target.name_in(request.namespace)
        principal = principals_by_name(self, [name])[name]
        rows = authorized(request, types, own_grants(principal, types=types))
        beginnings = tuple(request.resource_list or [""])
        return whole(row for row in rows if row.resource_code.startswith(beginnings))


class GetRoleAuthorizedResources(Query):
    """What the role was authorized to itself."""

    needs = IN_OPERATION

    def run(self, request: CodeFilter) -> Page[AuthorizedResource]:
        types = types_of(self, request.namespace)
        role = role_by_code(self, request.namespace, request.code)
        return whole(authorized(request, types, own_grants(role, types=types)))


class GetGroupAuthorizedResources(Query):
    """What the group was authorized to itself."""

    needs = IN_OPERATION

    def run(self, request: CodeFilter) -> list[AuthorizedResource]:
        types = types_of(self, request.namespace)
        group = group_by_code(self, request.code)
        return list(authorized(request, types, own_grants(group, types=types)))


class GetUserAuthorizedResources(Query):
    """By grants of its own, of its groups and departments, and of every role it holds."""

    needs = IN_OPERATION

    def run(self, request: UserFilter) -> Page[AuthorizedResource]:
        types = types_of(self, request.namespace)
        user = user_by_id(self, request.user_id, request.user_id_type)
        return whole(authorized(request, types, held_grants(user, types=types)))


class GetResourceAuthorizedTargets(Command):
    """Who was authorized to a resource or to all of its code; for a code, to any part of it.

    Targets that the caller may not view are left out.
    """

    needs = IN_OPERATION

    def run(self, request: ResourceTargets) -> Page[AuthorizedTarget]:
        code, key = split_known(request.namespace, [request.resource])[request.resource]
        types = {row.content_type.model: row for row in types_of(self, request.namespace).values()}
        kind = types.get(code)
        holders = {} if kind is None else holders_of(kind.pk, key)
        # Of all before the page is cut: only those whom the caller may view are counted.
        names = self.names_of(holders)
        targets = [
            AuthorizedTarget(
                target_type=name[0],
                target_identifier=name[1],
                actions=sorted(short(code, codename) for codename in holders[holder]),
            )
            for holder, name in names.items()
            if request.target_type in (None, name[0])
        ]
        targets.sort(key=lambda row: (row.target_type, row.target_identifier))
        first = (request.page - 1) * request.limit
        return Page(total_count=len(targets), list_=targets[first : first + request.limit])

    def names_of(self, holders: Iterable[Holder]) -> dict[Holder, TargetName]:
        """Type and identifier of the holders that the caller may view."""
        keys: dict[object, list[Any]] = defaultdict(list)
        for model, key in holders:
            keys[model].append(key)
        public = Role.objects.public().filter(pk__in=keys[Role]).order_by("namespace__code")
        names: dict[Holder, TargetName] = {
            (User, user.pk): ("USER", user.hex_id)
            for user in seen(self, User.objects.filter(pk__in=keys[User]))
        }
        names |= {(Role, role.pk): ("ROLE", role.code) for role in seen(self, public)}
        groups = seen(self, Group.objects.filter(pk__in=keys[Group]))
        return names | {(Group, group.pk): target_of(group) for group in groups}


def seen(operation: Operation, rows: QuerySet[ROW]) -> QuerySet[ROW]:
    """Those the caller may view; none for a caller who may view none."""
    return engine.visible(rows, user=operation.caller).rows


def types_of(operation: Operation, space: str) -> dict[int, ResourceType]:
    namespace_by_code(operation, space)
    return {row.pk: row for row in typed(space)}


def authorized(
    request: AuthorizedFilter, types: dict[int, ResourceType], grants: Iterable[ResourceGrants]
) -> Iterator[AuthorizedResource]:
    for row in grants:
        kind = types[row.content_type_id]
        if request.resource_type not in (None, kind_of(kind)):
            continue
        code = kind.content_type.model
        key = EVERY if row.object_pk is None else row.object_pk
        yield AuthorizedResource(
            resource_code=f"{code}:{key}",
            resource_type=kind_of(kind),
            actions=[short(code, codename) for codename in row.codenames],
            api_identifier=str(kind.properties.get("api_identifier", "")),
            effect="ALLOW",
            description=str(kind.properties.get("description", "")),
            condition=[],
        )
