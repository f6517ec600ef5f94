"""What scopes cover, compared with each other: by entries, and not resource by resource."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from django.db.models import Exists, OuterRef, QuerySet

from permissions.models import ResourceClosure
from roles.models import Scope, ScopeEntry, ScopeKind


class Selector(NamedTuple):
    """An entry of a scope: a whole type, a resource, or one of these with all below it."""

    type: int
    key: str | None
    with_descendants: bool


class Coverage:
    """What some scopes cover, as the resources lie now. Two statements, when it is first asked, and
    one for each resource asked about that none of the scopes names.
    """

    def __init__(self, scopes: Iterable[uuid.UUID]) -> None:
        self._scopes = set(scopes)

    def selected(self, scope: uuid.UUID, of_type: int) -> list[Selector]:
        """The selectors of a scope that may cover resources of a type; of all: the whole type."""
        kind, entries = self._contents[scope]
        if kind == ScopeKind.ALL:
            return [Selector(of_type, None, with_descendants=True)]
        if kind == ScopeKind.NOTHING:
            return []
        return [entry for entry in entries if entry.type == of_type or entry.with_descendants]

    def is_nothing(self, scope: uuid.UUID) -> bool:
        return self._contents[scope][0] == ScopeKind.NOTHING

    def contains(self, scope: uuid.UUID, place: Selector, of_type: int) -> bool:
        """Whether a scope covers every resource of a type that the selector covers."""
        if place.type != of_type and not place.with_descendants:
            # There is nothing of the type in it.
            return True
        above = set() if place.key is None else self._lying_above(place.type, place.key)
        kinds_above = {kind for kind, _ in above}
        for entry in self.selected(scope, of_type):
            if entry.key is None and entry.type == of_type:
                return True
            # One that stops at the resource covers nothing of what lies below it.
            is_as_deep = entry.with_descendants or not place.with_descendants
            if is_as_deep and entry.type == place.type and entry.key in (None, place.key):
                return True
            if entry.with_descendants and (
                (entry.type, entry.key) in above
                or (entry.key is None and entry.type in kinds_above)
            ):
                return True
        return False

    def lies_in(self, scope: uuid.UUID, other: uuid.UUID, of_type: int) -> bool:
        """Whether the other scope covers every resource of a type that the scope covers."""
        return all(self.contains(other, e, of_type) for e in self.selected(scope, of_type))

    @cached_property
    def _contents(self) -> dict[uuid.UUID, tuple[str, list[Selector]]]:
        # A scope deleted meanwhile covers nothing.
        contents = {scope: (str(ScopeKind.NOTHING), list[Selector]()) for scope in self._scopes}
        rows = Scope.objects.filter(pk__in=self._scopes).values_list(
            "pk", "kind", "entries__content_type", "entries__object_pk", "entries__with_descendants"
        )
        for scope, kind, of_type, key, below in rows:
            entries = contents[scope][1]
            if of_type is not None:
                entries.append(Selector(of_type, key, below))
            contents[scope] = (kind, entries)
        return contents

    @cached_property
    def _above(self) -> dict[tuple[int, str], set[tuple[int, str]]]:
        """What lies above each resource that an entry names, and above those asked about later."""
        entries = ScopeEntry.objects.filter(
            scope__in=self._scopes,
            content_type=OuterRef("descendant__type"),
            object_pk=OuterRef("descendant__object_pk"),
        )
        above: dict[tuple[int, str], set[tuple[int, str]]] = defaultdict(set)
        for of_type, key, kind, above_key in _closure(
            ResourceClosure.objects.filter(Exists(entries))
        ):
            above[of_type, key].add((kind, above_key))
        # What is named and registered nowhere has nothing above it, and is not asked about again.
        for _, selectors in self._contents.values():
            for selector in selectors:
                if selector.key is not None:
                    above.setdefault((selector.type, selector.key), set())
        return dict(above)

    def _lying_above(self, of_type: int, key: str) -> set[tuple[int, str]]:
        if (of_type, key) not in self._above:
            rows = ResourceClosure.objects.filter(
                descendant__type=of_type, descendant__object_pk=key
            )
            self._above[of_type, key] = {(kind, above) for _, _, kind, above in _closure(rows)}
        return self._above[of_type, key]


def _closure(rows: QuerySet[ResourceClosure]) -> Iterable[tuple[int, str, int, str]]:
    return rows.values_list(
        "descendant__type", "descendant__object_pk", "ancestor__type", "ancestor__object_pk"
    )
