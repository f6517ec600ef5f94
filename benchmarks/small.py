"""A population small enough for peers that hold everything in memory, as plain lists.

5,000 users ── 5 of 200 groups each ── nested four deep ── 100 roles ─┐
    └──────────────────────── 2 user viewers, 1 role viewer of each ──┴─ 20,000 documents
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import psycopg

from benchmarks import world

USERS, GROUPS, ROLES, DOCUMENTS = 5_000, 200, 100, 20_000
GROUPS_PER_USER = 5
USER_VIEWERS = 2
SIZE = world.Size(users=USERS, groups=GROUPS, roles=ROLES, grants=DOCUMENTS * 10)
NAME = f"small_{USERS}_{GROUPS}_{ROLES}_{DOCUMENTS}"

Pairs = list[tuple[int, int]]


@dataclass(frozen=True)
class Small:
    """Numbers from 1; a pair is (what belongs, to what)."""

    @cached_property
    def members(self) -> Pairs:
        return [
            (user, 1 + (user * 7 + k * 39) % GROUPS)
            for user in range(1, USERS + 1)
            for k in range(GROUPS_PER_USER)
        ]

    @cached_property
    def parents(self) -> Pairs:
        """Four levels: 10 groups above 40 above 50 above 100."""
        above = [(11, 1, 10), (51, 11, 40), (101, 51, 50)]
        ends = [50, 100, 200]
        return [
            (group, first_above + (group - first) % width)
            for (first, first_above, width), end in zip(above, ends, strict=True)
            for group in range(first, end + 1)
        ]

    @cached_property
    def holders(self) -> Pairs:
        """(group, role): each role is held by two groups."""
        return [
            (1 + (role * 17 + k * 101) % GROUPS, role)
            for role in range(1, ROLES + 1)
            for k in (0, 1)
        ]

    @cached_property
    def user_viewers(self) -> Pairs:
        return [
            (1 + (document * 13 + k * 1_009) % USERS, document)
            for document in range(1, DOCUMENTS + 1)
            for k in range(USER_VIEWERS)
        ]

    @cached_property
    def role_viewers(self) -> Pairs:
        return [(1 + document * 31 % ROLES, document) for document in range(1, DOCUMENTS + 1)]

    def questions(self, count: int) -> list[tuple[int, int, bool]]:
        """(user, document, right answer); a third each through an own grant, a role, and denied."""
        roles_of = self._roles_of()
        users_of = {document: role for role, document in self.role_viewers}
        viewers = set(self.user_viewers)
        holders: dict[int, list[int]] = {}
        for user, roles in roles_of.items():
            for role in roles:
                holders.setdefault(role, []).append(user)
        asked = []
        for n in range(count // 3):
            document = 1 + n * 97 % DOCUMENTS
            role_holders = holders.get(users_of[document]) or [1]
            for user in (
                1 + (document * 13) % USERS,
                role_holders[n * 31 % len(role_holders)],
                1 + (document * 4_001 + 3) % USERS,
            ):
                right = (user, document) in viewers or users_of[document] in roles_of[user]
                asked.append((user, document, right))
        return asked

    def _roles_of(self) -> dict[int, set[int]]:
        parents: dict[int, set[int]] = {}
        for child, parent in self.parents:
            parents.setdefault(child, set()).add(parent)
        held: dict[int, set[int]] = {}
        for group, role in self.holders:
            held.setdefault(group, set()).add(role)
        found: dict[int, set[int]] = {user: set() for user in range(1, USERS + 1)}
        for user, group in self.members:
            above = {group}
            while above:
                for one in above:
                    found[user] |= held.get(one, set())
                above = {parent for one in above for parent in parents.get(one, ())}
        return found


def load(url: str) -> None:
    """The same facts in the service's tables; documents keep their numbers as keys."""
    small = Small()
    with psycopg.connect(url) as connection:
        for statement in (*world.types(), world.users(1, USERS), world.groups(GROUPS)):
            connection.execute(statement)
        connection.execute(world.role_rows(ROLES))
        for text, pairs in (
            (world.parents("SELECT * FROM given"), small.parents),
            (world.memberships("SELECT * FROM given"), small.members),
            (
                world.assignments("group_id", f"SELECT {world.group('a')}, b FROM given"),
                small.holders,
            ),
            (_grants("user", "a"), small.user_viewers),
            (_grants("role", world.role("a")), small.role_viewers),
        ):
            first, second = zip(*pairs, strict=True)
            given = "WITH given(a, b) AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))"
            connection.execute(
                text.replace("INSERT", f"{given} INSERT", 1), [list(first), list(second)]
            )
        connection.execute(world.CLOSURE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _grants(kind: str, principal: str) -> str:
    column = "user_id" if kind == "user" else "group_id"
    return f"""INSERT INTO permissions_{kind}objectpermission
            ({column}, permission_id, content_type_id, object_pk, created)
        SELECT DISTINCT {principal}, p.id, p.content_type_id, b::text, now()
        FROM given, auth_permission p WHERE p.codename = 'view_{world.MODEL}'"""
