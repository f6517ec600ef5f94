import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from rbac_service import environment

NAME = "RBAC_EXAMPLE"


@pytest.mark.parametrize(
    ("text", "seconds"), [("60", 60), ("90s", 90), ("5m", 300), ("12h", 43200), ("30d", 2592000)]
)
def test_a_duration_is_seconds_or_has_a_unit(monkeypatch, text, seconds):
    monkeypatch.setenv(NAME, text)

    assert environment.duration(NAME, timedelta()) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1y", "1.5h", "9999999999w", "\u0661"])
def test_a_duration_that_makes_no_sense_stops_the_start(monkeypatch, text):
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.duration(NAME, timedelta(days=1))


@pytest.mark.parametrize("text", ["0", "65536", "http", "8000.0", "-1", "9" * 5000])
def test_a_port_is_a_number_in_range(monkeypatch, text):
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.integer(NAME, 8000, least=1, most=65535)


def test_a_switch_takes_only_words_it_knows(monkeypatch):
    monkeypatch.setenv(NAME, "enabled")

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.boolean(NAME, False)


@pytest.mark.parametrize(
    "text",
    [
        "rbac.example.com",
        "ftp://x",
        "https://a:b@x",
        "https://x/?q",
        "http://[",
        "http://",
        "http://a b",
    ],
)
def test_a_public_url_is_plain(monkeypatch, text):
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.url(NAME, "http://127.0.0.1")


@pytest.mark.parametrize("text", ["http://x", "rbac.example.com:80", "x/y", "**", "a b", ","])
def test_an_allowed_host_is_a_name(monkeypatch, text):
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.hosts(NAME)


def test_allowed_hosts_are_names_addresses_or_every_name(monkeypatch):
    assert environment.hosts(NAME) == ["*"]
    monkeypatch.setenv(NAME, "rbac.example.com, .example.org, 10.0.0.1, [::1], localhost")

    found = ["rbac.example.com", ".example.org", "10.0.0.1", "[::1]", "localhost"]
    assert environment.hosts(NAME) == found


def test_an_earlier_key_is_as_long_as_keys_are(monkeypatch):
    monkeypatch.setenv(NAME, f"{'k' * 16},short")

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.secret_keys(NAME)


@pytest.mark.parametrize(
    "text",
    [
        "mysql://a/b",
        "postgresql://",
        "postgresql://h:port/x",
        "x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/x.sqlite3",
        "sqlite:////tmp/x.sqlite3?nonsense=1",
        "postgresql://h/x?nonsense=1",
    ],
)
def test_a_database_url_is_sqlite_or_postgresql(monkeypatch, text):
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.database(NAME, "sqlite:////nowhere")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("psql://u:p@h/x", "must start with sqlite:// or postgresql://, not with psql://"),
        ("postgresql+psycopg://h/x", "not with postgresql+psycopg://"),
        ("postgresql://h/x?conn_max_age=60", "conn_max_age (connections are kept"),
        ("postgresql://h/x?ssl_require=true", "ssl_require (write sslmode=require)"),
        ("postgresql://h/x?sslmod=require", "sslmod (did you mean sslmode?)"),
        ("postgresql://u:p#1@h/x", "%23 for #"),
    ],
)
def test_a_wrong_database_url_is_told_what_would_work(monkeypatch, text, hint):
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured) as refused:
        environment.database(NAME, "")

    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////tmp/x.sqlite3?timeout=5",
        "postgresql://h/x?sslmode=verify-full&connect_timeout=3",
        "postgresql:///x?host=/run/postgresql",
        "postgresql:///x?host=one,two&port=5432,5433",
        "postgresql://h/x?assume_role=rbac",
    ],
)
def test_a_database_url_may_carry_options(monkeypatch, text):
    monkeypatch.setenv(NAME, text)

    assert environment.database(NAME, "")["OPTIONS"]


def test_a_wrong_database_url_does_not_reveal_its_password(monkeypatch):
    monkeypatch.setenv(NAME, "postgresql://user:hunter2@host:port/x")

    with pytest.raises(ImproperlyConfigured) as caught:
        environment.database(NAME, "")

    assert "hunter2" not in str(caught.value)


def test_a_secret_can_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from-the-file\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))

    assert environment.credential(NAME) == "from-the-file"


def test_an_empty_secret_file_stops_the_start(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))

    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE"):
        environment.credential(NAME)


def test_a_secret_file_that_is_missing_stops_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "absent"))

    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE"):
        environment.credential(NAME)


def test_a_value_and_a_file_together_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(NAME, "a")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path))

    with pytest.raises(ImproperlyConfigured, match="both"):
        environment.text(NAME)


def test_a_generated_key_is_kept_and_private(tmp_path):
    path: Path = tmp_path / "secret_key"

    first = environment.secret_key(NAME, path)

    assert environment.secret_key(NAME, path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_service_makes_is_for_its_owner_only(monkeypatch, tmp_path):
    monkeypatch.setenv(NAME, str(tmp_path / "data"))
    folder = environment.directory(NAME, Path())
    file = folder / "rbac.sqlite3"

    environment.create_private(file)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}

    assert folder.stat().st_mode & 0o777 == 0o700
    assert modes == dict.fromkeys((file.name, f"{file.name}-wal", f"{file.name}-shm"), 0o600)


def test_what_is_there_already_keeps_its_mode(tmp_path):
    file = tmp_path / "rbac.sqlite3"
    file.touch(mode=0o640)

    environment.create_private(file)

    assert file.stat().st_mode & 0o777 == 0o640
