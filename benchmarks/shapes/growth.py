"""The same questions while the object grants grow a thousandfold.

10,000 ──► 1,000,000 ──► 10,000,000 object grants; users, groups and roles stay as they are

ordinary   about 28 roles through groups, own roles and inheritance; up to 75,000 resources
sparse     no groups, no roles, ten grants of its own
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import psycopg

from benchmarks import world
from benchmarks.context import Context, ms, require, times, using
from benchmarks.report import Figure

GRANTS = (10_000, 1_000_000, 10_000_000)
PAGE = 50
LISTED_SUBJECTS = 200
SPARSE = "sparse"
SPARSE_GRANTS = 10
ROUNDS = 5

Medians = dict[str, float]


def measure(context: Context) -> list[Figure]:
    found = {grants: _at(context, grants) for grants in GRANTS}
    return [
        _figure("median check", "check", found, at_most=1.3),
        _figure("first page of list_resources (50)", "page", found, at_most=1.5),
        _figure(f"list_resources of a subject with {SPARSE_GRANTS} grants", SPARSE, found, 1.5),
    ]


def _figure(what: str, key: str, found: dict[int, Medians], at_most: float) -> Figure:
    medians = [found[grants][key] for grants in GRANTS]
    raw = ", ".join(f"{n:,}: {ms(one)}" for n, one in zip(GRANTS, medians, strict=True))
    return Figure(
        shape="growth",
        what=f"{what}, largest against smallest",
        value=medians[-1] / medians[0],
        unit="×",
        at_most=at_most,
        raw=raw,
    )


def _at(context: Context, grants: int) -> Medians:
    from permissions import engine
    from permissions.engine import ResourceRef, SubjectRef

    size, url = context.world(grants)
    _add_sparse(url)
    asked = world.questions(url, size, 1_500)
    names = [f"user-{1 + n * 9_973 % size.users}" for n in range(LISTED_SUBJECTS)]
    expected = world.pages(url, names[:10], PAGE)

    def check(one: world.Asked) -> None:
        resource = ResourceRef(world.TYPE, one.document)
        require(engine.check(SubjectRef(one.username), "view", resource).allowed, one.allowed, one)

    def page(name: str) -> Any:
        found = engine.list_resources(SubjectRef(name), "view", world.TYPE, limit=PAGE)
        require(list(found.items), expected.get(name, list(found.items)), name)
        return found

    def sparse() -> None:
        require(len(page(SPARSE).items), SPARSE_GRANTS, SPARSE)

    calls: dict[str, list[Callable[[], Any]]] = {
        "check": [partial(check, one) for one in asked],
        "page": [partial(page, name) for name in names],
        SPARSE: [sparse] * LISTED_SUBJECTS,
    }
    with using(url):
        for some in calls.values():
            times(some[:20])
        return {
            name: min(median(times(some)) for _ in range(ROUNDS)) for name, some in calls.items()
        }


def _add_sparse(url: str) -> None:
    with psycopg.connect(url) as connection:
        known = connection.execute(
            "SELECT 1 FROM authentik_core_user WHERE username = %s", [SPARSE]
        ).fetchone()
        if known:
            return
        connection.execute(
            """INSERT INTO authentik_core_user (uuid, hex_id, username, name, email, is_active,
                   type, path, attributes, password, date_joined, last_updated,
                   password_change_date)
               VALUES (gen_random_uuid(), left(md5('sparse'), 24), %s, '', '', TRUE, 'internal',
                       'users', '{}', '!', now(), now(), now())""",
            [SPARSE],
        )
        connection.execute(
            f"""INSERT INTO permissions_userobjectpermission (user_id, permission_id,
                    content_type_id, object_pk, created)
                SELECT u.id, p.id, p.content_type_id, {world.document("d * 7")}, now()
                FROM authentik_core_user u, auth_permission p,
                     generate_series(1, {SPARSE_GRANTS}) AS d
                WHERE u.username = %s AND p.codename = 'view_{world.MODEL}'""",
            [SPARSE],
        )
