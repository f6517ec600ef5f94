"""Scopes: where an assignment of a role counts. Widening one gives its holders more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection, transaction

from accounts.models import User
from audit.errors import Conflict, Forbidden, InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record, record_many
from permissions.engine import canonical_pk, find_types, searchable
from permissions.models import Resource, ResourceClosure, ResourceMode, ResourceType, python_model
from permissions.operations.deletion import delete_rows
from permissions.operations.initial_permissions import fire
from permissions.operations.locks import Precondition, keep_keys, lock_rows
from permissions.operations.reach import Reach, require_reach
from permissions.queries import seen_keys
from roles.models import RoleAssignment, Scope, ScopeEntry, ScopeKind

MOST_ENTRIES = 10_000
BATCH = 1_000


class ScopeInUse(Conflict):
    """Assignments are limited to the scope; without it they would mean something else."""

    code = "scope_in_use"


class BuiltInScope(Forbidden):
    """The service's own scopes stay as they are."""

    code = "built_in_scope"
    default_message = "A built-in scope cannot be changed or deleted."


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrySpec:
    """A whole type (no ``object_pk``), one resource, or one with all below it.

    ``type`` is a label or a free name. A whole type with descendants includes what lies below its
    resources, whatever their type.
    """

    type: str
    object_pk: str | None = None
    with_descendants: bool = False


@transaction.atomic
def create_scope(
    *,
    actor: User | None,
    kind: ScopeKind = ScopeKind.SELECTED,
    entries: Iterable[EntrySpec] = (),
    name: str | None = None,
    description: str = "",
    properties: dict[str, Any] | None = None,
) -> Scope:
    """Without a name the scope is inline: it belongs to one assignment and goes with it.

    Raises InvalidInput keyed by ``entries`` and position; of strict types, what the actor may know
    nothing of is missing. Resources of open types that nobody has registered are, so that they can
    get parents and children.
    """
    selectors = _selectors(kind, list(entries), actor=actor)
    scope = Scope.objects.create(
        name=name,
        kind=kind,
        description=description,
        properties=properties or {},
        created_by=actor,
        last_modified_by=actor,
    )
    _write(scope, selectors)
    record(EventKind.SCOPE_CREATED, target=scope, actor=actor, after=_facts(scope, selectors))
    if name is not None:
        fire(actor=actor, label="authentik_rbac.scope", keys=[str(scope.pk)])
    return scope


@transaction.atomic
def update_scope(
    *,
    scope: Scope,
    actor: User | None,
    kind: ScopeKind | None = None,
    entries: Iterable[EntrySpec] | None = None,
    precondition: Precondition | None = None,
    **fields: Any,
) -> Scope:
    """Only what is given changes; ``entries`` replaces all of them and what doors noted about them.

    ``fields``: name, description, properties. Raises GrantCeiling when holders would reach, by
    their roles, more than before and more than the actor holds there.
    """
    if scope.built_in:
        raise BuiltInScope
    chosen: Selectors | None = None
    if entries is not None:
        # Holds resources, and before the scope: in this order deletions of resources go.
        kind = ScopeKind(kind or scope.kind)
        chosen = _selectors(kind, list(entries), actor=actor, present=_current(scope))
    if precondition is not None:
        precondition()
    scope = Scope.objects.select_for_update().get(pk=scope.pk)
    old = _current(scope)
    before = _facts(scope, old)
    kind = ScopeKind(kind or scope.kind)
    new = chosen if chosen is not None else old if kind == ScopeKind.SELECTED else {}
    if (more := _beyond(scope, kind, old, new)) is not None:
        require_reach(actor=actor, newly={scope.pk: more})
    if new != old:
        # What doors noted about the old entries would pass for what is there.
        scope.properties = {}
        scope.entries.all().delete()
        _write(scope, new)
    for name, value in {**fields, "kind": kind, "last_modified_by": actor}.items():
        setattr(scope, name, value)
    scope.save()
    after = _facts(scope, new)
    if after != before:
        record(EventKind.SCOPE_CHANGED, target=scope, actor=actor, before=before, after=after)
    return scope


@transaction.atomic
def delete_scopes(*, scopes: Iterable[Scope], actor: User | None) -> None:
    """All or none. Raises ScopeInUse, BuiltInScope."""
    scopes = list(scopes)
    if any(scope.built_in for scope in scopes):
        raise BuiltInScope
    scopes = lock_rows(scopes)
    used = RoleAssignment.objects.filter(scope__in=scopes).values_list("scope__name", flat=True)
    if names := sorted({str(name) for name in used[:BATCH]}):
        raise ScopeInUse(f"Role assignments are limited to: {', '.join(names[:5])}.")
    delete_rows(scopes, EventKind.SCOPE_DELETED, actor=actor)


def keep_named(entries: Iterable[EntrySpec]) -> None:
    """Nobody deletes the resources that these name before the transaction ends. For whoever makes a
    scope after it has locked assignments, which deletions of resources lock after the resources.
    """
    if not connection.features.has_select_for_update:
        return
    keys: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        if entry.object_pk and searchable(entry.object_pk):
            keys[entry.type].append(entry.object_pk)
    for name, type_ in find_types(keys).items():
        if python_model(type_.label) is None:
            keep_keys(type_, keys[name])


class Selector(NamedTuple):
    content_type_id: int
    label: str
    object_pk: str | None  # None is the whole type


# With or without descendants.
Selectors = dict[Selector, bool]


def _selectors(
    kind: ScopeKind,
    entries: list[EntrySpec],
    *,
    actor: User | None,
    present: Selectors | None = None,
) -> Selectors:
    """What is ``present`` already may be sent back by whoever cannot see it."""
    if len(entries) > MOST_ENTRIES:
        raise InvalidInput(fields={"entries": [f"At most {MOST_ENTRIES} entries are allowed."]})
    if entries and kind != ScopeKind.SELECTED:
        raise InvalidInput(fields={"entries": [f"A scope of kind {kind} has no entries."]})
    called = find_types({entry.type for entry in entries})
    types = {one.label: one for one in called.values()}
    selectors: Selectors = {}
    faults: dict[str, Any] = {}
    position: dict[str, dict[str, int]] = defaultdict(dict)  # by label and key
    for n, entry in enumerate(entries):
        if (type_ := called.get(entry.type)) is None:
            faults[str(n)] = {"type": [f'"{entry.type[:200]}" is not a valid choice.']}
            continue
        try:
            key = None if entry.object_pk is None else canonical_pk(type_.label, entry.object_pk)
        except InvalidInput as error:
            faults[str(n)] = error.fields
            continue
        selector = Selector(type_.pk, type_.label, key)
        selectors[selector] = selectors.get(selector, False) or entry.with_descendants
        if key is not None:
            position[type_.label][key] = n
    there = {label: keep_keys(types[label], list(keys)) for label, keys in position.items()}
    missing = [
        (label, key) for label in position for key in position[label] if key not in there[label]
    ]
    sent_back = {(label, key) for _, label, key in present or ()}
    # To name a key of a type that takes any key tells nothing.
    open_labels = {
        label
        for label, type_ in types.items()
        if type_.mode == ResourceMode.OPEN and python_model(label) is None
    }
    telling = {(label, key) for label in position.keys() - open_labels for key in position[label]}
    hidden = _hidden(types, telling - sent_back, actor) if actor and telling - sent_back else set()
    for label, key in [*missing, *hidden]:
        if (label, key) in telling:
            faults[str(position[label][key])] = {"object_pk": [f"No {label} has this key."]}
    if faults:
        raise InvalidInput(fields={"entries": faults})
    _record_resources(types, missing, actor=actor)
    return selectors


def _hidden(
    types: dict[str, ResourceType], resources: Iterable[tuple[str, str]], actor: User
) -> set[tuple[str, str]]:
    """(type label, key) of what the actor may know nothing of, and must not learn by naming it."""
    keys: dict[str, list[str]] = defaultdict(list)
    for label, key in resources:
        keys[label].append(key)
    seen = {label: seen_keys(actor, types[label], of_type) for label, of_type in keys.items()}
    return {(label, key) for label, key in resources if key not in seen[label]}


def _record_resources(
    types: dict[str, ResourceType], resources: Iterable[tuple[str, str]], *, actor: User | None
) -> None:
    """Register resources that were only named so far, with nothing but their keys.

    InitialPermissions do not fire: naming a thing must not make anybody its creator.
    Whoever loses a race against the same registration changes nothing.
    """
    # In one order: two who name the same resources in different orders wait for each other.
    rest = sorted(resources)
    while rest:
        batch, rest = rest[:BATCH], rest[BATCH:]
        Resource.objects.bulk_create(
            [Resource(type=types[label], object_pk=key) for label, key in batch],
            ignore_conflicts=True,
        )
        rows = Resource.objects.filter(
            type__in={types[label].pk for label, _ in batch},
            object_pk__in=[key for _, key in batch],
        ).values_list("pk", flat=True)
        ResourceClosure.objects.bulk_create(
            [ResourceClosure(descendant_id=pk, ancestor_id=pk) for pk in rows],
            ignore_conflicts=True,
        )
        created = EventKind.RESOURCE_CREATED
        record_many([Entry(kind=created, target=(t, k, k)) for t, k in batch], actor=actor)


def _write(scope: Scope, selectors: Selectors) -> None:
    rows = [
        ScopeEntry(
            scope=scope,
            content_type_id=selector.content_type_id,
            object_pk=selector.object_pk,
            with_descendants=below,
        )
        for selector, below in selectors.items()
    ]
    ScopeEntry.objects.bulk_create(rows, batch_size=BATCH)


def _current(scope: Scope) -> Selectors:
    selectors: Selectors = {}
    for row in scope.entries.select_related("content_type").order_by("pk"):
        label = f"{row.content_type.app_label}.{row.content_type.model}"
        selectors[Selector(row.content_type_id, label, row.object_pk)] = row.with_descendants
    return selectors


def _beyond(scope: Scope, kind: ScopeKind, old: Selectors, new: Selectors) -> Reach | None:
    """What the scope is to cover that it does not cover; selectors that it has do not count."""
    if kind == ScopeKind.NOTHING or scope.kind == ScopeKind.ALL:
        return None
    if kind == ScopeKind.ALL:
        return Reach(kind=ScopeKind.ALL)
    # Entries of a scope of nothing cover nothing, so that they do not count as had.
    covered = old if scope.kind == ScopeKind.SELECTED else {}
    places = frozenset(
        (selector.content_type_id, selector.object_pk, below)
        for selector, below in new.items()
        if selector not in covered or (below and not covered[selector])
    )
    return Reach(places) if places else None


def _facts(scope: Scope, selectors: Selectors) -> dict[str, Any]:
    """What an audit event says of a scope."""
    return {
        "name": scope.name,
        "description": scope.description,
        "kind": str(scope.kind),
        "entries": [
            {"type": one.label, "object_pk": one.object_pk, "with_descendants": below}
            for one, below in selectors.items()
        ],
    }
