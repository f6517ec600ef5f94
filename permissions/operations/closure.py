"""Keeping (descendant, ancestor) pairs true in the transaction that changes a parent.

Groups have many parents, resources one; both have a table of pairs, in which each node is also its
own ancestor, so that a decision needs no recursion. A change rebuilds the pairs of the nodes below
it with a fixed number of statements, however many these are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from accounts.models import Group, GroupClosure, GroupParent
from permissions.models import Resource, ResourceClosure
from permissions.operations.batches import batches

BATCH = 500


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Which table holds the parents, in which columns, and which holds the pairs."""

    node: type[models.Model]
    edges: str
    child: str
    parent: str
    closure: type[models.Model]

    @property
    def pairs(self) -> str:
        return self.closure._meta.db_table


GROUPS = Hierarchy(Group, GroupParent._meta.db_table, "child_id", "parent_id", GroupClosure)
RESOURCES = Hierarchy(Resource, Resource._meta.db_table, "id", "parent_id", ResourceClosure)


def add_nodes(hierarchy: Hierarchy, keys: Iterable[Any]) -> None:
    """The pairs of new nodes with themselves, which must be there before anything else is asked."""
    pairs = hierarchy.closure._default_manager
    pairs.bulk_create(
        [hierarchy.closure(descendant_id=key, ancestor_id=key) for key in keys], batch_size=BATCH
    )


def is_below(hierarchy: Hierarchy, node: Any, others: Iterable[Any]) -> bool:
    """Whether any of the others is the node itself or below it."""
    pairs = hierarchy.closure._default_manager
    return pairs.filter(ancestor=node, descendant__in=list(others)).exists()


def levels_above(hierarchy: Hierarchy, keys: Iterable[Any], *, limit: int) -> int:
    """How many levels lie above these nodes and all below them, as the parents are now.

    ``limit`` + 1 stands for more, and for a cycle, which has no end. To be asked before
    ``rebuild``, which writes a number of pairs that grows with the square of the depth.
    """
    levels = [0]
    for batch in batches(_stored(hierarchy, keys), BATCH):
        # One level beyond the limit is walked, which tells that there are more, and ends a cycle.
        text = f"""
            WITH RECURSIVE up(node, level) AS (
                SELECT descendant_id, 0 FROM {hierarchy.pairs}
                WHERE ancestor_id IN ({_marks(batch)})
                UNION
                SELECT e.{hierarchy.parent}, up.level + 1
                FROM up JOIN {hierarchy.edges} e ON e.{hierarchy.child} = up.node
                WHERE e.{hierarchy.parent} IS NOT NULL AND up.level <= %s
            ) SELECT MAX(level) FROM up"""  # noqa: S608  table and column names are ours
        with connection.cursor() as cursor:
            cursor.execute(text, [*batch, limit])
            levels.append(cursor.fetchone()[0] or 0)
    return max(levels)


def lines_above(hierarchy: Hierarchy, keys: Iterable[Any]) -> set[tuple[Any, Any]]:
    """(node, ancestor) for these nodes, themselves included, as the parents are now: by walking,
    for whoever asks before ``rebuild``.
    """
    pairs: set[tuple[Any, Any]] = set()
    for batch in batches(_stored(hierarchy, keys), BATCH):
        text = f"""
            WITH RECURSIVE up(descendant, ancestor) AS (
                SELECT descendant_id, descendant_id FROM {hierarchy.pairs}
                WHERE descendant_id IN ({_marks(batch)}) AND ancestor_id = descendant_id
                UNION
                SELECT up.descendant, e.{hierarchy.parent}
                FROM up JOIN {hierarchy.edges} e ON e.{hierarchy.child} = up.ancestor
                WHERE e.{hierarchy.parent} IS NOT NULL
            ) SELECT descendant, ancestor FROM up"""  # noqa: S608  table and column names are ours
        with connection.cursor() as cursor:
            cursor.execute(text, batch)
            pairs.update(cursor.fetchall())
    return pairs


def rebuild(hierarchy: Hierarchy, keys: Iterable[Any]) -> None:
    """Make the pairs of these nodes, and of all below them, follow the parents as they are now.

    Call under ``one_at_a_time``. What lies below a node does not depend on its parents, so the old
    pairs still say whose new ones are to be made. Two statements per 500 nodes.
    """
    pairs, edges = hierarchy.pairs, hierarchy.edges
    child, parent = hierarchy.child, hierarchy.parent
    for batch in batches(_stored(hierarchy, keys), BATCH):
        below = f"SELECT descendant_id FROM {pairs} WHERE ancestor_id IN ({_marks(batch)})"  # noqa: S608  as above
        # Rows in: the nodes at and below the changed ones. Rows out: a pair for each node that can
        # be reached upwards from each of them. UNION, not UNION ALL: what is reached in two ways is
        # walked on from once, or forks that meet again would double the work each time.
        up = f"""
            WITH RECURSIVE up(descendant, ancestor) AS (
                SELECT descendant_id, descendant_id FROM ({below}) AS below
                UNION
                SELECT up.descendant, e.{parent} FROM up JOIN {edges} e ON e.{child} = up.ancestor
                WHERE e.{parent} IS NOT NULL
            )"""  # noqa: S608  as above
        with connection.cursor() as cursor:
            cursor.execute(
                f"""{up}
                INSERT INTO {pairs} (descendant_id, ancestor_id)
                SELECT descendant, ancestor FROM up WHERE true
                ON CONFLICT (descendant_id, ancestor_id) DO NOTHING""",  # noqa: S608  as above
                batch,
            )
            # Only pairs that no way supports any more: those that stay, most of a large tree, are
            # not written again.
            cursor.execute(
                f"""{up}
                DELETE FROM {pairs} WHERE descendant_id IN ({below}) AND NOT EXISTS (
                    SELECT 1 FROM up
                    WHERE up.descendant = descendant_id AND up.ancestor = ancestor_id)""",  # noqa: S608  as above
                batch * 2,
            )


def _marks(values: list[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _stored(hierarchy: Hierarchy, keys: Iterable[Any]) -> list[Any]:
    """Keys in the form their column stores."""
    pk = hierarchy.node._meta.pk
    assert pk is not None
    return [pk.get_db_prep_value(key, connection) for key in keys]
