from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Token, User
from accounts.tokens import create_token
from tests.facts import make_superuser
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
def root() -> User:
    """May do everything."""
    return make_superuser(User.objects.create(username="root", name="Root"))


@pytest.fixture
def client_of() -> Callable[[User], APIClient]:
    """A client whose requests come from the given user, without credentials to prove it."""

    def make(user: User) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(user)
        return client

    return make


@pytest.fixture
def bearer_of() -> Callable[[User], APIClient]:
    """A client that proves itself with a token, as far as statements are counted or keys matter."""

    def make(user: User) -> APIClient:
        key = f"key-of-{user.username}"
        token = create_token(user=user, identifier=key, actor=None, key=key)
        Token.objects.filter(pk=token.pk).update(last_used=timezone.now())
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
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
