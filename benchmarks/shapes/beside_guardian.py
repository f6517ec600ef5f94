"""The engine in process, beside django-guardian on the same facts.

    ours       user ── nested groups ── roles ──┐
    guardian   user ── groups, resolved ────────┴── 1,000,000 object grants ── documents

guardian runs in a project of its own with stock auth; both use one connection that stays open. The
users are given, without anything remembered from before. Users with scoped roles are left out,
because guardian has no scopes.

A page of ours comes in order, so that the next one can follow it. guardian gives the same answer
only when asked to order too; any fifty of its objects are measured beside that.
"""

from __future__ import annotations

from functools import partial
from statistics import median

from benchmarks import peers, world
from benchmarks.context import Context, require, times, typical, using
from benchmarks.peers.guardian.load import load
from benchmarks.report import Figure

GRANTS = 1_000_000
PAGE = 50


def measure(context: Context) -> list[Figure]:
    size, url = context.world(GRANTS)
    peer_url = context.foreign_database(f"guardian_{size.name}", lambda target: load(url, target))
    asked = [one for one in world.questions(url, size, 1_500) if _unscoped(one.username)]
    names = [n for n in (f"user-{1 + i * 9_973 % size.users}" for i in range(100)) if _unscoped(n)]
    task = {
        "checks": [(one.username, one.document, one.allowed) for one in asked],
        "warm_up": 20,
        "lists": names,
        "limit": PAGE,
    }
    before = _ours(url, asked, names)
    found = peers.ask("benchmarks.peers.guardian", task, DATABASE_URL=peer_url)
    after = _ours(url, asked, names)
    _compare(url, found["pages"])
    checks, lists = ([*a, *b] for a, b in zip(before, after, strict=True))
    return [
        Figure(
            shape="beside_guardian",
            what="check against has_perm(perm, obj) with a fresh user (aim 8)",
            value=median(found["checks"]) / median(checks),
            unit="× faster",
            at_least=3,
            raw=f"{typical(checks)}, guardian {typical(found['checks'])}",
        ),
        *(
            Figure(
                shape="beside_guardian",
                what=f"first {PAGE} of list_resources against get_objects_for_user(…){what}",
                value=median(found[kind]) / median(lists),
                unit="× faster",
                at_least=at_least,
                raw=f"{typical(lists)}, guardian {typical(found[kind])}",
            )
            for kind, what, at_least in (
                ("ordered", f".order_by('pk')[:{PAGE}], the same answer", 10),
                ("unordered", f"[:{PAGE}], any of them", None),
            )
        ),
    ]


def _unscoped(username: str) -> bool:
    return int(username.removeprefix("user-")) % 40 != 0


def _ours(url: str, asked: list[world.Asked], names: list[str]) -> tuple[list[float], list[float]]:
    from accounts.models import User
    from permissions import engine
    from permissions.engine import ResourceRef

    def check(user: User, one: world.Asked) -> None:
        allowed = engine.check(user, "view", ResourceRef(world.TYPE, one.document)).allowed
        require(allowed, one.allowed, one)

    with using(url):
        wanted = {one.username for one in asked} | set(names)
        users = User.objects.in_bulk(wanted, field_name="username")
        checks = [partial(check, users[one.username], one) for one in asked]
        lists = [
            partial(engine.list_resources, users[name], "view", world.TYPE, limit=PAGE)
            for name in names
        ]
        times([*checks[:20], *lists[:20]])
        return times(checks), times(lists)


def _compare(url: str, pages: dict[str, list[str]]) -> None:
    from permissions import engine
    from permissions.engine import SubjectRef

    with using(url):
        for name, documents in pages.items():
            found = engine.list_resources(SubjectRef(name), "view", world.TYPE, limit=PAGE)
            require(list(found.items), documents, name)
