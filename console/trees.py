"""Groups above and below a group, opened step by step: the query says which of them are open.

Each direction is one statement, however deep it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, QueryDict

from accounts.models import Group, GroupParent
from console.rights import Rights

MOST_OPEN, MOST_SHOWN = 200, 500
DOWN, UP = "down", "up"
# Of the rows that link groups: the near end, and the far one.
ENDS = {DOWN: ("parent", "child"), UP: ("child", "parent")}


@dataclass(slots=True)
class Node:
    """``url`` opens it, or closes it; "" where nothing lies beyond."""

    group: Group
    url: str = ""
    is_open: bool = False
    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tree:
    title: str
    nodes: list[Node]
    is_cut: bool


def tree_of(group: Group, direction: str, request: HttpRequest, rights: Rights) -> Tree:
    """Of the groups that the caller may view."""
    near, far = ENDS[direction]
    opened = _opened(request.GET, direction)
    rows = GroupParent.objects.filter(**{f"{near}__in": {group.pk, *opened}})
    more = rights.visible(GroupParent.objects.filter(**{near: OuterRef(far)}), by=far)
    seen = rights.visible(rows, by=far).select_related(far).annotate(goes_on=Exists(more))
    links = list(seen.order_by(f"{far}__name")[: MOST_SHOWN + 1])
    beyond: dict[Any, list[Any]] = defaultdict(list)
    for link in links[:MOST_SHOWN]:
        beyond[getattr(link, f"{near}_id")].append(link)

    def nodes(key: Any, path: frozenset[Any]) -> Iterable[Node]:
        for link in beyond[key]:
            other = getattr(link, far)
            # Rows from elsewhere may make a circle.
            if other.pk in path:
                continue
            node = Node(other)
            if link.goes_on:
                node.is_open = other.pk in opened
                node.url = _turned(request, direction, opened ^ {other.pk})
            if node.is_open:
                node.nodes = list(nodes(other.pk, path | {other.pk}))
            yield node

    title = "Groups below" if direction == DOWN else "Groups above"
    return Tree(title, list(nodes(group.pk, frozenset({group.pk}))), len(links) > MOST_SHOWN)


def _opened(query: Mapping[str, Any], direction: str) -> frozenset[UUID]:
    words = str(query.get(direction, "")).split(".")[:MOST_OPEN]
    return frozenset(UUID(word) for word in words if _is_key(word))


def _is_key(word: str) -> bool:
    return len(word) == 32 and all(letter in "0123456789abcdef" for letter in word)


def _turned(request: HttpRequest, direction: str, opened: frozenset[UUID]) -> str:
    query: QueryDict = request.GET.copy()
    query[direction] = ".".join(sorted(key.hex for key in opened))
    return f"{request.path}?{query.urlencode()}#{direction}"
