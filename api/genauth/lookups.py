"""Finding what requests name, among what the caller may view: hidden is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from accounts.models import Group, GroupKind, User
from api.genauth.base import Operation
from api.genauth.errors import Missing, no_namespace, no_role, no_user
from api.genauth.wire import Choice, WireSerializer, text
from permissions.operations import Pair, Principal
from roles.models import SYSTEM_NAMESPACE, Namespace, Role

# Codes: of the namespace, and of the role in it.
RoleName: TypeAlias = tuple[str, str]

USER, ROLE, GROUP, DEPARTMENT = "USER", "ROLE", "GROUP", "DEPARTMENT"
TARGET_TYPES = (USER, ROLE, GROUP, DEPARTMENT)
USER_ID_TYPES = ("user_id", "external_id", "email", "username", "identity")
MOST_TARGETS = 50


class TargetSerializer(WireSerializer):
    """A user or department by id, a group or role by code.

    The code of a role is looked for in the namespace of the role that is given; ``namespace:code``
    names one elsewhere.
    """

    target_type = Choice(choices=TARGET_TYPES)
    target_identifier = text()


class UserIdSerializer(WireSerializer):
    user_id = text()
    user_id_type = Choice(choices=USER_ID_TYPES, required=False)


def user_id_type(**arguments: Any) -> serializers.Field:
    return Choice(choices=USER_ID_TYPES, required=False, **arguments)


# Namespaces


def namespace_by_code(code: str) -> Namespace:
    """For operations on what is in it; managing namespaces themselves asks for their own rights."""
    found = Namespace.objects.filter(code=code).first()
    if found is None:
        raise no_namespace()
    return found


def namespaces_by_code(codes: Iterable[str]) -> dict[str, Namespace]:
    """For creating things in them. Nobody creates anything in the service's own."""
    wanted = set(codes)
    found = {row.code: row for row in Namespace.objects.filter(code__in=wanted)}
    if len(found) < len(wanted):
        raise no_namespace()
    if SYSTEM_NAMESPACE in wanted:
        raise PermissionDenied(f"The namespace {SYSTEM_NAMESPACE} is reserved.")
    return found


def like(words: str | None, *columns: str) -> Q:
    """Any of the columns holds the words, whatever the case; no words find everything."""
    found = Q()
    for column in columns if words else ():
        found |= Q(**{f"{column}__icontains": words})
    return found


# Roles


def role_by_code(operation: Operation, namespace: str, code: str) -> Role:
    return roles_by_code(operation, [(namespace, code)])[0]


def roles_by_code(operation: Operation, names: Sequence[RoleName]) -> list[Role]:
    """In the order of the names. Two statements, and one more to tell what is missing."""
    found = _roles(operation, names)
    return [found[name] for name in names]


def _roles(operation: Operation, names: Iterable[RoleName]) -> dict[RoleName, Role]:
    codes = defaultdict(set)
    for namespace, code in names:
        codes[namespace].add(code)
    condition = Q(pk__in=())
    for namespace, wanted in codes.items():
        condition |= Q(namespace__code=namespace, code__in=wanted)
    rows = operation.visible(Role.objects.public().select_related("namespace"))
    found = {(role.namespace.code, role.code): role for role in rows.filter(condition)}
    for namespace, code in names:
        if (namespace, code) not in found:
            namespace_by_code(namespace)
            raise no_role()
    return found


# Users


def user_by_id(operation: Operation, given: Mapping[str, Any]) -> User:
    """By ``user_id`` and ``user_id_type``."""
    return users_by_id(operation, [given["user_id"]], given.get("user_id_type"))[0]


def users_by_id(operation: Operation, ids: Sequence[str], kind: str | None = None) -> list[User]:
    """In the order of the ids, each once. Two statements."""
    found = find_users(operation.visible(User.objects.all()), ids, kind)
    wanted = [found.get(one) for one in dict.fromkeys(ids)]
    if None in wanted:
        raise no_user()
    return [user for user in dict.fromkeys(wanted) if user is not None]


def find_users(
    rows: QuerySet[User], ids: Sequence[str], kind: str | None = None
) -> dict[str, User]:
    """Users by the ids that name them. An id that several users answer to names none."""
    columns = _COLUMNS[kind or "user_id"]
    condition = Q(pk__in=())
    for column in columns:
        condition |= Q(**{f"{column}__in": ids})
    answering: dict[str, set[User]] = defaultdict(set)
    for user in rows.filter(condition).order_by("pk"):
        for column in columns:
            answering[getattr(user, column) or ""].add(user)
    return {one: users.pop() for one, users in answering.items() if len(users) == 1}


_COLUMNS = {
    "user_id": ("hex_id",),
    "external_id": ("external_id",),
    "email": ("email",),
    "username": ("username",),
    "identity": ("hex_id", "external_id", "username"),
}


# Groups and departments


def groups(operation: Operation) -> QuerySet[Group]:
    return operation.visible(Group.objects.filter(kind=GroupKind.GROUP))


def departments(operation: Operation) -> QuerySet[Group]:
    return operation.visible(Group.objects.filter(kind=GroupKind.DEPARTMENT))


def group_by_code(operation: Operation, code: str) -> Group:
    return groups_by_code(operation, [code])[0]


def groups_by_code(operation: Operation, codes: Iterable[str]) -> list[Group]:
    """Each once, in the order of the codes. Two statements.

    A code that two groups answer to names none: another protocol may call its group like a code.
    """
    wanted = list(dict.fromkeys(codes))
    rows = groups(operation).filter(
        Q(code__in=wanted) | Q(code__isnull=True, name__in=wanted), organization=""
    )
    answering: dict[str, list[Group]] = defaultdict(list)
    for group in rows:
        answering[code_of(group)].append(group)
    for code in wanted:
        if len(answering[code]) != 1:
            raise Missing(f"group not exists with code: {code}")
    return [answering[code][0] for code in wanted]


def code_of(group: Group) -> str:
    """Groups made by other protocols have no code; their name is as unique."""
    return group.code or group.name


# Targets


def targets(
    operation: Operation, named: Iterable[Mapping[str, str]], *, namespace: str
) -> list[Principal]:
    """The users, groups and roles that ``TargetSerializer`` names, one for each name."""
    wanted = list(named)
    found = _found(operation, wanted, {namespace})
    return [found[_key(target, namespace)] for target in wanted]


def pairs(
    operation: Operation, roles: Sequence[RoleName], named: Sequence[Mapping[str, str]]
) -> list[Pair]:
    """Every role with every target."""
    given = roles_by_code(operation, list(dict.fromkeys(roles)))
    found = _found(operation, named, {namespace for namespace, _ in roles})
    return [(role, found[_key(target, role.namespace.code)]) for role in given for target in named]


def _found(
    operation: Operation, named: Iterable[Mapping[str, str]], namespaces: set[str]
) -> dict[tuple[str, str], Principal]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for target in named:
        for namespace in namespaces:
            kind, name = _key(target, namespace)
            wanted[kind].add(name)
    return _principals(operation, wanted)


def _key(target: Mapping[str, str], namespace: str) -> tuple[str, str]:
    kind, name = target["target_type"], target["target_identifier"]
    if kind == ROLE and ":" not in name:
        name = f"{namespace}:{name}"
    return kind, name


def _principals(
    operation: Operation, wanted: Mapping[str, set[str]]
) -> dict[tuple[str, str], Principal]:
    """By (type, name); names of roles are ``namespace:code``. Two statements for each type."""
    found: dict[tuple[str, str], Principal] = {}
    if names := wanted.get(USER):
        users = users_by_id(operation, list(names))
        found |= {(USER, user.hex_id): user for user in users}
    if names := wanted.get(ROLE):
        split = [(name.partition(":")[0], name.partition(":")[2]) for name in names]
        roles = _roles(operation, split)
        found |= {(ROLE, f"{space}:{code}"): roles[space, code] for space, code in split}
    if names := wanted.get(GROUP):
        found |= {(GROUP, code_of(group)): group for group in groups_by_code(operation, names)}
    if names := wanted.get(DEPARTMENT):
        rows = departments(operation).filter(hex_id__in=names)
        found |= {(DEPARTMENT, group.hex_id): group for group in rows}
    for kind, names in wanted.items():
        for name in names:
            if (kind, name) not in found:
                raise Missing(f"{kind.lower()} not exists: {name}")
    return found
