"""Giving and taking away, each beside a view that writes as much and asks nothing.

8 connections ──► granian, 2 workers ─┬─ …/assign/, …/unassign/   token, may, ceiling, grant, event
                                      ├─ /api/floor/grant         token, grant, event
                                      └─ /api/floor/grant/bare    the same without the ORM

1 connection  ──► …/bulk/assign/, 10,000 grants with an event each; COPY of the grants alone

The caller is an ordinary user who holds what it gives. 100,000 object grants are there already.
"""

from __future__ import annotations

import json
import time
import urllib.request
from statistics import median
from typing import Any

import psycopg

from benchmarks import asking, load, server, world
from benchmarks.context import CONNECTIONS, Context, ms, require
from benchmarks.report import Figure

GRANTS = 100_000
MAY = ("assign_user_permissions", "unassign_user_permissions", f"view_{world.MODEL}")
PERMISSION = f"{world.APP}.view_{world.MODEL}"
# What is written has keys of its own, so that it can be counted and taken away.
FLOORS = ("grant", "grant/bare")
PREFIX, FLOOR = "written-", "floor-"
GRANTEES, FASTEST = 100, 3_000
BULK_USERS, BULK_RESOURCES = 10, 1_000
BULK = BULK_USERS * BULK_RESOURCES
TABLE = "permissions_userobjectpermission"
ROWS = f"{TABLE} (user_id, permission_id, content_type_id, object_pk, created)"


def measure(context: Context) -> list[Figure]:
    _, url = context.world(GRANTS)
    asking.ordinary_caller(url)
    with psycopg.connect(url, autocommit=True) as database, server.serving(url) as address:
        base = f"http://{address[0]}:{address[1]}"
        words = _prepare(database)
        try:
            return [
                _beside_floor(context, database, base, words, "assign"),
                _beside_floor(context, database, base, words, "unassign"),
                _in_bulk(context, database, base, words),
            ]
        finally:
            _clear(database)


def _beside_floor(
    context: Context, database: Any, base: str, words: dict[str, int], verb: str
) -> Figure:
    seconds = max(2.0, context.seconds / 3)
    asked = _requests(base, verb, int(FASTEST * seconds))
    floor, bare = (_floors(base, path, words, seconds) for path in FLOORS)
    runs = []
    # The first only makes each worker keep its statements and their plans.
    for _ in range(context.runs + 1):
        _clear(database)
        there = _grant(database, words, len(asked)) if verb == "unassign" else 0
        ours = _run(base, asked, seconds)
        # What was not answered yet when time was over may be written or not.
        require(abs(_count(database) - there) >= len(ours.latencies), True, f"{verb} is written")
        of_run = [ours]
        for requests in (floor, bare):
            _clear(database)
            of_run.append(_run(base, requests, seconds))
        runs.append(of_run)
    del runs[0]
    # Each beside the floors of its own moment: a machine is not as fast from one to the next.
    ratio, bare_ratio = (median(r[0].per_second / r[n].per_second for r in runs) for n in (1, 2))
    rate, floor_rate, bare_rate = (median(run[n].per_second for run in runs) for n in range(3))
    return Figure(
        shape="writes",
        what=f"{verb} one permission on one object",
        value=ratio,
        unit="×",
        at_least=0.6,
        raw=(
            f"{rate:.0f}/s, p50 {ms(median(run[0].p50 for run in runs))}; floor {floor_rate:.0f}/s;"
            f" {bare_ratio:.2f} × of a floor without the ORM, {bare_rate:.0f}/s"
        ),
    )


def _run(base: str, requests: list[load.Request], seconds: float) -> load.Load:
    host, _, port = base.removeprefix("http://").partition(":")
    return load.run((host, int(port)), requests, connections=CONNECTIONS, seconds=seconds)


def _requests(base: str, verb: str, count: int) -> list[load.Request]:
    method, status = ("POST", 200) if verb == "assign" else ("PATCH", 204)
    return [
        load.build(
            f"{base}/api/v3/rbac/permissions/assigned_by_users/{1 + n % GRANTEES}/{verb}/",
            lambda answered, _: answered == status,
            token=asking.KEY,
            method=method,
            body={"permissions": [PERMISSION], "model": world.TYPE, "object_pk": f"{PREFIX}{n}"},
        )
        for n in range(count)
    ]


def _floors(base: str, path: str, words: dict[str, int], seconds: float) -> list[load.Request]:
    return [
        load.build(
            f"{base}/api/floor/{path}",
            lambda status, _: status == 200,
            token=asking.KEY,
            body={**words, "user": 1 + n % GRANTEES, "object_pk": f"{FLOOR}{path}-{n}"},
        )
        for n in range(int(FASTEST * seconds))
    ]


def _in_bulk(context: Context, database: Any, base: str, words: dict[str, int]) -> Figure:
    body = {
        "users": list(range(1, BULK_USERS + 1)),
        "permissions": [PERMISSION],
        "model": world.TYPE,
        "object_pks": [f"{PREFIX}{n}" for n in range(BULK_RESOURCES)],
    }
    request = urllib.request.Request(
        f"{base}/api/v3/rbac/bulk/assign/",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {asking.KEY}", "Content-Type": "application/json"},
    )
    rates, ratios = [], []
    for _ in range(context.runs + 1):
        _clear(database)
        began = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            answer.read()
        rates.append(BULK / (time.perf_counter() - began))
        require(_count(database), BULK, "grants written")
        _clear(database)
        ratios.append(rates[-1] / _copy(database, words))
    return Figure(
        shape="writes",
        what=f"grants in requests of {BULK:,}, with their events",
        value=median(rates[1:]),
        unit="/s",
        at_least=30_000,
        raw=f"{median(ratios[1:]):.2f} × COPY of the same rows without events",
    )


def _copy(database: Any, words: dict[str, int]) -> float:
    """Rows a second."""
    began = time.perf_counter()
    now = "2026-01-01T00:00:00Z"
    with database.cursor() as cursor, cursor.copy(f"COPY {ROWS} FROM STDIN") as copy:
        for user in range(1, BULK_USERS + 1):
            for n in range(BULK_RESOURCES):
                row = (user, words["permission"], words["content_type"], f"{PREFIX}{n}", now)
                copy.write_row(row)
    return BULK / (time.perf_counter() - began)


def _grant(database: Any, words: dict[str, int], count: int) -> int:
    database.execute(
        f"""INSERT INTO {ROWS}
            SELECT 1 + n %% {GRANTEES}, %(permission)s, %(content_type)s, '{PREFIX}' || n, now()
            FROM generate_series(0, %(count)s - 1) AS n""",
        {**words, "count": count},
    )
    return count


def _count(database: Any) -> int:
    text = f"SELECT count(*) FROM {TABLE} WHERE object_pk LIKE %s"
    [(count,)] = database.execute(text, [f"{PREFIX}%"]).fetchall()
    return int(count)


def _clear(database: Any) -> None:
    database.execute(
        f"DELETE FROM {TABLE} WHERE object_pk ~ %s",
        [f"^({PREFIX}|{FLOOR})"],
    )
    database.execute(f"VACUUM ANALYZE {TABLE}")


def _prepare(database: Any) -> dict[str, int]:
    """To the caller what it gives and the permission to give it; the keys of what is given."""
    database.execute(
        """INSERT INTO permissions_userglobalgrant (user_id, permission_id, created)
           SELECT u.id, p.id, now()
           FROM authentik_core_user u, auth_permission p
           JOIN django_content_type ct ON ct.id = p.content_type_id
           WHERE u.username = 'user-7' AND p.codename = ANY(%s)
             AND ct.app_label IN ('authentik_core', %s)
           ON CONFLICT DO NOTHING""",
        [list(MAY), world.APP],
    )
    [(permission, content_type)] = database.execute(
        """SELECT p.id, ct.id FROM auth_permission p
           JOIN django_content_type ct ON ct.id = p.content_type_id
           WHERE ct.app_label = %s AND ct.model = %s AND p.codename = %s""",
        [world.APP, world.MODEL, f"view_{world.MODEL}"],
    ).fetchall()
    return {"permission": permission, "content_type": content_type}
