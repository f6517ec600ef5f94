"""Changing what very many people may do, with one row.

        top-1   top-2                        everyone (100,000 members)
          └──┐                                   └── + one role
       division (10,000 members) ──► top-2

The actor is an ordinary user who may grant more than it holds (``authentik_rbac.escalate``).
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import psycopg

from benchmarks import world
from benchmarks.context import Context, ms, require, times, using
from benchmarks.report import Figure

GRANTS = 1_000_000
WIDE, DIVISION = "everyone", "division"
TOPS = ("top-1", "top-2")
ADDED = "added"  # the role, and the document it may view
ROUNDS = 15
TRANSACTION_CONTROL = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")

Measured = tuple[list[float], int]


def measure(context: Context) -> list[Figure]:
    size = context.size(GRANTS)
    url = context.database(f"wide_{size.name}", lambda url: _load(url, size))
    with using(url):
        added, moved = _add_role(size), _move()
    return [
        figure
        for what, (seconds, statements) in (
            (f"adding a role to a group of {size.users:,} members", added),
            (f"moving a group of {size.users // 10:,} members", moved),
        )
        for figure in (
            Figure(
                shape="wide_groups",
                what=what,
                value=median(seconds) * 1000,
                unit="ms",
                at_most=50,
                raw=f"slowest of {len(seconds)}: {ms(max(seconds))}",
            ),
            Figure(
                shape="wide_groups",
                what=f"{what}: statements",
                value=statements,
                unit="",
                at_most=10,
                raw="",
            ),
        )
    ]


def _add_role(size: world.Size) -> Measured:
    from accounts.models import Group, User
    from permissions import engine
    from permissions.engine import ResourceRef, SubjectRef
    from permissions.operations import assign_role, unassign_role
    from roles.models import Role

    group, role = Group.objects.get(name=WIDE), Role.objects.get(name=ADDED)
    actor = User.objects.get(username="user-1")

    def allowed() -> bool:
        last = SubjectRef(f"user-{size.users}")
        return engine.check(last, "view", ResourceRef(world.TYPE, ADDED)).allowed

    def add() -> None:
        assign_role(role=role, principal=group, actor=actor)

    def undo() -> None:
        require(allowed(), True, "a member may what the role may")
        unassign_role(role=role, principal=group, actor=None)
        require(allowed(), False, "and then no longer")

    return _measured(add, undo)


def _move() -> Measured:
    from accounts.models import Group, GroupClosure, User
    from permissions.operations.group_parents import set_parents

    division = Group.objects.get(name=DIVISION)
    here, there = (Group.objects.get(name=name) for name in TOPS)
    actor = User.objects.get(username="user-1")

    def move() -> None:
        set_parents(group=division, parents=[there], actor=actor)

    def undo() -> None:
        above = GroupClosure.objects.filter(descendant=division).values_list(
            "ancestor__name", flat=True
        )
        require(set(above), {DIVISION, there.name}, "ancestors after the move")
        set_parents(group=division, parents=[here], actor=None)

    return _measured(move, undo)


def _measured(change: Callable[[], Any], undo: Callable[[], Any]) -> Measured:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        change()
    undo()
    seconds = []
    for _ in range(ROUNDS):
        seconds += times([change])
        undo()
    texts = [str(one["sql"]) for one in captured.captured_queries]
    return seconds, sum(not text.startswith(TRANSACTION_CONTROL) for text in texts)


def _load(url: str, size: world.Size) -> None:
    world.load(url, size)
    with psycopg.connect(url) as connection:
        for name in (WIDE, DIVISION, *TOPS):
            connection.execute(
                """INSERT INTO authentik_core_group (group_uuid, hex_id, name, display_name,
                       description, kind, organization, is_superuser, attributes)
                   VALUES (gen_random_uuid(), left(md5(%s), 24), %s, '', '', 'group', '', FALSE,
                       '{}')""",
                [name, name],
            )
        connection.execute(
            """WITH role AS (
                   INSERT INTO authentik_rbac_role (uuid, hex_id, name, code, display_name,
                       description, is_enabled, built_in, created, last_updated, namespace_id)
                   SELECT gen_random_uuid(), left(md5('added'), 24), %s, %s, '', '', TRUE, FALSE,
                          now(), now(), n.id
                   FROM authentik_rbac_namespace n WHERE n.code = 'default' RETURNING uuid)
               INSERT INTO permissions_roleobjectpermission
                   (group_id, permission_id, content_type_id, object_pk, created)
               SELECT role.uuid, p.id, p.content_type_id, %s, now()
               FROM role, auth_permission p WHERE p.codename = %s""",
            [ADDED, ADDED, ADDED, f"view_{world.MODEL}"],
        )
        connection.execute(
            """INSERT INTO authentik_core_groupparent (child_id, parent_id)
               SELECT c.group_uuid, p.group_uuid FROM authentik_core_group c, authentik_core_group p
               WHERE c.name = %s AND p.name = %s""",
            [DIVISION, TOPS[0]],
        )
        for name, members in ((WIDE, size.users), (DIVISION, size.users // 10)):
            connection.execute(
                """INSERT INTO authentik_core_groupmembership (user_id, group_id, created,
                       reason)
                   SELECT u.id, g.group_uuid, now(), ''
                   FROM authentik_core_user u, authentik_core_group g
                   WHERE g.name = %s AND u.id <= %s""",
                [name, members],
            )
        connection.execute("TRUNCATE authentik_core_groupclosure")
        connection.execute(world.CLOSURE)
        connection.execute(
            """INSERT INTO permissions_userglobalgrant (user_id, permission_id, created)
               SELECT u.id, p.id, now() FROM authentik_core_user u, auth_permission p
               WHERE u.username = 'user-1' AND p.codename = 'escalate'"""
        )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
