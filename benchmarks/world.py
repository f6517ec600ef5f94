"""The population most shapes share, loaded by set-based SQL from arithmetic alone.

    user ── 3 groups, nested four deep, so about 12 ── 2 roles each ─┐
      ├──── 2 roles of its own, one in forty within a scope ─────────┼─ some hold another role
      │                                                              │
      └── user grants (half)                       role grants (half) ┘
              on shop.document, ten grants each: 5 to users, 5 to roles

Nothing is random, so two machines load the same facts. Keys of groups, roles and documents are
MD5 sums in the form of a UUID, which spreads them over the indexes as real ones are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import psycopg

APP, MODEL = "shop", "document"
TYPE = f"{APP}.{MODEL}"
ACTIONS = ("view", "change", "delete")
GRANTS_PER_DOCUMENT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    users: int = 100_000
    groups: int = 2_000
    roles: int = 2_000
    grants: int = 1_000_000

    @property
    def documents(self) -> int:
        return self.grants // GRANTS_PER_DOCUMENT

    @property
    def name(self) -> str:
        return f"world_{self.users}_{self.groups}_{self.roles}_{self.grants}"


def group(number: str) -> str:
    return f"md5('group ' || ({number}))::uuid"


def role(number: str) -> str:
    return f"md5('role ' || ({number}))::uuid"


def document(number: str) -> str:
    return f"md5('document ' || ({number}))::uuid::text"


def load(url: str, size: Size) -> None:
    """Fill a migrated, otherwise empty database."""
    with psycopg.connect(url) as connection:
        for statement in (*types(), *_subjects(size), *_roles(size), *_grants(size)):
            connection.execute(statement)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def types() -> list[str]:
    """What a client registers through the API: one open type with three actions."""
    values = ", ".join(f"('{action}')" for action in ACTIONS)
    return [
        f"INSERT INTO django_content_type (app_label, model) VALUES ('{APP}', '{MODEL}')",
        f"""INSERT INTO permissions_resourcetype (content_type_id, app_verbose_name, verbose_name,
                verbose_name_plural, mode, was_open, properties, built_in, created)
            SELECT id, 'Shop', 'Document', 'Documents', 'open', TRUE, '{{}}', FALSE, now()
            FROM django_content_type WHERE app_label = '{APP}' AND model = '{MODEL}'""",
        f"""INSERT INTO auth_permission (content_type_id, codename, name)
            SELECT ct.id, action || '_{MODEL}', 'Can ' || action
            FROM django_content_type ct, (VALUES {values}) AS given(action)
            WHERE ct.app_label = '{APP}' AND ct.model = '{MODEL}'""",
    ]


def _subjects(size: Size) -> list[str]:
    return [
        users(1, size.users),
        """SELECT setval(pg_get_serial_sequence('authentik_core_user', 'id'),
               (SELECT max(id) FROM authentik_core_user))""",
        groups(size.groups),
        parents(
            f"""SELECT * FROM (SELECT i, {_parent_of("i", size.groups)} AS parent
                FROM generate_series(1, {size.groups}) AS i) AS numbered WHERE parent IS NOT NULL"""
        ),
        CLOSURE,
        memberships(
            f"""SELECT DISTINCT u, {_leaf_of("u", "k", size.groups)}
                FROM generate_series(1, {size.users}) AS u, generate_series(0, 2) AS k"""
        ),
    ]


def users(first: int, last: int) -> str:
    return f"""
        INSERT INTO authentik_core_user (id, uuid, hex_id, username, name, email, is_active, type,
            path, attributes, password, date_joined, last_updated, password_change_date)
        SELECT i, md5('user ' || i)::uuid, left(md5('user ' || i), 24), 'user-' || i, 'User ' || i,
               'user-' || i || '@example.com', TRUE, 'internal', 'users', '{{}}', '!',
               now(), now(), now()
        FROM generate_series({first}, {last}) AS i"""


def groups(count: int) -> str:
    return f"""
        INSERT INTO authentik_core_group (group_uuid, hex_id, name, display_name, description, kind,
            organization, is_superuser, attributes)
        SELECT {group("i")}, left(md5('group ' || i), 24), 'group-' || i, '', '', 'group', '',
               FALSE, '{{}}'
        FROM generate_series(1, {count}) AS i"""


CLOSURE = """
    INSERT INTO authentik_core_groupclosure (descendant_id, ancestor_id)
    WITH RECURSIVE above AS (
        SELECT group_uuid AS descendant, group_uuid AS ancestor FROM authentik_core_group
        UNION
        SELECT above.descendant, p.parent_id
        FROM above JOIN authentik_core_groupparent p ON p.child_id = above.ancestor
    )
    SELECT descendant, ancestor FROM above"""


def parents(pairs: str) -> str:
    """``pairs`` selects (number of the child, number of the parent)."""
    return f"""
        INSERT INTO authentik_core_groupparent (child_id, parent_id)
        SELECT {group("child")}, {group("parent")} FROM ({pairs}) AS pair(child, parent)"""


def memberships(pairs: str) -> str:
    """``pairs`` selects (user, number of the group)."""
    return f"""
        INSERT INTO authentik_core_groupmembership (user_id, group_id, created, reason)
        SELECT user_id, {group("number")}, now(), '' FROM ({pairs}) AS pair(user_id, number)"""


def _levels(groups: int) -> list[tuple[int, int]]:
    """(first, last) of each of the four levels, a fiftieth of the groups at the top."""
    ends = [groups // 50, groups // 10, groups * 2 // 5, groups]
    return list(zip([1, *(end + 1 for end in ends)], ends, strict=False))


def _parent_of(i: str, groups: int) -> str:
    cases = []
    levels = _levels(groups)
    for (above, above_last), (first, last) in pairwise(levels):
        width = above_last - above + 1
        cases.append(
            f"WHEN {i} BETWEEN {first} AND {last} THEN {above} + ({i} - {first}) % {width}"
        )
    return f"CASE {' '.join(cases)} END"


def _leaf_of(user: str, k: str, groups: int) -> str:
    first, last = _levels(groups)[-1]
    return f"{first} + ({user} * 7 + {k} * 389) % {last - first + 1}"


def _roles(size: Size) -> list[str]:
    roles = size.roles
    return [
        role_rows(roles),
        assignments(
            "group_id",
            f"""
            SELECT {group("g")}, 1 + (g * 7 + k * 501) % {roles}
            FROM generate_series(1, {size.groups}) AS g, generate_series(0, 1) AS k""",
        ),
        assignments(
            "holder_role_id",
            f"""
            SELECT {role("r")}, 1 + (r + 17) % {roles} FROM generate_series(1, {roles}, 10) AS r""",
        ),
        assignments(
            "user_id",
            f"""
            SELECT u, 1 + (u::bigint * 13 + k * 977) % {roles}
            FROM generate_series(1, {size.users}) AS u, generate_series(0, 1) AS k""",
        ),
        """INSERT INTO authentik_rbac_scope (id, kind, description, built_in, properties, created,
               last_modified)
           SELECT md5('scope ' || i)::uuid, 'selected', '', FALSE, '{}', now(), now()
           FROM generate_series(1, 100) AS i""",
        f"""INSERT INTO authentik_rbac_scopeentry (scope_id, content_type_id, object_pk,
                with_descendants)
            SELECT md5('scope ' || i)::uuid, ct.id, {document("i * 10 + k")}, FALSE
            FROM generate_series(1, 100) AS i, generate_series(1, 10) AS k,
                 django_content_type ct WHERE ct.app_label = '{APP}'""",
        """UPDATE authentik_rbac_roleassignment
           SET scope_id = md5('scope ' || (1 + user_id % 100))::uuid WHERE user_id % 40 = 0""",
        # Ordinary roles may also do a few things everywhere.
        f"""INSERT INTO permissions_roleglobalgrant (role_id, permission_id, created)
            SELECT {role("r")}, p.id, now()
            FROM generate_series(1, {roles}) AS r
            JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM auth_permission p
                  WHERE codename NOT LIKE '%%document') AS p ON p.n %% 100 = r %% 100""".replace(
            "%%", "%"
        ),
    ]


def role_rows(count: int) -> str:
    return f"""
        INSERT INTO authentik_rbac_role (uuid, hex_id, name, code, display_name, description,
            is_enabled, built_in, created, last_updated, namespace_id)
        SELECT {role("i")}, left(md5('role ' || i), 24), 'role-' || i, 'role-' || i, '', '', TRUE,
               FALSE, now(), now(), n.id
        FROM generate_series(1, {count}) AS i, authentik_rbac_namespace n
        WHERE n.code = 'default'"""


def assignments(holder: str, pairs: str) -> str:
    """``pairs`` selects (holder's key, number of the role)."""
    return f"""
        INSERT INTO authentik_rbac_roleassignment ({holder}, role_id, created, reason, properties)
        SELECT DISTINCT holder, {role("number")}, now(), '', '{{}}'::jsonb
        FROM ({pairs}) AS pair(holder, number)"""


def _grants(size: Size) -> list[str]:
    half = GRANTS_PER_DOCUMENT // 2
    series = (
        f"generate_series(1, {size.documents}) AS d, generate_series(0, {half - 1}) AS k,"
        f" auth_permission p WHERE p.codename ="
        f" CASE k WHEN 0 THEN 'change_{MODEL}' ELSE 'view_{MODEL}' END"
    )
    columns = "permission_id, content_type_id, object_pk, created"
    common = f"p.id, p.content_type_id, {document('d')}, now()"
    return [
        f"""INSERT INTO permissions_userobjectpermission (user_id, {columns})
            SELECT 1 + (d::bigint * 7919 + k * 20011) % {size.users}, {common} FROM {series}""",
        f"""INSERT INTO permissions_roleobjectpermission (group_id, {columns})
            SELECT {role(f"1 + (d::bigint * 31 + k * 401) % {size.roles}")}, {common}
            FROM {series}""",
    ]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its right answer, found without the engine."""

    username: str
    document: str
    allowed: bool


def questions(url: str, size: Size, count: int) -> list[Asked]:
    """A third each: through an own grant, through a role, and denied."""
    third = count // 3
    step = max(1, size.documents // third)
    pairs = f"""
        WITH spread AS (
            SELECT i, 1 + i::bigint * {step} % {size.documents} AS d
            FROM generate_series(1, {third}) AS i
        )
        SELECT 1 + (d * 7919 + 20011) % {size.users}, {document("d")} FROM spread
        UNION ALL
        SELECT m.user_id, {document("d")} FROM spread CROSS JOIN LATERAL (
            SELECT m.user_id FROM permissions_roleobjectpermission g
            JOIN auth_permission p ON p.id = g.permission_id
            JOIN authentik_rbac_roleassignment a ON a.role_id = g.group_id
            JOIN authentik_core_groupclosure c ON c.ancestor_id = a.group_id
            JOIN authentik_core_groupmembership m ON m.group_id = c.descendant_id
            WHERE g.object_pk = {document("d")} AND p.codename = 'view_{MODEL}'
            OFFSET i % 7 LIMIT 1) AS m
        UNION ALL
        SELECT 1 + (d * 104729 + 7) % {size.users}, {document("d")} FROM spread"""
    return _asked(url, f"({pairs}) AS asked(user_id, document)")


def answered(url: str, pairs: Sequence[tuple[str, str]]) -> list[Asked]:
    """The right answers to pairs of a user name and a document."""
    rows = ", ".join(f"({name.removeprefix('user-')}::bigint, '{key}')" for name, key in pairs)
    return _asked(url, f"(VALUES {rows}) AS asked(user_id, document)")


def _asked(url: str, asked: str) -> list[Asked]:
    with psycopg.connect(url) as connection:
        found = connection.execute(f"SELECT 'user-' || user_id, document, {TRUTH} FROM {asked}")
        return [Asked(*row) for row in found]


# Spelled out for this population: roles inherit one level, and only users' own roles have scopes.
HELD = """
    SELECT held.role_id, direct.scope_id FROM (
        SELECT a.role_id, a.scope_id FROM authentik_rbac_roleassignment a
        WHERE a.user_id = asked.user_id
        UNION
        SELECT a.role_id, a.scope_id FROM authentik_core_groupmembership m
        JOIN authentik_core_groupclosure c ON c.descendant_id = m.group_id
        JOIN authentik_rbac_roleassignment a ON a.group_id = c.ancestor_id
        WHERE m.user_id = asked.user_id
    ) AS direct
    CROSS JOIN LATERAL (
        SELECT direct.role_id UNION
        SELECT a.role_id FROM authentik_rbac_roleassignment a
        WHERE a.holder_role_id = direct.role_id
    ) AS held"""

TRUTH = f"""
    EXISTS (SELECT 1 FROM permissions_userobjectpermission g
            JOIN auth_permission p ON p.id = g.permission_id
            WHERE g.user_id = asked.user_id AND g.object_pk = asked.document
              AND p.codename = 'view_{MODEL}')
    OR EXISTS (
        SELECT 1 FROM ({HELD}) AS held
        JOIN permissions_roleobjectpermission g ON g.group_id = held.role_id
        JOIN auth_permission p ON p.id = g.permission_id AND p.codename = 'view_{MODEL}'
        WHERE g.object_pk = asked.document AND (held.scope_id IS NULL OR EXISTS (
            SELECT 1 FROM authentik_rbac_scopeentry e
            WHERE e.scope_id = held.scope_id AND e.object_pk = asked.document)))"""


def pages(url: str, names: Sequence[str], limit: int) -> dict[str, list[str]]:
    """The first resources each user may view, found by looking at every grant."""
    with psycopg.connect(url) as connection:
        granted = connection.execute(
            f"""SELECT 'user-' || asked.user_id, found.object_pk
                FROM unnest(%s::bigint[]) AS asked(user_id)
                CROSS JOIN LATERAL (
                    SELECT DISTINCT g.object_pk FROM (
                        SELECT g.object_pk, g.permission_id FROM permissions_userobjectpermission g
                        WHERE g.user_id = asked.user_id
                        UNION ALL
                        SELECT g.object_pk, g.permission_id
                        FROM ({HELD}) AS held
                        JOIN permissions_roleobjectpermission g ON g.group_id = held.role_id
                        WHERE held.scope_id IS NULL OR EXISTS (
                            SELECT 1 FROM authentik_rbac_scopeentry e
                            WHERE e.scope_id = held.scope_id AND e.object_pk = g.object_pk)
                    ) AS g
                    JOIN auth_permission p ON p.id = g.permission_id
                    WHERE p.codename = 'view_{MODEL}'
                    ORDER BY g.object_pk LIMIT %s) AS found
                ORDER BY 1, 2""",
            [[int(name.removeprefix("user-")) for name in names], limit],
        ).fetchall()
    found: dict[str, list[str]] = {name: [] for name in names}
    for name, key in granted:
        found[name].append(key)
    return found
