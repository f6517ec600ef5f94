"""What no view answers: unknown paths, bodies above the limit, broken requests."""

import pytest
from django.conf import settings
from django.test import Client

PREFIXES = [
    "api",
    "api/v3",
    "access/v1",
    ".well-known",
    "-",
]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_an_unknown_path_is_a_json_404_for_every_method(prefix, method):
    response = Client(enforce_csrf_checks=True).generic(method, f"/{prefix}/no/such/path")

    assert (response.status_code, response.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize(
    "path", ["/api", "/access", "/api/v3/%00", "/api/v3/%ff", "/api/v3/%0d%0a"]
)
def test_a_malformed_path_is_a_json_404(client, path):
    response = client.get(path)

    assert (response.status_code, response["Content-Type"]) == (404, "application/json")


def test_an_unknown_path_elsewhere_is_a_page(client):
    response = client.get("/no-such-page")

    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/api/v3/core/users/", "/access/v1/evaluation"])
def test_a_body_above_the_limit_is_413(client, path):
    body = b" " * (settings.RBAC_MAX_BODY + 1)

    response = client.post(path, body, content_type="application/json")

    assert response.status_code == 413
    assert "10485760" in response.json()["detail"]


def test_a_malformed_host_is_a_json_400(client):
    response = client.get("/api/v3/nothing", headers={"Host": "no such host"})

    assert (response.status_code, response.json()) == (400, {"detail": "Bad request."})
