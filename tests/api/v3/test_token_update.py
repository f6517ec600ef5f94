"""PUT and PATCH of a token."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Token, TokenIntent
from accounts.tokens import create_token
from audit.models import Event, EventKind
from permissions.engine.callers import authenticate_key
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/tokens/hers/"


@pytest.fixture(autouse=True)
def token(alice):
    return create_token(user=alice, identifier="hers", actor=None, intent=TokenIntent.APP_PASSWORD)


def test_the_owner_changes_it(client_of, alice, token):
    response = client_of(alice).patch(URL, {"description": "for Mondays"})

    token.refresh_from_db()
    assert response.status_code == 200
    assert response.json()["description"] == token.description == "for Mondays"
    assert token.intent == TokenIntent.APP_PASSWORD


def test_it_leaves_an_event_with_before_and_after(client_of, alice):
    client_of(alice).patch(URL, {"description": "for Mondays"})

    event = Event.objects.get(kind=EventKind.TOKEN_CHANGED)
    descriptions = [state["description"] for state in (event.before or {}, event.after or {})]
    assert descriptions == ["", "for Mondays"]


@pytest.mark.parametrize("method", ["patch", "put"])
def test_the_owner_is_never_changed(client_of, root, alice, token, method):
    """CVE-2024-37905: a token given to a superuser acts as one."""
    body = {"identifier": "hers", "user": root.pk}

    for caller in (alice, root):
        response = getattr(client_of(caller), method)(URL, body)
        assert response.status_code == 400
        assert response.json() == {"user": ["User cannot be changed"]}
    token.refresh_from_db()
    assert token.user == alice


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_superuser_who_does_not_name_the_owner_does_not_become_it(
    client_of, root, alice, token, method
):
    response = getattr(client_of(root), method)(URL, {"identifier": "hers", "description": "x"})

    token.refresh_from_db()
    assert response.status_code == 200
    assert (token.user, token.intent) == (alice, TokenIntent.APP_PASSWORD)


def test_what_was_read_can_be_sent_back(client_of, alice):
    read = client_of(alice).get(URL).json()

    response = client_of(alice).put(URL, read, format="json")

    assert response.json() == read
    assert not Event.objects.filter(kind=EventKind.TOKEN_CHANGED).exists()


@pytest.mark.parametrize("change", [{"expiring": False}, {"expires": None}])
def test_its_owner_does_not_make_it_immortal(client_of, alice, token, change):
    client_of(alice).patch(URL, change, format="json")

    token.refresh_from_db()
    assert token.expiring
    assert token.expires is not None


def test_a_superuser_does(client_of, root, token):
    client_of(root).patch(URL, {"expiring": False}, format="json")

    token.refresh_from_db()
    assert not token.expiring


def test_an_expired_key_is_refused_until_its_life_is_prolonged(client_of, alice):
    past, future = (timezone.now() + timedelta(days=days) for days in (-1, 1))
    create_token(user=alice, identifier="old", actor=None, key="old-key", expires=past)
    assert authenticate_key("old-key") is None

    client_of(alice).patch("/api/v3/core/tokens/old/", {"expires": future.isoformat()})

    assert authenticate_key("old-key") is not None


def test_who_may_change_tokens_does_not_prolong_those_of_the_mighty(client_of, charlie, root):
    create_token(user=root, identifier="mighty", actor=None)
    facts.grant(charlie, "authentik_core.view_token")
    facts.grant(charlie, "authentik_core.change_token")
    later = (timezone.now() + timedelta(days=900)).isoformat()

    response = client_of(charlie).patch("/api/v3/core/tokens/mighty/", {"expires": later})

    assert response.status_code == 403


def test_a_foreign_token_is_prolonged_only_as_far_as_the_caller_holds_what_it_gives(
    client_of, charlie, alice, token
):
    soon, later = (timezone.now() + timedelta(hours=n) for n in (1, 5))
    facts.grant(alice, "authentik_rbac.view_role")
    facts.grant(charlie, "authentik_rbac.view_role", valid_until=soon)
    for name in ("view_token", "change_token"):
        facts.grant(charlie, f"authentik_core.{name}")

    def prolong(**change):
        return client_of(charlie).patch(URL, change, format="json").status_code

    assert prolong(expires=later.isoformat()) == prolong(expires=None) == 403
    assert prolong(expires=soon.isoformat()) == 200


def test_others_need_the_permission(client_of, charlie, token):
    facts.grant(charlie, "authentik_core.view_token")

    assert client_of(charlie).patch(URL, {"description": "x"}).status_code == 403


BAD_BODIES = {
    "taken": ({"identifier": "taken"}, "identifier"),
    "no slug": ({"identifier": "a b"}, "identifier"),
    "recovery": ({"intent": "recovery"}, "intent"),
    "intent is a list": ({"intent": []}, "intent"),
    "no date": ({"expires": {}}, "expires"),
    "user is null": ({"user": None}, "user"),
    "user is text": ({"user": "root"}, "user"),
    "NUL": ({"description": "\0"}, "description"),
    "a list": ([], "non_field_errors"),
}


@pytest.mark.parametrize("method", ["patch", "put"])
@pytest.mark.parametrize(("body", "key"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies_are_refused_by_field_and_write_nothing(client_of, root, method, body, key):
    create_token(user=root, identifier="taken", actor=None)
    if method == "put" and isinstance(body, dict):
        body = {"identifier": "hers", **body}
    before = Token.objects.filter(identifier="hers").values().get()

    response = getattr(client_of(root), method)(URL, body, format="json")

    assert response.status_code == 400
    assert key in response.json()
    assert Token.objects.filter(identifier="hers").values().get() == before
