"""Times on assign, which authentik's own clients never send."""

from datetime import timedelta

import pytest
from django.utils import timezone

from permissions import engine
from permissions.models import UserGlobalGrant
from tests import facts

pytestmark = pytest.mark.django_db
VIEW = "authentik_core.view_user"


@pytest.fixture
def assign(client_of, root):
    def send(kind, key, **body):
        url = f"/api/v3/rbac/permissions/assigned_by_{kind}/{key}/assign/"
        return client_of(root).post(url, {"permissions": [VIEW], **body})

    return send


def test_a_permission_counts_until_its_end(assign, bob):
    until = timezone.now() + timedelta(days=1)

    assert assign("users", bob.pk, valid_until=until.isoformat()).status_code == 200

    assert engine.check(bob, VIEW).allowed
    assert not engine.check(bob, VIEW, at=until).allowed


def test_a_role_is_given_a_permission_from_a_start_on(assign, bob):
    role, start = facts.role("auditors"), timezone.now() + timedelta(days=1)
    facts.hold(role, bob)

    assert assign("roles", role.pk, valid_from=start.isoformat()).status_code == 200

    assert not engine.check(bob, VIEW).allowed
    assert engine.check(bob, VIEW, at=start).allowed


def test_without_times_it_becomes_unlimited_again(assign, bob):
    assign("users", bob.pk, valid_until="2001-01-01T00:00:00Z")

    assign("users", bob.pk)

    assert UserGlobalGrant.objects.get(user=bob).valid_until is None


@pytest.mark.parametrize(
    "times",
    [
        {"valid_until": "soon"},
        {"valid_until": 7},
        {"valid_until": "0001-01-01T00:00:00+14:00"},
        {"valid_from": "2030-01-02T00:00:00Z", "valid_until": "2030-01-02T00:00:00Z"},
    ],
)
def test_a_broken_time_is_400_and_grants_nothing(assign, bob, times):
    assert assign("users", bob.pk, **times).status_code == 400
    assert not UserGlobalGrant.objects.filter(user=bob).exists()
