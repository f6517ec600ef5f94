import pytest

from accounts.tokens import create_token
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/tokens/"


@pytest.fixture(autouse=True)
def token(alice):
    return create_token(user=alice, identifier="hers", actor=None, key="very-secret")


def test_its_owner_sees_it_without_the_key(client_of, alice):
    response = client_of(alice).get(f"{URL}hers/")

    assert response.status_code == 200
    assert response.json()["identifier"] == "hers"
    assert "very-secret" not in response.content.decode()


def test_to_others_it_looks_missing(client_of, charlie):
    hidden = client_of(charlie).get(f"{URL}hers/")
    missing = client_of(charlie).get(f"{URL}nobodys/")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json()


def test_the_permission_to_view_the_key_does_not_show_the_token(client_of, charlie, token):
    facts.grant(charlie, "authentik_core.view_token_key", token)

    assert client_of(charlie).get(f"{URL}hers/").status_code == 404


@pytest.mark.parametrize("identifier", ["he rs", "hers%00", "%00", "😀", "h" * 300])
def test_identifiers_no_token_can_have_are_404(client_of, root, identifier):
    assert client_of(root).get(f"{URL}{identifier}/").status_code == 404
