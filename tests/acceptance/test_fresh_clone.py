"""What a newcomer does first: clone, `make run`, look around, stop."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.server import ROOT

SECONDS_TO_SERVE = 120
TOKEN = "a-token-of-the-newcomer"
# All that is needed besides what a shell has built in; `make run` finds nothing else on its PATH.
PROGRAMS = ("make", "touch")
LOADED = re.compile(r"""<(?:script|link|img)\b[^>]*?\b(?:src|href)=["']([^"']+)["']""")

pytestmark = [
    # One clone serves all of these, so they run in one process.
    pytest.mark.xdist_group("fresh_clone"),
    pytest.mark.skipif(
        os.environ.get("RBAC_TEST_DATABASE") == "postgresql",
        reason="a fresh clone runs on SQLite; the suite's SQLite run does this",
    ),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is not a clone of a repository"),
]


@dataclass(frozen=True, slots=True)
class Clone:
    url: str
    folder: Path
    process: subprocess.Popen[bytes]
    log: Path

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=30)


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Iterator[Clone]:
    """The service in a clone of the last commit, started as the README says."""
    folder = tmp_path_factory.mktemp("newcomer")
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "rbac"], check=True)
    port, log = free_port(), folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=folder / "rbac",
            env=environment(folder, PORT=str(port), RBAC_BOOTSTRAP_TOKEN=TOKEN),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Clone(f"http://127.0.0.1:{port}", folder / "rbac", process, log)
    try:
        wait_until_it_serves(running)
        yield running
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(folder / "rbac", ignore_errors=True)


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """A machine with Python and make: nothing of this run's environment that could help."""
    programs = folder / "bin"
    programs.mkdir()
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (programs / "python3").symlink_to(python)
    for name in PROGRAMS:
        (programs / name).symlink_to(shutil.which(name) or pytest.fail(f"{name} is missing"))
    ours = ("RBAC_", "DJANGO_", "DATABASE_", "PYTEST_", "MAKE", "VIRTUAL_ENV", "PYTHON", "PORT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PATH": str(programs), **settings}


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_it_serves(clone: Clone) -> None:
    deadline = time.monotonic() + SECONDS_TO_SERVE
    while time.monotonic() < deadline and clone.process.poll() is None:
        try:
            if clone.get("/-/health/ready/").status_code == 204:
                return
        except httpx.TransportError:
            # Starting cannot be staged from outside; asking again is all a newcomer can do.
            time.sleep(0.2)
    pytest.fail(f"it does not serve:\n{clone.log.read_text(errors='replace')}")


def test_it_is_healthy(clone):
    live, ready = clone.get("/-/health/live/"), clone.get("/-/health/ready/")

    assert (live.status_code, live.content, ready.status_code) == (204, b"", 204)


def test_the_given_token_is_the_administrators(clone):
    me = clone.get("/api/v3/core/users/me/", Authorization=f"Bearer {TOKEN}")

    assert me.status_code == 200
    assert (me.json()["user"]["username"], me.json()["user"]["is_superuser"]) == ("akadmin", True)


@pytest.mark.parametrize("page", ["/api/v3/", "/api/v3/redoc/", "/admin/login/"])
def test_its_pages_load_from_itself_alone(clone, page):
    answer = clone.get(page)
    loaded = [url for url in LOADED.findall(answer.text) if not url.startswith(("data:", "#"))]

    assert answer.status_code == 200
    assert loaded
    for url in loaded:
        assert url.startswith("/"), f"{page} loads {url} from elsewhere"
        assert clone.get(url).status_code == 200, url


@pytest.mark.skipif(not shutil.which("curl"), reason="the README's first call is made with curl")
def test_the_first_call_of_the_readme_works(clone):
    after = (clone.folder / "README.md").read_text().partition("## A first call")[2]
    script = after.partition("```sh\n")[2].partition("```")[0]
    script = script.replace("http://127.0.0.1:8000", clone.url).replace("change-me", TOKEN)

    shell = ["bash", "-euo", "pipefail"]
    done = subprocess.run(shell, input=script.encode(), capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"allowed":true' in done.stdout, done.stdout
    assert done.stdout.endswith(b'{"decision":true}'), done.stdout


def test_it_keeps_its_secrets(clone):
    assert TOKEN not in clone.log.read_text()
    assert (clone.folder / "data" / "secret_key").stat().st_mode & 0o077 == 0


def test_it_leaves_the_clone_clean(clone):
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone.folder, capture_output=True, check=True
    )

    assert status.stdout == b""


def test_it_stops_when_it_is_told_to(clone):
    clone.process.send_signal(signal.SIGTERM)
    clone.process.wait(30)

    with pytest.raises(httpx.TransportError):
        clone.get("/-/health/live/")
