"""Creating and changing users and groups, with the memberships and roles that come along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.models import Group, User
from accounts.signins import end_sessions
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import record
from permissions.engine import SubjectRef, require_covers, require_superuser, subject_parameters
from permissions.operations import closure
from permissions.operations.assignments import set_roles
from permissions.operations.audit_facts import group_facts, user_facts
from permissions.operations.deletion import delete_groups, delete_users
from permissions.operations.initial_permissions import fire
from permissions.operations.membership import (
    groups_around,
    set_groups,
    set_members,
    set_parents,
    set_superuser,
)
from roles.models import Role

__all__ = [
    "create_group",
    "create_user",
    "delete_groups",
    "delete_users",
    "set_password",
    "update_group",
    "update_user",
]

# The group of superusers of a new service, as authentik names it.
ADMINS = "authentik Admins"
NAMES = ("username", "email", "external_id")
# What a name is tried as when it is nobody's of this kind.
_WEAKER = {"username": ("external_id", "hex_id", "email"), "external_id": ("hex_id", "email")}


@transaction.atomic
def create_user(
    *,
    actor: User | None,
    username: str,
    groups: Iterable[Group] = (),
    roles: Iterable[Role] = (),
    password: str | None = None,
    **fields: Any,
) -> User:
    """Without a password nobody signs in by one.

    Raises GrantCeiling for groups and roles, InvalidInput for a name that means somebody else.
    """
    user = User(username=username, **fields)
    _refuse_names_of_others(user, {"username": username, **fields})
    user.set_password(password)
    user.save(force_insert=True)
    record(EventKind.USER_CREATED, target=user, actor=actor, after=user_facts(user))
    set_groups(user=user, groups=groups, actor=actor)
    set_roles(principal=user, roles=roles, actor=actor)
    fire(actor=actor, label="authentik_core.user", keys=[str(user.pk)])
    return user


@transaction.atomic
def update_user(
    *,
    user: User,
    actor: User | None,
    groups: Iterable[Group] | None = None,
    roles: Iterable[Role] | None = None,
    **fields: Any,
) -> User:
    """Only what is given changes; ``groups`` and ``roles`` None leaves them alone.

    Decisions are asked by these names: whoever gives somebody's rights another name could give them
    its own, so that meets the ceiling as setting somebody's password does. So does letting an
    inactive user act again, which gives it everything it holds. Deactivating ends its sessions.
    Raises InvalidInput for a name that means somebody else.
    """
    renamed = {n: fields[n] for n in NAMES if n in fields and fields[n] != getattr(user, n)}
    revived = not user.is_active and fields.get("is_active", False)
    deactivated = user.is_active and not fields.get("is_active", True)
    if (renamed or revived) and actor is not None and actor.pk != user.pk:
        require_covers(actor=actor, users=[user])
    _refuse_names_of_others(user, renamed)
    if groups is not None:
        groups = list(groups)
        closure.lock_groups(groups_around(user, groups))
    _update(user, fields, EventKind.USER_CHANGED, actor=actor)
    if deactivated:
        end_sessions(user=user)
    if groups is not None:
        set_groups(user=user, groups=groups, actor=actor)
    if roles is not None:
        set_roles(principal=user, roles=roles, actor=actor)
    return user


def _refuse_names_of_others(user: User, fields: Mapping[str, Any]) -> None:
    """Decisions about somebody, asked by a uuid, an id or an address, must not go to another who
    was called so. One statement for each name.
    """
    for field, columns in _WEAKER.items():
        if not (name := fields.get(field)):
            continue
        # A uuid wins over an external id, so that the latter would name nobody.
        known = Q(uuid=subject_parameters(SubjectRef(name))["subject_uuid"])
        for column in columns:
            known |= Q(**{column: name})
        if User.objects.filter(known).exclude(pk=user.pk).exists():
            raise InvalidInput(fields={field: ["Another user is known by this name."]})


@transaction.atomic
def set_password(*, user: User, password: str | None, actor: User | None) -> None:
    """Sessions of the user end. Setting somebody else's gives the actor all that somebody holds."""
    if actor is not None and actor.pk != user.pk:
        require_covers(actor=actor, users=[user])
    user.set_password(password)
    user.save(update_fields=["password", "password_change_date", "last_updated"])
    record(EventKind.PASSWORD_SET, target=user, actor=actor)


@transaction.atomic
def create_group(
    *,
    actor: User | None,
    name: str,
    users: Iterable[User] = (),
    parents: Iterable[Group] = (),
    roles: Iterable[Role] = (),
    is_superuser: bool = False,
    **fields: Any,
) -> Group:
    """Raises GrantCeiling, SuperuserOnly."""
    if is_superuser:
        require_superuser(actor)
    group = Group(name=name, is_superuser=is_superuser, **fields)
    group.save(force_insert=True)
    closure.add_nodes(closure.GROUPS, [group.pk])
    record(EventKind.GROUP_CREATED, target=group, actor=actor, after=group_facts(group))
    set_parents(group=group, parents=parents, actor=actor)
    set_roles(principal=group, roles=roles, actor=actor)
    set_members(group=group, users=users, actor=actor)
    fire(actor=actor, label="authentik_core.group", keys=[str(group.pk)])
    return group


@transaction.atomic
def update_group(
    *,
    group: Group,
    actor: User | None,
    users: Iterable[User] | None = None,
    parents: Iterable[Group] | None = None,
    roles: Iterable[Role] | None = None,
    is_superuser: bool | None = None,
    **fields: Any,
) -> Group:
    """Only what is given changes. Raises GrantCeiling, SuperuserOnly, GroupCycle."""
    if parents is not None:
        # Before any row is locked: whoever changes parents takes this lock first.
        closure.lock(closure.GROUPS)
    if users is not None:
        closure.lock_groups(Q(pk=group.pk))
    _update(group, fields, EventKind.GROUP_CHANGED, actor=actor)
    if is_superuser is not None:
        set_superuser(group=group, is_superuser=is_superuser, actor=actor)
    if parents is not None:
        set_parents(group=group, parents=parents, actor=actor)
    if roles is not None:
        set_roles(principal=group, roles=roles, actor=actor)
    if users is not None:
        set_members(group=group, users=users, actor=actor)
    return group


def _update(row: Any, fields: dict[str, Any], kind: EventKind, *, actor: User | None) -> None:
    """Write the fields that differ and no others: saving all would undo a concurrent change."""
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    if not changed:
        return
    before = _read(row, changed)
    for name in changed:
        setattr(row, name, fields[name])
    stamps = [f.name for f in row._meta.concrete_fields if f.name == "last_updated"]
    row.save(update_fields=[*changed, *stamps])
    record(kind, target=row, actor=actor, before=before, after=_read(row, changed))


def _read(row: Any, names: Iterable[str]) -> dict[str, Any]:
    values = ((name, getattr(row, name)) for name in names)
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values
    }
