"""Where django-guardian has an answer, on grants on objects, ours is the same."""

import json
import os
import random
import subprocess
import sys
from typing import Any

import pytest

from permissions import engine
from permissions.engine.words import ResourceRef
from tests import facts
from tests.server import ROOT

ACTIONS = ["view_group", "change_group", "delete_group"]
GROUP = "authentik_core.group"


def some_facts(seed: int) -> dict[str, Any]:
    choose = random.Random(seed)  # noqa: S311  a test's choice is no secret
    users = [
        ("root", {"is_superuser": True}),
        ("gone", {"is_active": False}),
        *((f"user{n}", {}) for n in range(6)),
    ]
    names = [name for name, _ in users]
    roles = [(f"role{n}", choose.sample(names, choose.randint(0, 4))) for n in range(4)]
    holders = [("user", name) for name in names] + [("role", name) for name, _ in roles]
    things = [f"thing{n}" for n in range(8)]
    grants = {
        (*choose.choice(holders), choose.choice(ACTIONS), choose.choice(things)) for _ in range(50)
    }
    return {
        "users": users,
        "roles": roles,
        "things": things,
        "grants": sorted(grants),
        "checks": [
            (name, action, thing) for name in names for action in ACTIONS for thing in things
        ],
        "lists": [(name, action) for name in names for action in ACTIONS],
    }


def guardians_answer(asked: dict[str, Any]) -> dict[str, Any]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.guardian.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.guardian.oracle"],
        cwd=ROOT,
        env=environment,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def our_answer(asked: dict[str, Any]) -> dict[str, Any]:
    users = {name: _user(name, **about) for name, about in asked["users"]}
    roles = {name: facts.role(name) for name, _ in asked["roles"]}
    things = {name: facts.group(name) for name in asked["things"]}
    for name, holders in asked["roles"]:
        for holder in holders:
            facts.hold(roles[name], users[holder])
    for kind, name, codename, thing in asked["grants"]:
        holder = users[name] if kind == "user" else roles[name]
        facts.grant(holder, f"authentik_core.{codename}", things[thing])
    names = {str(thing.pk): name for name, thing in things.items()}
    return {
        "checks": [
            engine.check(users[user], action, ResourceRef(GROUP, str(things[thing].pk))).allowed
            for user, action, thing in asked["checks"]
        ],
        "lists": [
            # A superuser's list holds the group that makes it one, too.
            sorted(
                names[key]
                for key in engine.list_resources(users[user], action, GROUP).items
                if key in names
            )
            for user, action in asked["lists"]
        ],
    }


def _user(name: str, *, is_active: bool = True, is_superuser: bool = False) -> Any:
    from accounts.models import User

    user = User.objects.create(username=name, is_active=is_active)
    return facts.make_superuser(user) if is_superuser else user


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_grants_on_objects_decide_as_guardian_decides(seed):
    asked = some_facts(seed)

    assert our_answer(asked) == guardians_answer(asked)
