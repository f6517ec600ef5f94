"""What a shape needs to measure: databases with data in them, and how long to take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

from benchmarks import database, server, world

T = TypeVar("T")
Loader = Callable[[str], None]
CONNECTIONS = 8


class Unavailable(Exception):
    """Why a shape cannot be measured here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """``divisor`` shrinks every population; ``seconds`` and ``runs`` are of one HTTP figure."""

    server_url: str
    divisor: int
    seconds: float
    runs: int

    def size(self, grants: int) -> world.Size:
        return world.Size(
            users=max(100_000 // self.divisor, 1_000),
            groups=max(2_000 // self.divisor, 200),
            roles=max(2_000 // self.divisor, 200),
            grants=max(grants // self.divisor, 2_000),
        )

    def world(self, grants: int) -> tuple[world.Size, str]:
        """The shared population with so many object grants; its size and the database's URL."""
        size = self.size(grants)
        return size, self.database(size.name, lambda url: world.load(url, size))

    def database(self, name: str, load: Loader) -> str:
        """The URL of a database of the service's, loaded when it is first asked for."""

        def migrated(url: str) -> None:
            server.manage(url, "migrate", "--verbosity", "0")
            load(url)

        return self.foreign_database(name, migrated)

    def foreign_database(self, name: str, load: Loader) -> str:
        """As ``database``, empty when it is loaded."""
        url = database.url_of(self.server_url, name)
        if name in database.names(self.server_url):
            return url
        # Under another name until it is complete, so that a broken run leaves nothing half loaded.
        draft = f"{name}_draft"
        database.drop(self.server_url, draft)
        database.create(self.server_url, draft)
        began = time.perf_counter()
        load(database.url_of(self.server_url, draft))
        database.rename(self.server_url, draft, name)
        say(f"loaded {name} in {time.perf_counter() - began:.0f} s")
        return url


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  progress is for whoever waits


@contextmanager
def using(url: str) -> Iterator[None]:
    """Point this process's own default connection at a database."""
    from django.db import connection

    connection.close()
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = url.partition("@/")[2].partition("?")[0]
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def times(calls: Sequence[Callable[[], Any]]) -> list[float]:
    """Seconds each call took."""
    taken = []
    for call in calls:
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return taken


def typical(seconds: Sequence[float]) -> str:
    """Median and 99th percentile for people."""
    ordered = sorted(seconds)
    return f"{ms(median(ordered))} (p99 {ms(ordered[int(len(ordered) * 0.99)])})"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


def require(answer: T, expected: T, about: object) -> None:
    """Fast and wrong is a failure."""
    if answer != expected:
        raise AssertionError(f"{about}: {answer!r}, should be {expected!r}")
