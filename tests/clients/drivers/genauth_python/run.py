"""Drives every operation of PyPI's genauth or authing that the service offers.

    python run.py PACKAGE URL KEY_ID SECRET PREFIX OFFERED OUTSIDE

Runs in the package's own environment; OFFERED and OUTSIDE are names of operations with commas.
Prints one JSON object per step, then one naming the operations the package has and those that
answered. A failed step does not stop the others.
"""

import importlib
import json
import sys
import traceback

import keys
import outside
import people
import rbac
import spaces
import things
from world import World

PARTS = [keys, rbac, spaces, things, people, outside]


def main():
    package, url, key_id, secret, prefix, offered, not_offered = sys.argv[1:]
    module = importlib.import_module(package)
    world = World(module=module, url=url, key_id=key_id, secret=secret, prefix=prefix)
    world.outside = set(not_offered.split(","))
    for part in PARTS:
        for step in part.STEPS:
            say(step=f"{part.__name__}: {step.__name__}", error=failure(step, world))
    known = world.names() & {*offered.split(","), *world.outside}
    answered = {name for name, statuses in world.answered.items() if 200 in statuses}
    refused = {name for name, statuses in world.answered.items() if statuses == {501}}
    say(operations=sorted(known), answered=sorted(answered), refused=sorted(refused))


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
