"""Creating and changing groups, with the members, parents and roles that come along."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.models import Group, GroupKind, User
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import record
from permissions.engine import require_covers, require_may, require_superuser
from permissions.operations import closure
from permissions.operations.assignments import set_roles
from permissions.operations.audit_facts import group_facts
from permissions.operations.changes import change
from permissions.operations.group_parents import set_parents
from permissions.operations.initial_permissions import fire
from permissions.operations.locks import Change, lock_groups, one_at_a_time
from permissions.operations.membership import set_members
from permissions.operations.scoped_roles import RoleSet, set_scoped_roles
from roles.models import Role

# The group of superusers of a new service, as authentik names it.
ADMINS = "authentik Admins"


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
    """Raises GrantCeiling, SuperuserOnly, and InvalidInput for the code of another group."""
    if is_superuser:
        require_superuser(actor)
    group = Group(name=name, is_superuser=is_superuser, **fields)
    _refuse_codes_of_others(group, name)
    group.save(force_insert=True)
    # Before its parents: the closure is rebuilt from the pair of each group with itself.
    closure.add_nodes(closure.GROUPS, [group.pk])
    record(EventKind.GROUP_CREATED, target=group, actor=actor, after=group_facts(group))
    # As for users: nothing is linked to what is new.
    if parents := list(parents):
        set_parents(group=group, parents=parents, actor=actor)
    if roles := list(roles):
        set_roles(principal=group, roles=roles, actor=actor)
    if users := list(users):
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
    """Only what is given changes. Raises GrantCeiling, SuperuserOnly, GroupCycle, InvalidInput."""
    # Groups are asked for by these: whoever takes a name over gets what others gave to its bearer.
    if any(name in fields and fields[name] != getattr(group, name) for name in ("name", "code")):
        require_covers(actor=actor, groups=[group])
        _refuse_codes_of_others(group, fields.get("name", group.name))
    if parents is not None:
        # Before any row is locked: whoever changes parents takes this lock first.
        one_at_a_time(Change.GROUP_PARENTS)
    if users is not None:
        lock_groups(Q(pk=group.pk))
    if is_superuser is not None:
        if is_superuser and not group.is_superuser:
            require_superuser(actor)
        fields["is_superuser"] = is_superuser
    change(group, fields, EventKind.GROUP_CHANGED, actor=actor)
    if parents is not None:
        set_parents(group=group, parents=parents, actor=actor)
    if roles is not None:
        set_roles(principal=group, roles=roles, actor=actor)
    if users is not None:
        set_members(group=group, users=users, actor=actor)
    return group


def _refuse_codes_of_others(group: Group, name: str) -> None:
    """A group without a code is known by its name: as another's code, that would name neither."""
    others = Group.objects.filter(kind=GroupKind.GROUP, organization="", code=name)
    if group.code is None and others.exclude(pk=group.pk).exists():
        raise InvalidInput(fields={"name": ["Another group is known by this name."]})


@transaction.atomic
def save_group(
    *,
    group: Group | None,
    actor: User | None,
    users: Iterable[User] | None = None,
    needs: Iterable[str] = (),
    roles: RoleSet | None = None,
    **fields: Any,
) -> Group:
    """As ``save_user``; ``users`` are all its members to be.

    ``needs``: what the actor must be allowed on the group to change its members so, else Forbidden.
    """
    if group is None:
        group = create_group(actor=actor, **fields)
    else:
        update_group(group=group, actor=actor, **fields)
    # Only now: whoever has just created the group may be allowed it since then.
    for action in needs:
        require_may(actor=actor, action=action, rows=[group])
    if users is not None:
        set_members(group=group, users=users, actor=actor)
    if roles is not None:
        set_scoped_roles(principal=group, roles=roles, actor=actor)
    return group
