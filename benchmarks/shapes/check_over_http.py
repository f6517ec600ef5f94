"""One AuthZEN evaluation over HTTP, beside a floor in the same server.

    8 connections ──► granian, 2 workers ─┬─ /access/v1/evaluation   token, may ask, decision
                                          └─ /access/floor           token, SELECT 1

A third of the questions is allowed by an own grant, a third through groups and roles, and a third
denied. The runs alternate, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

from statistics import median

from benchmarks import asking, load, server, world
from benchmarks.context import CONNECTIONS, Context, ms
from benchmarks.report import Figure

GRANTS = 1_000_000
QUESTIONS = 3_000


def measure(context: Context) -> list[Figure]:
    size, url = context.world(GRANTS)
    asking.ordinary_caller(url)
    questions = world.questions(url, size, QUESTIONS)
    # Neighbours differ in kind, so that every connection sees the mix.
    mixed = [one for n in range(QUESTIONS // 3) for one in questions[n :: QUESTIONS // 3]]
    with server.serving(url) as address:
        base = f"http://{address[0]}:{address[1]}"
        checks, floors = asking.checks(base, mixed), asking.floors(base, mixed)
        for requests in (checks, floors):
            load.run(address, requests, connections=CONNECTIONS, seconds=min(5, context.seconds))
        runs = [
            tuple(
                load.run(address, requests, connections=CONNECTIONS, seconds=context.seconds)
                for requests in (checks, floors)
            )
            for _ in range(context.runs)
        ]
    return _figures(runs)


def _figures(runs: list[tuple[load.Load, ...]]) -> list[Figure]:
    checks, floors = zip(*runs, strict=True)
    rate, floor_rate = (median(one.per_second for one in kind) for kind in (checks, floors))
    p50, floor_p50 = (median(one.p50 for one in kind) for kind in (checks, floors))
    p99, floor_p99 = (median(one.p99 for one in kind) for kind in (checks, floors))
    return [
        Figure(
            shape="check_over_http",
            what="throughput of a check against the floor's (aim 0.6)",
            value=median(check.per_second / floor.per_second for check, floor in runs),
            unit="×",
            at_least=0.4,
            raw=f"{rate:.0f}/s, floor {floor_rate:.0f}/s; p50 {ms(p50)}, floor {ms(floor_p50)}",
        ),
        Figure(
            shape="check_over_http",
            what="p99 of a check against the floor's",
            value=p99 / floor_p99,
            unit="×",
            at_most=2.5,
            raw=f"{ms(p99)}, floor {ms(floor_p99)}",
        ),
    ]
