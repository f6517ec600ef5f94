"""Where facts are kept, described once for decisions, lists and writes alike.

grant        a user or a role may do something, everywhere or on one object
assignment   a user, a group's members or a role's holders hold a role
membership   a user belongs to a group
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from django.contrib.auth.models import Permission

from accounts.facts import Window
from accounts.models import Group, GroupMembership, User
from audit.errors import NotFound
from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from roles.models import Role, RoleAssignment

ObjectGrantRow: TypeAlias = UserObjectPermission | RoleObjectPermission
GrantRow: TypeAlias = UserGlobalGrant | RoleGlobalGrant | ObjectGrantRow
TIMES = ("valid_from", "valid_until")


@dataclass(frozen=True)
class FactTable:
    """Facts of one kind about one kind of principal.

    ``principal`` is the field that names who holds, ``given`` what is held: together they are
    unique. ``related`` is what ``audit_facts`` and its event read, to be loaded with the rows.
    """

    model: Any
    holder: type[User | Group | Role]
    principal: str
    given: tuple[str, ...]
    related: tuple[str, ...]
    audit_facts: Callable[[Any], dict[str, Any]]

    def locked(self, rows: Any) -> Any:
        """A queryset of this table, to be changed or deleted: what events tell is loaded, and
        nobody else changes or deletes the rows before the transaction ends.
        """
        # In one order, or two that lock the same rows would wait for each other.
        return rows.select_related(*self.related).order_by("pk").select_for_update(of=("self",))

    def reread(self, row: Any) -> Any:
        """The row as it is now, locked. Raises NotFound when it is gone."""
        for there in self.locked(self.model.objects.filter(pk=row.pk)):
            return there
        raise NotFound

    @cached_property
    def by_object(self) -> bool:
        return "object_pk" in self.given

    @cached_property
    def unique(self) -> list[str]:
        return [self.principal, *self.given]

    @cached_property
    def name(self) -> str:
        """As statements name the table."""
        return str(self.model._meta.db_table)

    @cached_property
    def column(self) -> str:
        """As statements name the principal's key, in these tables and in all that are like them."""
        return f"{self.principal}_id"


def _grant_facts(row: GrantRow) -> dict[str, Any]:
    return grant_facts(row.permission, getattr(row, "object_pk", None), row.window)


def grant_facts(permission: Permission, object_pk: str | None, window: Window) -> dict[str, Any]:
    """What events say of a grant, also of one that has no row yet."""
    content_type = permission.content_type
    facts = {
        "permission": f"{content_type.app_label}.{permission.codename}",
        "model": f"{content_type.app_label}.{content_type.model}",
    }
    if object_pk is not None:
        facts["object_pk"] = object_pk
    for name, time in window._asdict().items():
        if time is not None:
            facts[name] = time.isoformat()
    return facts


def _assignment_facts(row: RoleAssignment) -> dict[str, Any]:
    facts = {"role": str(row.role_id), "name": row.role.name}
    if row.scope_id is not None:
        facts["scope"] = str(row.scope_id)
    for name in TIMES:
        if (time := getattr(row, name)) is not None:
            facts[name] = time.isoformat()
    if row.reason:
        facts["reason"] = row.reason
    return facts


def _membership_facts(row: GroupMembership) -> dict[str, Any]:
    facts = {"user": row.user_id, "username": row.user.username}
    for name in TIMES:
        if (time := getattr(row, name)) is not None:
            facts[name] = time.isoformat()
    if row.reason:
        facts["reason"] = row.reason
    return facts


def _grants(model: Any, holder: type[User | Role], principal: str, *given: str) -> FactTable:
    related = ("permission__content_type", principal)
    return FactTable(model, holder, principal, given, related, _grant_facts)


def _assignments(holder: type[User | Group | Role], principal: str) -> FactTable:
    related = ("role", "scope", "user", "group", "holder_role")
    given = ("role", "scope")
    return FactTable(RoleAssignment, holder, principal, given, related, _assignment_facts)


USER_GLOBAL = _grants(UserGlobalGrant, User, "user", "permission")
USER_OBJECT = _grants(UserObjectPermission, User, "user", "permission", "object_pk")
ROLE_GLOBAL = _grants(RoleGlobalGrant, Role, "role", "permission")
ROLE_OBJECT = _grants(RoleObjectPermission, Role, "group", "permission", "object_pk")
GRANTS = (USER_GLOBAL, ROLE_GLOBAL, USER_OBJECT, ROLE_OBJECT)

# One table; each kind of principal has a column and an index of its own in it.
USER_ASSIGNMENT = _assignments(User, "user")
GROUP_ASSIGNMENT = _assignments(Group, "group")
ROLE_ASSIGNMENT = _assignments(Role, "holder_role")
ASSIGNMENTS = (USER_ASSIGNMENT, GROUP_ASSIGNMENT, ROLE_ASSIGNMENT)

MEMBERSHIPS = FactTable(
    GroupMembership, User, "user", ("group",), ("group", "user"), _membership_facts
)


def grants_to(principal: User | Role, *, by_object: bool) -> FactTable:
    if isinstance(principal, User):
        return USER_OBJECT if by_object else USER_GLOBAL
    return ROLE_OBJECT if by_object else ROLE_GLOBAL


def grants_like(row: GrantRow) -> FactTable:
    """The table a grant is from."""
    return next(table for table in GRANTS if isinstance(row, table.model))


def assignments_to(principal: User | Group | Role) -> FactTable:
    return next(table for table in ASSIGNMENTS if isinstance(principal, table.holder))
