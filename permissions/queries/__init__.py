"""Who holds what, for showing it. Decisions are the engine's."""

from permissions.queries.effective import (
    EffectivePermission,
    effective_permissions,
    grants_of,
)
from permissions.queries.granted import Holder, ResourceGrants, held_grants, holders_of, own_grants
from permissions.queries.grantees import (
    ROLES,
    USERS,
    Grantees,
    UuidText,
    grants_to,
    roles_granted,
    roles_of_group,
    roles_of_user,
    users_granted,
    users_holding,
)
from permissions.queries.held import (
    codenames_of,
    groups_of,
    held_roles,
    holdings,
    roles_held_at_all,
    roles_of,
)
from permissions.queries.seen import may_be_named, seen_keys

__all__ = [
    "ROLES",
    "USERS",
    "EffectivePermission",
    "Grantees",
    "Holder",
    "ResourceGrants",
    "UuidText",
    "codenames_of",
    "effective_permissions",
    "grants_of",
    "grants_to",
    "groups_of",
    "held_grants",
    "held_roles",
    "holders_of",
    "holdings",
    "may_be_named",
    "own_grants",
    "roles_granted",
    "roles_held_at_all",
    "roles_of",
    "roles_of_group",
    "roles_of_user",
    "seen_keys",
    "users_granted",
    "users_holding",
]
