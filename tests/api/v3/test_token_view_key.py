from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Token
from accounts.tokens import create_token
from audit.models import Event, EventKind
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/tokens/hers/view_key/"


@pytest.fixture(autouse=True)
def token(alice):
    return create_token(user=alice, identifier="hers", actor=None, key="very-secret")


def test_it_needs_the_permission_even_of_the_owner(client_of, alice, token):
    refused = client_of(alice).get(URL)
    facts.grant(alice, "authentik_core.view_token_key", token)
    accepted = client_of(alice).get(URL)

    assert refused.status_code == 403
    assert accepted.json() == {"key": "very-secret"}


def test_it_leaves_an_event_without_the_key(client_of, root):
    client_of(root).get(URL)

    event = Event.objects.get(kind=EventKind.TOKEN_KEY_VIEWED)
    assert (event.actor_name, event.target_name) == ("root", "hers")
    assert "very-secret" not in f"{event.before}{event.after}"


def test_a_refused_look_leaves_none(client_of, charlie):
    client_of(charlie).get(URL)

    assert not Event.objects.filter(kind=EventKind.TOKEN_KEY_VIEWED).exists()


def test_it_is_no_way_to_become_a_superuser(client_of, charlie, root):
    create_token(user=root, identifier="mighty", actor=None, key="mightiest")
    facts.grant(charlie, "authentik_core.view_token_key")
    facts.grant(charlie, "authentik_core.view_token")

    response = client_of(charlie).get("/api/v3/core/tokens/mighty/view_key/")

    assert response.status_code == 403
    assert "mightiest" not in response.content.decode()


def test_it_is_no_way_to_what_the_caller_does_not_hold(client_of, charlie, alice):
    facts.grant(alice, "authentik_core.delete_user")
    facts.grant(charlie, "authentik_core.view_token_key")

    response = client_of(charlie).get(URL)

    assert response.status_code == 403
    assert "authentik_core.delete_user" in response.json()["detail"]


def test_it_needs_what_the_key_gives_for_as_long_as_it_works(client_of, charlie, alice, token):
    soon = timezone.now() + timedelta(hours=1)
    facts.grant(alice, "authentik_core.delete_user")
    facts.grant(charlie, "authentik_core.view_token_key")
    facts.grant(charlie, "authentik_core.delete_user", valid_until=soon)

    beyond = client_of(charlie).get(URL)
    Token.objects.filter(pk=token.pk).update(expires=soon)
    within = client_of(charlie).get(URL)

    assert (beyond.status_code, within.status_code) == (403, 200)


def test_hidden_looks_like_missing(client_of, charlie):
    hidden = client_of(charlie).get(URL)
    missing = client_of(charlie).get("/api/v3/core/tokens/nobodys/view_key/")

    assert hidden.status_code == missing.status_code == 403
    assert hidden.json() == missing.json()


def test_an_unknown_token_is_404(client_of, root):
    assert client_of(root).get("/api/v3/core/tokens/nobodys/view_key/").status_code == 404
