"""The real process, as an operator sees it."""

import re
import socket
from contextlib import ExitStack
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.server import start


def test_it_serves_the_console_with_its_static_files(server):
    page = httpx.get(f"{server.url}/admin/login/")
    style = httpx.get(f"{server.url}/static/admin/css/base.css")

    assert (page.status_code, style.status_code) == (200, 200)


@pytest.mark.parametrize("page", ["/api/v3/", "/api/v3/redoc/"])
def test_the_api_pages_load_nothing_from_elsewhere(server, page):
    answer = httpx.get(f"{server.url}{page}")

    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"""<(?:link|script|img)[^>]+["']https?:""", answer.text)


def test_only_pages_have_a_content_security_policy(server):
    assert "Content-Security-Policy" in httpx.get(f"{server.url}/admin/login/").headers
    assert "Content-Security-Policy" not in httpx.get(f"{server.url}/api/v3/root/config/").headers


def test_redoc_fetches_no_logo(server):
    script = httpx.get(f"{server.url}/api/v3/redoc/?script")

    assert "Redoc" in script.text
    assert "https://cdn.redoc.ly" not in script.text


@pytest.mark.parametrize("page", ["/admin", "/api/v3"])
def test_without_its_slash_an_address_leads_on(server, page):
    answer = httpx.get(f"{server.url}{page}")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"{page}/")


def test_a_reason_in_any_script_reaches_the_audit_log(server):
    headers = {"Authorization": f"Bearer {server.token}", "X-Audit-Reason": quote("Prüfung §4")}
    role = httpx.post(f"{server.url}/api/v3/rbac/roles/", json={"name": "checked"}, headers=headers)

    program = (
        "from audit.models import Event\n"
        f"print(Event.objects.get(kind='role_created', target_pk='{role.json()['pk']}').reason)"
    )
    assert server.manage("shell", "-v", "0", "-c", program) == "Prüfung §4\n"


def test_a_chunked_body_is_read(server):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    chunks = iter([b'{"name": ', b'"sent in chunks"}'])

    response = httpx.post(f"{server.url}/api/v3/rbac/roles/", content=chunks, headers=headers)

    assert (response.status_code, response.json()["name"]) == (201, "sent in chunks")


def test_a_chunked_body_above_the_limit_is_413(server):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    chunks = iter([b" " * 2**20] * 11)

    response = httpx.post(f"{server.url}/api/v3/rbac/roles/", content=chunks, headers=headers)

    assert response.status_code == 413


@pytest.mark.parametrize("path", ["/api/v3/no/such/path/", "/api/v3/rbac/roles/"])
def test_a_client_is_told_when_its_body_was_left_unread(server, path):
    parts = urlsplit(server.url)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as stranger:
        stranger.sendall(f"{head}Content-Length: 2\r\n\r\n".encode())
        answer = stranger.recv(65536)

    assert answer.split(b" ")[1] in (b"403", b"404")
    assert b"connection: close" in answer.lower()


def test_a_connection_whose_bodies_are_read_stays_open(server):
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=server.url, headers=headers) as client:
        answers = [client.post("/api/v3/rbac/roles/", json={"name": name}) for name in ("x", "")]

    assert [answer.status_code for answer in answers] == [201, 400]
    assert not any("Connection" in answer.headers for answer in answers)


def test_a_slow_stranger_does_not_hold_up_others(server):
    parts = urlsplit(server.url)
    head = b"POST /api/v3/rbac/roles/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with ExitStack() as stack:
        for _ in range(20):
            stranger = stack.enter_context(socket.create_connection((parts.hostname, parts.port)))
            stranger.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")

        assert httpx.get(f"{server.url}/-/health/ready/").status_code == 204


def test_secrets_stay_out_of_the_log(server):
    httpx.get(f"{server.url}/api/v3/core/users/", headers={"Authorization": "Bearer no-such-key"})

    log = server.log()

    assert "no-such-key" not in log
    assert server.token not in log
    assert server.password not in log


def test_it_stops_cleanly_and_starts_again_on_the_same_data():
    server = start()
    try:
        assert server.stop() == 0
        assert "already" in server.manage("bootstrap")
        assert server.token not in server.log()
    finally:
        server.discard()
