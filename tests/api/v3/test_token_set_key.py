import pytest

from accounts.tokens import create_token
from audit.models import Event, EventKind
from permissions.engine.callers import authenticate_key
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/tokens/hers/set_key/"
NEW = "a-key-of-ones-own-choice"


@pytest.fixture(autouse=True)
def token(alice):
    return create_token(user=alice, identifier="hers", actor=None, key="old-key")


def test_the_new_key_works_and_the_old_one_no_longer(client_of, root, alice):
    response = client_of(root).post(URL, {"key": NEW})

    assert (response.status_code, response.content) == (204, b"")
    assert authenticate_key("old-key") is None
    assert authenticate_key(NEW).user == alice


def test_it_needs_the_permission_even_of_the_owner(client_of, alice, token):
    refused = client_of(alice).post(URL, {"key": NEW})
    facts.grant(alice, "authentik_core.set_token_key", token)
    accepted = client_of(alice).post(URL, {"key": NEW})

    assert (refused.status_code, accepted.status_code) == (403, 204)


def test_it_leaves_an_event_without_the_key(client_of, root):
    client_of(root).post(URL, {"key": NEW})

    event = Event.objects.get(kind=EventKind.TOKEN_KEY_SET)
    assert (event.actor_name, event.target_name) == ("root", "hers")
    assert NEW not in f"{event.before}{event.after}"


def test_it_is_no_way_to_become_a_superuser(client_of, charlie, root):
    create_token(user=root, identifier="mighty", actor=None, key="mightiest")
    facts.grant(charlie, "authentik_core.set_token_key")

    response = client_of(charlie).post("/api/v3/core/tokens/mighty/set_key/", {"key": "mine" * 4})

    assert response.status_code == 403
    assert authenticate_key("mine" * 4) is None
    assert authenticate_key("mightiest") is not None


def test_a_key_in_use_is_refused(client_of, root):
    create_token(user=root, identifier="other", actor=None, key="taken" * 4)

    response = client_of(root).post(URL, {"key": "taken" * 4})

    assert response.status_code == 409
    assert response.json() == {"key": ["This key is in use."]}
    assert authenticate_key("taken" * 4).identifier == "other"
    assert authenticate_key("old-key").identifier == "hers"


@pytest.mark.parametrize(
    "body",
    [{}, {"key": ""}, {"key": None}, {"key": "with space"}, {"key": "a\0"}, {"key": "ключ"},
     {"key": "a\nb"}, {"key": ["a"]}, {"key": {}}, {"key": True}, {"key": "k" * 256},
     {"key": "k" * 15}],
)  # fmt: skip
def test_bad_keys_are_refused_and_change_nothing(client_of, root, body):
    response = client_of(root).post(URL, body, format="json")

    assert response.status_code == 400
    assert "key" in response.json()
    assert authenticate_key("old-key") is not None


def test_an_unknown_token_is_404(client_of, root):
    response = client_of(root).post("/api/v3/core/tokens/nobodys/set_key/", {"key": NEW})

    assert response.status_code == 404
