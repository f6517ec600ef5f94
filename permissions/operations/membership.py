"""Who belongs to which group, and which group lies below which: both give access, both go here."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from accounts.facts import FactQuerySet
from accounts.models import Group, GroupMembership, GroupParent, User
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import Entry, record, record_many
from permissions.engine import require_covers, require_superuser
from permissions.operations import closure


class GroupCycle(InvalidInput):
    """A group would be its own ancestor."""

    code = "group_cycle"


@transaction.atomic
def add_members(*, group: Group, users: Iterable[User], actor: User | None) -> None:
    """Idempotent. Raises GrantCeiling when the group gives more than the actor holds."""
    closure.lock_groups(Q(pk=group.pk))
    _add([(group, user) for user in users], actor=actor)


@transaction.atomic
def remove_members(*, group: Group, users: Iterable[User], actor: User | None) -> None:
    """Idempotent."""
    closure.lock_groups(Q(pk=group.pk))
    rows = GroupMembership.objects.filter(group=group, user__in=list(users))
    remove_memberships(list(rows.select_related("group", "user")), actor=actor)


@transaction.atomic
def set_members(*, group: Group, users: Iterable[User], actor: User | None) -> None:
    """The group's members become exactly these; only those who join meet the ceiling.

    Lists show what counts now, so this is what they change: a membership that ends later keeps its
    end, one that has not begun stays as it is, and only who joins anew joins without limit.
    """
    wanted = {user.pk: user for user in users}
    rows = list(_counting().filter(group=group))
    remove_memberships([row for row in rows if row.user_id not in wanted], actor=actor)
    held = {row.user_id for row in rows}
    _add([(group, user) for pk, user in wanted.items() if pk not in held], actor=actor)


@transaction.atomic
def set_groups(*, user: User, groups: Iterable[Group], actor: User | None) -> None:
    """The user's own groups become exactly these; see ``set_members``."""
    wanted = {group.pk: group for group in groups}
    rows = list(_counting().filter(user=user))
    remove_memberships([row for row in rows if row.group_id not in wanted], actor=actor)
    held = {row.group_id for row in rows}
    _add([(group, user) for pk, group in wanted.items() if pk not in held], actor=actor)


@transaction.atomic
def change_groups(
    *, user: User, joined: Iterable[Group], left: Iterable[Group], actor: User | None
) -> None:
    """The user joins and leaves these groups; what else it is in, or joins meanwhile, stays."""
    rows = GroupMembership.objects.filter(user=user, group__in=list(left))
    remove_memberships(list(rows.select_related("group", "user")), actor=actor)
    _add([(group, user) for group in joined], actor=actor)


def groups_around(user: User, wanted: Iterable[Group]) -> Q:
    """The groups of a user and those it is to be in."""
    now = GroupMembership.objects.filter(user=user).values("group")
    return Q(pk__in=now) | Q(pk__in=[group.pk for group in wanted])


@transaction.atomic
def set_parents(*, group: Group, parents: Iterable[Group], actor: User | None) -> None:
    """The group lies directly below exactly these. Raises GroupCycle and GrantCeiling.

    Members of the group, and of those below it, become members of the new ancestors.
    """
    closure.lock(closure.GROUPS)
    wanted = {parent.pk: parent for parent in parents}
    rows = {
        row.parent_id: row
        for row in GroupParent.objects.filter(child=group).select_related("parent")
    }
    added = [parent for pk, parent in wanted.items() if pk not in rows]
    gone = [row for pk, row in rows.items() if pk not in wanted]
    if not added and not gone:
        return
    _refuse_cycle(group, added)
    require_covers(actor=actor, groups=added)
    GroupParent.objects.filter(pk__in=[row.pk for row in gone]).delete()
    GroupParent.objects.bulk_create([GroupParent(child=group, parent=parent) for parent in added])
    closure.rebuild(closure.GROUPS, [group.pk])
    record_many(
        [
            *(_parent_entry(EventKind.GROUP_PARENT_REMOVED, group, row.parent) for row in gone),
            *(_parent_entry(EventKind.GROUP_PARENT_ADDED, group, parent) for parent in added),
        ],
        actor=actor,
    )


@transaction.atomic
def add_parent(*, group: Group, parent: Group, actor: User | None) -> None:
    set_parents(group=group, parents=[*group.parents.all(), parent], actor=actor)


@transaction.atomic
def set_superuser(*, group: Group, is_superuser: bool, actor: User | None) -> None:
    """Let the group confer superuser, or no longer. Raises SuperuserOnly for giving it."""
    if group.is_superuser == is_superuser:
        return
    if is_superuser:
        require_superuser(actor)
    group.is_superuser = is_superuser
    group.save(update_fields=["is_superuser"])
    record(
        EventKind.GROUP_CHANGED,
        target=group,
        actor=actor,
        before={"is_superuser": not is_superuser},
        after={"is_superuser": is_superuser},
    )


def _counting() -> FactQuerySet:
    return GroupMembership.objects.active().select_related("group", "user")


def _add(pairs: list[tuple[Group, User]], *, actor: User | None) -> None:
    """Write the memberships that are missing. One that was limited in time becomes unlimited."""
    if not pairs:
        return
    groups = {group.pk: group for group, _ in pairs}
    known = {
        (row.group_id, row.user_id): row
        for row in GroupMembership.objects.filter(
            group__in=groups, user__in={user.pk for _, user in pairs}
        )
    }
    joined = [
        (group, user)
        for group, user in pairs
        if (row := known.get((group.pk, user.pk))) is None
        or row.valid_from is not None
        or row.valid_until is not None
    ]
    if not joined:
        return
    require_covers(actor=actor, groups={group.pk: group for group, _ in joined}.values())
    GroupMembership.objects.bulk_create(
        [GroupMembership(group=group, user=user, granted_by=actor) for group, user in joined],
        update_conflicts=True,
        unique_fields=["user", "group"],
        update_fields=["valid_from", "valid_until"],
    )
    record_many(
        [_member_entry(EventKind.GROUP_MEMBER_ADDED, group, user) for group, user in joined],
        actor=actor,
    )


def remove_memberships(rows: list[GroupMembership], *, actor: User | None) -> None:
    """Delete rows (group and user loaded), an event each. Call in a transaction."""
    if not rows:
        return
    GroupMembership.objects.filter(pk__in=[row.pk for row in rows]).delete()
    record_many(
        [_member_entry(EventKind.GROUP_MEMBER_REMOVED, row.group, row.user) for row in rows],
        actor=actor,
    )


def remove_parent_rows(rows: list[GroupParent], *, actor: User | None) -> None:
    """Delete rows (child and parent loaded), an event each. The closure is the caller's to mend."""
    GroupParent.objects.filter(pk__in=[row.pk for row in rows]).delete()
    removed = EventKind.GROUP_PARENT_REMOVED
    record_many([_parent_entry(removed, row.child, row.parent) for row in rows], actor=actor)


def _refuse_cycle(group: Group, parents: list[Group]) -> None:
    if any(parent.pk == group.pk for parent in parents):
        raise GroupCycle(fields={"parents": ["Cannot set group as parent of itself."]})
    if closure.is_below(closure.GROUPS, group.pk, [parent.pk for parent in parents]):
        raise GroupCycle(fields={"parents": ["Cannot put a group below one of its descendants."]})


def _member_entry(kind: EventKind, group: Group, user: User) -> Entry:
    facts = {"user": user.pk, "username": user.username}
    if kind is EventKind.GROUP_MEMBER_ADDED:
        return Entry(kind=kind, target=group, after=facts)
    return Entry(kind=kind, target=group, before=facts)


def _parent_entry(kind: EventKind, group: Group, parent: Group) -> Entry:
    facts = {"parent": str(parent.pk), "name": parent.name}
    if kind is EventKind.GROUP_PARENT_ADDED:
        return Entry(kind=kind, target=group, after=facts)
    return Entry(kind=kind, target=group, before=facts)
