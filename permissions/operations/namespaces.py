"""Namespaces: rooms for role codes, and the first part of the labels of resource types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from audit.errors import Conflict, Forbidden
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import find_types, require_escalate, require_grants
from permissions.models import ResourceType
from permissions.operations.changes import change
from permissions.operations.deletion import delete_roles, delete_rows
from permissions.operations.initial_permissions import fire
from permissions.operations.locks import Change, lock_rows, one_at_a_time, refresh
from permissions.operations.retired import is_retired, relabel
from permissions.operations.roles import name_of, require_as_assigned
from permissions.operations.types import delete_types, granted_of
from roles.models import (
    DEFAULT_NAMESPACE,
    SYSTEM_NAMESPACE,
    Namespace,
    Role,
)

LABEL = "authentik_rbac.namespace"
BUILT_IN = (DEFAULT_NAMESPACE, SYSTEM_NAMESPACE)


class ReservedNamespace(Forbidden):
    """The code belongs to the service: a built-in namespace, or the label of one of its apps."""

    code = "reserved_namespace"


class NamespaceTaken(Conflict):
    """A namespace has the code already."""

    code = "namespace_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceSpec:
    code: str
    name: str
    description: str = ""


def create_namespace(*, actor: User | None, spec: NamespaceSpec) -> Namespace:
    """Raises ReservedNamespace, NamespaceTaken."""
    if spec.code in BUILT_IN:
        raise _reserved(spec.code)
    [namespace] = create_namespaces(actor=actor, specs=[spec])
    return namespace


@transaction.atomic
def create_namespaces(*, actor: User | None, specs: Sequence[NamespaceSpec]) -> list[Namespace]:
    """All or none. Raises NamespaceTaken, also for the built-in codes, and ReservedNamespace."""
    codes = [spec.code for spec in specs]
    _require_free(codes)
    rows = Namespace.objects.bulk_create(
        [Namespace(code=s.code, name=s.name, description=s.description) for s in specs]
    )
    kind = EventKind.NAMESPACE_CREATED
    entries = [Entry(kind=kind, target=row, after=namespace_facts(row)) for row in rows]
    record_many(entries, actor=actor)
    fire(actor=actor, label=LABEL, keys=[str(row.pk) for row in rows])
    return rows


@transaction.atomic
def update_namespace(*, namespace: Namespace, actor: User | None, **fields: Any) -> Namespace:
    """Only what is given changes: ``code``, ``name``, ``description``.

    With the code change the labels of the resource types in the namespace, and the names of those
    of its roles that are made from it. Decisions are asked by these, so the actor must hold all
    that anybody holds by them. Raises ReservedNamespace, NamespaceTaken, GrantCeiling.
    """
    if "code" in fields:
        one_at_a_time(Change.TYPE_NAMES)
    # As it is now: its contents are found by the code that it has.
    refresh(namespace)
    old_code = namespace.code
    renamed = fields.get("code", old_code) != old_code
    if old_code == SYSTEM_NAMESPACE:
        raise _reserved(old_code)
    if renamed:
        _refuse_built_in([namespace])
        _require_free([fields["code"]])
        _require_contents(namespace, fields["code"], actor=actor)
    kind, facts = EventKind.NAMESPACE_CHANGED, namespace_facts
    change(namespace, fields, kind, facts=facts, actor=actor)
    if renamed:
        _rename_contents(namespace, old_code, actor=actor)
    return namespace


@transaction.atomic
def delete_namespaces(*, namespaces: Iterable[Namespace], actor: User | None) -> None:
    """Together with their roles and resource types, and all that was granted through these.

    Raises ReservedNamespace.
    """
    # First of all, because deleting the types takes this lock before it locks rows.
    one_at_a_time(Change.RESOURCE_PARENTS)
    namespaces = lock_rows(namespaces)
    _refuse_built_in(namespaces)
    delete_roles(roles=Role.objects.filter(namespace__in=namespaces), actor=actor)
    codes = [namespace.code for namespace in namespaces]
    delete_types(types=_types_in(codes), actor=actor)
    delete_rows(namespaces, EventKind.NAMESPACE_DELETED, actor=actor, before=namespace_facts)


def namespace_facts(row: Namespace) -> dict[str, Any]:
    """What an audit event says of a namespace."""
    return {"code": row.code, "name": row.name, "description": row.description}


def _require_free(codes: Sequence[str]) -> None:
    """By no namespace, by no type, and not kept by the service."""
    taken = Namespace.objects.filter(code__in=codes).values_list("code", flat=True).first()
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if (code := taken or twice) is not None:
        raise NamespaceTaken(f"The code {code} is taken.")
    in_use = ResourceType.objects.order_by().values_list("content_type__app_label", "built_in")
    labels = {label.lower(): built_in for label, built_in in in_use.distinct()}
    labels |= {config.label.lower(): True for config in apps.get_app_configs()}
    labels |= dict.fromkeys(BUILT_IN, True)
    for code in codes:
        # In any case: the labels become those of resource types.
        if (is_reserved := labels.get(code.lower())) is not None:
            raise _reserved(code) if is_reserved else NamespaceTaken(f"The code {code} is taken.")


def _refuse_built_in(namespaces: Iterable[Namespace]) -> None:
    for namespace in namespaces:
        if namespace.built_in:
            raise _reserved(namespace.code)


def _reserved(code: str) -> ReservedNamespace:
    return ReservedNamespace(f"The code {code} is reserved.")


def _types_in(codes: Iterable[str]) -> QuerySet[ResourceType]:
    types = ResourceType.objects.filter(built_in=False, content_type__app_label__in=codes)
    return types.select_related("content_type")


def _require_contents(namespace: Namespace, new_code: str, *, actor: User | None) -> None:
    """All that is held by the names in it goes to whoever has their new ones."""
    require_as_assigned(actor=actor, roles=Role.objects.filter(namespace=namespace))
    types = _types_in([namespace.code])
    # A label counts before a free name: what is asked by that name would be asked about another.
    for name in find_types(f"{new_code}.{kind.content_type.model}" for kind in types):
        raise NamespaceTaken(f"Another resource type is called {name}.")
    require_grants(actor=actor, grants=[(permission, None) for permission in granted_of(types)])
    for kind in types:
        label = f"{new_code}.{kind.content_type.model}"
        if is_retired(label, besides=kind):
            require_escalate(actor, f"Another type was called {label}, and is asked about so.")


def _rename_contents(namespace: Namespace, old_code: str, *, actor: User | None) -> None:
    """Names of roles that are made from the code, and the labels of types; an event each."""
    entries = []
    of_namespace = Role.objects.filter(namespace=namespace)
    roles = [role for role in of_namespace if role.name == name_of(old_code, role.code)]
    for role in roles:
        before = {"name": role.name}
        role.name = name_of(namespace.code, role.code)
        after = {"name": role.name}
        entries.append(Entry(kind=EventKind.ROLE_CHANGED, target=role, before=before, after=after))
    Role.objects.bulk_update(roles, ["name"], batch_size=500)
    types = {kind.label: kind for kind in _types_in([old_code])}
    for label, kind in types.items():
        kind.content_type.app_label = namespace.code
        facts = {"before": {"label": label}, "after": {"label": kind.label}}
        entries.append(Entry(kind=EventKind.RESOURCE_TYPE_CHANGED, target=kind, **facts))
    content_types = [kind.content_type for kind in types.values()]
    ContentType.objects.bulk_update(content_types, ["app_label"], batch_size=500)
    # Django keeps content types by label in every process; the old one would still answer here.
    ContentType.objects.clear_cache()
    relabel(types)
    record_many(entries, actor=actor)
