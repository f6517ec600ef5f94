"""Foreign clients in environments of their own.

Their dependencies are old and must not meet ours, so each gets a virtual environment or a folder of
node modules under ``.cache/clients``, made once per list of requirements and then reused.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "clients"
MINUTES = 60


def python_environment(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of a virtual environment holding the requirements."""
    folder = _folder(f"{name}-py{sys.version_info[0]}{sys.version_info[1]}", requirements)

    def fill(path: Path) -> None:
        python, quiet = str(path / "bin" / "python"), ["--quiet", *requirements]
        _run([sys.executable, "-m", "venv", str(path)])
        # A tenth of pip's time; pip is for where only its own settings name a reachable index.
        uv = [sys.executable, "-m", "uv", "pip", "install", "--python", python, *quiet]
        if not _runs(uv):
            _run([python, "-m", "pip", "install", "--disable-pip-version-check", *quiet])

    return _made(folder, fill) / "bin" / "python"


def node_environment(name: str, requirements: Sequence[str]) -> Path:
    """A folder whose ``node_modules`` holds the requirements; run scripts with it as NODE_PATH's
    parent or copy them into it. Skips the test where there is no node 18.
    """
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 18:
        pytest.skip(f"node 18 or newer is needed, this is {version.strip()}")

    def fill(path: Path) -> None:
        path.mkdir(parents=True)
        (path / "package.json").write_text('{"private": true, "type": "module"}')
        install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        _run([*install, *requirements], cwd=path)

    return _made(_folder(f"{name}-node", requirements), fill)


def _folder(name: str, requirements: Sequence[str]) -> Path:
    digest = hashlib.sha256("\n".join(requirements).encode()).hexdigest()[:12]
    return CACHE / f"{name}-{digest}"


def _made(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill the folder unless that was done; the marker is set when it is finished."""
    import fcntl

    CACHE.mkdir(parents=True, exist_ok=True)
    marker = folder / ".complete"
    # Parallel test processes may want the same one at once.
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.exists():
            shutil.rmtree(folder, ignore_errors=True)
            fill(folder)
            marker.touch()
    return folder


def _run(command: list[str], cwd: Path | None = None) -> None:
    done = _finished(command, cwd)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stderr[-4000:]}"


def _runs(command: list[str]) -> bool:
    return _finished(command).returncode == 0


def _finished(command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=10 * MINUTES,
        check=False,
    )
