"""Who is calling: the table of the contract, by the answers callers get."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import TokenIntent, User
from accounts.tokens import create_token

pytestmark = pytest.mark.django_db

LIST, ME = "/api/v3/core/users/", "/api/v3/core/users/me/"
NOT_PROVIDED = "Authentication credentials were not provided."
NOT_ALLOWED = "You do not have permission to perform this action."
INVALID = "Token invalid/expired"


@pytest.fixture(autouse=True)
def token(alice):
    return create_token(user=alice, identifier="hers", actor=None, key="good-key")


def refusal(client, header, url=ME):
    response = client.get(url, HTTP_AUTHORIZATION=header) if header is not None else client.get(url)
    assert response.status_code == 403
    assert "WWW-Authenticate" not in response.headers
    return response.json()["detail"]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_a_key_says_who_is_calling(anonymous, scheme):
    response = anonymous.get(ME, HTTP_AUTHORIZATION=f"{scheme} good-key")

    assert response.json()["user"]["username"] == "alice"


def test_a_key_from_under_an_older_secret_still_counts(anonymous, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "newer"

    response = anonymous.get(ME, HTTP_AUTHORIZATION="Bearer good-key")

    assert response.json()["user"]["username"] == "alice"


REFUSED = {
    "nothing": (None, NOT_PROVIDED),
    "empty": ("", NOT_PROVIDED),
    "no space": ("good-key", NOT_PROVIDED),
    "nothing behind": ("Bearer", NOT_PROVIDED),
    "a space behind": ("Bearer ", NOT_PROVIDED),
    "unknown": ("Bearer bad-key", INVALID),
    "two spaces": ("Bearer  good-key", INVALID),
    "words behind": ("Bearer good-key please", INVALID),
    "not UTF-8": ("Bearer \xff\xfe", INVALID),
    "a NUL": ("Bearer good-key\0", INVALID),
    "very long": ("Bearer " + "k" * 5_000, INVALID),
    "basic": ("Basic YWxpY2U6eA==", "Unsupported authentication type"),
    "another": ("Token good-key", "Unsupported authentication type"),
}


@pytest.mark.parametrize(("header", "words"), REFUSED.values(), ids=REFUSED)
def test_refusals_are_403_in_authentiks_words(anonymous, header, words):
    assert refusal(anonymous, header) == words


def test_without_credentials_an_object_is_refused_otherwise(anonymous, alice):
    assert refusal(anonymous, None, LIST) == NOT_PROVIDED
    assert refusal(anonymous, None, f"{LIST}{alice.pk}/") == NOT_ALLOWED


def test_an_expired_key_is_refused_before_anything_cleans_up(anonymous, alice):
    past = timezone.now() - timedelta(seconds=1)
    create_token(user=alice, identifier="old", actor=None, key="old-key", expires=past)

    assert refusal(anonymous, "Bearer old-key") == INVALID


@pytest.mark.parametrize(
    "intent", [TokenIntent.APP_PASSWORD, TokenIntent.RECOVERY, TokenIntent.VERIFICATION]
)
def test_only_api_tokens_are_keys_to_the_api(anonymous, alice, intent):
    create_token(user=alice, identifier="other", actor=None, key="other-key", intent=intent)

    assert refusal(anonymous, "Bearer other-key") == INVALID


def test_a_key_ends_with_its_user(anonymous, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert refusal(anonymous, "Bearer good-key") == INVALID


def test_a_session_will_do(client, bob):
    client.force_login(bob)

    assert client.get(ME).json()["user"]["username"] == "bob"
    assert "authentik_session" in client.cookies


def test_a_bad_key_fails_the_request_even_with_a_session(client, bob):
    client.force_login(bob)

    assert refusal(client, "Bearer bad-key") == INVALID


def test_a_key_wins_over_a_session(client, bob):
    client.force_login(bob)

    response = client.get(ME, HTTP_AUTHORIZATION="Bearer good-key")

    assert response.json()["user"]["username"] == "alice"


@pytest.fixture
def browser(bob):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob)
    return browser


def write(browser, **headers):
    body = {"identifier": "made"}
    return browser.post(
        "/api/v3/core/tokens/", body, content_type="application/json", headers=headers
    )


def test_a_session_alone_does_not_write(browser):
    response = write(browser)

    assert response.status_code == 403
    assert response.json()["detail"].startswith("CSRF Failed: ")


def test_a_session_writes_with_authentiks_cookie_and_header(browser):
    browser.get("/admin/login/")
    browser.cookies["authentik_csrf"] = secret = "a" * 32

    assert write(browser, **{"X-authentik-CSRF": secret}).status_code == 201
    assert write(browser, **{"X-authentik-CSRF": "b" * 32}).status_code == 403


def test_a_key_needs_no_csrf(browser):
    assert write(browser, Authorization="Bearer good-key").status_code == 201


def test_a_session_that_was_ended_is_over(browser):
    browser.session.flush()

    assert browser.get(ME).status_code == 403
