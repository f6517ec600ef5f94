"""A check over HTTP, beside SpiceDB inside its caller's process: no network, data in memory.

ours      8 connections ── HTTP ── 2 workers ── PostgreSQL
SpiceDB   1 caller ── function call ── SpiceDB in memory

5,000 users ── 5 of 200 groups ── nested four deep ── 100 roles ── viewers of 20,000 documents
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

from benchmarks import asking, load, peers, server, small, world
from benchmarks.context import CONNECTIONS, Context, Unavailable, ms, typical
from benchmarks.report import Figure

QUESTIONS = 3_000


def measure(context: Context) -> list[Figure]:
    _require_library()
    url = context.database(small.NAME, small.load)
    asking.ordinary_caller(url)
    asked = [
        world.Asked(f"user-{user}", str(document), right)
        for user, document, right in small.Small().questions(QUESTIONS)
    ]
    before = _ours(context, url, asked)
    task = {"questions": QUESTIONS, "seconds": context.seconds}
    found = peers.ask("benchmarks.peers.spicedb", task)
    after = _ours(context, url, asked)
    rate = (before.per_second + after.per_second) / 2
    return [
        Figure(
            shape="beside_spicedb",
            what=f"checks/s over HTTP against SpiceDB embedded ({name})",
            value=rate * sum(seconds) / len(seconds),
            unit="×",
            at_least=50 if name == "fully consistent" else None,
            raw=(
                f"{rate:.0f}/s, p50 {ms(median([before.p50, after.p50]))}; "
                f"SpiceDB {len(seconds) / sum(seconds):.0f}/s, {typical(seconds)}"
            ),
        )
        for name, seconds in found.items()
    ]


def _ours(context: Context, url: str, asked: list[world.Asked]) -> load.Load:
    with server.serving(url) as address:
        requests = asking.checks(f"http://{address[0]}:{address[1]}", asked)
        load.run(address, requests, connections=CONNECTIONS, seconds=2)
        return load.run(address, requests, connections=CONNECTIONS, seconds=context.seconds)


def _require_library() -> None:
    try:
        import spicedb_embedded  # noqa: F401  asked for before anything is started
    except ImportError:
        raise Unavailable("spicedb-embedded is not installed") from None
    library = os.environ.get("SPICEDB_LIBRARY_PATH", "")
    if not Path(library).is_file():
        raise Unavailable("SPICEDB_LIBRARY_PATH names no library")
