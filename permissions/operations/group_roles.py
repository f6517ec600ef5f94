"""A group's own role: where grants to the group itself are kept, because roles hold grants.

It is held by exactly that group, nobody manages it, and it goes with the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.db import transaction

from accounts.models import Group, User
from audit.models import EventKind
from audit.operations import Entry, record_many
from roles.models import OWN_ROLE, SYSTEM_NAMESPACE, Namespace, Role, RoleAssignment, managed_key


@transaction.atomic
def own_roles(*, groups: Sequence[Group], actor: User | None) -> dict[Any, Role]:
    """The own role of each group by the group's key; those missing are made."""
    by_key = {managed_key(group): group for group in groups}
    roles = {role.managed: role for role in Role.objects.filter(managed__in=by_key)}
    missing = [group for key, group in by_key.items() if key not in roles]
    if missing:
        roles |= _created(missing, actor)
    return {group.pk: roles[key] for key, group in by_key.items()}


def _created(groups: Sequence[Group], actor: User | None) -> dict[str | None, Role]:
    namespace = Namespace.objects.get(code=SYSTEM_NAMESPACE)
    own = {
        managed_key(group): Role(
            name=f"{OWN_ROLE}{group.hex_id}",
            namespace=namespace,
            code=group.hex_id,
            display_name=f"Granted to {group.name}"[:255],
            managed=managed_key(group),
        )
        # In one order: two who make the same in different orders would wait for each other.
        for group in sorted(groups, key=attrgetter("pk"))
    }
    # Whoever makes the same role at the same time makes it equal, and tells it.
    Role.objects.bulk_create(own.values(), ignore_conflicts=True)
    roles = {role.managed: role for role in Role.objects.filter(managed__in=own)}
    made = {role.pk for role in own.values()}
    held = [(roles[managed_key(group)], group) for group in groups]
    held = [(role, group) for role, group in held if role.pk in made]
    # Without an event of its own: that the role exists says that the group holds it.
    RoleAssignment.objects.bulk_create(
        [RoleAssignment(role=role, group=group, granted_by=actor) for role, group in held]
    )
    kind = EventKind.ROLE_CREATED
    entries = [
        Entry(kind=kind, target=role, after={"name": role.name, "group": str(group.pk)})
        for role, group in held
    ]
    record_many(entries, actor=actor)
    return roles
