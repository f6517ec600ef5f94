"""The statements behind every decision.

All of them walk outwards from the subject, because what a subject holds is small and what is
granted on a resource, or held through a group, may be millions of rows:

    who ─ member (groups and their ancestors) ─ held (roles, each with its path) ─ grants

A *path* lists the scopes met from the subject to a role. The role counts for a resource when every
one of them covers it, and for a question without a resource only when the path is empty. Only
``list_subjects`` must walk the other way; it starts from the few roles that have the permission.

Facts count when the statement's own clock lies in their time, or the moment given as ``at``.
One text serves both databases; what they spell differently is in ``Dialect``. Parameters are named:
``user_id`` or ``subject`` (+ ``subject_uuid``) say who, ``app_label``, ``model``, ``codename``,
``bare_codename`` and ``long_codename`` say what, ``object_pk`` on which resource.

In every statement w is who, t what (a type and a permission), q the question, m a membership or a
member, a an assignment, h a role held, g a grant, r a role, c a pair of a closure, sc a scope and e
an entry of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from functools import cache

from django.db import models

from permissions.engine.dialects import DIALECTS, Dialect
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


class Naming(Enum):
    """How the parameters name a subject: by its number, or by a text that is or is not a name."""

    NUMBER = auto()
    NAME = auto()
    ANY = auto()


# A user name wins over a uuid, that over an id another system gave, and an e-mail address counts
# only when it is one user's alone: an ambiguous name must not be anybody.
FIND_USER = """
    COALESCE(
        asked.user_id,
        (SELECT u.id FROM authentik_core_user u WHERE u.username = asked.subject),
        (SELECT u.id FROM authentik_core_user u WHERE u.uuid = {subject_uuid}),
        (SELECT u.id FROM authentik_core_user u WHERE u.external_id = asked.subject),
        (SELECT u.id FROM authentik_core_user u WHERE u.hex_id = asked.subject),
        (SELECT MIN(u.id) FROM authentik_core_user u
         WHERE u.email = asked.subject AND asked.subject <> '' HAVING COUNT(*) = 1)
    )"""

# What remains of that for a number, and for a name that is no uuid, hex id or e-mail address: each
# index that a plan mentions is opened for every decision, used or not.
FIND_USER_AS = {
    Naming.NUMBER: "asked.user_id",
    Naming.NAME: """
    COALESCE(
        (SELECT u.id FROM authentik_core_user u WHERE u.username = asked.subject),
        (SELECT u.id FROM authentik_core_user u WHERE u.external_id = asked.subject)
    )""",
    Naming.ANY: FIND_USER,
}

# The exact codename, then without the app label before it, then the short form `view` of
# `view_invoice`. Without a model, `app.codename` counts only when one type of the app has it.
FIND_PERMISSION = """
        (SELECT meant.id FROM (
            SELECT p.id, p.codename <> asked.codename AS not_exact,
                   p.codename <> asked.bare_codename AS not_bare
            FROM auth_permission p WHERE p.content_type_id = t.content_type_id
             AND p.codename IN (asked.codename, asked.bare_codename, asked.long_codename)) AS meant
         ORDER BY meant.not_exact, meant.not_bare LIMIT 1)"""

FIND_PERMISSION_ALONE = """
        (SELECT MIN(p.id) FROM auth_permission p
         JOIN django_content_type ct ON ct.id = p.content_type_id
         JOIN permissions_resourcetype t ON t.content_type_id = ct.id
         WHERE asked.model IS NULL
           AND ct.app_label = asked.app_label AND p.codename = asked.codename
         HAVING COUNT(*) = 1)"""

# Each parameter is cast: numbers are bound as text, and PostgreSQL could not tell what NULL is.
ONE_SUBJECT = """(SELECT 0 AS s, CAST(%(user_id)s AS bigint) AS user_id,
            CAST(%(subject)s AS text) AS subject, CAST(%(subject_uuid)s AS text) AS subject_uuid
        ) AS asked"""

ONE_ACTION = """(SELECT 0 AS a, CAST(%(app_label)s AS text) AS app_label,
            CAST(%(model)s AS text) AS model, CAST(%(codename)s AS text) AS codename,
            CAST(%(bare_codename)s AS text) AS bare_codename,
            CAST(%(long_codename)s AS text) AS long_codename) AS asked"""


GRANTS_TO_USER = {"global": USER_GLOBAL, "object": USER_OBJECT}
GRANTS_TO_ROLE = {"global": ROLE_GLOBAL, "object": ROLE_OBJECT}

# About as many as an ordinary subject holds.
FEW_ROLES = 32

# By the type's key, because the planner would rather read all permissions than join by index.
CHECK_ACCESS = """what AS (
        SELECT p.content_type_id AS type_id, p.id AS permission_id
        FROM auth_permission p
        WHERE p.codename = 'check_access' AND p.content_type_id = (
            SELECT ct.id FROM django_content_type ct
            WHERE ct.app_label = 'authentik_rbac' AND ct.model = 'systempermission'))"""


class Statements:
    """Writes the statements of one dialect out of named parts, for one way to name a subject."""

    def __init__(self, dialect: Dialect, naming: Naming = Naming.ANY) -> None:
        self.dialect = dialect
        self.naming = naming

    # Conditions

    def live(self, row: str) -> str:
        """Whether a fact counts now."""
        now = self.dialect.now
        return (
            f"({row}.valid_from IS NULL OR {row}.valid_from <= {now})"
            f" AND ({row}.valid_until IS NULL OR {row}.valid_until > {now})"
        )

    def effective(self, role: str) -> str:
        """Whether a row of the table of roles is enabled now."""
        now = self.dialect.now
        return (
            f"{role}.is_enabled AND ({role}.disabled_from IS NULL OR {role}.disabled_from > {now})"
        )

    def not_disabled(self, role: str) -> str:
        """As ``effective``, for the key of a role: disabled ones are few and have an index."""
        # Asked the other way round, for enabled ones, the row of every role held would be read.
        return f"""NOT EXISTS (
            SELECT 1 FROM authentik_rbac_role r WHERE r.uuid = {role}
             AND (NOT r.is_enabled OR r.disabled_from <= {self.dialect.now}))"""

    def covers(self, scope: str, type_id: str, object_pk: str) -> str:
        """Whether a scope covers a resource: by kind, by an entry, or by an entry above it."""
        # From the resource upwards, where little lies; downwards from an entry may lie everything.
        return f"""EXISTS (
            SELECT 1 FROM authentik_rbac_scope sc WHERE sc.id = {scope} AND (
                sc.kind = 'all'
                OR sc.kind = 'selected' AND (
                    EXISTS (SELECT 1 FROM authentik_rbac_scopeentry e
                            WHERE e.scope_id = sc.id AND e.content_type_id = {type_id}
                              AND (e.object_pk IS NULL OR e.object_pk = {object_pk}))
                    OR EXISTS (
                        SELECT 1 FROM permissions_resource below
                        JOIN permissions_resourceclosure c ON c.descendant_id = below.id
                        JOIN permissions_resource above ON above.id = c.ancestor_id
                        JOIN authentik_rbac_scopeentry e
                          ON e.scope_id = sc.id AND e.content_type_id = above.type_id
                         AND (e.object_pk IS NULL OR e.object_pk = above.object_pk)
                        WHERE e.with_descendants
                          AND below.type_id = {type_id} AND below.object_pk = {object_pk}))))"""

    def within(self, path: str, type_id: str, object_pk: str) -> str:
        """Whether every scope on a path covers the resource; an empty path has no limit."""
        scopes = self.dialect.scopes_in.format(path=path)
        uncovered = f"NOT {self.covers('scopes.value', type_id, object_pk)}"
        # A question without a resource lies in no scope, whatever the scope is.
        return f"""({path} = {self.dialect.no_path} OR {object_pk} IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM {scopes} WHERE {uncovered}))"""

    def reaches(self, path: str, type_id: str) -> str:
        """Whether every scope on a path selects anything of a type, or has some of it below what
        it selects.
        """
        scopes = self.dialect.scopes_in.format(path=path)
        return f"""NOT EXISTS (
            SELECT 1 FROM {scopes} JOIN authentik_rbac_scope sc ON sc.id = scopes.value
            WHERE sc.kind <> 'all' AND NOT (sc.kind = 'selected' AND (EXISTS (
                SELECT 1 FROM authentik_rbac_scopeentry e
                WHERE e.scope_id = sc.id AND e.content_type_id = {type_id})
            OR EXISTS (
                SELECT 1 FROM authentik_rbac_scopeentry e
                JOIN permissions_resource above ON above.type_id = e.content_type_id
                 AND (e.object_pk IS NULL OR e.object_pk = above.object_pk)
                JOIN permissions_resourceclosure c ON c.ancestor_id = above.id
                JOIN permissions_resource below
                  ON below.id = c.descendant_id AND below.type_id = {type_id}
                WHERE e.scope_id = sc.id AND e.with_descendants))))"""

    # Common table expressions

    def who(self, asked: str, naming: Naming = Naming.ANY) -> str:
        subject_uuid = self.dialect.uuid_of.format(text="asked.subject_uuid")
        user_id = FIND_USER_AS[naming].format(subject_uuid=subject_uuid)
        # A row also for nobody: the answer must say that the subject is unknown. Materialized, so
        # that the parts that read it do not look the subject up again.
        return f"""who AS MATERIALIZED (
    SELECT meant.s, u.id AS user_id, u.is_active
    FROM (SELECT asked.s, {user_id} AS id FROM {asked}) AS meant
    LEFT JOIN authentik_core_user u ON u.id = meant.id
)"""

    def what(self, asked: str, *, typed: bool = False) -> str:
        """``typed`` leaves out what finds a permission without the type of a resource."""
        permission_id = FIND_PERMISSION
        if not typed:
            permission_id = f"COALESCE({FIND_PERMISSION}, {FIND_PERMISSION_ALONE})"
        # A row also without a type or a permission, for the same reason.
        return f"""what AS MATERIALIZED (
    SELECT asked.a, t.content_type_id AS type_id, {permission_id} AS permission_id
    FROM {asked}
    LEFT JOIN django_content_type ct ON ct.app_label = asked.app_label AND ct.model = asked.model
    LEFT JOIN permissions_resourcetype t ON t.content_type_id = ct.id
)"""

    def member(self) -> str:
        # Nothing is read for an inactive subject: whatever it holds counts for nothing. DISTINCT:
        # the roles of a group that is reached in two ways would be looked for twice.
        return f"""member AS (
    SELECT DISTINCT w.user_id, c.ancestor_id AS group_id
    FROM who w
    JOIN {MEMBERSHIPS.name} m ON m.{MEMBERSHIPS.column} = w.user_id AND {self.live("m")}
    JOIN authentik_core_groupclosure c ON c.descendant_id = m.group_id
    WHERE w.is_active
)"""

    def held(self, *, by_one: bool = False) -> str:
        """Roles held directly, through groups, and through other roles, each with its path.

        ``by_one``: there is one subject, and its few roles are looked up one after the other. The
        planner cannot know how few they are, and would rather read every assignment. A scope met
        twice is noted once: else roles in a circle, which only rows from elsewhere can make, would
        be followed for ever.
        """
        dialect = self.dialect
        active = f"{self.live('a')} AND {self.not_disabled('a.role_id')}"
        columns = "a.role_id, a.scope_id, a.valid_from, a.valid_until"
        first, further = (
            dialect.longer_path.format(path=path, scope="a.scope_id")
            for path in (dialect.no_path, "h.path")
        )
        is_noted = dialect.on_path.format(path="h.path", scope="a.scope_id")
        further_roles = f"JOIN {ROLE_ASSIGNMENT.name} a ON a.{ROLE_ASSIGNMENT.column} = h.role_id"
        if by_one and dialect.has_lateral:
            # OFFSET 0 keeps the planner from making a join of it again.
            further_roles = f"""CROSS JOIN LATERAL (
        SELECT a.* FROM {ROLE_ASSIGNMENT.name} a
        WHERE a.{ROLE_ASSIGNMENT.column} = h.role_id OFFSET 0) AS a"""
        # UNION drops what is there already: a role met again with the same path is not followed.
        # Only the first branch asks for an active subject: an inactive one is no ``member``.
        return f"""held AS (
    SELECT a.user_id, a.role_id,
           CASE WHEN a.scope_id IS NULL THEN {dialect.no_path} ELSE {first} END AS path
    FROM (
        SELECT w.user_id, {columns}
        FROM who w JOIN {USER_ASSIGNMENT.name} a ON a.{USER_ASSIGNMENT.column} = w.user_id
        WHERE w.is_active
        UNION ALL
        SELECT m.user_id, {columns}
        FROM member m JOIN {GROUP_ASSIGNMENT.name} a ON a.{GROUP_ASSIGNMENT.column} = m.group_id
    ) AS a
    WHERE {active}
    UNION
    SELECT h.user_id, a.role_id,
           CASE WHEN a.scope_id IS NULL OR {is_noted} THEN h.path ELSE {further} END AS path
    FROM held h {further_roles}
    WHERE {active}
)"""

    def _with(self, *expressions: str) -> str:
        return "WITH RECURSIVE " + ",\n".join(expressions)

    def _subject_side(self) -> list[str]:
        return [self.who(ONE_SUBJECT, self.naming), self.member(), self.held(by_one=True)]

    # Statements

    def check(self) -> str:
        """One question in; one row out: see ``checking.Verdict``.

        The ways are tried in this order and the later ones are not run once one has answered.
        """
        counts = self.within("h.path", "t.type_id", "q.object_pk")
        return self._check(("global", "object"), counts, typed=True)

    def check_globally(self) -> str:
        """As ``check``, for a question without a resource: a shorter plan is a faster one."""
        return self._check(("global",), f"h.path = {self.dialect.no_path}", typed=False)

    def _check(self, kinds: tuple[str, ...], counts: str, *, typed: bool) -> str:
        """``kinds`` of grants: 'global' ones for everything, 'object' ones for the resource q.
        ``counts`` is the condition under which the role h, which has the grant, counts for q.

        Most permissions, and most resources, are granted to fewer roles than a subject holds: these
        few are read at once, and if there are none nobody needs to know what the subject holds.
        Otherwise ``granted`` is a probe for each role held, and no join: the planner cannot know
        how few they are, and would rather read all grants of the permission.
        """
        few, granted, own = [], [], []
        no_uuid, no_id = self.dialect.uuid_of.format(text="NULL"), "CAST(NULL AS bigint)"
        for kind in kinds:
            of_user, of_role = GRANTS_TO_USER[kind], GRANTS_TO_ROLE[kind]
            role = f"g.{of_role.column}"
            on_it = "AND g.object_pk = q.object_pk" if kind == "object" else ""
            grants = f"""FROM what t CROSS JOIN q JOIN {of_role.name} g
      ON g.permission_id = t.permission_id {on_it}"""
            # One more than few, which tells that there are many.
            few.append(f"""few_{kind} AS MATERIALIZED (
    SELECT {role} AS role_id, g.id
    {grants}
    WHERE {self.live("g")} LIMIT {FEW_ROLES + 1}
)""")
            are_few = f"(SELECT COUNT(*) FROM few_{kind}) <= {FEW_ROLES}"
            granted.append(f"""
    SELECT 'role_{kind}' AS kind, few.role_id, few.id
    FROM few_{kind} few WHERE {are_few}
    UNION ALL
    SELECT 'role_{kind}', {role}, g.id
    {grants} AND {role} {self._held_roles()}
    WHERE {self.live("g")} AND NOT {are_few}""")
            own.append(f"""
    SELECT 'user_{kind}', {no_uuid}, g.id
    FROM who w CROSS JOIN what t CROSS JOIN q JOIN {of_user.name} g
      ON g.{of_user.column} = w.user_id AND g.permission_id = t.permission_id {on_it}
    WHERE w.is_active AND {self.live("g")}
    UNION ALL""")
        parts = [
            *self._subject_side(),
            self.what(ONE_ACTION, typed=typed),
            "q AS (SELECT CAST(%(object_pk)s AS text) AS object_pk)",
            *few,
            f"granted AS MATERIALIZED ({' UNION ALL'.join(granted)}\n)",
        ]
        # ``granted`` is materialized, or the planner would make the join of it that it must not be.
        # The answer comes from the first branch that has one, because nothing here can be read in
        # parallel: each branch reads a common table expression. Superusers come before all others,
        # but may do no action that does not exist. Of several roles always the same one answers.
        return f"""{self._with(*parts)}
SELECT w.user_id, w.is_active, t.type_id, t.permission_id, way.reason, way.holder, way.grant_id
FROM who w CROSS JOIN what t LEFT JOIN (
    SELECT 'superuser' AS reason, m.group_id AS holder, {no_id} AS grant_id
    FROM what t CROSS JOIN member m JOIN authentik_core_group g ON g.group_uuid = m.group_id
    WHERE g.is_superuser AND t.permission_id IS NOT NULL
    UNION ALL{"".join(own)}
    SELECT first.kind, first.role_id, first.id FROM (
        SELECT g.kind, g.role_id, g.id
        FROM what t CROSS JOIN q CROSS JOIN granted g JOIN held h ON h.role_id = g.role_id
        WHERE {counts} ORDER BY g.kind, g.role_id, g.id LIMIT 1) AS first
    LIMIT 1
) AS way ON TRUE"""

    def _held_roles(self, condition: str = "1 = 1") -> str:
        return self.dialect.one_of.format(
            rows=f"SELECT DISTINCT h.role_id FROM held h WHERE {condition}"
        )

    def _hit(self) -> str:
        """Rows of the CTE ``question`` in (n, user_id, is_active, type_id, permission_id,
        object_pk); whatever allows each of them out, with its place in the order of ``check``.
        """
        no_uuid, no_id = self.dialect.uuid_of.format(text="NULL"), "CAST(NULL AS bigint)"
        # Each different permission is looked up once, however many questions ask about it. Own
        # grants alone ask whether the subject is active: otherwise it has nothing ``held``.
        return f"""global_of_role AS (
    SELECT h.user_id, g.permission_id, h.path, g.{ROLE_GLOBAL.column} AS role_id, g.id
    FROM (SELECT DISTINCT permission_id FROM question) AS asked
    JOIN {ROLE_GLOBAL.name} g
      ON g.{ROLE_GLOBAL.column} {self._held_roles()} AND g.permission_id = asked.permission_id
    JOIN held h ON h.role_id = g.{ROLE_GLOBAL.column}
    WHERE {self.live("g")}
), hit AS (
    SELECT q.n, 1 AS place, 'superuser' AS reason, m.group_id AS holder, {no_id} AS grant_id
    FROM question q
    JOIN member m ON m.user_id = q.user_id
    JOIN authentik_core_group g ON g.group_uuid = m.group_id AND g.is_superuser
    WHERE q.permission_id IS NOT NULL
    UNION ALL
    SELECT q.n, 2, 'user_global', {no_uuid}, g.id
    FROM question q
    JOIN {USER_GLOBAL.name} g
      ON g.{USER_GLOBAL.column} = q.user_id AND g.permission_id = q.permission_id
    WHERE q.is_active AND {self.live("g")}
    UNION ALL
    SELECT q.n, 3, 'user_object', {no_uuid}, g.id
    FROM question q
    JOIN {USER_OBJECT.name} g
      ON g.{USER_OBJECT.column} = q.user_id AND g.permission_id = q.permission_id
     AND g.object_pk = q.object_pk
    WHERE q.is_active AND {self.live("g")}
    UNION ALL
    SELECT q.n, 4, 'role_global', g.role_id, g.id
    FROM question q
    JOIN global_of_role g ON g.user_id = q.user_id AND g.permission_id = q.permission_id
    WHERE {self.within("g.path", "q.type_id", "q.object_pk")}
    UNION ALL
    SELECT q.n, 5, 'role_object', g.{ROLE_OBJECT.column}, g.id
    FROM question q
    JOIN held h ON h.user_id = q.user_id
    JOIN {ROLE_OBJECT.name} g
      ON g.{ROLE_OBJECT.column} = h.role_id AND g.permission_id = q.permission_id
     AND g.object_pk = q.object_pk
    WHERE {self.live("g")} AND {self.within("h.path", "q.type_id", "q.object_pk")}
)"""

    def check_many(self) -> str:
        """Questions in as three JSON arrays; a row per question out, in no order: n, then as check.

        ``subjects`` and ``actions`` hold each different one once, ``items`` names them by position.
        """
        dialect = self.dialect
        question = f"""question AS (
    SELECT asked.n, w.user_id, w.is_active, t.type_id, t.permission_id, asked.object_pk
    FROM {dialect.asked_items} JOIN who w ON w.s = asked.s JOIN what t ON t.a = asked.a
)"""
        who, what = self.who(dialect.asked_subjects), self.what(dialect.asked_actions)
        parts = [who, what, self.member(), self.held(), question, self._hit()]
        return f"""{self._with(*parts)}
SELECT q.n, q.user_id, q.is_active, q.type_id, q.permission_id,
       way.reason, way.holder, way.grant_id
FROM question q LEFT JOIN (
    SELECT hit.*, ROW_NUMBER() OVER (
        PARTITION BY hit.n ORDER BY hit.place, hit.holder, hit.grant_id) AS number
    FROM hit
) AS way ON way.n = q.n AND way.number = 1"""

    def list_actions(self) -> str:
        """A subject and a resource in; the codenames allowed out, in order.

        With each, whether its short form (`view` of `view_invoice`) is another permission's name.
        """
        # Numbered by the permission, so that a hit says which one is allowed.
        question = """question AS (
    SELECT p.id AS n, w.user_id, w.is_active, t.type_id, p.id AS permission_id,
           CAST(%(object_pk)s AS text) AS object_pk
    FROM who w CROSS JOIN what t JOIN auth_permission p ON p.content_type_id = t.type_id
    WHERE w.is_active
)"""
        parts = [*self._subject_side(), self.what(ONE_ACTION, typed=True), question, self._hit()]
        return f"""{self._with(*parts)}
SELECT DISTINCT p.codename, EXISTS (
    SELECT 1 FROM auth_permission other WHERE other.content_type_id = p.content_type_id
      AND other.codename || '_' || CAST(%(model)s AS text) = p.codename) AS is_taken
FROM hit JOIN auth_permission p ON p.id = hit.n
ORDER BY p.codename"""

    def type_and_permission(self) -> str:
        """A permission's name in; one row out: the type and the permission, NULL if unknown."""
        return f"""{self._with(self.what(ONE_ACTION))}
SELECT t.type_id, t.permission_id FROM what t"""

    def reach(self) -> str:
        """A subject and a permission in; one row out: whether it reaches 'all', 'some' or 'none'.

        'some' may turn out to be nothing: a scope need not cover any of what its role was granted.
        """
        parts = [*self._subject_side(), self.what(ONE_ACTION, typed=True)]
        return f"""{self._with(*parts)}
SELECT CASE
    WHEN NOT COALESCE(w.is_active, FALSE) OR t.permission_id IS NULL THEN 'none'
    WHEN {self._unlimited()} THEN 'all'
    WHEN EXISTS (SELECT 1 FROM {USER_OBJECT.name} g
                 WHERE g.{USER_OBJECT.column} = w.user_id AND g.permission_id = t.permission_id
                   AND {self.live("g")}) THEN 'some'
    WHEN EXISTS (SELECT 1 FROM held h JOIN {ROLE_OBJECT.name} g
                 ON g.{ROLE_OBJECT.column} = h.role_id
                 WHERE g.permission_id = t.permission_id AND {self.live("g")}) THEN 'some'
    WHEN EXISTS (SELECT 1 FROM held h JOIN {ROLE_GLOBAL.name} g
                 ON g.{ROLE_GLOBAL.column} = h.role_id
                 WHERE g.permission_id = t.permission_id AND {self.live("g")}) THEN 'some'
    ELSE 'none' END
FROM who w CROSS JOIN what t"""

    def everywhere(self) -> str:
        """As ``reach``: a row when it is 'all', and a shorter plan to see that."""
        parts = [*self._subject_side(), self.what(ONE_ACTION, typed=True)]
        return f"""{self._with(*parts)}
SELECT 1 FROM who w CROSS JOIN what t
WHERE w.is_active AND t.permission_id IS NOT NULL AND {self._unlimited()}"""

    def views_all(self, models: Sequence[type[models.Model]]) -> str:
        """As ``everywhere`` for viewing rows of several of our own tables: the labels of those of
        which the subject may view every row.
        """
        viewed = ", ".join(
            f"('{one._meta.app_label}', '{one._meta.model_name}', 'view_{one._meta.model_name}')"
            for one in models
        )
        what = f"""what AS MATERIALIZED (
    SELECT ct.app_label || '.' || ct.model AS label, p.id AS permission_id
    FROM auth_permission p JOIN django_content_type ct ON ct.id = p.content_type_id
    JOIN permissions_resourcetype t ON t.content_type_id = ct.id
    WHERE (ct.app_label, ct.model, p.codename) IN (VALUES {viewed})
)"""
        return f"""{self._with(*self._subject_side(), what)}
SELECT t.label FROM who w CROSS JOIN what t WHERE w.is_active AND {self._unlimited()}"""

    def _unlimited(self, roles: str = "") -> str:
        """Whether the subject w has the permission t on everything of its type.

        By its own grant, as a superuser, or through ``roles``: those held without scope if none
        are named. What is found soonest comes first. The last is no EXISTS, because PostgreSQL may
        then read all global grants of the roles into a hash table rather than probe for one
        permission.
        """
        roles = roles or self._held_roles(f"h.path = {self.dialect.no_path}")
        return f"""(
        EXISTS (SELECT 1 FROM {USER_GLOBAL.name} g
                WHERE g.{USER_GLOBAL.column} = w.user_id AND g.permission_id = t.permission_id
                  AND {self.live("g")})
        OR EXISTS (SELECT 1 FROM authentik_core_group g WHERE g.is_superuser
                   AND g.group_uuid IN (SELECT m.group_id FROM member m))
        OR COALESCE((SELECT TRUE FROM {ROLE_GLOBAL.name} g
                     WHERE g.{ROLE_GLOBAL.column} {roles} AND g.permission_id = t.permission_id
                       AND {self.live("g")} LIMIT 1), FALSE))"""

    def holds_on_any(self) -> str:
        """As ``list_resources``: a row when the type is open and the permission counts on all of
        it, so that more is allowed than can be listed.
        """
        return f"""{self._with(*self._listing_side())}
SELECT 1 FROM unlimited u JOIN permissions_resourcetype t ON t.content_type_id = u.type_id
WHERE t.mode = 'open'"""

    def list_resources(self, universe: str) -> str:
        """A subject and a permission in; the keys of resources out, each once.

        ``universe`` selects object_pk of all known resources of the type (u). The keys come in
        order, after the key ``after`` and at most ``limit`` of them; each branch stops there by
        itself, so that a page costs the same however many grants there are.
        """
        after, first = "{0}.object_pk > %(after)s", "ORDER BY object_pk LIMIT %(limit)s"
        merged = self.dialect.has_lateral
        parts = self._listing_side()
        if merged:
            parts += self._end_of_page(after)
        branches = "\n    UNION\n".join(
            f"    SELECT object_pk FROM ({branch} {first}) AS branch"
            for branch in self._allowed(universe, after, merged=merged)
        )
        return f"""{self._with(*parts)}
SELECT object_pk FROM (
{branches}
) AS allowed {first}"""

    def visible_keys(self, universe: str, key: str) -> str:
        """As ``list_resources``, all of them in no order, in the form ``key`` of {text}.

        Nested as little as possible: it becomes part of other statements, and SQLite's parser has
        room for about a hundred levels.
        """
        branches = "\n    UNION\n".join(self._allowed(universe, "1 = 1", merged=False))
        allowed = f"allowed AS (\n{branches}\n)"
        return f"""{self._with(*self._listing_side(), allowed)}
SELECT {key.format(text="allowed.object_pk")} FROM allowed"""

    def _listing_side(self) -> list[str]:
        """Who, what, and the roles held: the wide ones, and the scopes that limit others.

        A holding is wide when nothing of the type lies outside its scopes. A limited one is
        followed from the resources that its scopes name, and costs as much as they name; most
        grants of its role may lie outside. Wide ones with scopes are followed too, because what
        those name belongs to the answer even if it is registered nowhere.
        """
        no_path = self.dialect.no_path
        scopes_held = self.dialect.scopes_in.format(path="h.path")
        scopes_limiting = self.dialect.scopes_in.format(path="l.path")
        wide = self.dialect.one_of.format(rows="SELECT DISTINCT v.role_id FROM wide v")
        return [
            *self._subject_side(),
            self.what(ONE_ACTION, typed=True),
            # No row for a subject that may do nothing, and so none in what is read from it.
            """asked_for AS (
    SELECT w.user_id, t.type_id, t.permission_id FROM who w CROSS JOIN what t
    WHERE w.is_active AND t.permission_id IS NOT NULL
)""",
            f"""holding AS MATERIALIZED (
    SELECT h.role_id, h.path, (h.path = {no_path} OR NOT EXISTS (
        SELECT 1 FROM {scopes_held} JOIN authentik_rbac_scope sc ON sc.id = scopes.value
        WHERE sc.kind <> 'all' AND NOT (sc.kind = 'selected' AND EXISTS (
            SELECT 1 FROM authentik_rbac_scopeentry e WHERE e.scope_id = sc.id
             AND e.content_type_id = t.type_id AND e.object_pk IS NULL)))) AS is_wide
    FROM asked_for t CROSS JOIN held h
)""",
            "wide AS (SELECT DISTINCT h.role_id FROM holding h WHERE h.is_wide)",
            f"""unlimited AS (
    SELECT t.type_id FROM asked_for t CROSS JOIN who w WHERE {self._unlimited(wide)}
)""",
            f"""limited AS (
    SELECT DISTINCT h.path, t.type_id, t.permission_id
    FROM asked_for t CROSS JOIN holding h
    WHERE h.path <> {no_path} AND {self._gives("h", "t")}
)""",
            # What any scope on the path names is more than all of them cover: the last branch of
            # ``_allowed`` asks that of each candidate.
            f"""candidate AS (
    SELECT l.path, l.type_id, l.permission_id, e.object_pk
    FROM limited l CROSS JOIN {scopes_limiting}
    JOIN authentik_rbac_scopeentry e ON e.scope_id = scopes.value
    WHERE e.content_type_id = l.type_id AND e.object_pk IS NOT NULL
    UNION
    SELECT l.path, l.type_id, l.permission_id, below.object_pk
    FROM limited l CROSS JOIN {scopes_limiting}
    JOIN authentik_rbac_scopeentry e ON e.scope_id = scopes.value AND e.with_descendants
    JOIN permissions_resource above ON above.type_id = e.content_type_id
     AND (e.object_pk IS NULL OR above.object_pk = e.object_pk)
    JOIN permissions_resourceclosure c ON c.ancestor_id = above.id
    JOIN permissions_resource below ON below.id = c.descendant_id AND below.type_id = l.type_id
)""",
        ]

    def _gives(self, role: str, asked: str, object_pk: str | None = None) -> str:
        """Whether a role has the permission on everything, or on a resource (None: on any).

        No EXISTS, for the reason of ``_unlimited``.
        """
        on_it = f"AND g.object_pk = {object_pk}" if object_pk else ""
        return f"""COALESCE(
            (SELECT TRUE FROM {ROLE_GLOBAL.name} g
             WHERE g.{ROLE_GLOBAL.column} = {role}.role_id
               AND g.permission_id = {asked}.permission_id
               AND {self.live("g")} LIMIT 1),
            (SELECT TRUE FROM {ROLE_OBJECT.name} g
             WHERE g.{ROLE_OBJECT.column} = {role}.role_id
               AND g.permission_id = {asked}.permission_id {on_it}
               AND {self.live("g")} LIMIT 1),
            FALSE)"""

    def _allowed(self, universe: str, after: str, *, merged: bool) -> tuple[str, ...]:
        """Keys by own grants, by grants of roles, by unlimited permission, and by scopes.

        ``after`` is a condition on the object_pk of {0}. ``merged``: they are to be one page, whose
        parts stop at ``page_end``.
        """
        if merged:
            upto = "g.object_pk <= (SELECT object_pk FROM page_end)"
            by_role = self._first_of_each(after, upto, "CAST(%(limit)s AS bigint)")
        else:
            upto = "1 = 1"
            # DISTINCT before any limit: a key granted by many roles would push others off the page.
            by_role = f"""SELECT DISTINCT g.object_pk FROM asked_for t CROSS JOIN wide h
        JOIN {ROLE_OBJECT.name} g ON {self._has("h", "t")} AND {after.format("g")}"""
        return (
            f"""SELECT g.object_pk FROM asked_for t JOIN {USER_OBJECT.name} g
            ON g.{USER_OBJECT.column} = t.user_id AND g.permission_id = t.permission_id
        WHERE {self.live("g")} AND {after.format("g")} AND {upto}""",
            by_role,
            f"""SELECT u.object_pk FROM ({universe}) AS u
        WHERE {after.format("u")} AND EXISTS (SELECT 1 FROM unlimited)""",
            f"""SELECT DISTINCT maybe.object_pk FROM candidate maybe
        JOIN holding h ON h.path = maybe.path
        WHERE {after.format("maybe")} AND {self._gives("h", "maybe", "maybe.object_pk")}
          AND {self.within("maybe.path", "maybe.type_id", "maybe.object_pk")}""",
        )

    def _has(self, role: str, asked: str) -> str:
        return (
            f"g.{ROLE_OBJECT.column} = {role}.role_id AND g.permission_id = {asked}.permission_id"
            f" AND {self.live('g')}"
        )

    def _first_of_each(self, after: str, upto: str, count: str) -> str:
        """The keys of the first grants of each role, from the index and in its order."""
        return f"""SELECT DISTINCT first.object_pk
        FROM asked_for t CROSS JOIN wide h CROSS JOIN LATERAL (
            SELECT g.object_pk FROM {ROLE_OBJECT.name} g
            WHERE {self._has("h", "t")} AND {after.format("g")} AND {upto}
            ORDER BY g.object_pk LIMIT {count}) AS first"""

    def _end_of_page(self, after: str) -> list[str]:
        """A key after which no key of the page comes.

        A page takes few keys from each of many roles, but any of them could fill it. The first few
        of each role hold at least one page, and the true page cannot end after that one; so the
        whole costs a few keys for each role instead of a page for each. If they hold less than a
        page, it ends with the last key anybody was granted.
        """
        few = "(SELECT 2 + CAST(%(limit)s AS bigint) / GREATEST(COUNT(*), 1) FROM wide)"
        last = """(SELECT g.object_pk FROM {0} g
            WHERE g.permission_id = t.permission_id ORDER BY g.object_pk DESC LIMIT 1)"""
        return [
            f"few AS MATERIALIZED ({self._first_of_each(after, 'TRUE', few)})",
            f"""page_end AS MATERIALIZED (
    SELECT COALESCE(
        (SELECT DISTINCT few.object_pk FROM few
         ORDER BY few.object_pk OFFSET CAST(%(limit)s AS bigint) - 1 LIMIT 1),
        GREATEST({last.format(ROLE_OBJECT.name)},
                 {last.format(USER_OBJECT.name)})) AS object_pk
    FROM asked_for t
)""",
        ]

    def list_subjects(self) -> str:
        """A permission and a resource in; active users out (id, username), by id after ``after``.

        From the roles that have the permission, down the roles and groups that hold them.
        """
        covered = self.covers("a.scope_id", "t.type_id", "q.object_pk")
        # Without a resource nobody is reached through a scope. Roles come first and people last: a
        # role that a million users hold is one row until then.
        reaches = (
            f"{self.live('a')} AND (a.scope_id IS NULL OR q.object_pk IS NOT NULL AND {covered})"
        )
        return f"""{
            self._with(
                self.what(ONE_ACTION),
                "q AS (SELECT CAST(%(object_pk)s AS text) AS object_pk)",
                f'''giving AS (
    SELECT g.{ROLE_GLOBAL.column} AS role_id
    FROM what t JOIN {ROLE_GLOBAL.name} g ON g.permission_id = t.permission_id
    JOIN authentik_rbac_role r ON r.uuid = g.{ROLE_GLOBAL.column}
    WHERE {self.live("g")} AND {self.effective("r")}
    UNION
    SELECT g.{ROLE_OBJECT.column}
    FROM what t CROSS JOIN q JOIN {ROLE_OBJECT.name} g
      ON g.permission_id = t.permission_id AND g.object_pk = q.object_pk
    JOIN authentik_rbac_role r ON r.uuid = g.{ROLE_OBJECT.column}
    WHERE {self.live("g")} AND {self.effective("r")}
    UNION
    SELECT a.{ROLE_ASSIGNMENT.column}
    FROM giving CROSS JOIN what t CROSS JOIN q
    JOIN {ROLE_ASSIGNMENT.name} a ON a.role_id = giving.role_id
    JOIN authentik_rbac_role r ON r.uuid = a.{ROLE_ASSIGNMENT.column}
    WHERE {reaches} AND {self.effective("r")}
)''',
                f'''holder AS (
    SELECT a.{USER_ASSIGNMENT.column} AS user_id, a.{GROUP_ASSIGNMENT.column} AS group_id
    FROM giving CROSS JOIN what t CROSS JOIN q
    JOIN {USER_ASSIGNMENT.name} a ON a.role_id = giving.role_id
    WHERE {reaches} AND a.{ROLE_ASSIGNMENT.column} IS NULL
    UNION
    SELECT NULL, g.group_uuid FROM authentik_core_group g CROSS JOIN what t
    WHERE g.is_superuser AND t.permission_id IS NOT NULL
)''',
            )
        }
SELECT u.id, u.username FROM authentik_core_user u
WHERE u.is_active AND u.id > %(after_id)s AND u.id IN (
    SELECT g.{USER_GLOBAL.column} FROM what t
    JOIN {USER_GLOBAL.name} g ON g.permission_id = t.permission_id
    WHERE {self.live("g")}
    UNION
    SELECT g.{USER_OBJECT.column} FROM what t CROSS JOIN q
    JOIN {USER_OBJECT.name} g
      ON g.permission_id = t.permission_id AND g.object_pk = q.object_pk
    WHERE {self.live("g")}
    UNION
    SELECT h.user_id FROM holder h WHERE h.user_id IS NOT NULL
    UNION
    SELECT m.{MEMBERSHIPS.column} FROM holder h
    JOIN authentik_core_groupclosure c ON c.ancestor_id = h.group_id
    JOIN {MEMBERSHIPS.name} m ON m.group_id = c.descendant_id
    WHERE {self.live("m")}
)
ORDER BY u.id LIMIT %(limit)s"""

    def with_caller(self, answer: str, *, about: str | None, digests: int) -> str:
        """A token's digests and another statement in; who asks and the rows of that out.

        Columns: the caller, whether the use of its token is to be noted, whether it may ask this,
        whether an answer follows, the answer. No row when the token counts for nothing.

        A caller may ask when it was itself granted ``check_access``. With ``about`` None nothing
        else is looked for, which is enough for a gateway and costs it least. Otherwise a caller may
        also ask when it holds that in any other way, or asks only about itself: ``about`` selects
        the subjects ``asked`` about, and is empty if the question is about everybody.
        """
        # A key may have been stored under any secret still in use; see ``accounts.secrets``.
        key = ", ".join(f"%(digest_{n})s" for n in range(digests))
        noted_before = self.dialect.moment.format(text="%(noted_before)s")
        # ``unrestricted``: a token limited to some permissions asks only if this is among them.
        may_ask = f"""c.unrestricted AND EXISTS (
        WITH {CHECK_ACCESS}
        SELECT 1 FROM {USER_GLOBAL.name} g
        WHERE g.{USER_GLOBAL.column} = c.user_id
          AND g.permission_id = (SELECT t.permission_id FROM what t) AND {self.live("g")})"""
        if about is not None:
            is_caller = "who AS (SELECT 0 AS s, c.user_id, TRUE AS is_active FROM caller c)"
            only_itself = "FALSE"
            if about:
                subject_uuid = self.dialect.uuid_of.format(text="asked.subject_uuid")
                user_id = FIND_USER.format(subject_uuid=subject_uuid)
                # Nobody has the number 0: to ask about somebody unknown is to ask about another.
                others = f"SELECT 1 FROM {about} WHERE COALESCE({user_id}, 0) <> c.user_id"
                only_itself = f"NOT EXISTS ({others})"
            may_ask = f"""CASE WHEN c.unrestricted AND (
        {self._with(is_caller, self.member(), self.held(by_one=True), CHECK_ACCESS)}
        SELECT {self._unlimited()} FROM who w CROSS JOIN what t
    ) THEN TRUE ELSE {only_itself} END"""
        # The restriction is searched as text, which both databases can; the quotation marks keep it
        # from being part of a longer name. ORDER BY 5: the join may lose the order of the answer,
        # which is always that of its first column.
        return f"""WITH caller AS (
    SELECT t.user_id, t.last_used IS NULL OR t.last_used < {noted_before} AS to_note,
           t.permissions IS NULL
           OR CAST(t.permissions AS text) LIKE '%%"authentik_rbac.check_access"%%' AS unrestricted
    FROM authentik_core_token t JOIN authentik_core_user u ON u.id = t.user_id
    WHERE t.key_digest IN ({key}) AND t.intent = 'api' AND u.is_active
      AND (NOT t.expiring OR t.expires IS NULL OR t.expires > {self.dialect.clock})
), asking AS MATERIALIZED (
    SELECT c.user_id, c.to_note, {may_ask} AS may_ask FROM caller c
)
SELECT asking.user_id, asking.to_note, asking.may_ask, answer.*
FROM asking LEFT JOIN (SELECT TRUE AS answered, told.* FROM ({answer}) AS told) AS answer
  ON asking.may_ask
ORDER BY 5"""

    def clock(self) -> str:
        return f"SELECT {self.dialect.clock} AS now"

    def assignments_met(self) -> str:
        """``user_id`` in; every assignment on any way from it out, whether it counts or not."""
        return f"""WITH RECURSIVE belongs AS (
    SELECT DISTINCT c.ancestor_id AS group_id
    FROM {MEMBERSHIPS.name} m
    JOIN authentik_core_groupclosure c ON c.descendant_id = m.group_id
    WHERE m.{MEMBERSHIPS.column} = %(user_id)s
), met AS (
    SELECT a.id, a.role_id FROM {USER_ASSIGNMENT.name} a
    WHERE a.{USER_ASSIGNMENT.column} = %(user_id)s
    UNION
    SELECT a.id, a.role_id
    FROM belongs b JOIN {GROUP_ASSIGNMENT.name} a ON a.{GROUP_ASSIGNMENT.column} = b.group_id
    UNION
    SELECT a.id, a.role_id
    FROM met JOIN {ROLE_ASSIGNMENT.name} a ON a.{ROLE_ASSIGNMENT.column} = met.role_id
)
SELECT met.id FROM met"""

    def subject(self) -> str:
        """A subject in; one row out: the user it names, or NULL."""
        return f"""{self._with(self.who(ONE_SUBJECT))}
SELECT w.user_id FROM who w"""

    def holdings(self) -> str:
        """A subject in; every (role, path) it holds out."""
        return f"""{self._with(*self._subject_side())}
SELECT h.role_id, h.path FROM held h"""

    def global_grants_held(self) -> str:
        """A subject in; keys of the global grants of roles it holds out, except of roles held
        within scopes that reach nothing of the permission's type.
        """
        return f"""{self._with(*self._subject_side())}
SELECT g.id FROM held h JOIN {ROLE_GLOBAL.name} g ON g.{ROLE_GLOBAL.column} = h.role_id
JOIN auth_permission p ON p.id = g.permission_id
WHERE {self.live("g")} AND {self.reaches("h.path", "p.content_type_id")}"""

    def object_grants_held(self) -> str:
        """As ``global_grants_held``: of those on objects, the ones that the scopes cover."""
        return f"""{self._with(*self._subject_side())}
SELECT g.id FROM held h JOIN {ROLE_OBJECT.name} g ON g.{ROLE_OBJECT.column} = h.role_id
JOIN auth_permission p ON p.id = g.permission_id
WHERE {self.live("g")} AND {self.within("h.path", "p.content_type_id", "g.object_pk")}"""


class StatementsThroughout(Statements):
    """Those of decisions, for a whole time instead of a moment: does one way last so long?

    The parameters ``since`` and ``until`` say for what time: null is now, and for ever.
    """

    def live(self, row: str) -> str:
        since = self.dialect.moment.format(text="%(since)s")
        since = f"COALESCE({since}, {self.dialect.clock})"
        return (
            f"({row}.valid_from IS NULL OR {self.dialect.instant.format(time=f'{row}.valid_from')}"
            f" <= {since}) AND {self._lasts(f'{row}.valid_until')}"
        )

    def effective(self, role: str) -> str:
        return f"{role}.is_enabled AND {self._lasts(f'{role}.disabled_from')}"

    def not_disabled(self, role: str) -> str:
        return f"""NOT EXISTS (
            SELECT 1 FROM authentik_rbac_role r WHERE r.uuid = {role}
             AND NOT ({self.effective("r")}))"""

    def _lasts(self, end: str) -> str:
        until = self.dialect.moment.format(text="%(until)s")
        # A comparison with no end is NULL: nothing that ends lasts for ever.
        end_at = self.dialect.instant.format(time=end)
        return f"({end} IS NULL OR COALESCE({end_at} >= {until}, FALSE))"


REGISTERED = (
    "SELECT r.object_pk FROM permissions_resource r CROSS JOIN what t WHERE r.type_id = t.type_id"
)


@cache
def statement(vendor: str, name: str, naming: Naming = Naming.ANY) -> str:
    """The finished text of a statement without parameters of its own, built once."""
    text: str = getattr(Statements(DIALECTS[vendor], naming), name)()
    return text


@cache
def throughout(vendor: str, name: str, naming: Naming = Naming.ANY) -> str:
    """A statement for a whole time instead of a moment: see ``StatementsThroughout``."""
    text: str = getattr(StatementsThroughout(DIALECTS[vendor], naming), name)()
    return text


@cache
def allows(vendor: str, model: type[models.Model]) -> str:
    """``check`` of the row of one of our own tables that another statement reads: a row if yes."""
    check = Statements(DIALECTS[vendor], Naming.NUMBER).check()
    # The key is an expression over the row outside; a parameter would be one key for all rows.
    check = check.replace("%(object_pk)s", _key_text(vendor, model))
    return f"SELECT 1 FROM ({check}) AS verdict WHERE verdict.reason IS NOT NULL"


@cache
def with_caller(vendor: str, answer: str, *, about: str | None, digests: int) -> str:
    """``about`` 'one', 'many' or 'all' subjects, or None: see ``Statements.with_caller``."""
    dialect = DIALECTS[vendor]
    asked = {"one": ONE_SUBJECT, "many": dialect.asked_subjects, "all": "", None: None}[about]
    return Statements(dialect).with_caller(answer, about=asked, digests=digests)


@cache
def listing(vendor: str, model: type[models.Model] | None, naming: Naming) -> str:
    return Statements(DIALECTS[vendor], naming).list_resources(universe(vendor, model))


@cache
def views_all(vendor: str, models: tuple[type[models.Model], ...]) -> str:
    return Statements(DIALECTS[vendor], Naming.NUMBER).views_all(models)


@cache
def visible_keys(vendor: str, model: type[models.Model]) -> str:
    """The primary keys, as the model's own column has them; the subject is a number."""
    dialect = DIALECTS[vendor]
    is_uuid = isinstance(model._meta.pk, models.UUIDField)
    key = dialect.uuid_of if is_uuid else dialect.integer_of
    return Statements(dialect, Naming.NUMBER).visible_keys(universe(vendor, model), key)


def universe(vendor: str, model: type[models.Model] | None) -> str:
    """All known keys of a type: rows of its own table, or of the registry if it has none."""
    if model is None:
        return REGISTERED
    return f"SELECT {_key_text(vendor, model)} AS object_pk FROM {model._meta.db_table}"


def _key_text(vendor: str, model: type[models.Model]) -> str:
    """The key of a row of its own table, as grants name it."""
    meta = model._meta
    assert meta.pk is not None
    column = f"{meta.db_table}.{meta.pk.column}"
    if isinstance(meta.pk, models.UUIDField):
        return DIALECTS[vendor].uuid_text.format(column=column)
    return f"CAST({column} AS text)"
