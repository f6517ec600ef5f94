"""Times on assign, which authentik's own clients never send."""

from datetime import timedelta

import pytest
from django.utils import timezone

from permissions import engine
from permissions.models import UserGlobalGrant
from tests import facts
from tests.statements import counted

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


def test_changing_the_times_of_many_grants_costs_as_many_statements_as_of_one(bearer_of, root, bob):
    client, costs = bearer_of(root), []
    for many in (1, 3):
        names = [f"authentik_rbac.{verb}_role" for verb in ("view", "change", "delete")[:many]]
        for name in names:
            facts.grant(bob, name)
        sent = {"permissions": names, "valid_until": f"2999-01-0{many}T00:00:00Z"}
        with counted() as statements:
            response = client.post(
                f"/api/v3/rbac/permissions/assigned_by_users/{bob.pk}/assign/", sent
            )
        assert response.status_code == 200
        costs.append(len(statements))
        bob.global_grants.all().delete()

    assert costs[0] == costs[1]
