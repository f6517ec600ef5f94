"""Generated worlds: the engine and the naive evaluator must agree on all six functions.

Some worlds are grown from a seed and asked about everything: they are large enough to mean
something. Others are changed and asked about step by step, which hypothesis shrinks when it fails.

``RBAC_TRUTH_EXAMPLES`` worlds of each kind are made, other ones in every run when it is set;
without it a few, always the same. A failure says what reproduces it.
"""

import os
import random
from datetime import datetime

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import create_token
from tests import facts
from tests.truth import comparing
from tests.truth.asking import Asks, AuthZen, Native
from tests.truth.changes import MOMENTS, NOW, THINGS, WEIGHTED, Changes, Pick
from tests.truth.naive import Thing
from tests.truth.writers import Operations, Rows

EXAMPLES = os.environ.get("RBAC_TRUTH_EXAMPLES")
# xdist's workers must agree on the names of the tests, so the day chooses and not the process.
FIRST_SEED = NOW.toordinal() * 10_000 if EXAMPLES else 0
SEEDS = range(FIRST_SEED, FIRST_SEED + int(EXAMPLES or 30))
SETTINGS = settings(
    max_examples=int(EXAMPLES or 10),
    stateful_step_count=8,
    deadline=None,
    derandomize=EXAMPLES is None,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# Mostly large; the small ones are what a failure is shrunk to.
SIZES = [0, 5, 10, 20, 40, 60, *[90, 120] * 4]

ACTIONS = ["view", "shop.view_invoice", "view_folder", "approve", "pay", "nothing"]
GLOBAL_ACTIONS = ["shop.pay_invoice", "shop.view", "shop.approve", "view_invoice"]


def grow(changes: Changes, seed: int, size: int) -> None:
    """From a generator of its own: drawn by hypothesis, worlds stay too small to say anything."""
    choose = Pick(random.Random(seed).choice)  # noqa: S311  a test's choice is no secret
    for _ in range(size):
        choose(WEIGHTED)(changes, choose)


class Worlds(RuleBasedStateMachine):
    writer: type[Rows] = Rows

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        self.changes = Changes(self.writer())
        self.world = self.changes.world

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @initialize(seed=st.integers(0, 2**32), size=st.sampled_from(SIZES))
    def grow(self, seed: int, size: int) -> None:
        grow(self.changes, seed, size)

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        draw = Pick(lambda among: data.draw(st.sampled_from(list(among))))
        draw(WEIGHTED)(self.changes, draw)

    @rule(data=st.data(), at=st.sampled_from(MOMENTS), thing=st.sampled_from(THINGS))
    def ask(self, data: st.DataObject, at: datetime, thing: Thing) -> None:
        name = data.draw(st.sampled_from(self.changes.every_name()))
        asked: list[tuple[str, str, Thing | None]] = [(name, action, thing) for action in ACTIONS]
        asked += [(name, action, None) for action in GLOBAL_ACTIONS]
        comparing.agree_on_checks(self.world, asked, at)
        comparing.agree_on_explanations(self.world, asked, at)

    @rule(seed=st.integers(0, 2**32), at=st.sampled_from(MOMENTS))
    def ask_for_everything(self, seed: int, at: datetime) -> None:
        names = [p.username for p in self.world.people.values()]
        asked: list[tuple[str, str, Thing | None]] = [
            (name, action, thing) for name in names for action in ACTIONS for thing in THINGS
        ]
        some = random.Random(seed).sample(asked, min(60, len(asked)))  # noqa: S311
        comparing.agree_on_checks(self.world, some, at)
        comparing.agree_on_explanations(self.world, some[:12], at)
        comparing.agree_on_lists(self.world, names[:2], ACTIONS[:5:2], THINGS[::2], at)


class WorldsOfOperations(Worlds):
    writer = Operations


class WorldsBehindDoors(WorldsOfOperations):
    def __init__(self) -> None:
        super().__init__()
        gateway = User.objects.create(username="the gateway")
        facts.grant(gateway, "authentik_rbac.check_access")
        create_token(user=gateway, identifier="gateway", actor=None, key="a key")
        client = APIClient(headers={"authorization": "Bearer a key"})
        self.doors: list[Asks] = [AuthZen(client), Native(client)]

    @rule(data=st.data(), thing=st.sampled_from(THINGS))
    def ask(self, data: st.DataObject, thing: Thing) -> None:
        names = [name for name in self.changes.every_name() if name]
        name = data.draw(st.sampled_from(names))
        asked: list[tuple[str, str, Thing | None]] = [(name, action, thing) for action in ACTIONS]
        for door in self.doors:
            comparing.agree_behind(door, self.world, asked, NOW)

    @rule(data=st.data())
    def ask_for_everything(self, data: st.DataObject) -> None:
        names = [p.username for p in self.world.people.values()]
        for door in self.doors if names else ():
            name, thing = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(THINGS))
            comparing.agree_on_lists_behind(door, self.world, name, ACTIONS[:4], thing, NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("machine", [Worlds, WorldsOfOperations, WorldsBehindDoors])
def test_the_engine_answers_as_the_words_say(machine):
    run_state_machine_as_test(machine, settings=SETTINGS)

    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
def test_a_grown_world_is_decided_as_the_words_say(seed):
    changes = Changes(Operations() if seed % 2 else Rows())
    grow(changes, seed, 150)
    at = MOMENTS[seed % len(MOMENTS)]
    names = [p.username for p in changes.world.people.values()]
    asked: list[tuple[str, str, Thing | None]] = [
        (name, action, thing) for name in names for action in ACTIONS for thing in THINGS
    ]
    asked += [(name, action, None) for name in changes.every_name() for action in GLOBAL_ACTIONS]

    comparing.agree_on_checks(changes.world, asked, at)
    comparing.agree_on_explanations(changes.world, asked[seed % 7 :: 7], at)
    comparing.agree_on_lists(changes.world, names, ACTIONS[:5], THINGS, at)
