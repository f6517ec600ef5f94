"""Drives every operation of PyPI's authentik-client that belongs to the door.

    python run.py URL TOKEN PREFIX

Runs in the client's own environment. Prints one JSON object per step, then one naming the
operations the client has and those that answered. A failed step does not stop the others.
"""

import json
import sys
import traceback

import grants
import groups
import initial_permissions
import outside
import refusals
import service
import tokens
import users
from world import World, operations

import roles

PARTS = [
    service,
    users,
    groups,
    roles,
    grants,
    initial_permissions,
    tokens,
    refusals,
    outside,
]


def main():
    url, token, prefix = sys.argv[1:]
    world = World(url=url, token=token, prefix=prefix)
    for part in PARTS:
        for step in part.STEPS:
            say(step=f"{part.__name__}: {step.__name__}", error=failure(step, world))
    say(operations=operations(), answered=sorted(world.answered), refused=outside.refused_by(world))


def failure(step, world):
    """What went wrong, or nothing."""
    try:
        step(world)
    except Exception:  # noqa: BLE001  one step's failure is reported, the next ones still run
        return traceback.format_exc()
    return None


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")


main()
