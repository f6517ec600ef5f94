"""Facts written straight into the tables: what a test takes for granted, not what it tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Model

from accounts.models import Group, GroupClosure, GroupMembership, User
from permissions.models import (
    Resource,
    ResourceClosure,
    ResourceType,
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from roles.models import Role, RoleAssignment

Principal = User | Role
# The end of what counts no more, and of what does not count for ever.
OVER, LATER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2900, 1, 1, tzinfo=UTC)


def permission(name: str) -> Permission:
    """By ``app.codename``; the catalogue has each once."""
    app_label, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


def grant(principal: Principal, name: str, on: Model | str | None = None, **times: Any) -> Any:
    """``name`` is ``app.codename``; ``on`` a row or its key, None is everywhere."""
    if on is None:
        return _grant_globally(principal, permission(name), times)
    # A registered thing is named by its key; its registration, as one of our rows, by its number.
    registered = isinstance(on, Resource) and not name.startswith("permissions.")
    key = on.object_pk if registered else str(getattr(on, "pk", on))
    fact = {"permission": permission(name), "object_pk": key, **times}
    if isinstance(principal, User):
        return UserObjectPermission.objects.create(user=principal, **fact)
    return RoleObjectPermission.objects.create(group=principal, **fact)


def _grant_globally(principal: Principal, permission: Permission, times: dict[str, Any]) -> Any:
    if isinstance(principal, User):
        return UserGlobalGrant.objects.create(user=principal, permission=permission, **times)
    return RoleGlobalGrant.objects.create(role=principal, permission=permission, **times)


def role(name: str, **fields: Any) -> Role:
    return Role.objects.create(name=name, code=fields.pop("code", name), **fields)


def group(name: str, *members: User, **fields: Any) -> Group:
    made = Group.objects.create(name=name, **fields)
    GroupClosure.objects.create(descendant=made, ancestor=made)
    GroupMembership.objects.bulk_create(GroupMembership(group=made, user=u) for u in members)
    return made


def was_in(group: Group, *members: User) -> None:
    """Memberships that have ended."""
    GroupMembership.objects.bulk_create(
        GroupMembership(group=group, user=user, valid_until=OVER) for user in members
    )


def hold(role: Role, principal: User | Group | Role, **fields: Any) -> RoleAssignment:
    column = {User: "user", Group: "group", Role: "holder_role"}[type(principal)]
    return RoleAssignment.objects.create(role=role, **{column: principal}, **fields)


def make_superuser(user: User) -> User:
    group(f"superusers of {user.username}", user, is_superuser=True)
    return user


def resource(label: str, object_pk: str, name: str = "") -> Resource:
    """A registered resource of a registered type."""
    type_ = ResourceType.objects.labelled(label).get()
    made = Resource.objects.create(type=type_, object_pk=object_pk, name=name)
    ResourceClosure.objects.create(descendant=made, ancestor=made)
    return made
