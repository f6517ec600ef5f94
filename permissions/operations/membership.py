"""Who belongs to which group, from when, until when: whoever joins has what the group gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.facts import Asked, FactQuerySet, Window
from accounts.models import Group, GroupMembership, User
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.engine import Conferral, require_conferrals, require_covers
from permissions.models.fact_tables import MEMBERSHIPS, TIMES
from permissions.operations.facts import window_after
from permissions.operations.locks import lock_groups


@transaction.atomic
def add_members(
    *,
    group: Group,
    users: Iterable[User],
    actor: User | None,
    window: Window | None = None,
    reason: str = "",
) -> list[GroupMembership]:
    """For the time given, or without limit; a membership that is there is never shortened, see
    ``accounts.facts.Asked``. Their rows, in the users' order.

    Raises GrantCeiling when the group gives more than the actor holds throughout, InvalidInput for
    an end before its start or in the past, Conflict for a time apart from the one that is there.
    """
    rows = _add([(group, user) for user in users], actor=actor, window=window, reason=reason)
    return list(rows.values())


@transaction.atomic
def change_membership(
    *,
    row: GroupMembership,
    actor: User | None,
    reason: str | None = None,
    **times: datetime | None,
) -> GroupMembership:
    """Let a membership begin at ``valid_from`` or count until ``valid_until``, which may end it,
    under the grant ceiling for all that it did not have before; what is not given stays.

    Raises GrantCeiling, InvalidInput for an end before its start, NotFound when it is gone.
    """
    row = MEMBERSHIPS.reread(row)
    window = window_after(row, times)
    reason = row.reason if reason is None else reason
    if (row.window, row.reason) == (window, reason):
        return row
    if not row.window.contains(window):
        require_covers(actor=actor, groups=[row.group], window=window)
    before = MEMBERSHIPS.audit_facts(row)
    row.valid_from, row.valid_until, row.reason = *window, reason
    row.save(update_fields=[*TIMES, "reason"])
    record_many([_changed(row, before)], actor=actor)
    return row


@transaction.atomic
def remove_members(*, group: Group, users: Iterable[User], actor: User | None) -> None:
    """Idempotent."""
    lock_groups(Q(pk=group.pk))
    rows = GroupMembership.objects.filter(group=group, user__in=list(users))
    remove_memberships(_loaded(rows), actor=actor)


@transaction.atomic
def end_membership(*, row: GroupMembership, actor: User | None) -> None:
    """Raises NotFound when it is gone, and then there is nothing to tell."""
    remove_memberships([MEMBERSHIPS.reread(row)], actor=actor)


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


def _add(
    pairs: list[tuple[Group, User]],
    *,
    actor: User | None,
    window: Window | None = None,
    reason: str = "",
) -> dict[tuple[Any, int], GroupMembership]:
    """The membership of each pair, those that are missing or count otherwise written."""
    if not pairs:
        return {}
    lock_groups(Q(pk__in={group.pk for group, _ in pairs}))
    # Groups times users holds more than the pairs; only those of the pairs are looked up below.
    among = {"group__in": {g.pk for g, _ in pairs}, "user__in": {u.pk for _, u in pairs}}
    there = {_key(row): row for row in _loaded(GroupMembership.objects.filter(**among))}
    rows = {
        (group.pk, user.pk): there.get((group.pk, user.pk))
        or GroupMembership(group=group, user=user, granted_by=actor)
        for group, user in pairs
    }
    asked = Asked.at_once(window)
    befores = [MEMBERSHIPS.audit_facts(row) if row.pk else None for row in rows.values()]
    written, wider = [], []
    for row, before in zip(rows.values(), befores, strict=True):
        time = asked.given_to(row.window if row.pk else None)
        if row.pk is None or row.window != time:
            wider.append(row)
        elif reason in ("", row.reason):
            continue
        written.append((row, before))
        row.valid_from, row.valid_until, row.reason = *time, reason or row.reason
    _require_held(actor, wider)
    changed = [row for row, before in written if before is not None]
    GroupMembership.objects.bulk_update(changed, [*TIMES, "reason"])
    # In one order: two who write the same rows in different orders wait for each other.
    new = sorted((row for row, before in written if before is None), key=_key)
    GroupMembership.objects.bulk_create(new)
    record_many([_changed(*change) for change in written], actor=actor)
    return rows


def _require_held(actor: User | None, rows: Iterable[GroupMembership]) -> None:
    """The grant ceiling, once for all members who get the same for the same time."""
    groups: dict[Window, dict[Any, Group]] = defaultdict(dict)
    for row in rows:
        groups[row.window][row.group_id] = row.group
    conferrals = [
        Conferral(groups=list(joined.values()), window=window) for window, joined in groups.items()
    ]
    require_conferrals(actor=actor, conferrals=conferrals)


def _loaded(rows: QuerySet[GroupMembership]) -> list[GroupMembership]:
    """As they are now, and nobody changes or deletes them before the transaction ends."""
    return list(MEMBERSHIPS.locked(rows))


def _key(row: GroupMembership) -> tuple[Any, int]:
    return row.group_id, row.user_id


def _changed(row: GroupMembership, before: dict[str, Any] | None) -> Entry:
    added, changed = EventKind.GROUP_MEMBER_ADDED, EventKind.GROUP_MEMBERSHIP_CHANGED
    kind = added if before is None else changed
    return Entry(kind=kind, target=row.group, before=before, after=MEMBERSHIPS.audit_facts(row))


def remove_memberships(rows: list[GroupMembership], *, actor: User | None) -> None:
    """Delete rows (group and user loaded), an event each. Call in a transaction."""
    if not rows:
        return
    GroupMembership.objects.filter(pk__in=[row.pk for row in rows]).delete()
    kind = EventKind.GROUP_MEMBER_REMOVED
    facts = MEMBERSHIPS.audit_facts
    entries = [Entry(kind=kind, target=row.group, before=facts(row)) for row in rows]
    record_many(entries, actor=actor)
