"""No cache keeps an answer that tells a key."""

import pytest

from accounts.tokens import create_token
from permissions.operations import set_password
from permissions.operations.access_keys import create_access_key
from tests.api.genauth.conftest import PREFIX, Caller

pytestmark = pytest.mark.django_db


def is_kept_by_no_cache(response):
    assert response.status_code in (200, 204), response.content
    return response["Cache-Control"] == "no-store"


def test_seeing_and_setting_the_key_of_a_token(client_of, root, alice):
    create_token(user=alice, identifier="hers", actor=None)
    url, new = "/api/v3/core/tokens/hers/", "a-key-of-ones-own-choice"

    assert is_kept_by_no_cache(client_of(root).get(f"{url}view_key/"))
    assert is_kept_by_no_cache(client_of(root).post(f"{url}set_key/", {"key": new}))


def test_making_a_service_account(client_of, root):
    url = "/api/v3/core/users/service_account/"

    assert is_kept_by_no_cache(client_of(root).post(url, {"name": "robot"}))


def test_making_an_access_key_and_exchanging_it(root, anonymous):
    made = Caller(root).client.post(f"{PREFIX}create-access-key", {})
    key = create_access_key(actor=None, user=root)
    pair = {"accessKeyId": key.access_key_id, "accessKeySecret": key.access_key_secret}

    assert is_kept_by_no_cache(made)
    assert is_kept_by_no_cache(anonymous.post(f"{PREFIX}get-management-token", pair))


def test_signing_in_by_password(anonymous, alice):
    set_password(user=alice, password="long enough", actor=None)
    credentials = {"username": "alice", "password": "long enough"}

    answer = anonymous.post("/suite-api/api/auth/token/acquire", credentials, format="json")

    assert is_kept_by_no_cache(answer)
