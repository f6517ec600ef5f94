"""The facts of a world as guardian holds them: a group for each role, no nesting, no scopes.

Who holds which role is copied resolved, which is what one has to do with guardian, and spares it
the walk through nested groups.
"""

from __future__ import annotations

import subprocess
import sys

import psycopg

from benchmarks import server, world

DJANGO = "benchmarks.peers.guardian.settings"

USERS = "SELECT id, username FROM authentik_core_user WHERE username LIKE 'user-%'"
ROLES = """SELECT row_number() OVER (ORDER BY r.uuid), r.name FROM authentik_rbac_role r
           WHERE r.name LIKE 'role-%'"""
NUMBERED = """(SELECT uuid, row_number() OVER (ORDER BY uuid) AS n FROM authentik_rbac_role
    WHERE name LIKE 'role-%')"""
MEMBERS = f"""SELECT DISTINCT asked.user_id, r.n
    FROM (SELECT id AS user_id FROM authentik_core_user) AS asked
    CROSS JOIN LATERAL ({world.HELD}) AS held
    JOIN {NUMBERED} AS r ON r.uuid = held.role_id
    WHERE held.scope_id IS NULL"""
DOCUMENTS = "SELECT DISTINCT object_pk FROM permissions_userobjectpermission"
USER_GRANTS = """SELECT p.codename, g.object_pk, g.user_id FROM permissions_userobjectpermission g
    JOIN auth_permission p ON p.id = g.permission_id
    JOIN authentik_core_user u ON u.id = g.user_id AND u.username LIKE 'user-%'"""
ROLE_GRANTS = f"""SELECT p.codename, g.object_pk, r.n FROM permissions_roleobjectpermission g
    JOIN auth_permission p ON p.id = g.permission_id JOIN {NUMBERED} AS r ON r.uuid = g.group_id"""

AS_USER = """INSERT INTO auth_user (id, username, password, is_superuser, first_name, last_name,
        email, is_staff, is_active, date_joined)
    SELECT a::bigint, b, '!', FALSE, '', '', '', FALSE, TRUE, now() FROM copied"""
AS_GRANT = """INSERT INTO guardian_{kind}objectpermission (object_pk, content_type_id,
        permission_id, {kind}_id)
    SELECT b, p.content_type_id, p.id, c::bigint FROM copied
    JOIN auth_permission p ON p.codename = a"""

STEPS = (
    (USERS, AS_USER),
    (ROLES, "INSERT INTO auth_group (id, name) SELECT a::bigint, b FROM copied"),
    (
        MEMBERS,
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT a::bigint, b::bigint FROM copied",
    ),
    (DOCUMENTS, "INSERT INTO documents_document (id) SELECT a::uuid FROM copied"),
    (USER_GRANTS, AS_GRANT.format(kind="user")),
    (ROLE_GRANTS, AS_GRANT.format(kind="group")),
)


def load(source_url: str, url: str) -> None:
    """``url`` is an empty database."""
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"],
        cwd=server.ROOT,
        env=server.environment(url, DJANGO_SETTINGS_MODULE=DJANGO),
        check=True,
    )
    with psycopg.connect(source_url) as source, psycopg.connect(url) as target:
        for select, insert in STEPS:
            target.execute("CREATE TEMPORARY TABLE copied (a text, b text, c text)")
            _copy(source, select, target)
            target.execute(insert)
            target.execute("DROP TABLE copied")
    with psycopg.connect(url, autocommit=True) as target:
        target.execute("VACUUM ANALYZE")


def _copy(
    source: psycopg.Connection[tuple[object, ...]],
    select: str,
    target: psycopg.Connection[tuple[object, ...]],
) -> None:
    first = source.execute(f"{select} LIMIT 0")
    columns = ", ".join("abc"[: len(first.description or ())])
    with (
        source.cursor().copy(f"COPY ({select}) TO STDOUT") as out,
        target.cursor().copy(f"COPY copied ({columns}) FROM STDIN") as into,
    ):
        for chunk in out:
            into.write(chunk)
