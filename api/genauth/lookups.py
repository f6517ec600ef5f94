"""Finding what requests name, among what the caller may view: hidden is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from django.db.models import Exists, OuterRef, Q, QuerySet
from rest_framework.exceptions import PermissionDenied

from accounts.models import Group, GroupKind, User
from api.errors import NoSuchUser
from api.genauth.base import Operation
from api.genauth.errors import no_namespace, no_role
from api.genauth.wire import Shape, Text
from audit.errors import NotFound
from permissions import engine
from permissions.models import ResourceType
from permissions.operations import Pair, Principal
from roles.models import SYSTEM_NAMESPACE, Namespace, Role

# Codes: of the namespace, and of the role in it.
RoleName: TypeAlias = tuple[str, str]
TargetType: TypeAlias = Literal["USER", "ROLE", "GROUP", "DEPARTMENT"]
TargetName: TypeAlias = tuple[TargetType, str]
UserIdType: TypeAlias = Literal["user_id", "external_id", "email", "username", "identity"]

COLUMNS: dict[UserIdType, tuple[str, ...]] = {
    "user_id": ("hex_id",),
    "external_id": ("external_id",),
    "email": ("email",),
    "username": ("username",),
    "identity": ("hex_id", "external_id", "username"),
}


class Target(Shape):
    """A user or department by id, a group or role by code.

    The code of a role is looked for in the namespace of the role that is given; ``namespace:code``
    names one elsewhere.
    """

    target_type: TargetType
    target_identifier: Text

    def name_in(self, namespace: str) -> TargetName:
        if self.target_type == "ROLE" and ":" not in self.target_identifier:
            return "ROLE", f"{namespace}:{self.target_identifier}"
        return self.target_type, self.target_identifier


class UserIdOptions(Shape):
    user_id_type: UserIdType = "user_id"


# Namespaces


def namespace_by_code(operation: Operation, code: str) -> Namespace:
    """For operations on what is in it; managing namespaces themselves asks for their own rights."""
    [namespace] = _known(operation, {code})
    return namespace


def namespaces_by_code(operation: Operation, codes: Iterable[str]) -> dict[str, Namespace]:
    """For creating things in them. Nobody creates anything in the service's own."""
    distinct = set(codes)
    namespaces = {row.code: row for row in _known(operation, distinct)}
    if SYSTEM_NAMESPACE in distinct:
        raise PermissionDenied(f"The namespace {SYSTEM_NAMESPACE} is reserved.")
    return namespaces


def _known(operation: Operation, codes: set[str]) -> list[Namespace]:
    """Those the caller may know of; a hidden one is missing. It knows those built in or with types,
    which are everybody's to know, and those it may view itself or a role in. One statement
    mostly, or five.
    """
    types = ResourceType.objects.filter(content_type__app_label=OuterRef("code"))
    named: Any = Namespace.objects.filter(code__in=codes)
    rows = list(named.annotate(has_types=Exists(types)))
    unsure = {row.pk for row in rows if not (row.built_in or row.has_types)}
    if len(rows) < len(codes) or unsure - _seen_among(unsure, operation.caller):
        raise no_namespace()
    return rows


def _seen_among(namespaces: set[int], caller: User) -> set[int]:
    if not namespaces:
        return set()
    roles = engine.visible(Role.objects.public().filter(namespace__in=namespaces), user=caller)
    if roles.reach == "all":
        return namespaces
    own = engine.visible(Namespace.objects.filter(pk__in=namespaces), user=caller)
    return {
        *own.rows.values_list("pk", flat=True),
        *roles.rows.values_list("namespace", flat=True),
    }


def like(words: str, *columns: str) -> Q:
    """Any of the columns holds the words, whatever the case; no words find everything."""
    matching = Q()
    for column in columns if words else ():
        matching |= Q(**{f"{column}__icontains": words})
    return matching


# Roles


def role_by_code(operation: Operation, namespace: str, code: str) -> Role:
    return roles_by_code(operation, [(namespace, code)])[namespace, code]


def roles_by_code(operation: Operation, names: Iterable[RoleName]) -> dict[RoleName, Role]:
    """In the order of the names. Two statements, and one more to tell what is missing."""
    names = list(names)
    codes = defaultdict(set)
    for namespace, code in names:
        codes[namespace].add(code)
    condition = Q(pk__in=())
    for namespace, in_namespace in codes.items():
        condition |= Q(namespace__code=namespace, code__in=in_namespace)
    rows = operation.visible(Role.objects.public().select_related("namespace"))
    by_name = {(role.namespace.code, role.code): role for role in rows.filter(condition)}
    for name in names:
        if name not in by_name:
            namespace_by_code(operation, name[0])
            raise no_role()
    return {name: by_name[name] for name in names}


# Users


def user_by_id(operation: Operation, user_id: str, kind: UserIdType) -> User:
    [user] = users_by_id(operation, [user_id], kind)
    return user


def users_by_id(
    operation: Operation, ids: Sequence[str], kind: UserIdType = "user_id"
) -> list[User]:
    """In the order of the ids, each once. Two statements."""
    by_id = find_users(operation.visible(User.objects.all()), ids, kind)
    if not by_id.keys() >= set(ids):
        raise NoSuchUser
    return list(dict.fromkeys(by_id[one] for one in ids))


def find_users(rows: QuerySet[User], ids: Sequence[str], kind: UserIdType) -> dict[str, User]:
    """Users by the ids that name them. An id that several users answer to names none."""
    condition = Q(pk__in=())
    for column in COLUMNS[kind]:
        condition |= Q(**{f"{column}__in": ids})
    answering: dict[str, set[User]] = defaultdict(set)
    for user in rows.filter(condition).order_by("pk"):
        for column in COLUMNS[kind]:
            answering[getattr(user, column) or ""].add(user)
    return {one: users.pop() for one, users in answering.items() if len(users) == 1}


# Groups and departments


def departments(operation: Operation) -> QuerySet[Group]:
    return operation.visible(Group.objects.filter(kind=GroupKind.DEPARTMENT))


def group_by_code(operation: Operation, code: str) -> Group:
    [group] = groups_by_code(operation, [code])
    return group


def groups_by_code(operation: Operation, codes: Iterable[str]) -> list[Group]:
    """Each once, in the order of the codes. Two statements.

    A code that two groups answer to names none: another protocol may call its group like a code.
    """
    distinct = list(dict.fromkeys(codes))
    rows = operation.visible(Group.objects.filter(kind=GroupKind.GROUP)).filter(
        Q(code__in=distinct) | Q(code__isnull=True, name__in=distinct), organization=""
    )
    answering: dict[str, list[Group]] = defaultdict(list)
    for group in rows:
        answering[code_of(group)].append(group)
    for code in distinct:
        if len(answering[code]) != 1:
            raise NotFound(f"group not exists with code: {code}")
    return [answering[code][0] for code in distinct]


def code_of(group: Group) -> str:
    """Groups made by other protocols have no code; their name is as unique."""
    return group.code or group.name


def target_of(group: Group) -> TargetName:
    """What a group or department is called as a target."""
    if group.kind == GroupKind.DEPARTMENT:
        return "DEPARTMENT", group.hex_id
    return "GROUP", code_of(group)


# Targets


def pairs(operation: Operation, names: Iterable[RoleName], targets: Sequence[Target]) -> list[Pair]:
    """Every role with every target, if the caller may change all the roles."""
    roles = roles_by_code(operation, names)
    named = {target.name_in(namespace) for target in targets for namespace, _ in roles}
    principals = principals_by_name(operation, named)
    operation.require_each("change_role", roles.values())
    return [
        (role, principals[target.name_in(namespace)])
        for (namespace, _), role in roles.items()
        for target in targets
    ]


def principals_by_name(
    operation: Operation, names: Iterable[TargetName]
) -> dict[TargetName, Principal]:
    """Names of roles are ``namespace:code``. Two statements for each type of target."""
    of_type: dict[TargetType, list[str]] = defaultdict(list)
    for kind, name in names:
        of_type[kind].append(name)
    found: dict[TargetName, Principal] = {}
    if ids := of_type["USER"]:
        found |= {("USER", user.hex_id): user for user in users_by_id(operation, ids)}
    if codes := of_type["ROLE"]:
        split = [(name.partition(":")[0], name.partition(":")[2]) for name in codes]
        for (space, code), role in roles_by_code(operation, split).items():
            found["ROLE", f"{space}:{code}"] = role
    if codes := of_type["GROUP"]:
        found |= {target_of(group): group for group in groups_by_code(operation, codes)}
    if ids := of_type["DEPARTMENT"]:
        rows = departments(operation).filter(hex_id__in=ids)
        found |= {target_of(group): group for group in rows}
        for one in ids:
            if ("DEPARTMENT", one) not in found:
                raise NotFound(f"department not exists: {one}")
    return found
