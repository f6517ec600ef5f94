import pytest

from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/users/"


def test_it_shows_a_user(client_of, root, alice):
    response = client_of(root).get(f"{URL}{alice.pk}/")

    assert response.status_code == 200
    assert response.json()["username"] == "alice"
    assert response.json()["uid"] == alice.uid


def test_object_permission_is_enough(client_of, charlie, alice):
    facts.grant(charlie, "authentik_core.view_user", alice)

    assert client_of(charlie).get(f"{URL}{alice.pk}/").status_code == 200


def test_who_may_view_nothing_learns_nothing(client_of, charlie, alice):
    hidden = client_of(charlie).get(f"{URL}{alice.pk}/")
    missing = client_of(charlie).get(f"{URL}999999/")

    assert hidden.status_code == missing.status_code == 403
    assert hidden.json() == missing.json()


def test_hidden_looks_like_missing(client_of, charlie, alice, bob):
    facts.grant(charlie, "authentik_core.view_user", bob)

    hidden = client_of(charlie).get(f"{URL}{alice.pk}/")
    missing = client_of(charlie).get(f"{URL}999999/")

    assert hidden.status_code == missing.status_code == 404
    assert set(hidden.json()) == set(missing.json()) == {"detail"}


def test_anonymous_callers_of_an_object_are_refused_in_authentiks_words(anonymous, alice):
    response = anonymous.get(f"{URL}{alice.pk}/")

    assert response.status_code == 403
    assert response.json() == {"detail": "You do not have permission to perform this action."}


@pytest.mark.parametrize("key", ["x", "0", "-1", "1.5", "9" * 19, "9" * 400, "%00", "1%00", "😀"])
def test_keys_no_user_can_have_are_404(client_of, root, key):
    assert client_of(root).get(f"{URL}{key}/").status_code == 404


def test_a_missing_slash_is_404(client_of, root, alice):
    assert client_of(root).get(f"{URL}{alice.pk}").status_code == 404


def test_it_takes_few_statements(bearer_of, root, alice):
    facts.group("staff", alice)
    client = bearer_of(root)

    with counted() as statements:
        client.get(f"{URL}{alice.pk}/")

    assert len(statements) <= 7, statements
