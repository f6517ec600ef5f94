from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.operations.roles import create_role
from roles.models import Role
from tests import facts

PREFIX = "/suite-api/api/auth"
HOST, GUEST = "7f430ad1-9648-4419-9bc1-7cb0d2855f7c", "0d3f1f6e-31a5-4c0a-9d0f-3a7a3d1b9f10"
OTHER = "11111111-2222-4333-8444-555555555555"


class Door:
    """Requests below the door's prefix, as JSON."""

    def __init__(self, client: APIClient) -> None:
        self.client = client

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def send(path: str, body: Any = None, **headers: str) -> Any:
            return getattr(self.client, method)(
                f"{PREFIX}/{quote(path, safe='/?=&%')}", body, format="json", headers=headers
            )

        return send


@pytest.fixture
def door_of(client_of) -> Callable[[User], Door]:
    return lambda user: Door(client_of(user))


@pytest.fixture
def root_door(door_of, root) -> Door:
    return door_of(root)


@pytest.fixture
def stranger(anonymous) -> Door:
    return Door(anonymous)


@pytest.fixture
def operator(root_door) -> Role:
    """A role that may look at objects and switch them on."""
    create_role(actor=None, name="Operator")
    keys = {"privilege-key": ["object.view", "Power On VM"]}
    assert root_door.post("roles/Operator/privileges", keys).status_code == 200
    return Role.objects.get(name="Operator")


@pytest.fixture
def put(root_door) -> Callable[..., Any]:
    """Give a user a role permission as the superuser."""

    def send(user: User, **permission: Any) -> Any:
        return root_door.put(f"users/{user.uuid}/permissions", permission)

    return send


def may(user: User, key: str, on: str | None = HOST) -> bool:
    resource = None if on is None else ResourceRef("aria.resource", on)
    action = f"aria.{key}" if on is None else key
    return engine.check(user, action, resource).allowed


def register(key: str, parent: str | None = None) -> None:
    """An object of this door, below another one."""
    from permissions.models import Resource
    from permissions.operations import closure

    above = Resource.objects.get(object_pk=parent) if parent else None
    made = facts.resource("aria.resource", key)
    if above:
        Resource.objects.filter(pk=made.pk).update(parent=above)
        closure.rebuild(closure.RESOURCES, [made.pk])
