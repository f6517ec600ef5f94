"""Answers a task: checks with their right answers, and users whose documents are listed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peers.guardian.settings"

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from guardian.shortcuts import get_objects_for_user  # noqa: E402

from benchmarks.peers.guardian.models import Document  # noqa: E402

PERMISSION = "documents.view_document"


def main() -> None:
    task = json.load(sys.stdin)
    users = User.objects.in_bulk({name for name, _, _ in task["checks"]}, field_name="username")
    checks = [(users[name], Document(pk=key), right) for name, key, right in task["checks"]]
    for user, document, right in checks[: task["warm_up"]]:
        if User.objects.get(pk=user.pk).has_perm(PERMISSION, document) is not right:
            raise AssertionError(f"{user} {document}")
    seconds = []
    for user, document, right in checks:
        fresh = User.from_db("default", ["id", "username", "is_active"], [user.pk, "", True])
        taken, allowed = _timed(partial(fresh.has_perm, PERMISSION, document))
        if allowed is not right:
            raise AssertionError(f"{user} {document}: {allowed}")
        seconds.append(taken)
    limit = task["limit"]
    for name in task["lists"][: task["warm_up"]]:
        _listed(name, limit, "pk")
    ordered = {name: _listed(name, limit, "pk") for name in task["lists"]}
    unordered = [_listed(name, limit)[0] for name in task["lists"]]
    found = {
        "checks": seconds,
        "ordered": [taken for taken, _ in ordered.values()],
        "unordered": unordered,
        "pages": {name: keys for name, (_, keys) in ordered.items()},
    }
    json.dump(found, sys.stdout)


def _listed(name: str, limit: int, *order: str) -> tuple[float, list[str]]:
    user = User.objects.get(username=name)
    taken, found = _timed(
        lambda: list(get_objects_for_user(user, PERMISSION).order_by(*order)[:limit])
    )
    return taken, [str(document.pk) for document in found]


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


main()
