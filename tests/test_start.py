import os
import socket
import subprocess
import sys

import pytest

from tests.server import ROOT


def manage(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "rbac_service.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wrong_setting_ends_the_start_with_one_line():
    done = manage("check", PORT="eighty")

    assert done.returncode == 1
    assert done.stderr == ("configuration error: PORT must be a whole number from 1 to 65535.\n")


def test_a_database_that_does_not_answer_ends_the_start_with_one_line():
    done = manage("migrate", DATABASE_URL="postgresql://someone:hunter2@127.0.0.1:1/x")

    assert done.returncode == 1
    assert done.stderr.startswith("database error: ")
    assert "Connection refused" in done.stderr
    assert "hunter2" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_no_database_ends_the_start_with_one_line(tmp_path):
    (tmp_path / "letter").write_text("Dear Sir or Madam\n" * 100)

    done = manage("migrate", DATABASE_URL=f"sqlite:///{tmp_path}/letter")

    assert (done.returncode, done.stderr) == (1, "database error: file is not a database\n")


def test_a_port_in_use_ends_the_start_with_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = manage("serve", "--host", "127.0.0.1", PORT=str(port))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"CommandError: cannot listen on 127.0.0.1, port {port}: Address already in use\n"
    )


@pytest.mark.parametrize(
    "arguments", [("--port", "99999"), ("--port", "0"), ("--workers", "0"), ("--workers", "x")]
)
def test_serve_refuses_numbers_that_make_no_sense(arguments):
    done = manage("serve", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"argument {arguments[0]}: a whole number from 1 to" in done.stderr


def test_the_checks_pass_without_warnings():
    assert manage("check", "--fail-level", "WARNING").returncode == 0
