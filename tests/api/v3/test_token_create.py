from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import Token, TokenIntent
from audit.models import Event, EventKind
from permissions import engine
from permissions.engine.words import ResourceRef
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/tokens/"


@pytest.fixture
def maker(charlie):
    for name in ("add_token", "view_user"):
        facts.grant(charlie, f"authentik_core.{name}")
    return charlie


def test_everybody_makes_tokens_for_itself(client_of, charlie):
    response = client_of(charlie).post(URL, {"identifier": "mine"})

    token = Token.objects.get(identifier="mine")
    assert response.status_code == 201
    assert (token.user, token.intent, token.expiring) == (charlie, TokenIntent.API, True)


def test_the_answer_names_its_owner_and_never_the_key(client_of, charlie):
    answer = client_of(charlie).post(URL, {"identifier": "mine"}).json()

    assert set(answer) == {
        "pk", "managed", "identifier", "intent", "user", "user_obj", "description", "expires",
        "expiring",
    }  # fmt: skip
    assert (answer["user"], answer["user_obj"]["username"]) == (charlie.pk, "charlie")


def test_the_creator_may_view_the_key(client_of, charlie):
    client_of(charlie).post(URL, {"identifier": "mine"})

    token = Token.objects.get(identifier="mine")
    resource = ResourceRef("authentik_core.token", str(token.pk))
    assert engine.check(charlie, "view_token_key", resource).allowed
    assert not engine.check(charlie, "set_token_key", resource).allowed


def test_the_key_works(client_of, anonymous, charlie):
    client_of(charlie).post(URL, {"identifier": "mine"})
    key = client_of(charlie).get(f"{URL}mine/view_key/").json()["key"]

    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    answer = anonymous.get("/api/v3/core/users/me/").json()

    assert answer["user"]["username"] == "charlie"


def test_an_app_password_is_no_api_key(client_of, anonymous, charlie):
    client_of(charlie).post(URL, {"identifier": "mine", "intent": "app_password"})
    key = client_of(charlie).get(f"{URL}mine/view_key/").json()["key"]

    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")

    assert anonymous.get("/api/v3/core/users/me/").json() == {"detail": "Token invalid/expired"}


@pytest.mark.parametrize("somebody", ["alice", "nobody"])
def test_without_the_permission_nobody_makes_tokens_for_others(client_of, charlie, alice, somebody):
    key = alice.pk if somebody == "alice" else 999_999

    response = client_of(charlie).post(URL, {"identifier": "mine", "user": key})

    assert response.status_code == 403
    assert not Token.objects.exists()


def test_a_token_for_somebody_else_is_really_that_persons(client_of, maker, alice):
    response = client_of(maker).post(URL, {"identifier": "hers", "user": alice.pk})

    assert (response.status_code, response.json()["user"]) == (201, alice.pk)
    assert Token.objects.get(identifier="hers").user == alice


def test_a_hidden_owner_looks_like_a_missing_one(client_of, charlie, alice):
    facts.grant(charlie, "authentik_core.add_token")

    response = client_of(charlie).post(URL, {"identifier": "hers", "user": alice.pk})

    assert response.status_code == 400
    assert response.json() == {"user": [f'Invalid pk "{alice.pk}" - object does not exist.']}


def test_a_token_gives_no_more_than_its_maker_holds(client_of, maker, alice):
    facts.grant(alice, "authentik_rbac.view_role")

    response = client_of(maker).post(URL, {"identifier": "hers", "user": alice.pk})

    assert (response.status_code, response.json()["code"]) == (403, "grant_ceiling")
    assert not Token.objects.exists()


def test_a_token_lives_no_longer_than_its_maker_holds_what_it_gives(client_of, maker, alice):
    soon, later = (timezone.now() + timedelta(hours=n) for n in (1, 5))
    facts.grant(alice, "authentik_rbac.view_role")
    facts.grant(maker, "authentik_rbac.view_role", valid_until=soon)

    def make(expires):
        body = {"identifier": "hers", "user": alice.pk, "expires": expires.isoformat()}
        return client_of(maker).post(URL, body).status_code

    assert make(later) == 403
    assert make(soon) == 201


def test_a_superuser_makes_tokens_for_others(client_of, root, alice):
    client_of(root).post(URL, {"identifier": "hers", "user": alice.pk})

    assert Token.objects.get(identifier="hers").user == alice


def test_the_expiry_asked_for_is_honoured(client_of, charlie):
    wanted = timezone.now() + timedelta(days=700)

    answer = (
        client_of(charlie).post(URL, {"identifier": "mine", "expires": wanted.isoformat()}).json()
    )

    assert parse_datetime(answer["expires"]) == wanted
    assert Token.objects.get(identifier="mine").expires == wanted


@pytest.mark.parametrize("given", [{}, {"expires": None}])
def test_without_one_the_service_sets_it(client_of, charlie, given):
    client_of(charlie).post(URL, {"identifier": "mine", **given}, format="json")

    expires = Token.objects.get(identifier="mine").expires
    assert expires is not None
    remaining = expires - timezone.now()
    assert timedelta() < settings.RBAC_TOKEN_LIFETIME - remaining < timedelta(minutes=5)


def test_only_superusers_make_tokens_that_never_expire(client_of, charlie, root):
    client_of(charlie).post(URL, {"identifier": "his", "expiring": False})
    client_of(root).post(URL, {"identifier": "theirs", "expiring": False})

    assert Token.objects.get(identifier="his").expiring
    assert not Token.objects.get(identifier="theirs").expiring


def test_an_attribute_of_the_user_allows_it(client_of, charlie):
    charlie.attributes = {"goauthentik.io/user/token-expires": False}
    charlie.save()

    client_of(charlie).post(URL, {"identifier": "mine"})

    assert not Token.objects.get(identifier="mine").expiring


@pytest.mark.parametrize(("hours", "status"), [(1, 201), (3, 400)])
def test_an_attribute_of_the_user_sets_the_longest_life(client_of, charlie, hours, status):
    charlie.attributes = {"goauthentik.io/user/token-maximum-lifetime": "hours=2"}
    charlie.save()
    expires = (timezone.now() + timedelta(hours=hours)).isoformat()

    response = client_of(charlie).post(
        URL, {"identifier": "mine", "intent": "app_password", "expires": expires}
    )

    assert response.status_code == status


@pytest.mark.parametrize("text", ["forever", "hours=many", 7, None, {"hours": 1}, "aeons=1"])
def test_an_attribute_that_means_nothing_breaks_nothing(client_of, charlie, text):
    charlie.attributes = {"goauthentik.io/user/token-maximum-lifetime": text}
    charlie.save()

    response = client_of(charlie).post(URL, {"identifier": "mine"})

    assert response.status_code == 201
    assert Token.objects.get(identifier="mine").expires is not None


def test_it_leaves_an_event_without_the_key(client_of, charlie):
    client_of(charlie).post(URL, {"identifier": "mine"})

    event = Event.objects.get(kind=EventKind.TOKEN_CREATED)
    assert event.actor_name == "charlie"
    assert "key" not in str(event.after)


def test_anonymous_callers_are_told_to_sign_in(anonymous):
    response = anonymous.post(URL, {"identifier": "mine"})

    assert response.status_code == 403
    assert response.json() == {"detail": "Authentication credentials were not provided."}
    assert not Token.objects.exists()


BAD_BODIES = {
    "no identifier": ({}, "identifier"),
    "blank identifier": ({"identifier": ""}, "identifier"),
    "no slug": ({"identifier": "a b"}, "identifier"),
    "NUL": ({"identifier": "a\0b"}, "identifier"),
    "long identifier": ({"identifier": "a" * 256}, "identifier"),
    "identifier is a list": ({"identifier": []}, "identifier"),
    "taken identifier": ({"identifier": "taken"}, "identifier"),
    "verification": ({"identifier": "a", "intent": "verification"}, "intent"),
    "recovery": ({"identifier": "a", "intent": "recovery"}, "intent"),
    "unknown intent": ({"identifier": "a", "intent": "x"}, "intent"),
    "intent is null": ({"identifier": "a", "intent": None}, "intent"),
    "unknown user": ({"identifier": "a", "user": 999999}, "user"),
    "huge user": ({"identifier": "a", "user": 2**64 - 1}, "user"),
    "user is text": ({"identifier": "a", "user": "x"}, "user"),
    "user is true": ({"identifier": "a", "user": True}, "user"),
    "user is an object": ({"identifier": "a", "user": {}}, "user"),
    "no date": ({"identifier": "a", "expires": "soon"}, "expires"),
    "date is a number": ({"identifier": "a", "expires": 5}, "expires"),
    "expiring is text": ({"identifier": "a", "expiring": "so"}, "expiring"),
    "NUL in the description": ({"identifier": "a", "description": "\0"}, "description"),
    "description is null": ({"identifier": "a", "description": None}, "description"),
    "blank managed": ({"identifier": "a", "managed": ""}, "managed"),
    "long managed": ({"identifier": "a", "managed": "m" * 256}, "managed"),
    "a list": ([], "non_field_errors"),
}


@pytest.mark.parametrize(("body", "key"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies_are_refused_by_field_and_write_nothing(client_of, root, body, key):
    client_of(root).post(URL, {"identifier": "taken"})

    response = client_of(root).post(URL, body, format="json")

    assert response.status_code == 400
    assert key in response.json()
    assert Token.objects.count() == 1


def test_the_intent_of_a_link_is_invalid(client_of, root):
    response = client_of(root).post(URL, {"identifier": "a", "intent": "recovery"})

    assert response.json()["intent"][0].startswith("Invalid intent")


def test_it_needs_no_permission_but_an_active_user(bearer_of, charlie):
    client = bearer_of(charlie)
    charlie.is_active = False
    charlie.save()

    response = client.post(URL, {"identifier": "mine"})

    assert response.status_code == 403
    assert response.json() == {"detail": "Token invalid/expired"}


def test_an_end_in_seconds_taken_for_milliseconds_is_refused(client_of, root):
    body = {"identifier": "t", "expires": "1970-01-21T10:53:45Z"}

    response = client_of(root).post("/api/v3/core/tokens/", body)

    assert (response.status_code, list(response.json())) == (400, ["expires"])
