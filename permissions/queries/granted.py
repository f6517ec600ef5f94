"""What principals were granted, by resource: for showing it. Decisions are the engine's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from django.db.models import Q

from accounts.models import Group, User
from permissions import engine
from permissions.engine import Question, ResourceRef, SubjectRef
from permissions.models import ResourceClosure, ResourceType
from permissions.models.fact_tables import (
    ROLE_GLOBAL,
    ROLE_OBJECT,
    USER_GLOBAL,
    USER_OBJECT,
    FactTable,
)
from permissions.queries.held import holdings
from roles.models import OWN_ROLE, Role, Scope, ScopeEntry, ScopeKind, managed_key

# The model of a principal, and its key.
Holder: TypeAlias = tuple[type[User | Role | Group], Any]
# Content type, key of a resource or None for all of the type, codename.
_Grant: TypeAlias = tuple[int, str | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceGrants:
    """What is allowed on a resource, or without key on every resource of the type."""

    content_type_id: int
    object_pk: str | None
    codenames: tuple[str, ...]


def own_grants(principal: User | Role | Group, *, types: Iterable[int]) -> list[ResourceGrants]:
    """By grants of its own that count now, on these types. Two statements, three for a group."""
    if isinstance(principal, User):
        return _by_resource(_of_user(principal, list(types)))
    if isinstance(principal, Group):
        role = Role.objects.filter(managed=managed_key(principal)).first()
    else:
        role = principal
    if role is None:
        # The own role of a group comes with the first grant to it.
        return []
    return _by_resource(grant for _, grant in _of_roles([role.pk], list(types)))


def held_grants(user: User, *, types: Iterable[int]) -> list[ResourceGrants]:
    """By grants of its own, and by roles held in any way, on these types; so too for superusers.

    What a role gives within scopes is listed for those resources that the scopes name and all of
    them cover. A fixed number of statements.
    """
    if not user.is_active:
        return []
    of_types, held = list(types), holdings(user)
    unlimited = {role for role, scopes in held if not scopes}
    # Held without limit as well, a role is not limited by anything.
    limited = [(role, scopes) for role, scopes in held if scopes and role not in unlimited]
    grants = _of_user(user, of_types) | {grant for _, grant in _of_roles(unlimited, of_types)}
    return _by_resource(grants | _within_scopes(user, limited, of_types))


def _within_scopes(
    user: User, held: list[tuple[UUID, tuple[UUID, ...]]], types: list[int]
) -> set[_Grant]:
    if not held:
        return set()
    of_role: dict[UUID, list[_Grant]] = defaultdict(list)
    for role, grant in _of_roles({role for role, _ in held}, types):
        of_role[role].append(grant)
    scopes = {scope for _, way in held for scope in way}
    of_all = Scope.objects.filter(pk__in=scopes, kind=ScopeKind.ALL)
    everything = set(of_all.values_list("pk", flat=True))
    by_scope = _named_resources(scopes)
    whole = {(scope, kind) for scope, keys in by_scope.items() for kind, key in keys if key is None}
    candidates: set[_Grant] = set()
    for role, way in held:
        keys = {one for scope in way for one in by_scope[scope]}
        for kind, key, codename in of_role[role]:
            if key is not None:
                candidates.add((kind, key, codename))
            elif all(scope in everything or (scope, kind) in whole for scope in way):
                candidates.add((kind, None, codename))
            else:
                candidates |= {(kind, pk, codename) for k, pk in keys if k == kind and pk}
    # Some scope on the way names each of these; whether all of them cover it, the engine says.
    on_resources = [grant for grant in candidates if grant[1] is not None]
    of_types = ResourceType.objects.filter(pk__in={kind for kind, _, _ in on_resources})
    labels = {row.pk: row.label for row in of_types.select_related("content_type")}
    subject = SubjectRef.of(user)
    decisions = engine.check_many(
        [
            Question(subject=subject, action=codename, resource=ResourceRef(labels[kind], key))
            for kind, key, codename in on_resources
        ]
    )
    # Whole types need no decision: every scope on the path names the type itself.
    with_decisions = zip(on_resources, decisions, strict=True)
    return candidates - {grant for grant, decision in with_decisions if not decision.allowed}


def _named_resources(scopes: set[UUID]) -> dict[UUID, set[tuple[int, str | None]]]:
    """(type, key) of what the entries of each scope name, and of what lies below that."""
    by_scope: dict[UUID, set[tuple[int, str | None]]] = defaultdict(set)
    entries = ScopeEntry.objects.filter(scope__in=scopes)
    above = Q(pk__in=())
    with_descendants = []
    for entry in entries:
        by_scope[entry.scope_id].add((entry.content_type_id, entry.object_pk))
        if entry.with_descendants:
            with_descendants.append(entry)
            one = {} if entry.object_pk is None else {"ancestor__object_pk": entry.object_pk}
            above |= Q(ancestor__type=entry.content_type_id, **one)
    if with_descendants:
        rows = ResourceClosure.objects.filter(above).values_list(
            "ancestor__type", "ancestor__object_pk", "descendant__type", "descendant__object_pk"
        )
        for kind, key, below, below_key in rows:
            for entry in with_descendants:
                if entry.content_type_id == kind and entry.object_pk in (None, key):
                    by_scope[entry.scope_id].add((below, below_key))
    return by_scope


def _of_user(user: User, types: list[int]) -> set[_Grant]:
    tables = (USER_GLOBAL, USER_OBJECT)
    return {grant for table in tables for _, grant in _in_table(table, [user.pk], types)}


def _of_roles(roles: Iterable[UUID], types: list[int]) -> Iterator[tuple[UUID, _Grant]]:
    keys = list(roles)
    yield from _in_table(ROLE_GLOBAL, keys, types)
    yield from _in_table(ROLE_OBJECT, keys, types)


def _in_table(
    table: FactTable, principals: list[Any], types: list[int]
) -> Iterator[tuple[Any, _Grant]]:
    condition = {f"{table.principal}__in": principals, "permission__content_type__in": types}
    columns = [table.principal, "permission__content_type", "permission__codename"]
    if table.by_object:
        columns.append("object_pk")
    rows = table.model.objects.active().filter(**condition).values_list(*columns)
    for principal, kind, codename, *key in rows:
        yield principal, (kind, key[0] if key else None, codename)


def _by_resource(grants: Iterable[_Grant]) -> list[ResourceGrants]:
    """Whole types before their resources, each once, codenames in order."""
    by_resource: dict[tuple[int, str | None], set[str]] = defaultdict(set)
    for kind, key, codename in grants:
        by_resource[kind, key].add(codename)
    ordered = sorted(by_resource.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return [
        ResourceGrants(content_type_id=kind, object_pk=key, codenames=tuple(sorted(codenames)))
        for (kind, key), codenames in ordered
    ]


def holders_of(content_type_id: int, object_pk: str | None) -> dict[Holder, set[str]]:
    """Codenames of grants that count now, by who was granted them. Five statements at most.

    With a key: grants on that resource and on the whole type; without: all grants of the type.
    """
    codenames: dict[Holder, set[str]] = defaultdict(set)
    for table in (USER_GLOBAL, USER_OBJECT, ROLE_GLOBAL, ROLE_OBJECT):
        rows = table.model.objects.active().filter(permission__content_type=content_type_id)
        if table.by_object and object_pk is not None:
            rows = rows.filter(object_pk=object_pk)
        columns = (table.principal, "permission__codename")
        for pk, codename in rows.order_by().values_list(*columns).distinct():
            codenames[table.holder, pk].add(codename)
    roles = Role.objects.filter(pk__in=[pk for kind, pk in codenames if kind is Role])
    # A group's own role stands for the group, and nobody is to see the role.
    own = roles.filter(managed__startswith=OWN_ROLE).values_list("pk", "managed")
    for pk, managed in own:
        group = UUID(str(managed).removeprefix(OWN_ROLE))
        codenames[Group, group] = codenames.pop((Role, pk))
    return codenames
