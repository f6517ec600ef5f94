"""Tokens and access keys: made here, shown once, revoked here, under their own rules."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Token, TokenIntent, User, UserType
from audit.models import Event, EventKind
from permissions.engine import authenticate_key
from permissions.operations import create_user_token
from tests import facts
from tests.console.conftest import statements

LIST, CREATE = "/admin/tokens/", "/admin/tokens/create/"
LATER = timezone.now() + timedelta(days=5)
UNTIL = f"{LATER:%Y-%m-%dT%H:%M}"
API = {"kind": "api", "identifier": "ci"}

pytestmark = pytest.mark.django_db


def listed(browser, **words):
    page = browser.get(LIST, words)
    assert page.status_code == 200
    return [cells[0][1].text for cells, _ in page.context["rows"]]


def refusals(page):
    assert page.status_code == 200
    return list(page.context["form"].errors)


def owner_of(key):
    token = authenticate_key(key)
    assert token is not None
    return token.user


def test_a_token_is_made_and_its_key_shown_once(superuser, root):
    page = superuser.post(CREATE, {**API, "expires": UNTIL, "reason": "for the pipeline"})

    key, token = page.context["key"], Token.objects.get()
    assert "no-store" in page["Cache-Control"]
    assert key in page.content.decode()
    assert owner_of(key) == root
    assert f"{token.expires:%Y-%m-%dT%H:%M}" == UNTIL
    event = Event.objects.get(kind=EventKind.TOKEN_CREATED)
    assert (event.actor_pk, event.reason, event.door) == (root.pk, "for the pipeline", "console")
    for url in (LIST, "/admin/changes/", f"/admin/authentik_core/token/{token.pk}/change/", CREATE):
        assert key not in superuser.get(url).content.decode()
    assert key not in str(Event.objects.values_list("before", "after"))


def test_sending_the_form_again_makes_no_second_token(superuser):
    superuser.post(CREATE, API)

    assert refusals(superuser.post(CREATE, API)) == ["identifier"]
    assert Token.objects.count() == 1


def test_an_access_key_is_a_name_and_a_secret(superuser):
    page = superuser.post(CREATE, {"kind": "access_key"})

    user = owner_of(page.context["key"])
    assert user.type == UserType.SERVICE_ACCOUNT
    assert Token.objects.get().access_key_id == page.context["key_name"]


def test_a_token_for_somebody_else_meets_the_ceiling(browser_of, superuser, charlie, bob):
    facts.grant(bob, "authentik_core.delete_user")
    browser = browser_of(charlie, "authentik_core.view_user", "authentik_core.add_token")

    refused = browser.post(CREATE, {**API, "user": "bob"})
    made = superuser.post(CREATE, {**API, "user": "bob"})

    assert refusals(refused) == ["__all__"]
    assert "authentik_core.delete_user" in refused.context["form"].errors["__all__"][0]
    assert owner_of(made.context["key"]) == bob


@pytest.mark.parametrize("kind", ["api", "app_password", "access_key"])
def test_whoever_may_make_none_for_others_makes_them_for_oneself(browser_of, charlie, bob, kind):
    browser = browser_of(charlie, "authentik_core.view_user")
    words = {"kind": kind, "identifier": "mine"}

    assert refusals(browser.post(CREATE, {**words, "user": "bob"})) == ["user"]
    made = browser.post(CREATE, {**words, "user": "charlie"})

    assert owner_of(made.context["key"]) == charlie if kind != "app_password" else True
    assert [token.user for token in Token.objects.all()] == [charlie]


def test_a_new_account_for_a_key_takes_the_right_to_make_accounts(browser_of, charlie):
    browser = browser_of(charlie, "authentik_core.add_token")

    assert refusals(browser.post(CREATE, {"kind": "access_key"})) == ["user"]
    assert not Token.objects.exists()
    assert User.objects.filter(type=UserType.SERVICE_ACCOUNT).count() == 0


def test_the_owners_rules_bind_its_tokens(browser_of, superuser, charlie):
    charlie.attributes = {"goauthentik.io/user/token-maximum-lifetime": "days=1"}
    charlie.save()
    browser = browser_of(charlie)

    assert refusals(browser.post(CREATE, {**API, "never": "on"})) == ["never"]
    assert refusals(browser.post(CREATE, {**API, "expires": UNTIL})) == ["expires"]
    browser.post(CREATE, API)
    token = Token.objects.get()
    assert token.expiring
    assert token.expires is not None
    assert token.expires <= timezone.now() + timedelta(days=1)
    superuser.post(CREATE, {**API, "identifier": "for-ever", "never": "on"})
    assert not Token.objects.get(identifier="for-ever").expiring


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"identifier": ""}, "identifier"),
        ({"identifier": "has blanks"}, "identifier"),
        ({"identifier": "<b>"}, "identifier"),
        ({"identifier": "\u202eright"}, "identifier"),
        ({"identifier": "x" * 256}, "identifier"),
        ({"identifier": "\0"}, "identifier"),
        ({"kind": "verification"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"expires": "2020-01-01T00:00"}, "expires"),
        ({"expires": "tomorrow"}, "expires"),
        ({"expires": UNTIL, "never": "on"}, "never"),
        ({"user": "gone"}, "user"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(superuser, words, field):
    page = superuser.post(CREATE, {**API, **words})

    assert refusals(page) == [field]
    assert not Token.objects.exists()
    assert not Event.objects.filter(kind=EventKind.TOKEN_CREATED).exists()


def test_a_token_is_revoked(superuser, root, bob):
    token = create_user_token(actor=root, user=bob, identifier="of-bob", key="a-key-of-bob-12345")
    url = f"/admin/tokens/{token.pk}/revoke/"

    assert superuser.get(url).status_code == 200
    done = superuser.post(url, {"reason": "lost"})

    assert done["Location"] == LIST
    assert authenticate_key("a-key-of-bob-12345") is None
    event = Event.objects.get(kind=EventKind.TOKEN_DELETED)
    assert (event.reason, event.actor_pk) == ("lost", root.pk)
    assert superuser.post(url).status_code == 404


def test_one_sees_and_revokes_ones_own_and_no_others(browser_of, charlie, bob):
    mine = create_user_token(actor=None, user=charlie, identifier="mine")
    other = create_user_token(actor=None, user=bob, identifier="other")
    browser = browser_of(charlie)

    assert listed(browser) == ["mine"]
    assert browser.post(f"/admin/tokens/{other.pk}/revoke/").status_code == 404
    assert browser.post(f"/admin/tokens/{mine.pk}/revoke/").status_code == 302
    assert list(Token.objects.all()) == [other]


def test_an_auditor_sees_tokens_and_revokes_none(browser_of, charlie, bob):
    token = create_user_token(actor=None, user=bob, identifier="of-bob")
    browser = browser_of(charlie, "authentik_core.view_token")

    page = browser.get(LIST)

    assert listed(browser) == ["of-bob"]
    assert page.context["rows"][0][1] == []
    assert page.context["rows"][0][0][1][1].text == "hidden"  # whom charlie may not view
    assert browser.post(f"/admin/tokens/{token.pk}/revoke/").status_code == 403
    assert Token.objects.exists()


def test_tokens_are_found_by_owner_name_and_state(superuser, root, bob):
    for name, user in (("a-1", bob), ("a-2", root), ("b-1", bob)):
        create_user_token(actor=None, user=user, identifier=name)
    Token.objects.filter(identifier="b-1").update(expires=timezone.now() - timedelta(days=1))

    assert listed(superuser, user="bob") == ["a-1", "b-1"]
    assert listed(superuser, identifier="a-") == ["a-1", "a-2"]
    assert listed(superuser, state="ended") == ["b-1"]
    assert listed(superuser, state="active") == ["a-1", "a-2"]
    assert superuser.get(LIST, {"format": "json"}).json()["results"][0]["User"] == "bob"


def test_the_list_costs_few_statements_however_many_tokens(superuser, bob):
    def make(number):
        for n in range(number):
            create_user_token(actor=None, user=bob, identifier=f"token-{number}-{n}")

    make(1)
    with statements() as few:
        superuser.get(LIST)
    make(60)
    with statements() as many:
        page = superuser.get(LIST)

    assert len(many) == len(few) <= 4
    assert len(listed(superuser, after=page.context["rows"][-1][0][0][1].text)) == 11


def test_without_the_secret_of_the_form_or_a_session_nothing_is_made(root, client):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(root)

    assert browser.post(CREATE, API).status_code == 403
    assert client.post(CREATE, API).status_code == 302
    assert not Token.objects.exists()


def test_an_app_password_is_no_api_token(superuser):
    superuser.post(CREATE, {"kind": "app_password", "identifier": "mail"})

    assert Token.objects.get().intent == TokenIntent.APP_PASSWORD


def test_one_way_leads_to_the_tokens(superuser):
    sections = superuser.get("/admin/").context["sidebar_navigation"]

    links = [item["link"] for section in sections for item in section["items"]]
    assert links.count(LIST) == 1
    assert "/admin/authentik_core/token/" not in links
