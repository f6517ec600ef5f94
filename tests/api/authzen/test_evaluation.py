import json

import pytest

from accounts.models import Token
from accounts.tokens import create_token
from tests import facts
from tests.api.authzen.conftest import question
from tests.statements import counted

pytestmark = pytest.mark.django_db
URL = "/access/v1/evaluation"


def raw(client, body, content_type="application/json", **headers):
    return client.generic("POST", URL, body, content_type=content_type, **headers)


def test_an_object_grant_allows_its_object_alone(gate, alice, invoice):
    facts.grant(alice, "shop.view_invoice", "42")

    assert gate.post(URL, question()).json() == {"decision": True}
    assert gate.post(URL, question(resource="43")).json() == {"decision": False}


@pytest.mark.parametrize("action", ["view", "view_invoice", "shop.view_invoice"])
def test_an_action_has_a_short_and_two_long_names(gate, alice, invoice, action):
    facts.grant(alice, "shop.view_invoice", "42")

    assert gate.post(URL, question(action=action)).json() == {"decision": True}


def test_a_global_grant_holds_for_ids_never_seen(gate, alice, invoice):
    facts.grant(alice, "shop.pay")

    response = gate.post(URL, question(action="pay", resource="/todos/{todoId}?x=1"))

    assert response.json() == {"decision": True}


def test_a_type_without_a_namespace_is_in_the_default_one(gate, alice, make_type):
    make_type("default.record", "read")
    facts.grant(alice, "default.read", "record-1")

    response = gate.post(URL, question(action="read", resource="record-1", type="record"))

    assert response.json() == {"decision": True}


def test_a_subject_may_be_called_identity_and_named_by_another_system(gate, alice, invoice):
    alice.external_id = "CiRmZDA2MTRkMy1jMzlhLTQ3"
    alice.save()
    facts.grant(alice, "shop.pay")
    asked = question(action="pay")
    asked["subject"] = {"type": "identity", "id": alice.external_id}

    assert gate.post(URL, asked).json() == {"decision": True}


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "nobody"},
        {"subject": ""},
        {"subject": "\0"},
        {"type": "shop.spaceship"},
        {"type": "\0.\0"},
        {"action": "fly"},
        {"action": "\0"},
        {"resource": "\0"},
    ],
)
def test_what_is_unknown_is_denied_and_no_error(gate, alice, invoice, changed):
    facts.grant(alice, "shop.view_invoice")

    response = gate.post(URL, question(**changed))

    assert (response.status_code, response.json()) == (200, {"decision": False})


def test_members_nobody_knows_and_properties_are_accepted(gate, alice, invoice):
    facts.grant(alice, "shop.view_invoice")
    asked = question() | {"foo": "bar", "future": {"nested": True}, "context": {"ip": "::1"}}
    for entity in ("subject", "action", "resource"):
        asked[entity]["properties"] = {"department": "sales"}

    assert gate.post(URL, asked).json() == {"decision": True}


def test_reasons_come_only_when_asked_for(gate, alice, invoice):
    role = facts.role("clerks")
    facts.hold(role, alice)
    grant = facts.grant(role, "shop.view_invoice", "42")

    answer = gate.post(URL, question() | {"options": {"context": True}}).json()

    assert answer["context"]["reason"] == "role_object"
    assert [step["kind"] for step in answer["context"]["path"]] == ["user", "role", "grant"]
    assert answer["context"]["path"][1]["id"] == str(role.pk)
    assert answer["context"]["path"][2]["id"] == str(grant.pk)


def test_a_denial_has_a_reason_too(gate, invoice):
    answer = gate.post(URL, question() | {"options": {"context": True}}).json()

    assert answer == {"decision": False, "context": {"reason": "unknown_subject"}}


@pytest.mark.parametrize("missing", ["subject", "action", "resource"])
def test_a_missing_entity_is_400(gate, missing):
    asked = question()
    del asked[missing]

    response = gate.post(URL, asked)

    assert response.status_code == 400
    assert missing in response.json()["detail"]


@pytest.mark.parametrize(
    ("entity", "value"),
    [
        ("subject", "alice"),
        ("subject", None),
        ("subject", {"id": "alice"}),
        ("subject", {"type": "user"}),
        ("subject", {"type": "user", "id": 7}),
        ("subject", {"type": "user", "id": "alice", "properties": []}),
        ("subject", []),
        ("action", {}),
        ("action", {"name": 123}),
        ("action", {"name": None}),
        ("action", "view"),
        ("resource", {"id": "42"}),
        ("resource", {"type": "shop.invoice"}),
        ("resource", {"type": "shop.invoice", "id": 42}),
        ("resource", {"type": True, "id": "42"}),
        ("context", "now"),
        ("options", []),
        ("options", {"context": "yes"}),
    ],
)
def test_a_wrong_type_is_400(gate, entity, value):
    response = gate.post(URL, question() | {entity: value})

    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    assert f"$.{entity}" in response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"7",
        b'[{"subject": {}}]',
        b"\xff\xfe",
        b'{"subject": NaN}',
        b'{"subject": {"type": "user", "id": "\\ud800"}}',
        b"[" * 100_000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b'{"subject":{"type":"user","id":"a"},"action":{"name":"v"},"resource":{"type":"t","id":"1"},"action":{"name":"w"}}',
        b'{"subject":{"type":"user","id":"a","id":"b"},"action":{"name":"v"},"resource":{"type":"t","id":"1"}}',
        b'{"subject":{"type":"user","id":"a\\u003a","id":"b"},"action":{"name":"v"},"resource":{"type":"t","id":"1"}}',
        b'{"subject":{"type":"user","id":"\\u003a","\\u0069d":"\\u003a"},"action":{"name":"v"},"resource":{"type":"t","id":"1"}}',
    ],
)
def test_a_malformed_body_is_400(gate, body):
    response = raw(gate, body)

    assert response.status_code == 400
    assert response.json()["detail"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data", ""]
)
def test_a_wrong_content_type_is_400(gate, content_type):
    response = raw(gate, b"{}", content_type=content_type)

    assert response.status_code == 400
    assert "application/json" in response.json()["detail"]


def test_a_charset_is_no_other_content_type(gate, alice, invoice):
    response = raw(gate, json.dumps(question("a:b")), "Application/JSON; charset=utf-8")

    assert response.json() == {"decision": False}


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options"])
def test_only_post_is_answered(gate, method):
    response = getattr(gate, method)(URL)

    assert (response.status_code, response["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "key-of-gateway", "Bearer wrong", "Bearer \xff\xfe"],
)
def test_strangers_get_a_challenge_whatever_they_send(client, gateway, header):
    for body in (b"", b"{", b"{}"):
        response = raw(client, body, HTTP_AUTHORIZATION=header)

        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer")
        assert response.json()["code"] == "not_authenticated"


def test_a_session_is_no_credential_here(client, alice):
    client.force_login(alice, backend="permissions.backends.EngineBackend")

    assert client.post(URL, question(), "application/json").status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"expires": "2020-01-01T00:00:00Z"},
        {"intent": "app_password"},
    ],
)
def test_a_token_that_does_not_count_is_401(gate, change):
    Token.objects.update(**change)

    assert gate.post(URL, question()).status_code == 401


def test_the_token_of_an_inactive_user_is_401(gate, gateway):
    gateway.is_active = False
    gateway.save()

    assert gate.post(URL, question()).status_code == 401


def test_anybody_may_ask_about_itself(bearer_of, alice, invoice):
    facts.grant(alice, "shop.view_invoice", "42")
    client = bearer_of(alice)

    assert client.post(URL, question()).json() == {"decision": True}
    assert client.post(URL, question(subject=str(alice.uuid))).json() == {"decision": True}


@pytest.mark.parametrize("other", ["bob", "nobody", ""])
def test_others_are_refused_to_whom_may_not_check_access(bearer_of, alice, bob, invoice, other):
    response = bearer_of(alice).post(URL, question(subject=other))

    assert response.status_code == 403
    assert "authentik_rbac.check_access" in response.json()["detail"]


def test_the_right_to_ask_may_come_through_a_role_and_a_group(bearer_of, alice, bob, invoice):
    role = facts.role("gateways")
    facts.grant(role, "authentik_rbac.check_access")
    facts.hold(role, facts.group("services", alice))

    assert bearer_of(alice).post(URL, question(subject="bob")).json() == {"decision": False}


def test_a_superuser_may_ask(bearer_of, root, invoice):
    client = bearer_of(root)

    assert client.post(URL, question(subject="root")).json() == {"decision": True}
    assert client.post(URL, question(subject="bob")).json() == {"decision": False}


def test_a_token_limited_to_other_permissions_may_not_ask(gate, bob, invoice):
    Token.objects.update(permissions=["authentik_core.view_user"])

    assert gate.post(URL, question(subject="bob")).status_code == 403


@pytest.mark.parametrize("given", ["trace-1", "a/b=c"])
@pytest.mark.parametrize("body", [b"", b"{"])
def test_the_request_id_is_echoed_on_errors_too(client, gate, given, body):
    for asking in (gate, client):
        assert raw(asking, body, HTTP_X_REQUEST_ID=given)["X-Request-ID"] == given


def test_one_statement_authenticates_and_decides(gate, alice, invoice):
    for subject in ("alice", "gateway", "nobody"):
        with counted() as statements:
            gate.post(URL, question(subject=subject))

        assert len(statements) == 1, statements


def test_a_first_use_is_noted_with_a_second_statement(client, gateway, invoice):
    create_token(user=gateway, identifier="fresh", actor=None, key="fresh")

    with counted() as statements:
        client.post(URL, question(), "application/json", HTTP_AUTHORIZATION="Bearer fresh")

    assert len(statements) == 2, statements
    assert Token.objects.get(identifier="fresh").last_used is not None


def test_a_refusal_costs_no_more(client, gate):
    for asking in (gate, client):
        with counted() as statements:
            raw(asking, b"{}", HTTP_AUTHORIZATION="Bearer wrong")

        assert len(statements) <= 1, statements


def test_a_caller_that_may_ask_through_a_role_takes_two_statements(gate, gateway, alice, invoice):
    gateway.global_grants.all().delete()
    asking = facts.role("asking")
    facts.grant(asking, "authentik_rbac.check_access")
    facts.hold(asking, gateway)

    with counted() as statements:
        response = gate.post(URL, question())

    assert response.status_code == 200
    assert len(statements) == 2, statements
