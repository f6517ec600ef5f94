"""Creating and changing roles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.text import slugify

from accounts.facts import ALWAYS, State, Window, in_state
from accounts.models import User
from audit.errors import Conflict
from audit.models import EventKind
from audit.operations import Entry, record, record_many
from permissions.engine import Conferral, require_conferrals
from permissions.operations.audit_facts import role_facts
from permissions.operations.changes import change, differing
from permissions.operations.initial_permissions import fire
from roles.models import DEFAULT_NAMESPACE, Namespace, Role, RoleAssignment, Scope

LONGEST_CODE = 64
LABEL = "authentik_rbac.role"


class RoleTaken(Conflict):
    """A role has the code in the namespace already, or the name that is made from them."""

    code = "role_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpec:
    """A role known by its code; its name is made from it."""

    namespace: Namespace
    code: str
    display_name: str = ""
    description: str = ""
    disabled_from: datetime | None = None


def name_of(namespace: str, code: str) -> str:
    """The name of a role that was created by its code; names are unique across namespaces."""
    return code if namespace == DEFAULT_NAMESPACE else f"{namespace}:{code}"


@transaction.atomic
def create_role(
    *,
    actor: User | None,
    name: str,
    namespace: Namespace | None = None,
    code: str | None = None,
    **fields: Any,
) -> Role:
    """Without a code, one is made from the name (schema page, *Identity across doors*)."""
    # Locked, or two whose names are alike would both take the code that is free.
    namespaces = Namespace.objects.select_for_update(no_key=True)
    named = {"pk": namespace.pk} if namespace else {"code": DEFAULT_NAMESPACE}
    namespace = namespaces.get(**named)
    role = Role(name=name, namespace=namespace, code=code or _free_code(name, namespace), **fields)
    role.save(force_insert=True)
    record(EventKind.ROLE_CREATED, target=role, actor=actor, after=role_facts(role))
    fire(actor=actor, label=LABEL, keys=[str(role.pk)])
    return role


@transaction.atomic
def create_roles(*, actor: User | None, specs: Sequence[RoleSpec]) -> list[Role]:
    """All or none, with a fixed number of statements. Raises RoleTaken."""
    roles = [
        Role(
            name=name_of(spec.namespace.code, spec.code),
            namespace=spec.namespace,
            code=spec.code,
            display_name=spec.display_name,
            description=spec.description,
            disabled_from=spec.disabled_from,
        )
        for spec in specs
    ]
    _require_free(roles)
    Role.objects.bulk_create(roles)
    kind = EventKind.ROLE_CREATED
    record_many([Entry(kind=kind, target=r, after=role_facts(r)) for r in roles], actor=actor)
    fire(actor=actor, label=LABEL, keys=[str(role.pk) for role in roles])
    return roles


@transaction.atomic
def update_role(*, role: Role, actor: User | None, **fields: Any) -> Role:
    """Only what is given changes. A name made from the code follows the code.

    Decisions are asked by code and name, so who changes them must hold what the role gives where it
    is assigned; so must who enables it, for the time this lets it count. Raises GrantCeiling, and
    RoleTaken for a code that is taken.
    """
    if "code" in fields and role.name == name_of(role.namespace.code, role.code):
        fields.setdefault("name", name_of(role.namespace.code, fields["code"]))
    changed = differing(role, fields)
    if {"code", "name"} & set(changed):
        require_as_assigned(actor=actor, roles=[role])
    if (window := _enabled_by(role, fields)) is not None:
        require_as_assigned(actor=actor, roles=[role], window=window)
    if "code" in changed:
        names = {"code": fields["code"], "name": fields.get("name", role.name)}
        _require_free([Role(pk=role.pk, namespace=role.namespace, **names)])
    change(role, fields, EventKind.ROLE_CHANGED, facts=role_facts, actor=actor)
    return role


def require_as_assigned(
    *, actor: User | None, roles: Iterable[Role], window: Window = ALWAYS
) -> None:
    """The actor holds what the roles give within this time: in the scopes and times of their
    assignments, or without limit where a role has none that is not over. Raises GrantCeiling.
    """
    if actor is None:
        return
    by_pk = {role.pk: role for role in roles}
    assigned: dict[Any, set[tuple[Any, Window]]] = defaultdict(set)
    rows = RoleAssignment.objects.exclude(in_state(State.ENDED)).filter(role__in=by_pk)
    for role, scope, *times in rows.values_list("role", "scope", *Window._fields).distinct():
        assigned[role].add((scope, Window(*times)))
    scopes = Scope.objects.in_bulk({scope for held in assigned.values() for scope, _ in held})
    conferrals = [
        Conferral(roles=[role], scope=scopes.get(scope), window=window.overlap(time))
        for pk, role in by_pk.items()
        for scope, time in assigned[pk] or {(None, ALWAYS)}
    ]
    require_conferrals(
        actor=actor, conferrals=[one for one in conferrals if not one.window.is_empty]
    )


def _enabled_by(role: Role, fields: Mapping[str, Any]) -> Window | None:
    """The time in which the role counts by these changes, and did not before; None for no time."""
    if not fields.get("is_enabled", role.is_enabled):
        return None
    new = Window(valid_until=fields.get("disabled_from", role.disabled_from))
    if not role.is_enabled:
        return new
    old = Window(valid_until=role.disabled_from)
    return None if old.contains(new) else Window(old.valid_until, new.valid_until)


def _free_code(name: str, namespace: Namespace) -> str:
    """A code like the name, free in the namespace: ``auditors``, ``auditors-2``, …"""
    stem = slugify(name)[: LONGEST_CODE - 7].strip("-_") or "role"
    alike = Role.objects.filter(namespace=namespace, code__startswith=stem)
    taken = set(alike.values_list("code", flat=True))
    numbered = (f"{stem}-{number}" for number in count(2))
    return next(code for code in chain([stem], numbered) if code not in taken)


def _require_free(roles: Sequence[Role]) -> None:
    codes = [(role.namespace.code, role.code) for role in roles]
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if twice is not None:
        raise RoleTaken(f"The role code {twice[1]} is given twice.")
    taken = Q(name__in=[role.name for role in roles])
    for role in roles:
        taken |= Q(namespace=role.namespace, code=role.code)
    other = Role.objects.filter(taken).exclude(pk__in=[role.pk for role in roles]).first()
    if other is not None:
        # By the code that was asked for: the other role may be hidden.
        [asked, *_] = [r.code for r in roles if other.name == r.name or other.code == r.code]
        raise RoleTaken(f"The role code or name is taken: {asked}.")
