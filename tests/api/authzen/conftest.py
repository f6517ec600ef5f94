from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from rest_framework.test import APIClient

from accounts.models import User
from permissions.models import ResourceType
from tests import facts
from tests.api.authzen.loading import Loader

Ask = Callable[..., object]


@pytest.fixture
def gateway() -> User:
    """A service account that may ask about anybody, and nothing else."""
    user = User.objects.create(username="gateway", type="service_account")
    facts.grant(user, "authentik_rbac.check_access")
    return user


@pytest.fixture
def gate(bearer_of, gateway) -> APIClient:
    return bearer_of(gateway)


@pytest.fixture
def load(client_of, root) -> Loader:
    return Loader(client_of(root))


@pytest.fixture
def make_type() -> Callable[..., ResourceType]:
    """A resource type without a Python class, with permissions of these codenames."""

    def make(label: str, *codenames: str) -> ResourceType:
        app_label, _, model = label.partition(".")
        kind = ContentType.objects.create(app_label=app_label, model=model)
        Permission.objects.bulk_create(
            Permission(content_type=kind, codename=name, name=name) for name in codenames
        )
        return ResourceType.objects.create(content_type=kind, verbose_name=model, mode="open")

    return make


@pytest.fixture
def invoice(make_type) -> ResourceType:
    return make_type("shop.invoice", "view_invoice", "approve_invoice", "pay")


def question(subject="alice", action="view", resource="42", type="shop.invoice"):  # noqa: A002
    return {
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": {"type": type, "id": resource},
    }
