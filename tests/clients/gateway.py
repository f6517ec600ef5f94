"""A gateway as it stands in front of two services: ours, and one that has flows and invitations.

Programs that also invite people ask for those first. This one keeps them in memory and passes every
other request on.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx

FLOWS, INVITATIONS = "/api/v3/flows/instances/", "/api/v3/stages/invitation/invitations/"
FLOW = {"pk": "5f0c7a1e-6c1b-4b52-9f6e-0d1f7f7e2b11", "slug": "invitation"}


@contextmanager
def gateway(url: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve in front of ``url``; gives the gateway's own URL and the invitations it has taken."""
    invitations: list[dict[str, Any]] = []
    handler = type("Handler", (Gateway,), {"behind": url, "invitations": invitations})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", invitations
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Gateway(BaseHTTPRequestHandler):
    behind: str
    invitations: list[dict[str, Any]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match urlsplit(self.path).path, self.command:
            case (path, "GET") if path == FLOWS:
                self.give(200, page([FLOW]))
            case (path, "GET") if path == INVITATIONS:
                self.give(200, page(self.invitations))
            case (path, "POST") if path == INVITATIONS:
                invitation = {"pk": f"invitation-{len(self.invitations)}", **json.loads(body)}
                self.invitations.append(invitation)
                self.give(201, invitation)
            case _:
                self.pass_on(body)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815  the names the server looks for

    def pass_on(self, body: bytes) -> None:
        names = ("Authorization", "Content-Type", "Accept")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        url = f"{self.behind}{self.path}"
        answer = httpx.request(self.command, url, headers=headers, content=body, timeout=30)
        self.send(answer.status_code, answer.content)

    def give(self, status: int, value: Any) -> None:
        self.send(status, json.dumps(value).encode())

    def send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Quiet."""


def page(rows: list[Any]) -> dict[str, Any]:
    return {"pagination": {"total_pages": 1, "count": len(rows)}, "results": rows}
