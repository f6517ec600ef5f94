"""A thousand decisions in one AuthZEN request, beside as many single ones.

{"evaluations": [ … 1,000 … ]}     one subject, every resource another
                                   every subject and every resource another
"""

from __future__ import annotations

from statistics import median

from benchmarks import asking, load, server, world
from benchmarks.context import CONNECTIONS, Context
from benchmarks.report import Figure

GRANTS = 1_000_000
ITEMS = 1_000
TARGETS = {"one subject, 1,000 resources": 25, "all subjects and resources different": 8}


def measure(context: Context) -> list[Figure]:
    size, url = context.world(GRANTS)
    asking.ordinary_caller(url)
    questions = world.questions(url, size, 3 * ITEMS)
    subject = questions[ITEMS].username
    of_one = world.answered(url, [(subject, one.document) for one in questions[:ITEMS]])
    different = _distinct(questions)
    with server.serving(url) as address:
        base = f"http://{address[0]}:{address[1]}"
        kinds = {
            "single": asking.checks(base, questions),
            "one subject, 1,000 resources": [asking.batch(base, of_one)],
            "all subjects and resources different": [asking.batch(base, different)],
        }
        sizes = {"one subject, 1,000 resources": len(of_one)}
        sizes["all subjects and resources different"] = len(different)
        rates: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(context.runs + 1):
            for name, requests in kinds.items():
                seconds = max(2.0, context.seconds / 3)
                found = load.run(address, requests, connections=CONNECTIONS, seconds=seconds)
                if turn:  # the first warms up
                    rates[name].append(found.per_second * sizes.get(name, 1))
    single = median(rates["single"])
    return [
        Figure(
            shape="batches",
            what=f"decisions/s in batches against single ones: {name}",
            value=median(rates[name]) / single,
            unit="×",
            at_least=target,
            raw=f"{median(rates[name]):.0f}/s in batches of {sizes[name]}, single {single:.0f}/s",
        )
        for name, target in TARGETS.items()
    ]


def _distinct(questions: list[world.Asked]) -> list[world.Asked]:
    """As many as a batch holds, no subject and no resource twice."""
    subjects: dict[str, world.Asked] = {}
    documents: set[str] = set()
    for n in range(len(questions)):
        one = questions[n * 1_999 % len(questions)]
        if one.username not in subjects and one.document not in documents:
            subjects[one.username] = one
            documents.add(one.document)
    return list(subjects.values())[:ITEMS]
