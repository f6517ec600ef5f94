"""The statements of the grant ceiling: what is given, what the caller holds, each with its time.

They walk as those of ``sql`` do, with the same names. But decisions ask about one moment, and the
ceiling about all moments of what is given. So a row here carries a window, ``since`` to ``until``,
which is the time that all facts on the way to it have in common:

    conferral ─ belongs (groups and their ancestors) ─ held (roles, each with its path) ─ grants

``side`` says whose a row is: 'caller' for what the caller holds, 'given' for what those would hold
to whom something is given. ``conferrals`` is a JSON array of {role_id, group_id, user_id, scope_id,
since, until}: a role held within a scope, a group joined, or a user acted as, for that time.
"""

from __future__ import annotations

from functools import cache

from permissions.engine.dialects import DIALECTS
from permissions.engine.sql import Statements
from permissions.models.fact_tables import (
    GROUP_ASSIGNMENT,
    MEMBERSHIPS,
    ROLE_ASSIGNMENT,
    ROLE_GLOBAL,
    ROLE_OBJECT,
    USER_ASSIGNMENT,
    USER_GLOBAL,
    USER_OBJECT,
)

ESCALATE = """(SELECT p.id FROM auth_permission p
        JOIN django_content_type ct ON ct.id = p.content_type_id
        WHERE ct.app_label = 'authentik_rbac' AND p.codename = 'escalate')"""


@cache
def holdings(vendor: str) -> str:
    """``user_id`` and ``conferrals`` in; rows (kind, side, role, path, since, until) out.

    Kind 'role' for each way to a role; 'superuser' if a group on the way confers that, 'free' for
    when the ceiling does not bind the caller, 'clock' for now (since). What is over is left out,
    what is to come is not.
    """
    return _CeilingStatements(DIALECTS[vendor]).holdings_and_conferrals()


@cache
def objects_beyond(vendor: str) -> str:
    """``user_id``, ``conferrals`` and ``roles`` (as JSON array) in; grants on single objects out.

    Rows (permission, its type, its name, object_pk, since, until): what those roles of the given
    side, and the users acted as, have on an object and the caller has not for all of that time; at
    most ``limit``.
    """
    return _CeilingStatements(DIALECTS[vendor]).objects_beyond()


class _CeilingStatements(Statements):
    def holdings_and_conferrals(self) -> str:
        return f"""{self._with(*self._both_sides(), self._free())}
SELECT 'role' AS kind, h.side, h.role_id, h.path, h.since, h.until FROM held h
UNION ALL
SELECT 'superuser', b.side, NULL, {self.dialect.no_path}, b.since, b.until
FROM belongs b JOIN authentik_core_group g ON g.group_uuid = b.group_id AND g.is_superuser
UNION ALL
SELECT 'free', 'caller', NULL, {self.dialect.no_path}, f.since, f.until FROM free f
UNION ALL
SELECT 'clock', 'caller', NULL, {self.dialect.no_path}, {self.dialect.clock}, NULL"""

    def objects_beyond(self) -> str:
        roles = self.dialect.listed("roles", self.dialect.uuid_of)
        on_item = "own.permission_id = i.permission_id AND own.object_pk = i.object_pk"
        of_item = "own.permission_id = i.permission_id"
        within = self.within("h.path", "i.type_id", "i.object_pk")
        ends = self._common("h", "own")
        # Each NOT EXISTS is one kind of way by which the caller may hold it. One way must last all
        # the time: two that follow each other are not put together, here and in ``ceiling``.
        return f"""{self._with(*self._both_sides(), self._free(), self._items(roles))}
SELECT i.permission_id, i.type_id, ct.app_label || '.' || p.codename, i.object_pk, i.since, i.until
FROM item i
JOIN auth_permission p ON p.id = i.permission_id
JOIN django_content_type ct ON ct.id = p.content_type_id
WHERE ({self._open("i.since", "i.until")})
  AND (i.path = {self.dialect.no_path} OR {self.within("i.path", "i.type_id", "i.object_pk")})
  AND NOT EXISTS (SELECT 1 FROM free f WHERE {self._contains("f.since", "f.until")})
  AND NOT EXISTS (SELECT 1 FROM {USER_GLOBAL.name} own
                  WHERE own.{USER_GLOBAL.column} = %(user_id)s AND {of_item}
                    AND {self._contains("own.valid_from", "own.valid_until")})
  AND NOT EXISTS (SELECT 1 FROM {USER_OBJECT.name} own
                  WHERE own.{USER_OBJECT.column} = %(user_id)s AND {on_item}
                    AND {self._contains("own.valid_from", "own.valid_until")})
  AND NOT EXISTS (SELECT 1 FROM held h JOIN {ROLE_OBJECT.name} own
                  ON own.{ROLE_OBJECT.column} = h.role_id AND {on_item}
                  WHERE h.side = 'caller' AND {self._contains(*ends)} AND {within})
  AND NOT EXISTS (SELECT 1 FROM held h JOIN {ROLE_GLOBAL.name} own
                  ON own.{ROLE_GLOBAL.column} = h.role_id AND {of_item}
                  WHERE h.side = 'caller' AND {self._contains(*ends)} AND {within})
ORDER BY 3, 4 LIMIT %(limit)s"""

    def _both_sides(self) -> tuple[str, ...]:
        since, until = self._common("conferral", "m")
        return (
            f"""conferral AS (
    SELECT {self.dialect.uuid_of.format(text="asked.role_id")} AS role_id,
           {self.dialect.uuid_of.format(text="asked.group_id")} AS group_id, asked.user_id,
           {self.dialect.uuid_of.format(text="asked.scope_id")} AS scope_id,
           {self.dialect.moment.format(text="asked.since")} AS since,
           {self.dialect.moment.format(text="asked.until")} AS until
    FROM {self.dialect.asked_conferrals}
)""",
            f"""belongs AS (
    SELECT 'caller' AS side, c.ancestor_id AS group_id, {self._instant("m.valid_from")} AS since,
           {self._instant("m.valid_until")} AS until
    FROM {MEMBERSHIPS.name} m
    JOIN authentik_core_groupclosure c ON c.descendant_id = m.group_id
    WHERE m.{MEMBERSHIPS.column} = %(user_id)s AND {self._not_over("m")}
    UNION
    SELECT 'given', c.ancestor_id, {since}, {until}
    FROM conferral JOIN {MEMBERSHIPS.name} m
      ON m.{MEMBERSHIPS.column} = conferral.user_id
    JOIN authentik_core_groupclosure c ON c.descendant_id = m.group_id
    WHERE {self._not_over("m")}
    UNION
    SELECT 'given', c.ancestor_id, conferral.since, conferral.until
    FROM conferral JOIN authentik_core_groupclosure c ON c.descendant_id = conferral.group_id
)""",
            self._held(),
        )

    def _held(self) -> str:
        """As ``Statements.held``. The caller's ways end when a role on them is disabled. On the
        given side a disabled role counts as an enabled one, because somebody else may enable it.
        """
        dialect = self.dialect
        first = dialect.longer_path.format(path=dialect.no_path, scope="a.scope_id")
        further = dialect.longer_path.format(path="h.path", scope="a.scope_id")
        is_noted = dialect.on_path.format(path="h.path", scope="a.scope_id")
        of_user, of_group, of_holder = (self._common(one, "a") for one in ("conferral", "b", "h"))

        def ending(side: str, until: str) -> str:
            disabled = self._earlier(until, "r.disabled_from")
            return f"CASE WHEN {side} = 'caller' THEN {disabled} ELSE {until} END"

        # UNION ends circles of roles here as well: met again, a role has the same path and a window
        # that is no larger, and so is no new row.
        return f"""held AS (
    SELECT a.side, a.role_id,
           CASE WHEN a.scope_id IS NULL THEN {dialect.no_path} ELSE {first} END AS path,
           a.since, {ending("a.side", "a.until")} AS until
    FROM (
        SELECT 'given' AS side, conferral.role_id, conferral.scope_id,
               conferral.since, conferral.until
        FROM conferral WHERE conferral.role_id IS NOT NULL
        UNION ALL
        SELECT 'caller', a.role_id, a.scope_id,
               {self._instant("a.valid_from")}, {self._instant("a.valid_until")}
        FROM {USER_ASSIGNMENT.name} a WHERE a.{USER_ASSIGNMENT.column} = %(user_id)s
        UNION ALL
        SELECT 'given', a.role_id, a.scope_id, {of_user[0]}, {of_user[1]}
        FROM conferral JOIN {USER_ASSIGNMENT.name} a
          ON a.{USER_ASSIGNMENT.column} = conferral.user_id
        UNION ALL
        SELECT b.side, a.role_id, a.scope_id, {of_group[0]}, {of_group[1]}
        FROM belongs b JOIN {GROUP_ASSIGNMENT.name} a ON a.{GROUP_ASSIGNMENT.column} = b.group_id
    ) AS a JOIN authentik_rbac_role r ON r.uuid = a.role_id
    WHERE (r.is_enabled OR a.side = 'given') AND ({self._open("a.since", "a.until")})
    UNION
    SELECT h.side, a.role_id,
           CASE WHEN a.scope_id IS NULL OR {is_noted} THEN h.path ELSE {further} END,
           {of_holder[0]}, {ending("h.side", of_holder[1])}
    FROM held h JOIN {ROLE_ASSIGNMENT.name} a ON a.{ROLE_ASSIGNMENT.column} = h.role_id
    JOIN authentik_rbac_role r ON r.uuid = a.role_id
    WHERE (r.is_enabled OR h.side = 'given') AND ({self._open(*of_holder)})
)"""

    def _free(self) -> str:
        """When the ceiling does not bind the caller: as a superuser, or by ``escalate``."""
        since, until = self._common("h", "g")
        return f"""free AS (
    SELECT b.since, b.until FROM belongs b
    JOIN authentik_core_group g ON g.group_uuid = b.group_id AND g.is_superuser
    WHERE b.side = 'caller'
    UNION
    SELECT {self._instant("g.valid_from")}, {self._instant("g.valid_until")}
    FROM {USER_GLOBAL.name} g
    WHERE g.{USER_GLOBAL.column} = %(user_id)s AND g.permission_id = {ESCALATE}
    UNION
    SELECT {since}, {until} FROM held h
    JOIN {ROLE_GLOBAL.name} g
      ON g.{ROLE_GLOBAL.column} = h.role_id AND g.permission_id = {ESCALATE}
    WHERE h.side = 'caller' AND h.path = {self.dialect.no_path}
)"""

    def _items(self, roles: str) -> str:
        of_role, of_user = self._common("h", "g"), self._common("conferral", "g")
        return f"""item AS (
    SELECT g.permission_id, p.content_type_id AS type_id, g.object_pk, h.path,
           {of_role[0]} AS since, {of_role[1]} AS until
    FROM held h JOIN {ROLE_OBJECT.name} g ON g.{ROLE_OBJECT.column} = h.role_id
    JOIN auth_permission p ON p.id = g.permission_id
    WHERE h.side = 'given' AND h.role_id IN ({roles})
    UNION
    SELECT g.permission_id, p.content_type_id, g.object_pk, {self.dialect.no_path},
           {of_user[0]}, {of_user[1]}
    FROM conferral JOIN {USER_OBJECT.name} g ON g.{USER_OBJECT.column} = conferral.user_id
    JOIN auth_permission p ON p.id = g.permission_id
)"""

    # Windows

    def _instant(self, time: str) -> str:
        """A stored time in the form that compares with others to the microsecond."""
        return self.dialect.instant.format(time=time)

    def _common(self, one: str, other: str) -> tuple[str, str]:
        """Start and end of the time that a row with a window and a row of facts have in common."""
        return (
            self.dialect.later.format(a=f"{one}.since", b=self._instant(f"{other}.valid_from")),
            self._earlier(f"{one}.until", f"{other}.valid_until"),
        )

    def _earlier(self, end: str, column: str) -> str:
        return self.dialect.earlier.format(a=end, b=self._instant(column))

    def _not_over(self, row: str) -> str:
        end = f"{row}.valid_until"
        return f"({end} IS NULL OR {self._instant(end)} > {self.dialect.clock})"

    def _open(self, since: str, until: str) -> str:
        """Whether a window has any time left in it."""
        return (
            f"{until} IS NULL OR {until} > {self.dialect.clock}"
            f" AND ({since} IS NULL OR {since} < {until})"
        )

    def _contains(self, since: str, until: str) -> str:
        """Whether a window is open throughout that of the item i, as far as that is to come."""
        now = self.dialect.clock
        # Nobody is judged for the past, so a way may begin now although the item began before. An
        # item without end (NULL) is contained in nothing that ends, hence FALSE.
        begun = self.dialect.later.format(a="i.since", b=now)
        return (
            f"({since} IS NULL OR {self._instant(since)} <= {begun})"
            f" AND ({until} IS NULL OR COALESCE({self._instant(until)} >= i.until, FALSE))"
        )
