from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event, EventKind
from tests import facts

pytestmark = pytest.mark.django_db


def url(user):
    return f"/api/v3/core/users/{user.pk}/set_password/"


@pytest.fixture
def helpdesk(alice):
    facts.grant(alice, "authentik_core.reset_user_password")
    return alice


def test_a_password_is_set(client_of, helpdesk, bob):
    response = client_of(helpdesk).post(url(bob), {"password": " spaces count "})

    bob.refresh_from_db()
    assert (response.status_code, response.content) == (204, b"")
    assert bob.check_password(" spaces count ")


def test_the_permission_on_the_user_is_enough(client_of, charlie, bob):
    facts.grant(charlie, "authentik_core.reset_user_password", bob)

    assert client_of(charlie).post(url(bob), {"password": "long enough"}).status_code == 204


def test_the_event_does_not_hold_it(client_of, helpdesk, bob):
    client_of(helpdesk).post(url(bob), {"password": "let me in please"})

    event = Event.objects.get(kind=EventKind.PASSWORD_SET)
    assert (event.actor_name, event.target_name) == ("alice", "bob")
    assert "let me in please" not in f"{event.before}{event.after}"


def test_a_password_is_for_good_and_so_must_be_what_it_gives(client_of, helpdesk, bob):
    soon = timezone.now() + timedelta(hours=1)
    facts.grant(bob, "authentik_rbac.view_role")
    held = facts.grant(helpdesk, "authentik_rbac.view_role", valid_until=soon)
    refused = client_of(helpdesk).post(url(bob), {"password": "long enough"})
    type(held).objects.filter(pk=held.pk).update(valid_until=None)
    accepted = client_of(helpdesk).post(url(bob), {"password": "long enough"})

    assert (refused.status_code, refused.json()["code"]) == (403, "grant_ceiling")
    assert accepted.status_code == 204


def test_sessions_of_the_user_end(client, client_of, helpdesk, bob):
    client.force_login(bob)
    assert client.get("/api/v3/core/users/me/").status_code == 200

    client_of(helpdesk).post(url(bob), {"password": "long enough"})

    assert client.get("/api/v3/core/users/me/").status_code == 403


def test_it_is_no_way_to_become_a_superuser(client_of, helpdesk, root):
    response = client_of(helpdesk).post(url(root), {"password": "long enough"})

    root.refresh_from_db()
    assert response.status_code == 403
    assert not root.check_password("long enough")


def test_it_is_no_way_to_what_the_caller_does_not_hold(client_of, helpdesk, bob):
    cooks = facts.role("cooks")
    facts.hold(cooks, bob)
    facts.grant(cooks, "authentik_core.delete_user")

    response = client_of(helpdesk).post(url(bob), {"password": "long enough"})

    assert response.status_code == 403
    assert "authentik_core.delete_user" in response.json()["detail"]


def test_without_the_permission_hidden_and_missing_look_alike(client_of, charlie, bob):
    hidden = client_of(charlie).post(url(bob), {"password": "long enough"})
    bob.pk = 999999
    missing = client_of(charlie).post(url(bob), {"password": "long enough"})

    assert hidden.status_code == missing.status_code == 403
    assert hidden.json() == missing.json()


def test_an_unknown_user_is_404_to_who_may_set_any(client_of, helpdesk, bob):
    bob.pk = 999999

    assert client_of(helpdesk).post(url(bob), {"password": "long enough"}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"password": ""}, {"password": None}, {"password": "a\0"}, {"password": ["x"]},
     {"password": {}}, {"password": True}, {"password": "x" * 5_000}],
)  # fmt: skip
def test_bad_passwords_are_refused_and_change_nothing(client_of, helpdesk, bob, body):
    before = bob.password

    response = client_of(helpdesk).post(url(bob), body, format="json")

    bob.refresh_from_db()
    assert response.status_code == 400
    assert "password" in response.json()
    assert bob.password == before
