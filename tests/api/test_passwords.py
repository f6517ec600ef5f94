"""Passwords that are easy to guess are refused at every door that sets one, in its own shape."""

import pytest
from django.core.management import call_command

from accounts.models import User
from accounts.signins import sign_in
from permissions.operations import set_password
from tests.api.genauth.conftest import Caller

pytestmark = pytest.mark.django_db

GUESSABLE = {
    "short": "x7-Qp.z",
    "common": "password123",
    "digits alone": "7304958162",
    "the user's name": "dave-of-sales",
}
guessable = pytest.mark.parametrize("password", GUESSABLE.values(), ids=GUESSABLE)
ARIA = "/suite-api/api/auth/users"


@pytest.fixture
def dave():
    return User.objects.create(username="dave-of-sales", name="Dave", email="d@example.com")


@guessable
def test_the_authentik_door_refuses_them(client_of, root, dave, password):
    url = f"/api/v3/core/users/{dave.pk}/set_password/"

    response = client_of(root).post(url, {"password": password})

    assert (response.status_code, list(response.json())) == (400, ["password"])
    assert User.objects.get(pk=dave.pk).password == ""


@guessable
def test_the_aria_door_refuses_them_in_new_users(client_of, root, password):
    body = {"username": "dave-of-sales", "password": password}

    response = client_of(root).post(ARIA, body, format="json")

    assert response.status_code == 400, response.content
    assert "password" in response.content.decode()
    assert not User.objects.filter(username="dave-of-sales").exists()


@guessable
def test_the_aria_door_refuses_them_in_changed_users(client_of, root, dave, password):
    body = {"id": str(dave.uuid), "username": "dave-of-sales", "password": password}

    response = client_of(root).put(ARIA, {**body, "lastName": "New"}, format="json")

    assert response.status_code == 400, response.content
    assert User.objects.get(pk=dave.pk).name == "Dave"


@guessable
def test_nobody_changes_his_own_into_one(anonymous, dave, password):
    set_password(user=dave, password="correct horse battery staple", actor=None)
    key, _ = sign_in(user=dave)
    body = {"currentPassword": "correct horse battery staple", "newPassword": password}

    response = anonymous.put(
        f"{ARIA}/passwordchange", body, headers={"authorization": f"OpsToken {key}"}
    )

    assert response.status_code == 400
    assert "newPassword" in response.content.decode()
    assert User.objects.get(pk=dave.pk).check_password("correct horse battery staple")


@guessable
def test_the_genauth_door_refuses_them(root, password):
    answer = Caller(root).call("create-user", username="dave-of-sales", password=password)

    assert answer["statusCode"] == 400
    assert "password" in answer["message"]
    assert not User.objects.filter(username="dave-of-sales").exists()


def test_the_rules_can_be_left_to_another_program(client_of, root, dave, settings):
    settings.AUTH_PASSWORD_VALIDATORS = []
    url = f"/api/v3/core/users/{dave.pk}/set_password/"

    assert client_of(root).post(url, {"password": "x"}).status_code == 204


@pytest.mark.parametrize(("password", "warned"), [("akadmin1", True), ("Wq7-correct-horse", False)])
def test_the_operator_is_warned_and_obeyed(settings, capsys, password, warned):
    settings.RBAC_BOOTSTRAP_PASSWORD = password

    call_command("bootstrap")

    assert User.objects.get(username="akadmin").check_password(password)
    assert ("RBAC_BOOTSTRAP_PASSWORD is easy to guess" in capsys.readouterr().err) is warned
