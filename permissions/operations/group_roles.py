"""A group's own role: where grants to the group itself are kept, because roles hold grants.

It is held by exactly that group, nobody manages it, and it goes with the group.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from accounts.models import Group, User
from audit.models import EventKind
from audit.operations import Entry, record_many
from roles.models import OWN_ROLE, SYSTEM_NAMESPACE, Namespace, Role, RoleAssignment, managed_key


@transaction.atomic
def own_roles(*, groups: Sequence[Group], actor: User | None) -> dict[Any, Role]:
    """The own role of each group by the group's key; those missing are made."""
    keys = {managed_key(group): group for group in groups}
    known = {role.managed: role for role in Role.objects.filter(managed__in=keys)}
    missing = [group for key, group in keys.items() if key not in known]
    if missing:
        known |= _created(missing, actor)
    return {group.pk: known[key] for key, group in keys.items()}


def _created(groups: Sequence[Group], actor: User | None) -> dict[str | None, Role]:
    namespace = Namespace.objects.get(code=SYSTEM_NAMESPACE)
    roles = [
        Role(
            name=f"{OWN_ROLE}{group.hex_id}",
            namespace=namespace,
            code=group.hex_id,
            display_name=f"Granted to {group.name}"[:255],
            managed=managed_key(group),
        )
        for group in groups
    ]
    # Whoever makes the same role at the same time makes it equal; what is there counts.
    Role.objects.bulk_create(roles, ignore_conflicts=True)
    found = {
        role.managed: role
        for role in Role.objects.filter(managed__in=[role.managed for role in roles])
    }
    RoleAssignment.objects.bulk_create(
        [
            RoleAssignment(role=found[managed_key(group)], group=group, granted_by=actor)
            for group in groups
        ],
        ignore_conflicts=True,
    )
    record_many(
        [
            Entry(
                kind=EventKind.ROLE_CREATED,
                target=found[managed_key(group)],
                after={"name": found[managed_key(group)].name, "group": str(group.pk)},
            )
            for group in groups
        ],
        actor=actor,
    )
    return found
