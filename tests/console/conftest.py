"""Browsers that are signed in, without a password being asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests import facts

ENTER = "authentik_rbac.access_admin_interface"


@pytest.fixture
def browser_of() -> Callable[..., Client]:
    """Somebody's browser; with the right to enter the console, and whatever is named besides."""

    def make(user: User, *names: str) -> Client:
        for name in (ENTER, *names):
            facts.grant(user, name)
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def superuser(root) -> Client:
    client = Client()
    client.force_login(root)
    return client


@contextmanager
def statements() -> Iterator[list[dict[str, str]]]:
    with CaptureQueriesContext(connection) as queries:
        yield queries  # type: ignore[misc]  # it is one, as far as anybody counts
