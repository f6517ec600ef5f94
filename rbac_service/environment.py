"""Strict parsers for the environment: a wrong value stops the start with a sentence naming it.

Every variable may also be given as ``NAME_FILE``, the path of a file holding the value, which is
how container platforms hand over secrets.
"""

import os
import re
import secrets
from contextlib import suppress
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from psycopg.pq import Conninfo

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_DURATION = re.compile(r"(\d{1,10})([smhdw]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_HOST = re.compile(r"\*|\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]", re.ASCII)
SHORTEST_KEY = 16
_SQLITE_OPTIONS = frozenset({"timeout", "transaction_mode", "init_command", "cached_statements"})
# Those of Django; libpq's own are asked for.
_POSTGRESQL_OPTIONS = frozenset(
    {"assume_role", "prepare_threshold", "server_side_binding", "isolation_level"}
)
_DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql", "pgsql")
_CONNECTIONS = "connections are kept, and checked before they are used again; leave it out"
# What other services take in such a URL, and what to write here.
_INSTEAD = {
    "conn_max_age": _CONNECTIONS,
    "conn_health_checks": _CONNECTIONS,
    "ssl": "write sslmode=require",
    "ssl_require": "write sslmode=require",
    "pool": "put PgBouncer in between",
    "disable_server_side_cursors": "set RBAC_DB_PREPARE=0",
}


def text(name: str, default: str = "") -> str:
    """The variable's value without surrounding white space; an empty one counts as absent."""
    path = os.environ.get(f"{name}_FILE", "")
    value = os.environ.get(name, "").strip()
    if path and value:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; set one of them.")
    if not path:
        return value or default
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error}.") from None
    if not value:
        # Whoever names a file means what is to be in it; a generated secret would hide that.
        raise ImproperlyConfigured(f"{name}_FILE: {path} is empty.")
    return value


def words(name: str) -> list[str]:
    """A comma-separated list; empty when not given."""
    value = text(name)
    listed = [word.strip() for word in value.split(",") if word.strip()]
    if value and not listed:
        raise ImproperlyConfigured(f"{name} holds nothing but commas.")
    return listed


def hosts(name: str) -> list[str]:
    """Names or addresses without scheme, port or path, ``*`` or after a dot; ``*`` by default."""
    listed = words(name) or ["*"]
    for host in listed:
        if not _HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"{name} must hold names such as rbac.example.com, .example.com or *, not {host!r}."
            )
    return listed


def boolean(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} must be 1 or 0 (or true/false, yes/no, on/off).")
    return value in _TRUE


def integer(name: str, default: int, *, least: int, most: int) -> int:
    value = text(name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and least <= int(value[:12]) <= most):
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} to {most}.")
    return int(value)


def duration(name: str, default: timedelta) -> timedelta:
    """Seconds, or a number with one of the units s, m, h, d, w; longer than zero."""
    value = text(name)
    if not value:
        return default
    match = _DURATION.fullmatch(value)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < seconds <= timedelta(days=36500).total_seconds():
        raise ImproperlyConfigured(
            f"{name} must be a number of seconds, or a number with s, m, h, d or w such as 30d."
        )
    return timedelta(seconds=seconds)


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = text(name, default).upper()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}.")
    return value


def url(name: str, default: str) -> str:
    """An http or https URL without query, fragment, credentials or trailing slash."""
    value = text(name, default).rstrip("/")
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        good = good and not re.search(r"[^!-~]", value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not a URL.") from None
    if not good or parts.query or parts.fragment or "@" in parts.netloc:
        raise ImproperlyConfigured(f"{name} must look like https://rbac.example.com.")
    return value


def credential(name: str) -> str:
    """A secret sent in a header or typed in a form; empty when not given."""
    value = text(name)
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        raise ImproperlyConfigured(f"{name} must be printable ASCII without spaces.")
    if len(value) > 255:
        raise ImproperlyConfigured(f"{name} must not be longer than 255 characters.")
    return value


def directory(name: str, default: Path) -> Path:
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: cannot create {path}: {error.strerror}.") from None
    return path


def database(name: str, default: str) -> dict[str, Any]:
    """Django's description of the database that a URL names; SQLite and PostgreSQL only.

    What the drivers would meet with a traceback at the first connection stops the start.
    """
    value = text(name, default)
    scheme = value.partition(":")[0].lower()
    if scheme not in _DATABASE_SCHEMES:
        raise ImproperlyConfigured(
            f"{name} must start with sqlite:// or postgresql://, not with {scheme[:20]}://."
        )
    try:
        config: dict[str, Any] = {**dj_database_url.parse(value)}
    except ValueError:
        # The URL holds a password, so it is not repeated.
        hint = "Percent-encode special characters in user and password: %23 for #, %2F for /."
        raise ImproperlyConfigured(f"{name} cannot be parsed as a database URL. {hint}") from None
    if config["NAME"] in ("", ":memory:"):
        raise ImproperlyConfigured(f"{name} names no database.")
    if scheme == "sqlite":
        allowed = _SQLITE_OPTIONS
        if not Path(config["NAME"]).parent.is_dir():
            raise ImproperlyConfigured(f"{name}: there is no folder for {config['NAME']}.")
    else:
        allowed = _POSTGRESQL_OPTIONS | {o.keyword.decode() for o in Conninfo.get_defaults()}
    unknown = sorted(config.get("OPTIONS", {}).keys() - allowed)
    if unknown:
        option = unknown[0][:40]
        near = get_close_matches(option, allowed, n=1)
        instead = _INSTEAD.get(option.lower()) or (f"did you mean {near[0]}?" if near else "")
        hint = f" ({instead})" if instead else ""
        raise ImproperlyConfigured(f"{name} has an unknown option: {option}{hint}.")
    return config


def create_private(path: Path) -> None:
    """SQLite would let everybody read the file it makes, and gives the files beside it the mode of
    this one. What is there already stays as its owner wants it.
    """
    with suppress(OSError):  # the first connection says what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def secret_key(name: str, path: Path) -> str:
    """The given key, or one kept in ``path`` (owner-readable only), made at the first start."""
    value = text(name)
    if not value:
        try:
            if not path.exists():
                _write_once(path, secrets.token_urlsafe(64))
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            message = f"{name} is not set and {path} is unusable: {error}."
            raise ImproperlyConfigured(message) from None
    if len(value) < SHORTEST_KEY:
        raise ImproperlyConfigured(f"{name} must have at least {SHORTEST_KEY} characters.")
    return value


def secret_keys(name: str) -> list[str]:
    """Earlier keys; none could have been shorter than a key may be."""
    keys = words(name)
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise ImproperlyConfigured(
            f"{name}: each key must have at least {SHORTEST_KEY} characters."
        )
    return keys


def _write_once(path: Path, value: str) -> None:
    """Whole or not at all, and never over what is there."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            # Several processes may start at once: the first link wins, and all read the same key.
            os.link(draft, path)
    finally:
        draft.unlink()
