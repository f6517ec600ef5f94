"""What only the one may do: of two people, or of one at two moments.

Compared are decisions: about everything that anything either of them has, or had, or will have,
may be about. So what counts is the engine's to say, and no rule is told twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Q

from accounts.models import Group, GroupClosure, GroupMembership, User
from console.forms import ConsoleForm, MomentField, SubjectField
from console.pages import QuestionPage, url_with
from console.rights import CHECK_ACCESS
from console.tables.base import spoken
from permissions import engine
from permissions.engine import Question, ResourceRef, SubjectRef
from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from roles.models import RoleAssignment, ScopeEntry

MOST = 5_000
BATCH = 1_000


class CompareForm(ConsoleForm):
    subject = SubjectField(label="Who")
    at = MomentField(label="When (UTC)")
    other = SubjectField(required=False, label="And who", help_text="Empty: the same.")
    other_at = MomentField(label="And when (UTC)")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of a permission on a resource; without key on every one of the type."""

    permission: Permission
    object_pk: str | None

    @property
    def resource(self) -> ResourceRef:
        kind = self.permission.content_type
        return ResourceRef(f"{kind.app_label}.{kind.model}", self.object_pk)

    @property
    def text(self) -> str:
        on = f" {self.object_pk}" if self.object_pk else ", every one"
        return f"{spoken(self.permission)}{on}"


@dataclass(frozen=True, slots=True)
class Side:
    user: User
    at: datetime | None

    @property
    def called(self) -> str:
        return f"{self.user} at {self.at:%Y-%m-%d %H:%M}" if self.at else f"{self.user} now"

    def may(self, questions: Iterable[Asked]) -> set[Asked]:
        subject = SubjectRef.of(self.user)
        allowed: set[Asked] = set()
        rest = iter(questions)
        while batch := list(islice(rest, BATCH)):
            decisions = engine.check_many(
                [
                    Question(subject=subject, action=one.permission.codename, resource=one.resource)
                    for one in batch
                ],
                at=self.at,
            )
            allowed |= {one for one, is_it in zip(batch, decisions, strict=True) if is_it.allowed}
        return allowed


class Compare(QuestionPage):
    title = "Compare"
    needs = CHECK_ACCESS
    template_name = "console/access/compare.html"
    form_class = CompareForm

    def answer(self, form: Any) -> Mapping[str, Any]:
        words = form.cleaned_data
        one = Side(words["subject"], words["at"])
        other = Side(words["other"] or words["subject"], words["other_at"])
        asked = list(islice(everything(one.user, other.user), MOST + 1))
        is_complete = len(asked) <= MOST
        left, right = one.may(asked[:MOST]), other.may(asked[:MOST])
        columns = ((one, left - right), (other, right - left))
        return {
            "sides": [(side, _rows(side, only)) for side, only in columns],
            "both": len(left & right),
            "is_complete": is_complete,
            "superusers": [side.user for side in (one, other) if side.user.is_superuser],
        }


def _rows(side: Side, only: set[Asked]) -> list[tuple[str, str]]:
    rows = []
    for asked in only:
        url = url_with(
            "console:explain",
            subject=side.user.username,
            action=asked.permission.codename,
            resource=str(asked.resource),
            at=f"{side.at:%Y-%m-%dT%H:%M}" if side.at else "",
        )
        rows.append((asked.text, url if asked.object_pk else ""))
    return sorted(rows)


def everything(*users: User) -> Iterable[Asked]:
    """Whatever may be decided by what the users have, had, or will have, each once."""
    roles = _roles(users)
    seen: set[tuple[int, str | None]] = set()
    grants: list[tuple[Any, str | None]] = [
        (pk, None)
        for rows in (
            UserGlobalGrant.objects.filter(user__in=users),
            RoleGlobalGrant.objects.filter(role__in=roles),
        )
        for pk in rows.values_list("permission", flat=True).distinct()
    ]
    everywhere = {pk for pk, _ in grants}
    for rows in (
        UserObjectPermission.objects.filter(user__in=users),
        RoleObjectPermission.objects.filter(group__in=roles),
    ):
        grants += rows.values_list("permission", "object_pk")[: MOST + 1]
    by_type = Permission.objects.select_related("content_type").in_bulk({pk for pk, _ in grants})
    grants += _within_scopes(users, roles, [by_type[pk] for pk in everywhere if pk in by_type])
    for pk, key in grants:
        if (pk, key) not in seen and pk in by_type:
            seen.add((pk, key))
            yield Asked(by_type[pk], key)


def _within_scopes(
    users: Iterable[User], roles: set[Any], permissions: Iterable[Permission]
) -> list[tuple[Any, str | None]]:
    """What was granted everywhere, on the resources that scopes of these roles name."""
    entries = ScopeEntry.objects.filter(
        scope__assignments__role__in=roles, object_pk__isnull=False
    ).distinct()
    keys: dict[int, list[str]] = {}
    for kind, key in entries.values_list("content_type", "object_pk")[: MOST + 1]:
        keys.setdefault(kind, []).append(str(key))
    return [(one.pk, key) for one in permissions for key in keys.get(one.content_type_id, ())]


def _roles(users: Iterable[User]) -> set[Any]:
    """Keys of the roles that lead to these users, whatever the time."""
    joined = GroupMembership.objects.filter(user__in=users).values("group")
    above = GroupClosure.objects.filter(descendant__in=joined).values("ancestor")
    groups = Group.objects.filter(pk__in=above)
    held = RoleAssignment.objects.filter(Q(user__in=users) | Q(group__in=groups))
    roles = frontier = set(held.values_list("role", flat=True))
    while frontier:
        more = RoleAssignment.objects.filter(holder_role__in=frontier)
        frontier = set(more.values_list("role", flat=True)) - roles
        roles = roles | frontier
    return roles
