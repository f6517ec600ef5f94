"""Who belongs to which group, and which group lies below which: both give access, both go here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.facts import ALWAYS, FactQuerySet
from accounts.models import Group, GroupMembership, GroupParent, User
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import require_covers
from permissions.models.fact_tables import MEMBERSHIPS, stays
from permissions.operations import closure
from permissions.operations.locks import Change, lock_groups, one_at_a_time


class GroupCycle(InvalidInput):
    """A group would be its own ancestor."""

    code = "group_cycle"


@transaction.atomic
def add_members(*, group: Group, users: Iterable[User], actor: User | None) -> None:
    """Idempotent. Raises GrantCeiling when the group gives more than the actor holds."""
    lock_groups(Q(pk=group.pk))
    _add([(group, user) for user in users], actor=actor)


@transaction.atomic
def remove_members(*, group: Group, users: Iterable[User], actor: User | None) -> None:
    """Idempotent."""
    lock_groups(Q(pk=group.pk))
    rows = GroupMembership.objects.filter(group=group, user__in=list(users))
    remove_memberships(_loaded(rows), actor=actor)


def set_members(*, group: Group, users: Iterable[User], actor: User | None) -> None:
    """The group's members become exactly these; only those who join meet the ceiling.

    Lists show what counts now, so this is what they change: a membership that ends later keeps its
    end, one that has not begun stays as it is, and only who joins anew joins without limit.
    """
    _set(GroupMembership.objects.filter(group=group), [(group, u) for u in users], actor=actor)


def set_groups(*, user: User, groups: Iterable[Group], actor: User | None) -> None:
    """The user's own groups become exactly these; see ``set_members``."""
    _set(GroupMembership.objects.filter(user=user), [(g, user) for g in groups], actor=actor)


@transaction.atomic
def _set(rows: FactQuerySet, pairs: list[tuple[Group, User]], *, actor: User | None) -> None:
    counting = {(row.group_id, row.user_id): row for row in _loaded(rows.active())}
    pairs_by_key = {(group.pk, user.pk): (group, user) for group, user in pairs}
    left = [row for key, row in counting.items() if key not in pairs_by_key]
    remove_memberships(left, actor=actor)
    _add([pair for key, pair in pairs_by_key.items() if key not in counting], actor=actor)


@transaction.atomic
def change_groups(
    *, user: User, joined: Iterable[Group], left: Iterable[Group], actor: User | None
) -> None:
    """The user joins and leaves these groups; what else it is in, or joins meanwhile, stays."""
    rows = GroupMembership.objects.filter(user=user, group__in=list(left))
    remove_memberships(_loaded(rows), actor=actor)
    _add([(group, user) for group in joined], actor=actor)


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
    require_covers(actor=actor, groups=added)
    # Rows first: the closure is rebuilt from what they say.
    GroupParent.objects.filter(pk__in=[row.pk for row in removed]).delete()
    GroupParent.objects.bulk_create([GroupParent(child=group, parent=parent) for parent in added])
    closure.rebuild(closure.GROUPS, [group.pk])
    kind = EventKind.GROUP_PARENT_ADDED
    entries = [Entry(kind=kind, target=group, after=_parent_facts(parent)) for parent in added]
    record_many([*_parent_removals(removed), *entries], actor=actor)


@transaction.atomic
def add_parent(*, group: Group, parent: Group, actor: User | None) -> None:
    set_parents(group=group, parents=[*group.parents.all(), parent], actor=actor)


def _loaded(rows: QuerySet[GroupMembership]) -> list[GroupMembership]:
    return list(rows.select_related("group", "user"))


def _add(pairs: list[tuple[Group, User]], *, actor: User | None) -> None:
    """Write the memberships that are missing. One that was limited in time becomes unlimited."""
    if not pairs:
        return
    existing = {
        (row.group_id, row.user_id): row
        for row in GroupMembership.objects.filter(
            group__in={group.pk for group, _ in pairs}, user__in={user.pk for _, user in pairs}
        )
    }
    joined = [
        (group, user)
        for group, user in pairs
        if (row := existing.get((group.pk, user.pk))) is None or not stays(row, ALWAYS)
    ]
    if not joined:
        return
    require_covers(actor=actor, groups={group.pk: group for group, _ in joined}.values())
    # Somebody else may add the same pair meanwhile; an error here would undo the whole request.
    GroupMembership.objects.bulk_create(
        [GroupMembership(group=group, user=user, granted_by=actor) for group, user in joined],
        update_conflicts=True,
        unique_fields=MEMBERSHIPS.unique,
        update_fields=["valid_from", "valid_until"],
    )
    kind = EventKind.GROUP_MEMBER_ADDED
    entries = [Entry(kind=kind, target=group, after=_member_facts(user)) for group, user in joined]
    record_many(entries, actor=actor)


def remove_memberships(rows: list[GroupMembership], *, actor: User | None) -> None:
    """Delete rows (group and user loaded), an event each. Call in a transaction."""
    if not rows:
        return
    GroupMembership.objects.filter(pk__in=[row.pk for row in rows]).delete()
    kind = EventKind.GROUP_MEMBER_REMOVED
    entries = [Entry(kind=kind, target=row.group, before=_member_facts(row.user)) for row in rows]
    record_many(entries, actor=actor)


def remove_parent_rows(rows: list[GroupParent], *, actor: User | None) -> None:
    """Delete rows (child and parent loaded), an event each. The closure is the caller's to mend."""
    GroupParent.objects.filter(pk__in=[row.pk for row in rows]).delete()
    record_many(_parent_removals(rows), actor=actor)


def _parent_removals(rows: list[GroupParent]) -> list[Entry]:
    kind = EventKind.GROUP_PARENT_REMOVED
    return [Entry(kind=kind, target=row.child, before=_parent_facts(row.parent)) for row in rows]


def _member_facts(user: User) -> dict[str, Any]:
    return {"user": user.pk, "username": user.username}


def _parent_facts(parent: Group) -> dict[str, str]:
    return {"parent": str(parent.pk), "name": parent.name}
