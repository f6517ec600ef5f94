"""What a scope newly reaches is given to everybody who holds a role within it.

So it is judged before the change is made: afterwards those who hold something within the scope
themselves would hold already what they are about to take.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from accounts.facts import Window
from accounts.models import User
from permissions.engine import Conferral, require_conferrals
from roles.models import Role, RoleAssignment, Scope, ScopeEntry, ScopeKind

BATCH = 1_000
# Content type, key or None for all of the type, and whether what lies below is meant too.
Place: TypeAlias = tuple[int, str | None, bool]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a scope is to cover beyond what it covers now."""

    places: frozenset[Place] = frozenset()
    kind: ScopeKind = ScopeKind.SELECTED


def require_reach(*, actor: User | None, newly: Mapping[uuid.UUID, Reach]) -> None:
    """The actor holds all that the holders of the scopes' roles would get there, for as long as
    they would have it. Raises GrantCeiling. The places still lie where they lay.
    """
    if actor is None or not newly:
        return
    # Put together by time: of thousands of holders most have the role for the same time.
    gaining: dict[tuple[Reach, Window], set[uuid.UUID]] = defaultdict(set)
    assigned = RoleAssignment.objects.filter(scope__in=newly).values_list(
        "scope", "role", "valid_from", "valid_until"
    )
    for scope, role, since, until in assigned.order_by().distinct():
        gaining[newly[scope], Window(since, until)].add(role)
    if not gaining:
        return
    roles = Role.objects.in_bulk(set().union(*gaining.values()))
    stand_ins = {reach: _stand_in(reach) for reach, _ in gaining}
    require_conferrals(
        actor=actor,
        conferrals=[
            Conferral(roles=[roles[key] for key in keys], scope=stand_ins[reach], window=window)
            for (reach, window), keys in gaining.items()
        ],
    )
    # They were nobody's and are gone with the transaction: no events tell of them.
    Scope.objects.filter(pk__in=[scope.pk for scope in stand_ins.values()]).delete()


def _stand_in(reach: Reach) -> Scope:
    """A scope of just that; the ceiling compares scopes that are stored."""
    scope = Scope.objects.create(kind=reach.kind)
    ScopeEntry.objects.bulk_create(
        [
            ScopeEntry(scope=scope, content_type_id=kind, object_pk=key, with_descendants=below)
            for kind, key, below in reach.places
        ],
        batch_size=BATCH,
    )
    return scope
