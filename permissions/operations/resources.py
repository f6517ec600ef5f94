"""Resources of types that have no table here: registered, moved and removed in sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import ResourceRef, require_covers, searchable
from permissions.models import Resource, ResourceClosure, ResourceMode, ResourceType, python_model
from permissions.operations import closure
from permissions.operations.batches import batches
from permissions.operations.deletion import forget_resources
from permissions.operations.initial_permissions import fire
from permissions.operations.locks import Change, lock_rows, one_at_a_time
from roles.models import Role, ScopeEntry

MOST_RESOURCES = 10_000
MOST_LEVELS = 32
BATCH = 1_000


class ResourceCycle(InvalidInput):
    """A resource would lie below itself, or deeper than resources may lie."""

    code = "resource_cycle"


class Keep(Enum):
    """Stands for a parent that is not to change; None is no parent."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpec:
    """A resource as it is to be. What is None, or a parent that is ``KEEP``, stays as it was."""

    object_pk: str
    name: str | None = None
    parent: ResourceRef | Keep | None = KEEP
    properties: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class Registered:
    """How many resources were new, changed, and already as given."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rows: list[Resource] = field(default_factory=list)


@transaction.atomic
def register_resources(
    *,
    actor: User | None,
    type: ResourceType,  # noqa: A002  the word of the field
    items: Sequence[ResourceSpec],
) -> Registered:
    """Create what is new and change what is there, at most 10,000 at once; rows in order.

    A parent is a registered resource of the same type or of its parent type, or one of ``items``.
    Raises InvalidInput keyed by position under ``resources``, ResourceCycle, and GrantCeiling when
    a resource, or an unregistered thing of an open type, would be moved to where a scope gives it
    to holders of more than the actor holds.
    """
    _refuse_unfit(type, items)
    one_at_a_time(Change.RESOURCE_PARENTS)
    rows = _rows(type, (item.object_pk for item in items))
    parents = _parents(type, items)
    before = {key: resource_facts(row) for key, row in rows.items()}
    # Without parents yet: those may be among the rows that are being made.
    created = [
        Resource(type=type, object_pk=item.object_pk)
        for item in items
        if item.object_pk not in rows
    ]
    Resource.objects.bulk_create(created, batch_size=BATCH)
    closure.add_nodes(closure.RESOURCES, [row.pk for row in created])
    rows |= {row.object_pk: row for row in created}
    moved = _write(items, rows, parents)
    if moved:
        # In an open type a thing is there, and granted on, before it is registered.
        new = {row.pk for row in created} if type.mode == ResourceMode.STRICT else set()
        _follow(moved, new, actor=actor)
    result = _recorded(items, rows, before, actor=actor)
    fire(actor=actor, label=type.label, keys=[row.object_pk for row in created])
    return result


def register_resource(*, actor: User | None, type: ResourceType, item: ResourceSpec) -> Resource:  # noqa: A002
    """As ``register_resources``, with its InvalidInput keyed by field alone."""
    try:
        return register_resources(actor=actor, type=type, items=[item]).rows[0]
    except InvalidInput as error:
        wrong = (error.fields or {}).get("resources")
        if not isinstance(wrong, dict):
            raise
        raise InvalidInput(fields=next(iter(wrong.values()))) from None


def update_resource(*, resource: Resource, actor: User | None, **changes: Any) -> Resource:
    """``name``, ``parent`` and ``properties``, as far as given; see ``register_resources``."""
    spec = ResourceSpec(object_pk=resource.object_pk, **changes)
    return register_resource(actor=actor, type=resource.type, item=spec)


@transaction.atomic
def delete_resources(*, resources: Iterable[Resource], actor: User | None) -> int:
    """Every grant on them and every scope entry that names them goes; children become roots."""
    rows = list(resources)
    if not rows:
        return 0
    one_at_a_time(Change.RESOURCE_PARENTS)
    rows = lock_rows(rows)
    keys = [row.pk for row in rows]
    orphans: set[int] = set()
    for batch in batches(keys):
        orphans.update(Resource.objects.filter(parent__in=batch).values_list("pk", flat=True))
    by_type: dict[int, list[Resource]] = defaultdict(list)
    for row in rows:
        by_type[row.type_id].append(row)
    for kind in ResourceType.objects.filter(pk__in=by_type).select_related("content_type"):
        label, of_type = kind.label, by_type[kind.pk]
        forget_resources(label, [row.object_pk for row in of_type], actor=actor)
        entries = [
            Entry(
                kind=EventKind.RESOURCE_DELETED,
                target=(label, row.object_pk, str(row)),
                before=resource_facts(row),
            )
            for row in of_type
        ]
        record_many(entries, actor=actor)
    forget_resources("permissions.resource", map(str, keys), actor=actor)
    for batch in batches(keys):
        Resource.objects.filter(pk__in=batch).delete()
    closure.rebuild(closure.RESOURCES, orphans.difference(keys))
    return len(rows)


def resource_facts(row: Resource) -> dict[str, Any]:
    """What an audit event says of a resource. The parent is named by its row."""
    return {"name": row.name, "parent": row.parent_id, "properties": row.properties}


def _refuse_unfit(kind: ResourceType, items: Sequence[ResourceSpec]) -> None:
    if python_model(kind.label) is not None:
        message = f"Every {kind.label} is a resource by itself; none can be registered."
        raise InvalidInput(fields={"resources": [message]})
    if len(items) > MOST_RESOURCES:
        message = f"At most {MOST_RESOURCES} resources are allowed in one request."
        raise InvalidInput(fields={"resources": [message]})
    seen: set[str] = set()
    wrong: dict[str, Any] = {}
    for n, item in enumerate(items):
        if searchable(item.object_pk) is None or not 0 < len(item.object_pk) <= 255:
            wrong[str(n)] = {"object_pk": ["A key has 1 to 255 characters, and no NUL."]}
        elif item.object_pk in seen:
            wrong[str(n)] = {"object_pk": ["This key is there twice."]}
        seen.add(item.object_pk)
    if wrong:
        raise InvalidInput(fields={"resources": wrong})


def _rows(kind: ResourceType, keys: Iterable[str]) -> dict[str, Resource]:
    rows: dict[str, Resource] = {}
    for batch in batches(keys):
        for row in Resource.objects.filter(type=kind, object_pk__in=batch):
            row.type = kind  # its label is asked for each event; this saves a statement each time
            rows[row.object_pk] = row
    return rows


def _parents(kind: ResourceType, items: Sequence[ResourceSpec]) -> dict[ResourceRef, Resource]:
    """The registered parents by reference; those that are among the items come later."""
    own = {ResourceRef(kind.label, item.object_pk) for item in items}
    asked = {item.parent for item in items if isinstance(item.parent, ResourceRef)}
    parents: dict[ResourceRef, Resource] = {}
    for above in filter(None, (kind, kind.parent)):
        keys = [
            ref.id for ref in asked if ref.type == above.label and ref.id and searchable(ref.id)
        ]
        for key, row in _rows(above, keys).items():
            parents[ResourceRef(above.label, key)] = row
    wrong = {
        str(n): {"parent": [f"No resource {str(item.parent)[:200]!r} can be the parent."]}
        for n, item in enumerate(items)
        if isinstance(item.parent, ResourceRef) and item.parent not in parents.keys() | own
    }
    if wrong:
        raise InvalidInput(fields={"resources": wrong})
    return parents


def _write(
    items: Sequence[ResourceSpec],
    rows: dict[str, Resource],
    parents: dict[ResourceRef, Resource],
) -> dict[int, int | None]:
    """Give the rows what the items say; the old parent of each that got another one."""
    moved: dict[int, int | None] = {}
    touched = []
    for item in items:
        row = rows[item.object_pk]
        name = row.name if item.name is None else item.name
        properties = row.properties if item.properties is None else item.properties
        if isinstance(item.parent, Keep):
            parent_id = row.parent_id
        elif item.parent is None:
            parent_id = None
        else:
            parent_id = (parents.get(item.parent) or rows[str(item.parent.id)]).pk
        # Sending again what is there writes nothing, records nothing, and meets no ceiling.
        if (row.name, row.properties, row.parent_id) == (name, properties, parent_id):
            continue
        if row.parent_id != parent_id:
            moved[row.pk] = row.parent_id
        row.name, row.properties, row.parent_id = name, properties, parent_id
        touched.append(row)
    Resource.objects.bulk_update(touched, ["name", "properties", "parent"], batch_size=BATCH)
    return moved


def _follow(moved: dict[int, int | None], new: set[int], *, actor: User | None) -> None:
    """Let the closure follow the new parents, if they are allowed.

    Whoever moves a resource to where a scope reaches it gives it to the scope's role holders.
    """
    levels = closure.levels_above(closure.RESOURCES, moved, limit=MOST_LEVELS)
    if levels > MOST_LEVELS:
        message = f"A resource cannot lie below itself, nor below more than {MOST_LEVELS} others."
        raise ResourceCycle(fields={"parent": [message]})
    elsewhere = moved.keys() - new
    reached_before = _scopes_above(elsewhere)
    closure.rebuild(closure.RESOURCES, moved)
    reached = _scopes_above(elsewhere) - reached_before
    if reached:
        roles = Role.objects.filter(assignments__scope__in={scope for _, scope in reached})
        require_covers(actor=actor, roles=roles.distinct())


def _scopes_above(keys: Iterable[int]) -> set[tuple[int, Any]]:
    """(resource, scope) for each scope that reaches one of the resources, itself or from above."""
    reached: set[tuple[int, Any]] = set()
    for batch in batches(keys):
        above = ResourceClosure.objects.filter(descendant__in=batch)
        here = above.filter(ancestor__type=OuterRef("content_type"))
        listed = here.filter(ancestor__object_pk=OuterRef("object_pk"))
        entries = ScopeEntry.objects.filter(
            Exists(listed) | Q(object_pk__isnull=True) & Exists(here), with_descendants=True
        )
        scopes: dict[tuple[int, str | None], set[Any]] = defaultdict(set)
        for kind, key, scope in entries.values_list("content_type", "object_pk", "scope"):
            scopes[kind, key].add(scope)
        if scopes:
            pairs = above.values_list("descendant", "ancestor__type", "ancestor__object_pk")
            for row, kind, key in pairs:
                reached.update((row, scope) for scope in scopes[kind, key] | scopes[kind, None])
    return reached


def _recorded(
    items: Sequence[ResourceSpec],
    rows: dict[str, Resource],
    before: dict[str, Any],
    *,
    actor: User | None,
) -> Registered:
    result, entries = Registered(), []
    for item in items:
        row = rows[item.object_pk]
        was, now = before.get(item.object_pk), resource_facts(row)
        result.rows.append(row)
        if was is None:
            result.created += 1
        elif was != now:
            result.changed += 1
        else:
            result.unchanged += 1
            continue
        kind = EventKind.RESOURCE_CREATED if was is None else EventKind.RESOURCE_CHANGED
        target = (row.type.label, row.object_pk, str(row))
        entries.append(Entry(kind=kind, target=target, before=was, after=now))
    record_many(entries, actor=actor)
    return result
