"""Everything an operator can set or run, and everything a client can call, has its place."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.routes import routes_below
from tests.server import ROOT

OWN_APPS = {"audit", "accounts", "roles", "permissions", "api", "policyfile", "console"}
SETTING = re.compile(r'environment\.\w+\(\s*"([A-Z_]+)"')


def headings(name):
    return set(re.findall(r"^## (.+)$", (ROOT / "docs" / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "name", sorted(SETTING.findall(Path(ROOT / "rbac_service" / "settings.py").read_text()))
)
def test_every_setting_has_a_heading(name):
    assert name in headings("configuration.md")


def test_every_command_has_a_heading():
    own = {name for name, app in get_commands().items() if app in OWN_APPS}

    assert {f"manage.py {name}" for name in own} <= headings("commands.md")


def test_every_route_of_the_authentik_and_native_door_has_its_row():
    routes = {
        (route.method.upper(), re.sub("{.+?}", "{}", f"/{route.path}"))
        for route in routes_below("api/v3/")
        if "genauth" not in route.module  # it shares the prefix; test_envelope looks for its rows
    }

    pages = ("authentik.md", "resource-types.md", "role-assignments.md", "decisions.md")
    assert routes - rows(*pages) == set()


def rows(*names):
    """(method, path) of the rows of tables that begin with methods and a path."""
    documented: set[tuple[str, str]] = set()
    for name in names:
        for row in re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / name).read_text(), re.MULTILINE):
            *methods, path = row.replace("`", "").split() or [""]
            path = re.sub("{.+?}", "{}", path.removeprefix("/api/v3"))
            documented |= {(method, path) for method in methods}
    return documented


def test_every_error_code_is_in_the_table():
    from api.errors import STATUS_OF

    text = (ROOT / "docs" / "operations.md").read_text()
    missing = [e.code for e, s in STATUS_OF.items() if f"| `{e.code}` | {s} |" not in text]

    assert missing == []


def test_the_readme_lists_every_page():
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}

    assert pages == set(re.findall(r"\]\((docs/[^)#]+\.md)", (ROOT / "README.md").read_text()))
