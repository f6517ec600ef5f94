"""Which group lies below which: members of a group have what the groups above it give."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Group, GroupParent, User
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import require_covers
from permissions.operations import closure
from permissions.operations.locks import Change, one_at_a_time


class GroupCycle(InvalidInput):
    """A group would be its own ancestor."""

    code = "group_cycle"


@transaction.atomic
def set_parents(*, group: Group, parents: Iterable[Group], actor: User | None) -> None:
    """The group lies directly below exactly these. Raises GroupCycle and GrantCeiling.

    Members of the group, and of those below it, become members of the new ancestors.
    """
    one_at_a_time(Change.GROUP_PARENTS)
    parents_by_key = {parent.pk: parent for parent in parents}
    rows = {
        row.parent_id: row
        for row in GroupParent.objects.filter(child=group).select_related("child", "parent")
    }
    added = [parent for pk, parent in parents_by_key.items() if pk not in rows]
    removed = [row for pk, row in rows.items() if pk not in parents_by_key]
    if not added and not removed:
        return
    if group in added:
        raise GroupCycle(fields={"parents": ["Cannot set group as parent of itself."]})
    if closure.is_below(closure.GROUPS, group.pk, [parent.pk for parent in added]):
        raise GroupCycle(fields={"parents": ["Cannot put a group below one of its descendants."]})
    # Only what is added: to take a parent away takes away what members had through it.
    require_covers(actor=actor, groups=added)
    # Rows first: the closure is rebuilt from what they say.
    GroupParent.objects.filter(pk__in=[row.pk for row in removed]).delete()
    GroupParent.objects.bulk_create([GroupParent(child=group, parent=parent) for parent in added])
    closure.rebuild(closure.GROUPS, [group.pk])
    kind = EventKind.GROUP_PARENT_ADDED
    entries = [Entry(kind=kind, target=group, after=_facts(parent)) for parent in added]
    record_many([*_removals(removed), *entries], actor=actor)


@transaction.atomic
def add_parent(*, group: Group, parent: Group, actor: User | None) -> None:
    # Before the present parents are read: one that another adds meanwhile would be taken away.
    one_at_a_time(Change.GROUP_PARENTS)
    set_parents(group=group, parents=[*group.parents.all(), parent], actor=actor)


def remove_parent_rows(rows: list[GroupParent], *, actor: User | None) -> None:
    """Delete rows (child and parent loaded), an event each. The closure is the caller's to mend."""
    GroupParent.objects.filter(pk__in=[row.pk for row in rows]).delete()
    record_many(_removals(rows), actor=actor)


def _removals(rows: list[GroupParent]) -> list[Entry]:
    kind = EventKind.GROUP_PARENT_REMOVED
    return [Entry(kind=kind, target=row.child, before=_facts(row.parent)) for row in rows]


def _facts(parent: Group) -> dict[str, str]:
    return {"parent": str(parent.pk), "name": parent.name}
