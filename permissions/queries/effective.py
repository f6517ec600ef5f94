"""Everything one user may do, grant by grant, each with the assignments it comes from.

For reading, never for deciding: what scopes cover is told in words, and only grants that their
scopes leave nothing of are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import CharField, F, Q, QuerySet, UUIDField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from accounts.models import User
from permissions import engine
from permissions.engine import Reason, SubjectRef, running, sql, subject_parameters
from permissions.models.fact_tables import (
    ROLE_GLOBAL,
    ROLE_OBJECT,
    USER_GLOBAL,
    USER_OBJECT,
    FactTable,
)
from permissions.queries.held import groups_of, held_roles
from roles.models import Role, RoleAssignment


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldThrough:
    """An assignment that leads to a role, and in words what its scope covers (None: no scope)."""

    assignment: RoleAssignment
    covers: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectivePermission:
    """``object_pk`` None is every resource of the permission's type, within the scopes.

    ``held_through`` are the assignments that lead to the role: of the user, of its groups, and of
    other roles it holds.
    """

    permission: Permission
    object_pk: str | None
    reason: Reason
    role: Role | None
    held_through: tuple[HeldThrough, ...]
    valid_until: datetime | None


def grants_of(user: User) -> QuerySet[Any]:
    """The rows that ``effective_permissions`` reads, by permission and resource; one statement."""
    active = {"user": user, "user__is_active": True}
    first, *others = [
        _rows(ROLE_GLOBAL, Reason.ROLE_GLOBAL, pk__in=_held(user, "global_grants_held")),
        _rows(ROLE_OBJECT, Reason.ROLE_OBJECT, pk__in=_held(user, "object_grants_held")),
        _rows(USER_GLOBAL, Reason.USER_GLOBAL, **active),
        _rows(USER_OBJECT, Reason.USER_OBJECT, **active),
    ]
    together = first.union(*others, all=True)
    # By the database: it sorts the four together, and hands over one page.
    return together.order_by("app_label", "codename", "on", "why", "grant")


def effective_permissions(user: User, rows: Iterable[tuple[Any, ...]]) -> list[EffectivePermission]:
    """Rows of ``grants_of`` with their permissions, roles and sources; at most six statements."""
    grants = list(rows)
    permissions = Permission.objects.select_related("content_type").in_bulk(
        {permission for *_, permission, _, _ in grants}
    )
    roles = Role.objects.in_bulk({role for *_, role, _ in grants if role is not None})
    # Every assignment that leads to one of the roles, not only that of the way which was found.
    leading = Q(user=user) | Q(group__in=groups_of(user)) | Q(holder_role__in=held_roles(user))
    assignments = RoleAssignment.objects.active().filter(leading, role__in=list(roles))
    related = assignments.select_related("user", "group", "holder_role", "scope")
    leads = list(related.order_by("pk"))
    covers = engine.coverage_of({lead.scope for lead in leads if lead.scope is not None})
    sources: dict[Any, list[HeldThrough]] = defaultdict(list)
    for lead in leads:
        through = HeldThrough(assignment=lead, covers=covers.get(lead.scope_id))
        sources[lead.role_id].append(through)
    return [
        EffectivePermission(
            permission=permissions[permission],
            object_pk=on if why in (Reason.USER_OBJECT, Reason.ROLE_OBJECT) else None,
            reason=Reason(why),
            role=roles.get(role),
            held_through=tuple(sources[role]),
            valid_until=valid_until,
        )
        for _, _, on, why, _, permission, role, valid_until in grants
    ]


def _held(user: User, grants: str) -> RawSQL:
    parameters = {**subject_parameters(SubjectRef.of(user)), "at": None}
    return running.subquery(sql.statement(connection.vendor, grants), parameters)


def _rows(table: FactTable, reason: Reason, **condition: Any) -> QuerySet[Any]:
    key = F("object_pk") if table.by_object else Value("")
    columns = {
        "app_label": F("permission__content_type__app_label"),
        "codename": F("permission__codename"),
        "on": Cast(key, CharField(max_length=255)),
        "why": Value(reason, CharField()),
        "grant": F("pk"),
        "of": F("permission"),
        "by": F(table.principal) if table.holder is Role else Cast(Value(None), UUIDField()),
        "until": F("valid_until"),
    }
    rows = table.model.objects.active().filter(**condition).order_by()
    return rows.annotate(**columns).values_list(*columns)
