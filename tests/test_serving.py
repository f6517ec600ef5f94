"""The real process, as an operator sees it."""

import http.client
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest

from tests.server import start


def test_it_serves_the_console_with_its_static_files(server):
    page = httpx.get(f"{server.url}/admin/login/")
    style = httpx.get(f"{server.url}/static/admin/css/base.css")

    assert (page.status_code, style.status_code) == (200, 200)


@pytest.mark.parametrize("page", ["/api/v3/", "/api/v3/redoc/"])
def test_the_api_pages_load_nothing_from_elsewhere(server, page):
    text = httpx.get(f"{server.url}{page}").text

    assert "/static/drf_spectacular_sidecar/" in text
    assert "https://cdn" not in text


def test_a_chunked_body_is_read(server):
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    chunks = iter([b'{"name": ', b'"sent in chunks"}'])

    with closing(connection):
        connection.request("POST", "/api/v3/rbac/roles/", chunks, headers, encode_chunked=True)

        assert connection.getresponse().status == 201


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
