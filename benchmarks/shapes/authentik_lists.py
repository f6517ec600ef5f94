"""Lists of authentik's API, each beside a bare DRF view in the same server with as many bytes.

8 connections ──► granian, 2 workers ─┬─ /api/v3/rbac/…         token, may view, rows, JSON
                                      └─ /api/floor?size=…      token, SELECT 1, JSON

100,000 object grants; on one more type 10 users hold 100 grants each, with 2,000 roles around.
10,000 users: each page says how many there are in all, and counting 100,000 takes 2.4 ms.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import psycopg

from benchmarks import asking, load, server, world
from benchmarks.context import CONNECTIONS, Context, ms
from benchmarks.report import Figure

GRANTS, USERS = 100_000, 10_000
GRANTEES, GRANTS_EACH = 10, 100
PAGE, MEMBERS = 20, 5
MODEL = "authentik_core.application"
GIVEN = ("view_role", "view_user", "view_group")


def measure(context: Context) -> list[Figure]:
    size = replace(context.size(GRANTS), users=max(USERS // context.divisor, 1_000))
    url = context.database(size.name, lambda url: world.load(url, size))
    asking.ordinary_caller(url)
    grantee = _prepare(url)
    lists = {
        "roles list, page of 100": ("/api/v3/rbac/roles/?page_size=100", 100),
        "page of 100 of permissions/users": (
            f"/api/v3/rbac/permissions/users/?user_id={grantee}&page_size=100",
            100,
        ),
        "assigned_by_users, 10 grantees × 100 grants": (
            f"/api/v3/rbac/permissions/assigned_by_users/?model={MODEL}",
            GRANTEES,
        ),
        "page of 20 users in 3 groups, with 2 roles": ("/api/v3/core/users/?page_size=20", PAGE),
        "page of 20 groups of 5 members, with 2 roles": ("/api/v3/core/groups/?page_size=20", PAGE),
    }
    with server.serving(url) as address:
        return [
            _beside_floor(context, address, what, path, rows)
            for what, (path, rows) in lists.items()
        ]


def _beside_floor(
    context: Context, address: tuple[str, int], what: str, path: str, rows: int
) -> Figure:
    base = f"http://{address[0]}:{address[1]}"
    listing = load.build(
        f"{base}{path}",
        _answers(lambda body: len(json.loads(body)["results"]) == rows),
        token=asking.KEY,
        method="GET",
    )
    # On every connection the plans are kept before anything is measured.
    once = load.run(address, [listing], connections=CONNECTIONS, seconds=2)
    size = once.body_bytes // len(once.latencies)
    floor = load.build(
        f"{base}/api/floor?size={size}",
        _answers(lambda body: len(body) == size),
        token=asking.KEY,
        method="GET",
    )
    seconds = max(2.0, context.seconds / 3)
    runs = [
        tuple(
            load.run(address, [request], connections=CONNECTIONS, seconds=seconds)
            for request in (listing, floor)
        )
        for _ in range(context.runs)
    ]
    # Each beside the floor of its own moment: a machine is not as fast from one to the next.
    ratio = median(listed.per_second / bare.per_second for listed, bare in runs)
    rate, floor_rate = (median(run[n].per_second for run in runs) for n in (0, 1))
    return Figure(
        shape="authentik_lists",
        what=what,
        value=ratio,
        unit="×",
        at_least=0.4,
        raw=(
            f"{rate:.0f}/s, p50 {ms(median(run[0].p50 for run in runs))}; floor {floor_rate:.0f}/s;"
            f" {size:,} bytes"
        ),
    )


def _answers(is_right: Callable[[bytes], bool]) -> load.Verify:
    """To decode each answer would cost more than some of them; the rest must be like the first."""

    def verify(status: int, body: bytes) -> bool:
        return status == 200 and (body in known or _remember(body))

    def _remember(body: bytes) -> bool:
        right = is_right(body)
        if right and len(known) < 10:
            known.append(body)
        return right

    known: list[bytes] = []  # no set: to hash an answer takes longer than to compare it
    return verify


def _prepare(url: str) -> int:
    """Grants to list, and to the caller the permissions to list them; a grantee's number."""
    with psycopg.connect(url) as connection:
        connection.execute(
            """INSERT INTO permissions_userglobalgrant (user_id, permission_id, created)
               SELECT u.id, p.id, now()
               FROM authentik_core_user u, auth_permission p
               JOIN django_content_type ct ON ct.id = p.content_type_id
               WHERE u.username = 'user-7' AND p.codename = ANY(%s)
                 AND ct.app_label IN ('authentik_core', 'authentik_rbac', %s)
               ON CONFLICT DO NOTHING""",
            [list(GIVEN), world.APP],
        )
        connection.execute(
            f"""INSERT INTO permissions_userobjectpermission
                    (user_id, permission_id, content_type_id, object_pk, created)
                SELECT 100 + u, p.id, p.content_type_id, {world.document("d")}, now()
                FROM generate_series(1, {GRANTEES}) AS u, generate_series(1, {GRANTS_EACH}) AS d,
                     auth_permission p JOIN django_content_type ct ON ct.id = p.content_type_id
                WHERE ct.app_label || '.' || ct.model = %s AND p.codename = 'view_application'
                ON CONFLICT DO NOTHING""",
            [MODEL],
        )
        _fill_first_pages(connection)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    return 101


def _fill_first_pages(connection: psycopg.Connection[Any]) -> None:
    """Groups that come before all others, with members and roles; the first users have both."""
    crew, each = "md5('crew ' || i)", f"generate_series(1, {PAGE}) AS i"
    for inserted in (
        f"""authentik_core_group (group_uuid, hex_id, name, display_name, description, kind,
                                  organization, is_superuser, attributes)
            SELECT {crew}::uuid, left({crew}, 24), '0-crew-' || i, '', '', 'group', '', FALSE,
                   '{{}}' FROM {each}""",
        f"""authentik_core_groupclosure (descendant_id, ancestor_id)
            SELECT {crew}::uuid, {crew}::uuid FROM {each}""",
        f"""authentik_core_groupmembership (group_id, user_id, created, reason)
            SELECT {crew}::uuid, 200 + i * {MEMBERS} + k, now(), ''
            FROM {each}, generate_series(1, {MEMBERS}) AS k""",
        f"""authentik_rbac_roleassignment (group_id, role_id, created, reason, properties)
            SELECT {crew}::uuid, {world.role("i + k")}, now(), '', '{{}}'
            FROM {each}, generate_series(1, 2) AS k""",
    ):
        connection.execute(f"INSERT INTO {inserted} ON CONFLICT DO NOTHING")
