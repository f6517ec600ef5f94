"""The engine in process, beside PyCasbin, which holds all policies in the memory of one process.

    5,000 users ── 5 of 200 groups ── nested four deep ── 100 roles ── viewers of 20,000 documents

For orientation: PyCasbin neither shares its policies with other processes nor survives a restart.
"""

from __future__ import annotations

from functools import partial
from statistics import median

from benchmarks import peers, small, world
from benchmarks.context import Context, Unavailable, require, times, typical, using
from benchmarks.report import Figure

QUESTIONS = 1_500


def measure(context: Context) -> list[Figure]:
    url = context.database(small.NAME, small.load)
    try:
        import casbin  # noqa: F401  asked for before anything is started
    except ImportError:
        raise Unavailable("casbin is not installed") from None
    before = _ours(url)
    theirs = peers.ask("benchmarks.peers.casbin", {"questions": QUESTIONS})["checks"]
    ours = [*before, *_ours(url)]
    return [
        Figure(
            shape="beside_casbin",
            what="in-process check against PyCasbin's FastEnforcer",
            value=median(theirs) / median(ours),
            unit="× faster",
            raw=f"{typical(ours)}, PyCasbin {typical(theirs)}",
        )
    ]


def _ours(url: str) -> list[float]:
    from accounts.models import User
    from permissions import engine
    from permissions.engine import ResourceRef

    def check(user: User, document: int, right: bool) -> None:
        allowed = engine.check(user, "view", ResourceRef(world.TYPE, str(document))).allowed
        require(allowed, right, (user, document))

    with using(url):
        users = User.objects.in_bulk()
        asked = small.Small().questions(QUESTIONS)
        calls = [partial(check, users[user], document, right) for user, document, right in asked]
        times(calls[:20])
        return times(calls)
