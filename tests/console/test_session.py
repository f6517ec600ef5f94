"""Signing in tells the one who knows the password what is wrong, and nobody else."""

import pytest
from django.test import Client

from accounts.models import User
from audit.models import Event, EventKind
from tests import facts

PASSWORD = "correct horse battery staple"
WRONG = "The user name or the password is wrong."

pytestmark = pytest.mark.django_db


@pytest.fixture
def dana() -> User:
    user = User(username="dana")
    user.set_password(PASSWORD)
    user.save()
    return user


def signing_in(username: str, password: str) -> str:
    fields = {"username": username, "password": password}
    return Client().post("/admin/login/", fields).content.decode()


def test_an_unknown_name_and_a_wrong_password_look_the_same(dana):
    assert WRONG in signing_in("dana", "wrong")
    assert WRONG in signing_in("nobody", "wrong")


def test_without_the_right_to_enter_one_is_told_so(dana):
    assert "You may not enter the console" in signing_in("dana", PASSWORD)


def test_the_deactivated_are_told_so_if_they_know_the_password(dana):
    User.objects.update(is_active=False)

    assert "This account is deactivated." in signing_in("dana", PASSWORD)
    assert WRONG in signing_in("dana", "wrong")


def test_one_signs_out_everywhere(browser_of, dana):
    here, elsewhere = browser_of(dana), Client()
    elsewhere.force_login(dana)

    answer = here.post("/admin/sign-out-everywhere/")

    event = Event.objects.get(kind=EventKind.LOGGED_OUT)
    assert answer.status_code == 302
    assert (event.actor_pk, event.door, event.after) == (dana.pk, "console", {"everywhere": True})
    for browser in (here, elsewhere):
        assert browser.get("/admin/").status_code == 302


def test_an_easy_password_is_refused_at_its_field(browser_of, dana):
    fields = {"old_password": PASSWORD, "new_password1": "12345678", "new_password2": "12345678"}
    page = browser_of(dana).post("/admin/password_change/", fields)

    assert "too common" in page.content.decode()
    dana.refresh_from_db()
    assert dana.check_password(PASSWORD)


def test_a_form_without_its_token_is_refused_in_words(dana):
    facts.grant(dana, "authentik_rbac.access_admin_interface")
    client = Client(enforce_csrf_checks=True)
    client.force_login(dana)

    page = client.post("/admin/sign-out-everywhere/")

    assert page.status_code == 403
    assert "load the page again" in page.content.decode()
