"""Decisions are asked by these names, so changing or taking one meets the ceiling."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Group
from audit.errors import InvalidInput
from permissions.engine import GrantCeiling
from permissions.operations import (
    create_type,
    create_user,
    delete_type,
    update_role,
    update_user,
)
from tests import facts

pytestmark = pytest.mark.django_db

CORE, RBAC = "/api/v3/core", "/api/v3/rbac"


@pytest.fixture
def client(client_of, alice):
    """alice may change users, groups, roles, and herself."""
    for model in ("authentik_core.{}_user", "authentik_core.{}_group", "authentik_rbac.{}_role"):
        for verb in ("view", "add", "change"):
            facts.grant(alice, model.format(verb))
    return client_of(alice)


@pytest.fixture
def strong(bob):
    """bob holds what alice does not, and has an address."""
    facts.grant(bob, "authentik_rbac.delete_role")
    bob.email, bob.external_id = "bob@example.org", "b-1"
    bob.save()
    return bob


def test_nobody_makes_the_address_of_somebody_stronger_ambiguous(client, alice, strong):
    own, email = f"{CORE}/users/{alice.pk}/", {"email": strong.email}
    new = {"username": "new", "name": "New", **email}

    assert client.patch(own, email).status_code == 403
    assert client.post(f"{CORE}/users/", new).status_code == 403
    facts.grant(alice, "authentik_rbac.delete_role")
    assert client.patch(own, email).status_code == 200
    assert client.post(f"{CORE}/users/", new).status_code == 201


@pytest.mark.parametrize("name", ["bob", "b-1"])
def test_nor_takes_one_of_its_other_names_as_an_address(client, alice, strong, name):
    # Other doors take any text as an address.

    with pytest.raises(GrantCeiling):
        update_user(user=alice, actor=alice, email=name)


def test_nor_takes_its_user_name_as_an_external_id(alice, strong):
    """What means somebody else alone, or before the external id, is refused to everybody."""
    with pytest.raises(GrantCeiling):
        update_user(user=alice, actor=alice, external_id="bob")
    with pytest.raises(GrantCeiling):
        create_user(actor=alice, username="new", external_id="bob")
    for name in (strong.email, strong.hex_id, str(strong.uuid)):
        with pytest.raises(InvalidInput):
            update_user(user=alice, actor=None, external_id=name)
    facts.grant(alice, "authentik_rbac.delete_role")
    update_user(user=alice, actor=alice, external_id="bob")


def test_a_role_is_renamed_by_whoever_holds_what_it_gives(client, alice):
    role = facts.role("boss")
    facts.grant(role, "authentik_rbac.delete_role")
    url = f"{RBAC}/roles/{role.pk}/"

    assert client.patch(url, {"name": "free"}).status_code == 403
    assert client.put(url, {"name": "boss"}).status_code == 200
    facts.grant(alice, "authentik_rbac.delete_role")
    assert client.patch(url, {"name": "free"}).status_code == 200


def test_so_is_a_group(client, alice):
    role, group = facts.role("boss"), facts.group("bosses")
    facts.grant(role, "authentik_rbac.delete_role")
    facts.hold(role, group)
    admins = facts.group("admins", is_superuser=True)

    assert client.patch(f"{CORE}/groups/{group.pk}/", {"name": "x"}).status_code == 403
    assert client.patch(f"{CORE}/groups/{admins.pk}/", {"name": "x"}).status_code == 403
    assert client.patch(f"{CORE}/groups/{group.pk}/", {"attributes": {}}).status_code == 200
    facts.grant(alice, "authentik_rbac.delete_role")
    assert client.patch(f"{CORE}/groups/{group.pk}/", {"name": "x"}).status_code == 200


def test_a_group_is_not_called_by_the_code_of_another(client):
    """Two that answer to a code are found by nobody."""
    Group.objects.create(name="renamed", code="staff")

    assert client.post(f"{CORE}/groups/", {"name": "staff"}).status_code == 400
    plain = facts.group("plain")
    answer = client.patch(f"{CORE}/groups/{plain.pk}/", {"name": "staff"})
    assert (answer.status_code, list(answer.json())) == (400, ["name"])


def test_the_services_own_namespace_is_no_label_of_types(client_of, root):
    for label in ("system", "System"):
        body = {"app_label": label, "model": "x", "actions": ["go"]}
        assert client_of(root).post(f"{RBAC}/resource_types/", body).status_code == 400


def test_enabling_a_role_gives_it_for_the_time_in_which_it_then_counts(alice, client):
    soon = timezone.now() + timedelta(hours=1)
    role = facts.role("night", is_enabled=False)
    facts.grant(role, "authentik_rbac.delete_role")
    facts.grant(alice, "authentik_rbac.delete_role", valid_until=soon)

    with pytest.raises(GrantCeiling):
        update_role(role=role, actor=alice, is_enabled=True)
    update_role(role=role, actor=alice, is_enabled=True, disabled_from=soon)
    with pytest.raises(GrantCeiling):
        update_role(role=role, actor=alice, disabled_from=soon + timedelta(hours=1))
    # What ends sooner, or ends, gives nothing.
    update_role(role=role, actor=alice, disabled_from=soon - timedelta(minutes=1))
    update_role(role=role, actor=alice, is_enabled=False, disabled_from=None)


def test_types_that_stood_before_are_known_by_every_key():
    """Whoever deletes a type and makes it again knows the keys it had."""

    kind = create_type(actor=None, label="shop.folder")
    assert not kind.was_open
    delete_type(type=kind, actor=None)
    assert create_type(actor=None, label="shop.folder").was_open
