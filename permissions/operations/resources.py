"""Resources of types that have no table here: registered, moved and removed in sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from audit.errors import InvalidInput, NotFound
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import ResourceRef, searchable
from permissions.models import Resource, ResourceClosure, ResourceMode, ResourceType, python_model
from permissions.operations import closure
from permissions.operations.batches import batches
from permissions.operations.deletion import forget_resources
from permissions.operations.initial_permissions import fire
from permissions.operations.locks import Change, lock_rows, one_at_a_time
from permissions.operations.reach import Reach, require_reach
from permissions.operations.retired import retire_keys, retired_keys
from permissions.queries import seen_keys
from roles.models import ScopeEntry

MOST_RESOURCES = 10_000
# The closure has a pair for each node and each of its ancestors: a chain costs the square of this.
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
    """How many resources were new, changed, and already as they are to be."""

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
    registered: bool | None = None,
) -> Registered:
    """Create what is new and change what is there, at most 10,000 at once; rows in order.

    A parent is a registered resource of the same type or of its parent type, or one of ``items``;
    one that the actor may know nothing of is missing, unless it is the parent already.
    Raises InvalidInput keyed by position under ``resources``, ResourceCycle, and GrantCeiling when
    a resource would be moved into a scope that gives the holders of its roles more than the actor
    holds. Registering what may have been known before is a move as well: keys that were deleted,
    and all keys of a type that was ever open. ``registered`` says whether they are all there
    already, or none is: InvalidInput or NotFound if that is not so by now.
    """
    _refuse_unfit(type, items)
    # Before anything is read: two that each move one resource could make a circle together.
    one_at_a_time(Change.RESOURCE_PARENTS)
    present = _present(type, [item.object_pk for item in items])
    if registered is not None:
        _require_registered(items, present, registered)
    parents = _parents(type, items, present, actor=actor)
    before = {key: resource_facts(row) for key, row in present.items()}
    # Without parents yet: those may be among the rows that are being made.
    new = [item.object_pk for item in items if item.object_pk not in present]
    created = [Resource(type=type, object_pk=object_pk) for object_pk in new]
    Resource.objects.bulk_create(created, batch_size=BATCH)
    closure.add_nodes(closure.RESOURCES, [row.pk for row in created])
    rows = {**present, **{row.object_pk: row for row in created}}
    moved = _write(items, rows, parents)
    _follow(moved, _unheard_of(type, created), actor=actor)
    result = _recorded(items, rows, before, actor=actor)
    # Only for what is new: who changes a thing has not created it.
    fire(actor=actor, label=type.label, keys=[row.object_pk for row in created])
    return result


def register_resource(
    *,
    actor: User | None,
    type: ResourceType,  # noqa: A002  as above
    item: ResourceSpec,
    registered: bool = False,
) -> Resource:
    """As ``register_resources``, with its InvalidInput keyed by field alone."""
    try:
        result = register_resources(actor=actor, type=type, items=[item], registered=registered)
        return result.rows[0]
    except InvalidInput as error:
        wrong = (error.fields or {}).get("resources")
        if not isinstance(wrong, dict):
            raise
        raise InvalidInput(fields=next(iter(wrong.values()))) from None


def update_resource(*, resource: Resource, actor: User | None, **changes: Any) -> Resource:
    """``name``, ``parent`` and ``properties``, as far as given; see ``register_resources``."""
    spec = ResourceSpec(object_pk=resource.object_pk, **changes)
    return register_resource(actor=actor, type=resource.type, item=spec, registered=True)


@transaction.atomic
def delete_resources(*, resources: Iterable[Resource], actor: User | None) -> int:
    """Every grant on them and every scope entry that names them goes; children become roots."""
    rows = list(resources)
    if not rows:
        return 0
    one_at_a_time(Change.RESOURCE_PARENTS)
    rows = lock_rows(rows)
    keys = {row.pk for row in rows}
    by_type: dict[int, list[Resource]] = defaultdict(list)
    for row in rows:
        by_type[row.type_id].append(row)
    # Asked before the rows go: their closure must be mended, and nothing tells of them afterwards.
    orphans: set[int] = set()
    for batch in batches(keys, BATCH):
        below = Resource.objects.filter(parent__in=batch).values_list("pk", flat=True)
        orphans.update(below)
    for kind in ResourceType.objects.filter(pk__in=by_type).select_related("content_type"):
        gone = by_type[kind.pk]
        forget_resources(kind.label, [row.object_pk for row in gone], actor=actor)
        retire_keys(kind.label, [row.object_pk for row in gone])
        entries = [
            Entry(
                kind=EventKind.RESOURCE_DELETED,
                target=(kind.label, row.object_pk, str(row)),
                before=resource_facts(row),
            )
            for row in gone
        ]
        record_many(entries, actor=actor)
    forget_resources("permissions.resource", map(str, keys), actor=actor)
    for batch in batches(keys, BATCH):
        Resource.objects.filter(pk__in=batch).delete()
    closure.rebuild(closure.RESOURCES, orphans - keys)
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


def _require_registered(
    items: Sequence[ResourceSpec], present: Mapping[str, Resource], registered: bool
) -> None:
    if registered and len(present) < len(items):
        raise NotFound
    message = "This resource is registered already."
    wrong = {
        str(n): {"object_pk": [message]}
        for n, item in enumerate(items)
        if not registered and item.object_pk in present
    }
    if wrong:
        raise InvalidInput(fields={"resources": wrong})


def _present(kind: ResourceType, keys: Iterable[str]) -> dict[str, Resource]:
    rows: dict[str, Resource] = {}
    for batch in batches(keys, BATCH):
        for row in Resource.objects.filter(type=kind, object_pk__in=batch):
            # The label is told in each event, and would be read anew for each row.
            row.type = kind
            rows[row.object_pk] = row
    return rows


def _parents(
    kind: ResourceType,
    items: Sequence[ResourceSpec],
    present: Mapping[str, Resource],
    *,
    actor: User | None,
) -> dict[ResourceRef, Resource]:
    """The registered parents by reference; those that are among the items come later."""
    kinds = {kind.label: kind}
    if kind.parent is not None:
        kinds[kind.parent.label] = kind.parent
    own = {ResourceRef(kind.label, item.object_pk) for item in items}
    asked = {item.parent for item in items if isinstance(item.parent, ResourceRef)}
    parents: dict[ResourceRef, Resource] = {}
    # A parent that is there already may be sent back by whoever cannot see it.
    current = {row.parent_id for row in present.values()}
    for label, parent_kind in kinds.items():
        keys = [ref.id for ref in asked if ref.type == label and ref.id and searchable(ref.id)]
        rows = _present(parent_kind, keys)
        seen = rows.keys() if actor is None else seen_keys(actor, parent_kind, list(rows))
        for key, row in rows.items():
            if key in seen or row.pk in current:
                parents[ResourceRef(label, key)] = row
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
) -> list[int]:
    """Give the rows what the items say; those that got another parent."""
    moved: list[int] = []
    touched = []
    for item in items:
        row = rows[item.object_pk]
        parent_id = _parent_id(item, row, rows, parents)
        name, properties = (
            row.name if item.name is None else item.name,
            row.properties if item.properties is None else item.properties,
        )
        if (row.name, row.properties, row.parent_id) == (name, properties, parent_id):
            continue
        if row.parent_id != parent_id:
            moved.append(row.pk)
        row.name, row.properties, row.parent_id = name, properties, parent_id
        touched.append(row)
    Resource.objects.bulk_update(touched, ["name", "properties", "parent"], batch_size=BATCH)
    return moved


def _parent_id(
    item: ResourceSpec,
    row: Resource,
    rows: dict[str, Resource],
    parents: dict[ResourceRef, Resource],
) -> int | None:
    if isinstance(item.parent, Keep):
        return row.parent_id
    if item.parent is None:
        return None
    registered = parents.get(item.parent)
    return registered.pk if registered is not None else rows[str(item.parent.id)].pk


def _unheard_of(kind: ResourceType, created: Sequence[Resource]) -> set[int]:
    """Those of the new rows that no grant and no scope can have named before."""
    if kind.was_open or kind.mode == ResourceMode.OPEN:
        return set()
    retired = retired_keys(kind, [row.object_pk for row in created])
    return {row.pk for row in created if row.object_pk not in retired}


def _follow(moved: Collection[int], unheard_of: set[int], *, actor: User | None) -> None:
    """Let the closure follow the new parents, if they are allowed."""
    if not moved:
        return
    levels = closure.levels_above(closure.RESOURCES, moved, limit=MOST_LEVELS)
    if levels > MOST_LEVELS:
        message = f"A resource cannot lie below itself, nor below more than {MOST_LEVELS} others."
        raise ResourceCycle(fields={"parent": [message]})
    elsewhere = [pk for pk in moved if pk not in unheard_of]
    # Judged before the closure follows: afterwards the actor would hold what it is about to take.
    if actor is not None and elsewhere:
        require_reach(actor=actor, newly=_newly_reached(elsewhere))
    closure.rebuild(closure.RESOURCES, moved)


def _newly_reached(moved: Sequence[int]) -> dict[Any, Reach]:
    """What scopes will reach once the closure follows the parents. What lies below comes along."""
    lines = closure.lines_above(closure.RESOURCES, moved)
    old: set[tuple[int, int]] = set()
    for batch in batches(moved, BATCH):
        rows = ResourceClosure.objects.filter(descendant__in=batch)
        old.update(rows.values_list("descendant", "ancestor"))
    places: dict[Any, set[tuple[int, str | None, bool]]] = defaultdict(set)
    pairs = ResourceClosure.objects.filter(ancestor=OuterRef("pk"))
    has_below = Exists(pairs.exclude(descendant=OuterRef("pk")))
    by_pk = {
        row.pk: row
        for batch in batches(moved, BATCH)
        for row in Resource.objects.filter(pk__in=batch).annotate(has_below=has_below)
    }
    for pk, scope in _scopes_over(lines) - _scopes_over(old):
        row = by_pk[pk]
        places[scope].add((row.type_id, row.object_pk, row.has_below))
    return {scope: Reach(frozenset(those)) for scope, those in places.items()}


def _scopes_over(lines: set[tuple[int, int]]) -> set[tuple[int, Any]]:
    """(resource, scope) wherever a scope reaches one of the resources, itself or from above."""
    scopes: dict[int, set[Any]] = defaultdict(set)
    for batch in batches({above for _, above in lines}, BATCH):
        rows = Resource.objects.filter(pk__in=batch)
        of_type = rows.filter(type=OuterRef("content_type"))
        with_key = of_type.filter(object_pk=OuterRef("object_pk"))
        entries = ScopeEntry.objects.filter(
            Exists(with_key) | Q(object_pk__isnull=True) & Exists(of_type), with_descendants=True
        )
        over: dict[tuple[int, str | None], set[Any]] = defaultdict(set)
        for kind, key, scope in entries.values_list("content_type", "object_pk", "scope"):
            over[kind, key].add(scope)
        for row in rows if over else ():
            scopes[row.pk] = over[row.type_id, row.object_pk] | over[row.type_id, None]
    return {(below, scope) for below, above in lines for scope in scopes[above]}


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
