"""Calls of the GenAuth door: by name, with a management token, answers as envelopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from api.genauth.authentication import issue
from permissions.operations.access_keys import create_access_key

PREFIX = "/genauth/api/v3/"


class Caller:
    """``call("assign-role", …)`` posts, ``ask("get-role", …)`` gets; both return the envelope."""

    def __init__(self, user: User | None, prefix: str = PREFIX) -> None:
        self.client = APIClient(raise_request_exception=False)
        self.prefix = prefix
        if user is not None:
            token = issue(create_access_key(actor=None, user=user).token)
            self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def call(self, operation: str, **body: Any) -> dict[str, Any]:
        return self._envelope(self.client.post(self.prefix + operation, body))

    def ask(self, operation: str, **query: Any) -> dict[str, Any]:
        return self._envelope(self.client.get(self.prefix + operation, query))

    def _envelope(self, response: Any) -> dict[str, Any]:
        assert response.status_code == 200, response.content
        answer: dict[str, Any] = response.json()
        assert {"statusCode", "message", "requestId"} <= answer.keys()
        assert ("data" in answer) == (answer["statusCode"] == 200)
        return answer


@pytest.fixture
def caller_of() -> Callable[[User | None], Caller]:
    return Caller


@pytest.fixture
def admin(root: User) -> Caller:
    return Caller(root)


def user(found: User) -> dict[str, str]:
    return {"targetType": "USER", "targetIdentifier": found.hex_id}


def target(kind: str, identifier: str) -> dict[str, str]:
    return {"targetType": kind, "targetIdentifier": identifier}
