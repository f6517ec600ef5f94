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
    "text", ["rbac.example.com", "ftp://x", "https://a:b@x", "https://x/?q", "http://[", "http://"]
)
def test_a_public_url_is_plain(monkeypatch, text):
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.url(NAME, "http://127.0.0.1")


@pytest.mark.parametrize("text", ["mysql://a/b", "postgresql://", "postgresql://h:port/x", "x"])
def test_a_database_url_is_sqlite_or_postgresql(monkeypatch, text):
    monkeypatch.setenv(NAME, text)

    with pytest.raises(ImproperlyConfigured, match=NAME):
        environment.database(NAME, "sqlite:////nowhere")


def test_a_wrong_database_url_does_not_reveal_its_password(monkeypatch):
    monkeypatch.setenv(NAME, "postgresql://user:hunter2@host:port/x")

    with pytest.raises(ImproperlyConfigured) as caught:
        environment.database(NAME, "")

    assert "hunter2" not in str(caught.value)


def test_a_secret_can_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text("from-the-file\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "secret"))

    assert environment.credential(NAME) == "from-the-file"


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
