"""Puts the same questions to the engine and to the naive evaluator."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from permissions import engine
from permissions.engine.explaining import Path as EnginePath
from permissions.engine.explaining import explain
from permissions.engine.words import Question, Reason, ResourceRef, StepKind, SubjectRef
from tests.truth.asking import Asks
from tests.truth.naive import Path, Thing, World

UNKNOWN = {
    Reason.UNKNOWN_SUBJECT,
    Reason.INACTIVE_SUBJECT,
    Reason.UNKNOWN_TYPE,
    Reason.UNKNOWN_ACTION,
}


def ref(thing: Thing | None) -> ResourceRef | None:
    return ResourceRef(*thing) if thing else None


def agree_on_checks(
    world: World, asked: Sequence[tuple[str, str, Thing | None]], at: datetime
) -> None:
    """check, check_many and explain of every question."""
    expected = world.check_many(asked, at)
    many = engine.check_many(
        [Question(subject=SubjectRef(s), action=a, resource=ref(t)) for s, a, t in asked], at=at
    )
    for (subject, action, thing), allowed, of_many in zip(asked, expected, many, strict=True):
        one = engine.check(SubjectRef(subject), action, ref(thing), at=at)
        told = (subject, action, thing, at.isoformat())
        assert (one.allowed, of_many.allowed) == (allowed, allowed), told
        assert one.reason == of_many.reason, told
        if not allowed:
            reason = world.reason(subject, action, thing, at)
            assert one.reason == (reason or Reason.NO_GRANT), told


def agree_on_explanations(
    world: World, asked: Iterable[tuple[str, str, Thing | None]], at: datetime
) -> None:
    for subject, action, thing in asked:
        told = (subject, action, thing, at.isoformat())
        explanation = explain(SubjectRef(subject), action, ref(thing), at=at)
        expected = world.explain(subject, action, thing, at)
        assert {projected(path) for path in explanation.paths} == expected, told
        assert explanation.complete
        assert explanation.decision.allowed == bool(expected), told
        for path in explanation.paths:
            assert_climbs_by_parents(world, path)
        for miss in explanation.near_misses:
            assert not explanation.decision.allowed
            assert miss.hindrances, told


def projected(path: EnginePath) -> Path:
    """The ends of the way through the groups; one of several ways between them is shown."""
    groups = [step.id for step in path.steps if step.kind is StepKind.GROUP]
    assignments = tuple(step.fact for step in path.steps if step.kind is StepKind.ROLE)
    grant = path.steps[-1] if path.steps[-1].kind is StepKind.GRANT else None
    return Path(
        member_of=groups[0] if groups else None,
        holder=("group", groups[-1]) if groups else ("user", path.steps[0].id),
        assignments=assignments,
        grant=f"{path.reason}:{grant.id}" if grant else None,
    )


def assert_climbs_by_parents(world: World, path: EnginePath) -> None:
    groups = [step.id for step in path.steps if step.kind is StepKind.GROUP]
    for below, above in pairwise(groups):
        assert above in world.teams[below].parents


def agree_on_lists(
    world: World, subjects: list[str], actions: list[str], things: list[Thing], at: datetime
) -> None:
    """list_resources, list_subjects and list_actions, in pages of two."""
    for action in actions:
        for subject in subjects:
            for kind in world.types:
                found = _resources(subject, action, kind, at)
                expected = world.list_resources(subject, action, kind, at)
                assert len(found) == len(set(found))
                assert set(found) == expected, (subject, action, kind, at.isoformat())
        for thing in (*things, None):
            everybody = _subjects(action, thing, at)
            expected = world.list_subjects(action, thing, at)
            assert everybody == sorted(expected, key=int), (action, thing, at.isoformat())
    for subject in subjects:
        for thing in things:
            allowed = engine.list_actions(SubjectRef(subject), ResourceRef(*thing), at=at)
            expected = world.list_actions(subject, thing, at)
            assert set(allowed) == expected, (subject, thing, at.isoformat())
            assert list(allowed) == sorted(expected)


def _resources(subject: str, action: str, kind: str, at: datetime) -> list[str]:
    found: list[str] = []
    after = ""
    while True:
        page = engine.list_resources(SubjectRef(subject), action, kind, after=after, limit=2, at=at)
        found += page.items
        if page.next is None:
            return found
        after = page.next


def _subjects(action: str, thing: Thing | None, at: datetime) -> list[str]:
    found: list[str] = []
    after = 0
    while True:
        page = engine.list_subjects(action, ref(thing), after=after, limit=2, at=at)
        found += [str(pk) for pk, _ in page.items]
        if page.next is None:
            return found
        after = page.next


def agree_behind(
    door: Asks, world: World, asked: Sequence[tuple[str, str, Thing | None]], at: datetime
) -> None:
    expected = world.check_many(asked, at)
    assert door.check_many(asked) == expected, asked
    assert door.check(asked[0]) == expected[0], asked[0]
    assert door.explain(asked[-1]) == expected[-1], asked[-1]


def agree_on_lists_behind(
    door: Asks, world: World, name: str, actions: list[str], thing: Thing, at: datetime
) -> None:
    for action in actions:
        found = door.resources(name, action, thing[0])
        assert sorted(found) == sorted(world.list_resources(name, action, thing[0], at))
        allowed = world.list_subjects(action, thing, at)
        names = [world.people[pk].username for pk in sorted(allowed, key=int)]
        assert door.subjects(action, thing) == names
    meant = [world.permissions(action, thing[0]) for action in door.actions(name, thing)]
    expected = world.list_actions(name, thing, at)
    assert sorted(codename for [(_, codename)] in meant) == sorted(expected)
