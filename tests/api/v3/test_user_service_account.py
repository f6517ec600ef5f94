from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Group, Token, TokenIntent, User
from accounts.tokens import view_key
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/users/service_account/"


@pytest.fixture
def maker(alice):
    facts.grant(alice, "authentik_core.add_user")
    facts.grant(alice, "authentik_core.add_token")
    return alice


def test_an_account_is_made_with_its_password(client_of, root):
    response = client_of(root).post(URL, {"name": "robot"})

    robot = User.objects.get(username="robot")
    token = Token.objects.get(user=robot)
    assert response.status_code == 200
    assert response.json() == {
        "username": "robot",
        "token": view_key(token=token, actor=None),
        "user_uid": robot.uid,
        "user_pk": robot.pk,
    }
    assert robot.type == "service_account"
    assert not robot.has_usable_password()
    assert (token.intent, token.expiring) == (TokenIntent.APP_PASSWORD, True)
    assert token.expires is not None
    assert token.expires > timezone.now() + timedelta(days=359)


def test_a_group_comes_when_asked_for(client_of, root):
    answer = client_of(root).post(URL, {"name": "robot", "create_group": True}).json()

    group = Group.objects.get(name="robot")
    assert answer["group_pk"] == str(group.pk)
    assert [user.username for user in group.users.all()] == ["robot"]


def test_the_group_is_left_out_for_who_may_not_add_any(client_of, maker):
    response = client_of(maker).post(URL, {"name": "robot", "create_group": True})

    assert response.status_code == 200
    assert "group_pk" not in response.json()
    assert not Group.objects.exists()


def test_the_password_may_never_expire(client_of, root):
    client_of(root).post(URL, {"name": "robot", "expiring": False}, format="json")

    token = Token.objects.get(user__username="robot")
    assert (token.expiring, token.expires) == (False, None)


def test_the_expiry_asked_for_is_kept(client_of, root):
    expires = timezone.now() + timedelta(days=3)

    client_of(root).post(URL, {"name": "robot", "expires": expires.isoformat()})

    assert Token.objects.get(user__username="robot").expires == expires


@pytest.mark.parametrize("name", ["a@b.c", "@", "+.+", "ünïcode"])
def test_any_user_name_has_a_token_that_can_be_named(client_of, root, name):
    client_of(root).post(URL, {"name": name})

    identifier = Token.objects.get(user__username=name).identifier
    assert client_of(root).get(f"/api/v3/core/tokens/{identifier}/").status_code == 200


def test_names_that_look_alike_do_not_collide(client_of, root):
    assert client_of(root).post(URL, {"name": "a.b"}).status_code == 200
    assert client_of(root).post(URL, {"name": "ab"}).status_code == 200


@pytest.mark.parametrize("missing", ["authentik_core.add_user", "authentik_core.add_token"])
def test_both_permissions_are_needed(client_of, alice, missing):
    for name in {"authentik_core.add_user", "authentik_core.add_token"} - {missing}:
        facts.grant(alice, name)

    assert client_of(alice).post(URL, {"name": "robot"}).status_code == 403
    assert not User.objects.filter(username="robot").exists()


BAD_BODIES = {
    "no name": ({}, "non_field_errors"),
    "taken": ({"name": "root"}, "non_field_errors"),
    "taken by a group": ({"name": "crew", "create_group": True}, "non_field_errors"),
    "blank": ({"name": ""}, "name"),
    "null": ({"name": None}, "name"),
    "blanks": ({"name": "   "}, "name"),
    "NUL": ({"name": "a\0"}, "name"),
    "long": ({"name": "a" * 151}, "name"),
    "foreign characters": ({"name": "a b"}, "name"),
    "a list": ({"name": ["a"]}, "name"),
    "expires": ({"name": "robot", "expires": "soon"}, "expires"),
    "expiring": ({"name": "robot", "expiring": "soon"}, "expiring"),
    "create_group": ({"name": "robot", "create_group": {}}, "create_group"),
    "no object": ([], "non_field_errors"),
}


@pytest.mark.parametrize(("body", "key"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies_are_refused_by_field_and_write_nothing(client_of, root, body, key):
    facts.group("crew")

    response = client_of(root).post(URL, body, format="json")

    assert response.status_code == 400
    assert key in response.json()
    assert User.objects.count() == 1
    assert not Token.objects.exists()
