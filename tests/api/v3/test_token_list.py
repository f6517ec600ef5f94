from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import TokenIntent, User
from accounts.tokens import create_token
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/tokens/"


def names(response):
    assert response.status_code == 200, response.content
    return [token["identifier"] for token in response.json()["results"]]


@pytest.fixture(autouse=True)
def tokens(alice, bob):
    create_token(user=alice, identifier="a-one", actor=None, description="for Mondays")
    create_token(user=alice, identifier="a-two", actor=None, intent=TokenIntent.APP_PASSWORD)
    return create_token(
        user=bob, identifier="b-one", actor=None, expiring=False, managed="goauthentik.io/b"
    )


def test_one_sees_its_own(client_of, alice, charlie):
    assert names(client_of(alice).get(URL)) == ["a-one", "a-two"]
    assert names(client_of(charlie).get(URL)) == []


def test_a_superuser_sees_all(client_of, root):
    assert names(client_of(root).get(URL)) == ["a-one", "a-two", "b-one"]


def test_so_does_who_may_view_tokens(client_of, charlie):
    facts.grant(charlie, "authentik_core.view_token")

    assert names(client_of(charlie).get(URL)) == ["a-one", "a-two", "b-one"]


def test_single_tokens_can_be_shown(client_of, alice, tokens):
    facts.grant(alice, "authentik_core.view_token", tokens)

    assert names(client_of(alice).get(URL)) == ["a-one", "a-two", "b-one"]
    assert names(client_of(alice).get(URL, {"search": "b-o"})) == ["b-one"]


def test_filters_work_for_who_may_view_some(client_of, alice, bob, tokens):
    facts.grant(alice, "authentik_core.view_token", tokens)
    facts.grant(alice, "authentik_core.view_user", bob)
    query = {
        "search": "one o",
        "identifier": "b-one",
        "user__username": "bob",
        "expiring": "false",
        "managed": "goauthentik.io/b",
        "ordering": "-expires",
        "page_size": 1,
    }

    assert names(client_of(alice).get(URL, query)) == ["b-one"]


def test_no_answer_holds_a_key(client_of, root, tokens):
    text = client_of(root).get(URL).content.decode()

    assert "key" not in text
    assert tokens.key_digest not in text
    assert tokens.key_sealed not in text


FILTERS = {
    "identifier": ({"identifier": "a-one"}, ["a-one"]),
    "intent": ({"intent": "app_password"}, ["a-two"]),
    "owner": ({"user__username": "bob"}, ["b-one"]),
    "description": ({"description": "for Mondays"}, ["a-one"]),
    "expiring": ({"expiring": "false"}, ["b-one"]),
    "managed": ({"managed": "goauthentik.io/b"}, ["b-one"]),
    "expires": ({"expires": "2001-01-01T00:00:00Z"}, []),
    "search": ({"search": "monday"}, ["a-one"]),
    "search an owner": ({"search": "bob"}, ["b-one"]),
    "order": ({"ordering": "-identifier"}, ["b-one", "a-two", "a-one"]),
    "unknown order": ({"ordering": "key_digest"}, ["a-one", "a-two", "b-one"]),
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.values(), ids=FILTERS)
def test_filters(client_of, root, query, expected):
    assert names(client_of(root).get(URL, query)) == expected


@pytest.mark.parametrize(
    "query", [{"intent": "x"}, {"expires": "x"}, {"identifier": "\0"}, {"user__username": "\0"}]
)
def test_bad_filters_are_refused_by_name(client_of, root, query):
    response = client_of(root).get(URL, query)

    assert response.status_code == 400
    assert set(response.json()) == set(query)


def test_expired_tokens_are_shown_to_be_cleaned_up(client_of, alice):
    past = timezone.now() - timedelta(days=1)
    create_token(user=alice, identifier="a-past", actor=None, expires=past)

    assert "a-past" in names(client_of(alice).get(URL))


def test_statements_do_not_depend_on_the_rows(bearer_of, root):
    client = bearer_of(root)
    with counted() as few:
        client.get(URL)
    for n in range(20):
        user = User.objects.create(username=f"u{n}")
        facts.hold(facts.role(f"r{n}"), facts.group(f"g{n}", user))
        create_token(user=user, identifier=f"t{n}", actor=None)
    with counted() as many:
        response = client.get(URL)

    assert len(response.json()["results"]) == 24
    assert len(few) <= len(many) <= 8, many
