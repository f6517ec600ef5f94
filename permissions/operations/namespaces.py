"""Namespaces: rooms for role codes, and the first part of the labels of resource types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from accounts.models import User
from audit.errors import Conflict, Forbidden
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.models import ResourceType
from permissions.operations.changes import change
from permissions.operations.deletion import delete_roles, delete_rows
from permissions.operations.initial_permissions import fire
from permissions.operations.locks import lock_rows
from permissions.operations.roles import name_of
from permissions.operations.types import delete_types
from roles.models import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, Namespace, Role

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
    of its roles that are made from it. Raises ReservedNamespace, NamespaceTaken.
    """
    old_code = namespace.code
    renamed = fields.get("code", old_code) != old_code
    if renamed:
        _refuse_built_in([namespace])
        _require_free([fields["code"]])
    kind, facts = EventKind.NAMESPACE_CHANGED, namespace_facts
    change(namespace, fields, kind, facts=facts, actor=actor)
    if renamed:
        _rename_contents(namespace, old_code)
    return namespace


@transaction.atomic
def delete_namespaces(*, namespaces: Iterable[Namespace], actor: User | None) -> None:
    """Together with their roles and resource types, and all that was granted through these.

    Raises ReservedNamespace.
    """
    namespaces = lock_rows(namespaces)
    _refuse_built_in(namespaces)
    delete_roles(roles=Role.objects.filter(namespace__in=namespaces), actor=actor)
    codes = [namespace.code for namespace in namespaces]
    types = ResourceType.objects.filter(built_in=False, content_type__app_label__in=codes)
    delete_types(types=types, actor=actor)
    delete_rows(namespaces, EventKind.NAMESPACE_DELETED, actor=actor, before=namespace_facts)


def namespace_facts(row: Namespace) -> dict[str, Any]:
    """What an audit event says of a namespace."""
    return {"code": row.code, "name": row.name, "description": row.description}


def _require_free(codes: Sequence[str]) -> None:
    taken = Namespace.objects.filter(code__in=codes).values_list("code", flat=True).first()
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if (code := taken or twice) is not None:
        raise NamespaceTaken(f"The code {code} is taken.")
    built_in = ResourceType.objects.filter(built_in=True).order_by().distinct()
    labels = {name.lower() for name in built_in.values_list("content_type__app_label", flat=True)}
    labels |= {config.label.lower() for config in apps.get_app_configs()}
    for code in codes:
        # In any case: the labels become those of resource types.
        if code.lower() in labels:
            raise _reserved(code)


def _refuse_built_in(namespaces: Iterable[Namespace]) -> None:
    for namespace in namespaces:
        if namespace.built_in:
            raise _reserved(namespace.code)


def _reserved(code: str) -> ReservedNamespace:
    return ReservedNamespace(f"The code {code} is reserved.")


def _rename_contents(namespace: Namespace, old_code: str) -> None:
    """Names of roles that are made from the code, and the labels of types."""
    roles = [
        role
        for role in Role.objects.filter(namespace=namespace)
        if role.name == name_of(old_code, role.code)
    ]
    for role in roles:
        role.name = name_of(namespace.code, role.code)
    Role.objects.bulk_update(roles, ["name"], batch_size=500)
    types = ResourceType.objects.filter(built_in=False, content_type__app_label=old_code)
    ContentType.objects.filter(pk__in=types.values("pk")).update(app_label=namespace.code)
    # Django keeps content types by label in every process; the old label would still answer here.
    ContentType.objects.clear_cache()
