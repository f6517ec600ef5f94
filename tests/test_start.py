import os
import subprocess
import sys

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


def test_the_checks_pass_without_warnings():
    assert manage("check", "--fail-level", "WARNING").returncode == 0
