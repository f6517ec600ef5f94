"""What every answer looks like, whatever the request."""

import uuid

import pytest
from rest_framework.exceptions import Throttled

from api.genauth import roles
from api.genauth.document import document
from api.genauth.urls import OPERATIONS
from tests.api.genauth.conftest import PREFIX
from tests.server import ROOT

pytestmark = pytest.mark.django_db


def test_an_answer_names_its_request(admin):
    answer = admin.ask("list-roles")

    assert str(uuid.UUID(answer["requestId"])) == answer["requestId"]
    assert answer["message"] == "Success"
    assert "apiCode" not in answer


def test_the_door_is_open_below_both_prefixes(caller_of, root):
    caller = caller_of(root, "/api/v3/")

    assert caller.call("create-role", code="manager")["statusCode"] == 200
    assert caller_of(root).ask("get-role", code="manager")["statusCode"] == 200


@pytest.mark.parametrize("path", ["nonsense", "assign-role/", "", "a/b"])
@pytest.mark.parametrize("method", ["get", "post", "put", "options"])
def test_an_unknown_url_is_answered_in_the_envelope(anonymous, path, method):
    response = getattr(anonymous, method)(f"{PREFIX}{path}")

    assert response.status_code == 404
    assert response.json()["statusCode"] == 404


def test_the_bare_prefix_is_answered_in_the_envelope(anonymous):
    assert anonymous.get("/genauth").json()["statusCode"] == 404


def test_the_wrong_method_is_answered_in_the_envelope(admin):
    response = admin.client.post(f"{PREFIX}get-role", {"code": "x"})

    assert response.status_code == 405
    assert response.json()["statusCode"] == 405


def test_throttling_shows_in_the_http_status(admin, monkeypatch):
    def throttled(self, given):
        raise Throttled(wait=3)

    monkeypatch.setattr(roles.ListRoles, "run", throttled)
    response = admin.client.get(f"{PREFIX}list-roles")

    assert (response.status_code, response.json()["statusCode"]) == (429, 429)


def test_a_fault_of_ours_shows_in_the_http_status_and_tells_nothing(admin, monkeypatch):
    def broken(self, given):
        raise RuntimeError("the secret is Krikkit")

    monkeypatch.setattr(roles.ListRoles, "run", broken)
    response = admin.client.get(f"{PREFIX}list-roles")

    assert (response.status_code, response.json()["statusCode"]) == (500, 500)
    assert "Krikkit" not in response.text


@pytest.mark.parametrize(
    "body", [b"[]", b'"x"', b"{", b"nope", b'{"code": NaN}', b"\xff", b'{"code": "\\ud800"}']
)
def test_a_body_that_cannot_be_read_is_refused(admin, body):
    response = admin.client.generic(
        "POST", f"{PREFIX}create-role", body, content_type="application/json"
    )

    assert (response.status_code, response.json()["statusCode"]) == (200, 400)


@pytest.mark.parametrize("value", [None, 7.5, [], {}, True, "a\0b", "x" * 300])
@pytest.mark.parametrize("name", ["code", "namespace", "name", "description", "disableTime"])
def test_junk_in_a_field_is_refused_or_stored_as_text(admin, name, value):
    answer = admin.call("create-role", **{"code": "manager", name: value})

    assert answer["statusCode"] in (200, 400, 404)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_survives_an_empty_request(admin, name):
    for response in (
        admin.client.post(PREFIX + name, {}),
        admin.client.get(PREFIX + name),
        admin.client.post(PREFIX + name, {"targets": "x", "list": 7, "userIds": [None]}),
    ):
        assert response.status_code in (200, 405)
        assert response.json()["statusCode"] in (200, 400, 401, 403, 404, 405)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"get-management-token"}))
def test_every_operation_needs_a_token(anonymous, name):
    method = anonymous.get if hasattr(OPERATIONS[name], "get") else anonymous.post

    assert method(PREFIX + name).json()["statusCode"] == 401


def test_what_is_not_offered_says_so(admin):
    assert admin.call("create-data-policy")["statusCode"] == 501
    assert admin.ask("list-data-policies")["statusCode"] == 501


def test_the_document_describes_every_operation(anonymous):
    response = anonymous.get(f"{PREFIX}openapi")

    paths = {path.strip("/") for path in response.json()["paths"]}
    assert paths == set(OPERATIONS)
    assert response.content == document()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_has_its_line_of_needs(name):
    lines = (ROOT / "docs" / "genauth.md").read_text().splitlines()

    assert any(line.startswith("| `") and f"`{name}`" in line for line in lines)


def test_a_body_above_the_limit_is_answered_in_the_envelope(client):
    response = client.post(
        f"{PREFIX}create-role",
        data=b"x",
        content_type="application/json",
        headers={"content-length": str(2**40)},
    )

    assert (response.status_code, response.json()["statusCode"]) == (413, 413)
