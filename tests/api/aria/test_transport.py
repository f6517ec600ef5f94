"""What every operation shares: JSON both ways, one error body, no slashes, both prefixes."""

import json

import pytest
from django.test import Client
from rest_framework.exceptions import Throttled

from accounts.models import User
from api.aria.operations import operations
from tests.api.aria.conftest import OTHER, PREFIX

pytestmark = pytest.mark.django_db
ERROR = {"type", "message", "httpStatusCode", "apiErrorCode"}


def error_of(response, status):
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) >= ERROR
    assert body["httpStatusCode"] == status
    return body


@pytest.mark.parametrize("path", ["/suite-api", "/suite-api/api/resources", f"{PREFIX}/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_an_unknown_url_is_404_in_this_doors_shape(path, method):
    response = Client(enforce_csrf_checks=True).generic(method, path)

    assert error_of(response, 404)["message"] == "Not found."


@pytest.mark.parametrize("path", ["users/", "roles/", "token/acquire/"])
def test_a_trailing_slash_is_another_url(stranger, path):
    assert stranger.get(path).status_code in (400, 401, 404)


def test_the_alias_is_the_same_door(client_of, root):
    client = client_of(root)

    assert client.get("/api/auth/users").json() == client.get(f"{PREFIX}/users").json()
    error_of(client.get("/api/auth/nothing"), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("patch", "users"), ("delete", "roles"), ("post", "token/nothing"), ("post", "currentuser")],
)
def test_a_wrong_method_is_405(stranger, method, path):
    response = getattr(stranger, method)(path)

    error_of(response, 404 if path == "token/nothing" else 405)


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "application/xml;q=0.9"])
def test_an_accept_without_json_is_406(root_door, accept):
    error_of(root_door.get("users", None, Accept=accept), 406)


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/xml, */*;q=0.1", ""])
def test_any_other_accept_gets_json(root_door, accept):
    response = root_door.get("users", None, Accept=accept)

    assert (response.status_code, response["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("kind", ["application/xml", "text/plain", "multipart/form-data", "x"])
def test_another_body_is_415(client_of, root, kind):
    response = client_of(root).generic("POST", f"{PREFIX}/roles", b"<role/>", content_type=kind)

    error_of(response, 415)


def test_a_body_without_content_type_is_json(client_of, root):
    body = json.dumps({"name": "made"}).encode()

    response = client_of(root).generic("POST", f"{PREFIX}/roles", body, content_type="")

    assert response.status_code == 201


@pytest.mark.parametrize("body", [b"{", b"nope", b"[NaN]", b'{"name": "\\ud800"}', b"\xff"])
def test_a_body_that_is_no_json_is_400(client_of, root, body):
    send = client_of(root).generic

    error_of(send("POST", f"{PREFIX}/roles", body, content_type="application/json"), 400)


def test_a_nul_in_a_text_is_400(root_door):
    error_of(root_door.post("roles", {"name": "a\0b"}), 400)


def test_an_announced_but_empty_body_is_no_error_where_none_is_needed(client_of, root, bob):
    path = f"{PREFIX}/users/{bob.uuid}"

    response = client_of(root).generic("DELETE", path, b"", content_type="application/json")

    assert response.status_code == 204


def test_a_missing_query_parameter_is_400(root_door):
    body = error_of(root_door.delete("users"), 400)

    assert (body["apiErrorCode"], body["message"]) == (1509, 'Query Parameter "id" is required.')


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("users?id=7", "id"),
        ("users?page=x", "page"),
        ("users?pageSize=0", "pageSize"),
        ("users?page=-1", "page"),
        (f"users?page={'9' * 30}", "page"),
        ("usergroups?id=x", "id"),
        ("scopes/x", "scopeId"),
        ("sources/x", "sourceId"),
        ("users/x", "id"),
    ],
)
def test_a_value_of_the_wrong_type_names_its_parameter(root_door, path, parameter):
    body = error_of(root_door.get(path), 400)

    assert body["message"] == "Invalid input format."
    assert body["validationFailures"][0]["violationPath"] == parameter


@pytest.mark.parametrize("path", ["users", "roles", "scopes"])
@pytest.mark.parametrize("junk", ["%00", "%ff", "%ed%a0%80", "%f0%9f%92%a9"])
def test_junk_in_filters_finds_nothing(root_door, path, junk):
    for key in ("username", "roleName", "name", "key", "unknown"):
        assert root_door.get(f"{path}?{key}={junk}").status_code == 200


@pytest.mark.parametrize("path", ["users/%00", "roles/%00", "roles/%00/privileges", "scopes/%ff"])
def test_junk_in_paths_is_refused(client_of, root, path):
    response = client_of(root).get(f"{PREFIX}/{path}")

    assert response.status_code in (400, 404)
    assert set(response.json()) >= ERROR


def test_broken_constraints_are_counted_and_placed(root_door):
    body = error_of(root_door.post("roles", {"name": "", "privilege-keys": ["", 7, []]}), 400)

    assert body["message"] == "Invalid request... #3 violations found."
    assert {failure["violationPath"] for failure in body["validationFailures"]} == {
        "name",
        "privilege-keys[0]",
        "privilege-keys[2]",
    }


def test_without_the_privilege_it_is_403(door_of, charlie):
    body = error_of(door_of(charlie).get("users"), 403)

    assert body["apiErrorCode"] == 403


def test_our_fault_is_500_and_tells_nothing(root_door, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("api.aria.users.describe_user", fail)
    User.objects.create(username="somebody")

    body = error_of(root_door.get("users"), 500)

    assert body["message"] == "Internal Server error, cause unknown."
    assert "secret" not in str(body)


def test_throttling_is_429(root_door, monkeypatch):
    def throttled(*_: object, **__: object) -> None:
        raise Throttled(wait=3)

    monkeypatch.setattr("api.aria.paging.listed", throttled)

    assert error_of(root_door.get("users"), 429)["apiErrorCode"] == 429


def test_a_body_above_the_limit_is_413(client, settings):
    body = b" " * (settings.RBAC_MAX_BODY + 1)

    error_of(client.post(f"{PREFIX}/roles", body, content_type="application/json"), 413)


@pytest.mark.parametrize("wrapper", ["users", "roles", "usergroups", "scopes", "privileges"])
def test_lists_are_whole_unless_a_page_is_asked_for(root_door, operator, wrapper):
    whole = root_door.get(wrapper).json()
    page = root_door.get(f"{wrapper}?page=0&pageSize=1").json()

    [key] = whole
    assert page["pageInfo"] == {"totalCount": len(whole[key]), "page": 0, "pageSize": 1}
    assert page[key] == whole[key][:1]
    assert root_door.get(f"{wrapper}?page=999").json()[key] == []


def test_flags_of_other_clients_are_ignored(root_door):
    assert root_door.get("users?_no_links=true&foo=bar").json() == root_door.get("users").json()


@pytest.mark.parametrize("operation", operations, ids=lambda o: str(o.pattern))
def test_every_operation_says_who_may_call_it(operation):
    view = operation.callback.view_class

    assert set(view.access) >= set(view().allowed_methods)


@pytest.mark.parametrize("operation", operations, ids=lambda o: str(o.pattern))
def test_only_three_operations_answer_without_a_token(operation, stranger):
    path = str(operation.pattern)
    for variable in ("user_id", "group_id", "scope_id", "source_id"):
        path = path.replace(f"<str:{variable}>", OTHER)
    path = path.replace("<path:role_name>", "x").replace("<str:type_id>", "LOCAL")

    for method in operation.callback.view_class().allowed_methods:
        response = getattr(stranger, method.lower())(path)
        if (method, path) not in (("POST", "token/acquire"), ("GET", "sources")):
            error_of(response, 401)


def test_the_openapi_document_is_this_doors_alone(client):
    document = client.get(f"{PREFIX}/openapi.json").json()

    assert "/api/auth/users/{user_id}/permissions" in document["paths"]
    assert all(path.startswith("/api/auth/") for path in document["paths"])
    assert document["servers"] == [{"url": "/suite-api"}]
    others = client.get("/api/v3/schema/?format=json").json()
    assert not any("auth/token" in path for path in others["paths"])


def test_the_openapi_document_says_nothing_of_how_models_are_written(client):
    schemas = client.get(f"{PREFIX}/openapi.json").json()["components"]["schemas"]

    assert not any("hyphenated" in schema.get("description", "") for schema in schemas.values())


def test_the_openapi_document_names_what_pages_lists(client):
    document = client.get(f"{PREFIX}/openapi.json").json()

    def parameters(path):
        return [one["name"] for one in document["paths"][path]["get"].get("parameters", ())]

    assert parameters("/api/auth/users") == ["id", "roleName", "username", "page", "pageSize"]
    assert parameters("/api/auth/sources") == ["page", "pageSize"]
    assert "page" not in parameters("/api/auth/users/{user_id}/permissions")
