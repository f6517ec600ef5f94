"""How PostgreSQL runs the decision statements. SQLite plans by other rules and prepares nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.db import connection

from permissions import engine, sql
from permissions.decisions import Question, ResourceRef, SubjectRef

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="plans and prepared statements of PostgreSQL"
    ),
]

FACTS = (
    "authentik_core_groupclosure",
    "authentik_core_groupmembership",
    "authentik_core_token",
    "authentik_core_user",
    "authentik_rbac_roleassignment",
    "permissions_roleglobalgrant",
    "permissions_roleobjectpermission",
    "permissions_userglobalgrant",
    "permissions_userobjectpermission",
)
ALICE = SubjectRef("alice")
DOOR = ResourceRef("authentik_core.user", "7")


class Scans:
    """Runs statements as the engine does, and notes the tables they would read from end to end."""

    def __init__(self) -> None:
        self.whole: set[str] = set()

    def run(self, text: str, parameters: Mapping[str, Any], *, using: str = "default") -> list[Any]:
        with connection.cursor() as cursor:
            # Small tables are best read whole; what is left then has no index that serves.
            cursor.execute("SET LOCAL enable_seqscan = off")
        [(plan,)] = sql.rows(f"EXPLAIN (FORMAT JSON) {text}", parameters, using=using)
        self.whole.update(node["Relation Name"] for node in _nodes(plan[0]["Plan"]) if _reads(node))
        return sql.rows(text, parameters, using=using)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _reads(node: dict[str, Any]) -> bool:
    return node["Node Type"] == "Seq Scan" and node["Relation Name"] in FACTS


def test_a_check_reads_no_table_of_facts_whole():
    scans = Scans()

    engine.check(ALICE, "view", DOOR, run=scans.run)

    assert not scans.whole


def test_many_checks_read_no_table_of_facts_whole():
    scans = Scans()

    engine.check_many([Question(subject=ALICE, action="view", resource=DOOR)] * 2, run=scans.run)

    assert not scans.whole


def test_a_page_of_resources_reads_no_table_of_facts_whole():
    scans = Scans()

    engine.list_resources(ALICE, "view", "authentik_rbac.role", run=scans.run)

    assert not scans.whole


def test_the_actions_on_a_resource_read_no_table_of_facts_whole():
    scans = Scans()

    engine.list_actions(ALICE, DOOR, run=scans.run)

    assert not scans.whole


def test_a_statement_is_prepared_once_whatever_the_size_of_its_numbers():
    for user_id in (1, 100_000, 10_000_000_000):
        for _ in range(3):
            engine.check(SubjectRef(pk=user_id), "view", DOOR)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%user_global%%'"
        )
        assert cursor.fetchone() == (1,)
