"""The real service as a process of its own: migrated, bootstrapped, served by granian."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """``token`` is the administrator's, ``password`` that of the administrator ``akadmin``."""

    url: str
    token: str
    password: str
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    directory: Path

    def manage(self, *arguments: str) -> str:
        """Run a management command on the server's data; returns what it prints."""
        return _manage(self.environment, *arguments)

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def stop(self) -> int:
        """End the process as an operator would; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    def discard(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        if self.environment["DATABASE_URL"].startswith("postgres"):
            _drop_database(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)


def start(*, directory: Path | None = None, **settings: str) -> Server:
    """Start a server on data of its own; ``settings`` are added to its environment."""
    directory = directory or Path(tempfile.mkdtemp(prefix="rbac-server-"))
    port = _free_port()
    # Digits and letters: clients are given it as an argument, which must not look like an option.
    token, password = secrets.token_hex(24), secrets.token_hex(12)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RBAC_")},
        "DJANGO_SETTINGS_MODULE": "rbac_service.settings",
        "PORT": str(port),
        "DATABASE_URL": _database_url(directory),
        "RBAC_DATA_DIR": str(directory),
        "RBAC_BOOTSTRAP_TOKEN": token,
        "RBAC_BOOTSTRAP_PASSWORD": password,
        "RBAC_WORKERS": "1",
        **settings,
    }
    _manage(environment, "migrate", "--verbosity", "0")
    _manage(environment, "bootstrap")
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--host", "127.0.0.1"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Its own group, so that nothing of it can outlive a stop.
            start_new_session=True,
        )
    server = Server(
        url=f"http://127.0.0.1:{port}",
        token=token,
        password=password,
        process=process,
        environment=environment,
        directory=directory,
    )
    _wait_until_ready(server)
    return server


def _manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"manage.py {' '.join(arguments)} failed:\n{done.stderr}"
    return done.stdout


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/-/health/ready/", timeout=5):  # noqa: S310  our own address
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            # Starting cannot be staged from outside; asking again is all a client can do.
            time.sleep(0.05)
    server.stop()
    raise AssertionError(f"the server did not start:\n{server.log()}")


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _database_url(directory: Path) -> str:
    """A new database on the PostgreSQL server under test, or a SQLite file."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        return f"sqlite:///{directory / 'rbac.sqlite3'}"
    name = _database_name(directory)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"postgresql://{parts.netloc}/{name}{query}"


def _drop_database(directory: Path) -> None:
    statement = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement.format(Identifier(_database_name(directory))))


def _database_name(directory: Path) -> str:
    return re.sub(r"\W", "_", f"rbac_{directory.name}").lower()
