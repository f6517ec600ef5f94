"""When a connection is asked whether it still works before it is used."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import RequestFactory

from rbac_service import middleware


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """A note for each time the connection was asked."""
    asked: list[str] = []

    def is_usable() -> bool:
        asked.append("asked")
        return True

    connection: Any = connections["default"]
    monkeypatch.setattr(connection, "is_usable", is_usable)
    monkeypatch.setattr(connection, "health_check_enabled", True)
    monkeypatch.setattr(connection, "health_check_done", False)
    monkeypatch.setattr(connection, "used", None, raising=False)
    return asked


def request_comes() -> None:
    connection: Any = connections["default"]
    # As Django says at the start of each request.
    connection.health_check_done = False

    def view(_: object) -> HttpResponse:
        connection.close_if_health_check_failed()
        return HttpResponse()

    middleware.ConnectionMiddleware(view)(RequestFactory().get("/"))


@pytest.mark.django_db
def test_a_connection_is_asked_when_it_is_first_used(asked):
    request_comes()

    assert len(asked) == 1


@pytest.mark.django_db
def test_a_connection_used_a_moment_ago_is_not_asked_again(asked):
    for _ in range(3):
        request_comes()

    assert len(asked) == 1


@pytest.mark.django_db
def test_a_connection_that_was_idle_is_asked_again(asked, monkeypatch):
    request_comes()
    later = time.monotonic() + middleware.UNCHECKED_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)

    request_comes()

    assert len(asked) == 2
