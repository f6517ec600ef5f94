import pytest

from accounts.models import Token
from tests import facts

pytestmark = pytest.mark.django_db


def url(identifier):
    return f"/api/v3/core/tokens/{identifier}/"


def test_its_owner_deletes_it_and_the_key_stops_working(bearer_of, alice):
    client = bearer_of(alice)

    response = client.delete(url("key-of-alice"))

    assert (response.status_code, response.content) == (204, b"")
    assert not Token.objects.exists()
    assert client.get("/api/v3/core/users/me/").json() == {"detail": "Token invalid/expired"}


def test_grants_on_it_go_along(client_of, charlie):
    client_of(charlie).post("/api/v3/core/tokens/", {"identifier": "mine"})
    assert charlie.object_grants.exists()

    client_of(charlie).delete(url("mine"))

    assert not charlie.object_grants.exists()


def test_others_need_the_permission(client_of, bearer_of, charlie, alice):
    bearer_of(alice)
    facts.grant(charlie, "authentik_core.view_token")

    refused = client_of(charlie).delete(url("key-of-alice"))
    facts.grant(charlie, "authentik_core.delete_token")
    accepted = client_of(charlie).delete(url("key-of-alice"))

    assert (refused.status_code, accepted.status_code) == (403, 204)
