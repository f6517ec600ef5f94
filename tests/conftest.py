from collections.abc import Callable, Iterator

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from tests.server import Server, start


@pytest.fixture
def alice() -> User:
    """Owns things."""
    return User.objects.create(username="alice", name="Alice")


@pytest.fixture
def bob() -> User:
    """Belongs to groups."""
    return User.objects.create(username="bob", name="Bob")


@pytest.fixture
def charlie() -> User:
    """Has nothing."""
    return User.objects.create(username="charlie", name="Charlie")


@pytest.fixture
def client_of() -> Callable[[User], APIClient]:
    """A client whose requests come from the given user, without credentials to prove it."""

    def make(user: User) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(user)
        return client

    return make


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient(raise_request_exception=False)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The real service, one per test process; tests that change what others see start their own."""
    server = start()
    yield server
    server.discard()
