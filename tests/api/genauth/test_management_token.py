"""Access keys, and the tokens they are exchanged for."""

import base64
import json
import time
from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Token, User
from accounts.tokens import set_key
from api.genauth import authentication
from api.genauth.wire import iso
from audit.models import Event, EventKind
from permissions.operations.access_keys import create_access_key
from tests import facts
from tests.api.genauth.conftest import PREFIX, Caller
from tests.statements import counted

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(root):
    return create_access_key(actor=None, user=root)


def exchange(anonymous, access_key_id, access_key_secret):
    body = {"accessKeyId": access_key_id, "accessKeySecret": access_key_secret}
    return anonymous.post(f"{PREFIX}get-management-token", body).json()


def token_of(anonymous, key):
    answer = exchange(anonymous, key.access_key_id, key.access_key_secret)
    return answer["data"]["access_token"]


def list_roles(anonymous, **headers):
    return anonymous.get(f"{PREFIX}list-roles", headers=headers).json()


def test_a_pair_is_exchanged_for_a_token(anonymous, key):
    answer = exchange(anonymous, key.access_key_id, key.access_key_secret)

    assert answer["statusCode"] == 200
    assert answer["data"]["expires_in"] == 7200
    assert list_roles(anonymous, authorization=f"Bearer {answer['data']['access_token']}")[
        "data"
    ] == {"totalCount": 0, "list": []}


def test_the_clients_can_read_the_payload_with_standard_base64(anonymous, key):
    payload = token_of(anonymous, key).split(".")[1]

    assert not set("-_") & set(payload)
    claims = json.loads(base64.b64decode(payload + "=="))
    assert claims["scoped_userpool_id"] == authentication.pool_id()
    assert len(claims["scoped_userpool_id"]) == 24


@pytest.mark.parametrize("secret", ["wrong", "", None, 7, "a\0b"])
def test_a_wrong_pair_is_refused(anonymous, key, secret):
    assert exchange(anonymous, key.access_key_id, secret)["statusCode"] in (400, 401)
    assert exchange(anonymous, "0" * 24, key.access_key_secret)["statusCode"] == 401


def test_a_bare_token_counts_too(anonymous, key):
    answer = list_roles(anonymous, authorization=token_of(anonymous, key))

    assert answer["statusCode"] == 200


def test_an_api_token_of_the_service_counts_too(bearer_of, root):
    assert bearer_of(root).get(f"{PREFIX}list-roles").json()["statusCode"] == 200


def test_another_user_pool_is_refused(anonymous, key):
    bearer = f"Bearer {token_of(anonymous, key)}"

    for header in ("x-genauth-userpool-id", "x-authing-userpool-id"):
        answer = list_roles(anonymous, authorization=bearer, **{header: "0" * 24})
        assert answer["statusCode"] == 403
        answer = list_roles(anonymous, authorization=bearer, **{header: authentication.pool_id()})
        assert answer["statusCode"] == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Bearer a.b.c", "authing a:b", "é"])
def test_whoever_is_not_signed_in_learns_it(anonymous, header):
    answer = list_roles(anonymous, authorization=header)

    assert (answer["statusCode"], answer["apiCode"]) == (401, 2020)


def test_a_token_signed_by_somebody_else_is_refused(anonymous, key):
    claims = jwt.decode(token_of(anonymous, key), options={"verify_signature": False})
    forged = jwt.encode(claims, "k" * 32, algorithm="HS256")

    assert list_roles(anonymous, authorization=forged)["statusCode"] == 401


def test_a_token_without_signature_is_refused(anonymous, key):
    claims = jwt.decode(token_of(anonymous, key), options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", algorithm="none")

    assert list_roles(anonymous, authorization=unsigned)["statusCode"] == 401


def test_a_token_counts_a_little_longer_than_announced_and_then_no_more(
    anonymous, key, monkeypatch
):
    past = int(time.time()) - authentication.LIFETIME
    monkeypatch.setattr(time, "time", lambda: past - 1)
    late = token_of(anonymous, key)
    monkeypatch.setattr(time, "time", lambda: past - authentication.GRACE - 1)
    over = token_of(anonymous, key)
    monkeypatch.undo()

    assert list_roles(anonymous, authorization=late)["statusCode"] == 200
    assert list_roles(anonymous, authorization=over)["statusCode"] == 401


def test_a_token_ends_with_its_key(anonymous, key):
    bearer = token_of(anonymous, key)
    Token.objects.filter(pk=key.token.pk).delete()

    assert list_roles(anonymous, authorization=bearer)["statusCode"] == 401


def test_a_new_secret_ends_the_tokens_of_the_old_one(anonymous, key):
    bearer = token_of(anonymous, key)
    set_key(token=key.token, key="another-secret", actor=None)

    assert list_roles(anonymous, authorization=bearer)["statusCode"] == 401
    assert exchange(anonymous, key.access_key_id, "another-secret")["statusCode"] == 200


def test_an_inactive_account_may_do_nothing(anonymous, key, root):
    bearer = token_of(anonymous, key)
    User.objects.filter(pk=root.pk).update(is_active=False)

    assert list_roles(anonymous, authorization=bearer)["statusCode"] == 401
    assert exchange(anonymous, key.access_key_id, key.access_key_secret)["statusCode"] == 401


def test_an_older_secret_key_of_the_service_still_verifies(anonymous, key, settings):
    bearer = token_of(anonymous, key)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a-newer-secret-key-of-the-service"

    assert list_roles(anonymous, authorization=bearer)["statusCode"] == 200


def test_authentication_costs_one_statement(anonymous, key):
    bearer = token_of(anonymous, key)

    with counted() as statements:
        anonymous.post(f"{PREFIX}create-data-policy", {}, headers={"authorization": bearer})

    assert len(statements) == 1, statements


def test_the_command_prints_a_pair_that_may_do_everything(anonymous, capsys):
    call_command("create_access_key", "--json")
    pair = json.loads(capsys.readouterr().out)

    answer = exchange(anonymous, pair["access_key_id"], pair["access_key_secret"])
    made = Token.objects.get(identifier=f"access-key-{pair['access_key_id']}")
    assert answer["statusCode"] == 200
    assert made.user.is_superuser
    assert pair["access_key_secret"] not in made.key_digest + made.key_sealed


def test_the_command_makes_a_key_with_the_rights_of_an_account(anonymous, bob, capsys):
    call_command("create_access_key", "--user", "bob")

    made = Token.objects.get(user=bob)
    assert not bob.is_superuser
    assert made.identifier.removeprefix("access-key-") in capsys.readouterr().out


def test_a_key_made_by_the_api_may_do_nothing_yet(admin, anonymous):
    made = admin.call("create-access-key", type="userpool")["data"]

    answer = exchange(anonymous, made["accessKeyId"], made["accessKeySecret"])
    listed = list_roles(anonymous, authorization=answer["data"]["access_token"])
    assert listed["statusCode"] == 403


@pytest.mark.parametrize("own", [True, False])
def test_a_key_lives_as_long_as_api_tokens_do(admin, root, own):
    of = {"userId": root.hex_id} if own else {}
    made = admin.call("create-access-key", **of)["data"]

    token = Token.objects.get(identifier=f"access-key-{made['accessKeyId']}")
    assert token.expires is not None
    remaining = token.expires - timezone.now()
    assert timedelta() < settings.RBAC_TOKEN_LIFETIME - remaining < timedelta(minutes=5)
    assert made["expiresAt"] == iso(token.expires)


def test_attributes_of_the_account_bind_its_keys(admin, bob):
    maximum = {"goauthentik.io/user/token-maximum-lifetime": "hours=2"}
    User.objects.filter(pk=bob.pk).update(attributes=maximum)

    admin.call("create-access-key", userId=bob.hex_id)

    token = Token.objects.get(user=bob)
    assert token.expires is not None
    assert token.expires < timezone.now() + timedelta(hours=2)


@pytest.mark.parametrize(
    ("options", "lives"), [(["--expires-in", "2h"], 2), (["--never-expires"], 0)]
)
def test_the_operator_says_how_long_a_key_lives(capsys, bob, options, lives):
    call_command("create_access_key", "--user", "bob", *options)

    token = Token.objects.get(user=bob)
    assert token.expiring is bool(lives)
    latest = timezone.now() + timedelta(hours=lives)
    assert token.expires is None or token.expires < latest


def test_a_key_for_somebody_needs_what_that_person_holds_for_as_long(caller_of, alice, bob):
    soon = timezone.now() + timedelta(hours=1)
    for name in ("add_token", "view_user"):
        facts.grant(alice, f"authentik_core.{name}")
    facts.grant(bob, "authentik_rbac.view_role")
    facts.grant(alice, "authentik_rbac.view_role", valid_until=soon)

    assert caller_of(alice).call("create-access-key", userId=bob.hex_id)["statusCode"] == 403
    assert not Token.objects.filter(user=bob).exists()


def test_the_secret_is_told_once(admin):
    made = admin.call("create-access-key")["data"]

    listed = admin.ask("list-access-key")["data"]["list"]
    one = admin.ask("get-access-key", accessKeyId=made["accessKeyId"])["data"]
    assert one in listed
    assert "accessKeySecret" not in one
    events = Event.objects.filter(kind=EventKind.TOKEN_CREATED).values_list("after", flat=True)
    assert not any(made["accessKeySecret"] in json.dumps(after) for after in events)


def test_a_key_is_deleted(admin, anonymous):
    made = admin.call("create-access-key")["data"]

    assert admin.call("delete-access-key", accessKeyId=made["accessKeyId"])["statusCode"] == 200
    assert exchange(anonymous, made["accessKeyId"], made["accessKeySecret"])["statusCode"] == 401
    assert admin.call("delete-access-key", accessKeyId=made["accessKeyId"])["statusCode"] == 404


def test_a_stranger_makes_no_key(caller_of, charlie, root):
    caller: Caller = caller_of(charlie)

    assert caller.call("create-access-key")["statusCode"] == 403
    assert caller.call("create-access-key", userId=root.hex_id)["statusCode"] == 403
    assert Token.objects.filter(user=root).count() == 0
