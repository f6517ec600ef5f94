"""The client's side: a caller with a token, and AuthZEN requests whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import load, world
from benchmarks.context import using

KEY = "k" * 60


def ordinary_caller(url: str) -> str:
    """The key of a token of an ordinary user that was granted to ask about others."""
    from django.contrib.auth.models import Permission

    from accounts.models import Token, User
    from accounts.tokens import create_token
    from permissions.models import UserGlobalGrant

    with using(url):
        if not Token.objects.filter(identifier="benchmark").exists():
            user = User.objects.get(username="user-7")
            asking = Permission.objects.get(codename="check_access")
            UserGlobalGrant.objects.create(user=user, permission=asking)
            create_token(user=user, identifier="benchmark", actor=None, key=KEY, expiring=False)
    return KEY


def entity(asked: world.Asked) -> dict[str, Any]:
    return {
        "subject": {"type": "user", "id": asked.username},
        "action": {"name": "view"},
        "resource": {"type": world.TYPE, "id": asked.document},
    }


def checks(base: str, questions: Iterable[world.Asked]) -> list[load.Request]:
    return [
        load.build(
            f"{base}/access/v1/evaluation", _decided(one.allowed), token=KEY, body=entity(one)
        )
        for one in questions
    ]


def floors(base: str, questions: Iterable[world.Asked]) -> list[load.Request]:
    """The same requests to the floor, which answers all of them alike."""
    return [
        load.build(f"{base}/access/floor", _decided(True), token=KEY, body=entity(one))
        for one in questions
    ]


def batch(base: str, questions: Sequence[world.Asked]) -> load.Request:
    expected = [{"decision": one.allowed} for one in questions]

    def verify(status: int, body: bytes) -> bool:
        return status == 200 and json.loads(body) == {"evaluations": expected}

    body = {"evaluations": [entity(one) for one in questions]}
    return load.build(f"{base}/access/v1/evaluations", verify, token=KEY, body=body)


def _decided(allowed: bool) -> load.Verify:
    expected = b'{"decision":true}' if allowed else b'{"decision":false}'
    return lambda status, body: status == 200 and body == expected
