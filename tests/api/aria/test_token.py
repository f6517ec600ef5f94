"""Trading a password for a token: sliding, revocable, under two names."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import SignIn
from accounts.signins import LIFETIME
from audit.models import Event, EventKind
from permissions.operations.users import set_password, update_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture
def bob(bob):
    set_password(user=bob, password=PASSWORD, actor=None)
    return bob


@pytest.fixture
def acquire(stranger):
    def send(**changed):
        return stranger.post("token/acquire", {"username": "bob", "password": PASSWORD} | changed)

    return send


@pytest.fixture
def token(bob, acquire):
    return acquire().json()["token"]


def whoami(stranger, header):
    return stranger.get("currentuser", None, **({"Authorization": header} if header else {}))


@pytest.mark.parametrize("source", ["LOCAL", "Local", "local", "", None])
def test_a_password_buys_a_token(bob, acquire, source):
    response = acquire(authSource=source)

    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"token", "validity", "expiresAt", "roles"}
    assert answer["roles"] == []
    assert Event.objects.filter(kind=EventKind.LOGGED_IN, actor_pk=bob.pk).count() == 1


def test_validity_is_an_instant_in_milliseconds(bob, acquire):
    ends = datetime.fromtimestamp(acquire().json()["validity"] / 1000, tz=UTC)

    assert abs(ends - timezone.now() - LIFETIME) < timedelta(minutes=1)


def test_the_roles_of_the_user_are_told(put, bob, operator, acquire):
    put(bob, roleName="Operator", allowAllObjects=True)

    assert acquire().json()["roles"] == ["Operator"]


@pytest.mark.parametrize(
    "changed",
    [{"password": "wrong"}, {"username": "nobody"}, {"authSource": "corp"}, {"username": "a b"}],
)
def test_wrong_credentials_are_401(bob, acquire, changed):
    response = acquire(**changed)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "OpsToken"
    assert response.json()["apiErrorCode"] == 1512
    assert not SignIn.objects.exists()


@pytest.mark.parametrize("changed", [{"password": None}, {"username": ""}, {"username": ["bob"]}])
def test_incomplete_credentials_are_400(bob, acquire, changed):
    assert acquire(**changed).status_code == 400


def test_an_inactive_user_gets_none_and_loses_what_it_has(bob, token, acquire, stranger):
    update_user(user=bob, actor=None, is_active=False)

    assert acquire().status_code == 401
    assert whoami(stranger, f"OpsToken {token}").status_code == 401


@pytest.mark.parametrize("scheme", ["OpsToken", "vRealizeOpsToken", "opstoken", "VREALIZEOPSTOKEN"])
def test_both_schemes_work_in_any_case(stranger, token, scheme):
    response = whoami(stranger, f"{scheme} {token}")

    assert (response.status_code, response.json()["username"]) == (200, "bob")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "OpsToken",
        "OpsToken wrong::token",
        "OpsToken \xff",
        "Bearer {token}",
        "CSPToken {token}",
        "SSO2Token {token}",
        "Basic Ym9iOmJvYg==",
        "{token}",
    ],
)
def test_everything_else_is_401_with_a_challenge(stranger, token, header):
    response = whoami(stranger, header and header.format(token=token))

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "OpsToken"
    body = response.json()
    assert (body["type"], body["httpStatusCode"], body["apiErrorCode"]) == ("Error", 401, 1512)


def test_a_token_of_this_door_opens_no_other(client, token):
    response = client.get("/api/v3/core/users/me/", headers={"Authorization": f"Bearer {token}"})

    assert response.status_code in (403, 404)


def test_only_a_digest_is_stored(token):
    assert token not in str(list(SignIn.objects.values()))


def test_each_call_slides_the_end(stranger, token):
    SignIn.objects.update(expires=timezone.now() + timedelta(minutes=5))

    whoami(stranger, f"OpsToken {token}")

    assert SignIn.objects.get().expires > timezone.now() + timedelta(hours=5)


def test_an_expired_token_is_401_and_stays_so(stranger, token):
    SignIn.objects.update(expires=timezone.now() - timedelta(seconds=1))

    assert whoami(stranger, f"OpsToken {token}").status_code == 401
    assert whoami(stranger, f"OpsToken {token}").status_code == 401


def test_a_released_token_ends(bob, stranger, token):
    response = stranger.post("token/release", None, Authorization=f"OpsToken {token}")

    assert (response.status_code, response.content) == (200, b"")
    assert whoami(stranger, f"OpsToken {token}").status_code == 401
    assert Event.objects.filter(kind=EventKind.LOGGED_OUT, actor_pk=bob.pk).count() == 1


def test_a_new_password_ends_tokens(bob, stranger, token):
    set_password(user=bob, password="another", actor=None)

    assert whoami(stranger, f"OpsToken {token}").status_code == 401


def test_changing_ones_password_keeps_the_token_in_use_alone(bob, stranger, token, acquire):
    other = acquire().json()["token"]
    change = {"currentPassword": PASSWORD, "newPassword": "new password"}

    response = stranger.put("users/passwordchange", change, Authorization=f"OpsToken {token}")

    assert (response.status_code, response.content) == (204, b"")
    assert whoami(stranger, f"OpsToken {token}").status_code == 200
    assert whoami(stranger, f"OpsToken {other}").status_code == 401
    assert acquire(password="new password").status_code == 200
    assert acquire().status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"currentPassword": "wrong", "newPassword": "new"},
        {"currentPassword": PASSWORD},
        {"currentPassword": PASSWORD, "newPassword": ""},
    ],
)
def test_a_password_change_that_is_not_right_is_400(bob, stranger, token, change, acquire):
    response = stranger.put("users/passwordchange", change, Authorization=f"OpsToken {token}")

    assert response.status_code == 400
    assert acquire().status_code == 200
