import pytest

from accounts.tokens import create_token

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/tokens/hers/used_by/"


@pytest.fixture(autouse=True)
def token(alice):
    return create_token(user=alice, identifier="hers", actor=None)


def test_nothing_refers_to_a_token(client_of, alice):
    response = client_of(alice).get(URL)

    assert (response.status_code, response.json()) == (200, [])


def test_a_hidden_token_is_missing(client_of, charlie):
    assert client_of(charlie).get(URL).status_code == 404
