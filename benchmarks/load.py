"""A load generator in one thread: some connections, each sending when its last answer is complete.

Requests are built beforehand and answers are only cut into head and body, so that it takes about
20 microseconds of processor time per request: a few percent of what the servers under test take.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

RECEIVE = 1 << 18
HEAD_END = b"\r\n\r\n"

Verify = Callable[[int, bytes], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``verify`` looks at status and body and says whether the answer is right."""

    message: bytes
    verify: Verify


@dataclass(slots=True, kw_only=True)
class Load:
    """What a run measured; latencies in seconds."""

    seconds: float
    latencies: list[float]
    body_bytes: int

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        return sorted(self.latencies)[
            min(int(len(self.latencies) * share), len(self.latencies) - 1)
        ]

    @property
    def p50(self) -> float:
        return self.quantile(0.5)

    @property
    def p99(self) -> float:
        return self.quantile(0.99)


class WrongAnswer(Exception):
    """Fast and wrong is a failure."""


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    request: Request
    sent: float
    received: bytearray = field(default_factory=bytearray)
    total: int | None = None

    def complete(self) -> bool:
        if self.total is None:
            end = self.received.find(HEAD_END)
            if end < 0:
                return False
            self.total = end + len(HEAD_END) + _content_length(bytes(self.received[:end]))
        return len(self.received) >= self.total

    def answer(self) -> tuple[int, bytes]:
        head, _, body = bytes(self.received).partition(HEAD_END)
        return int(head.split(b" ", 2)[1]), body

    def send(self, request: Request) -> None:
        self.request, self.total = request, None
        self.received.clear()
        self.sent = time.perf_counter()
        self.socket.sendall(request.message)


def build(
    url: str, verify: Verify, *, token: str, method: str = "POST", body: Any = None
) -> Request:
    parts = urlsplit(url)
    content = b"" if body is None else json.dumps(body).encode()
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return Request(message=head.encode() + content, verify=verify)


def run(
    address: tuple[str, int], requests: Sequence[Request], *, connections: int, seconds: float
) -> Load:
    """Raises WrongAnswer at the first one. Connections start at different requests."""
    if address[0] != "127.0.0.1":
        raise ValueError("Load goes to this machine only.")
    load = Load(seconds=seconds, latencies=[], body_bytes=0)
    with selectors.DefaultSelector() as selector:
        step = max(1, len(requests) // connections)
        opened = [_open(address, requests[n * step % len(requests)]) for n in range(connections)]
        upcoming = {
            one.socket: cycle(_from(requests, n * step + 1)) for n, one in enumerate(opened)
        }
        for one in opened:
            selector.register(one.socket, selectors.EVENT_READ, one)
        try:
            _drive(selector, upcoming, load, time.perf_counter() + seconds)
        finally:
            for one in opened:
                one.socket.close()
    return load


def _drive(
    selector: selectors.BaseSelector,
    upcoming: Mapping[socket.socket, Iterator[Request]],
    load: Load,
    end: float,
) -> None:
    began = time.perf_counter()
    while (now := time.perf_counter()) < end:
        for key, _ in selector.select(timeout=1):
            one: _Connection = key.data
            received = one.socket.recv(RECEIVE)
            if not received:
                raise WrongAnswer("The server closed a connection.")
            one.received += received
            if not one.complete():
                continue
            load.latencies.append(time.perf_counter() - one.sent)
            status, body = one.answer()
            if not one.request.verify(status, body):
                raise WrongAnswer(f"{status} {body[:300]!r} to {one.request.message[-300:]!r}")
            load.body_bytes += len(body)
            one.send(next(upcoming[one.socket]))
    load.seconds = now - began


def _open(address: tuple[str, int], request: Request) -> _Connection:
    opened = socket.create_connection(address, timeout=30)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one = _Connection(opened, request, time.perf_counter())
    one.send(request)
    return one


def _from(requests: Sequence[Request], first: int) -> list[Request]:
    start = first % len(requests)
    return [*requests[start:], *requests[:start]]


def _content_length(head: bytes) -> int:
    if head.split(b" ", 2)[1] == b"204":
        return 0  # it has no body, and so no length (RFC 9110, 8.6)
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise WrongAnswer("An answer came without Content-Length.")


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
