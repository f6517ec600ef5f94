import json
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import call_command

from tests import facts
from tests.server import ROOT

pytestmark = pytest.mark.django_db


def run(*arguments):
    """What a command prints, and its exit status."""
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=StringIO())
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


@pytest.fixture
def staff(alice):
    """A group that members of readers, such as alice, may view."""
    staff = facts.group("staff", alice)
    readers = facts.role("readers")
    facts.grant(readers, "authentik_core.view_group", staff)
    facts.hold(readers, staff)
    return staff


def test_it_says_yes(alice, staff):
    said, status = run("can", "alice", "view", f"authentik_core.group:{staff.pk}")

    assert said == f"allowed (role_object): alice view on authentik_core.group:{staff.pk}\n"
    assert status == 0


def test_it_says_no(bob, staff):
    said, status = run("can", "bob", "view", f"authentik_core.group:{staff.pk}")

    assert said.startswith("denied (no_grant)")
    assert status == 1


def test_the_path_is_a_tree(alice, staff):
    said, _ = run("can", "alice", "view", f"authentik_core.group:{staff.pk}", "--explain")

    lines = said.splitlines()[1:]
    assert [line.strip(" └─") for line in lines] == [
        "role_object",
        "user alice",
        "group staff, member",
        "role readers, held by staff",
        f"grant authentik_core.view_group, on authentik_core.group:{staff.pk}",
    ]
    assert [len(line) - len(line.lstrip(" └─")) for line in lines] == [0, 4, 8, 12, 16]


def test_a_denial_tells_what_came_near_and_what_would_help(bob, staff):
    facts.grant(bob, "authentik_core.view_group", "elsewhere")

    said, status = run("can", "bob", "view", f"authentik_core.group:{staff.pk}", "--explain")

    assert "nearly: would be allowed through a grant of its own" in said
    assert "what would allow it:" in said
    assert status == 1


def test_an_unknown_action_tells_the_known_ones(alice):
    said, status = run("can", "alice", "fly", "authentik_core.group:7", "--explain")

    assert "add_user_to_group" in said
    assert status == 1


def test_programs_get_json(alice, staff):
    question = ("can", "alice", "view", f"authentik_core.group:{staff.pk}", "--json")

    decision = json.loads(run(*question)[0])
    explanation = json.loads(run(*question, "--explain")[0])

    assert (decision["allowed"], decision["reason"]) == (True, "role_object")
    assert [step["kind"] for step in explanation["paths"][0]["steps"]] == [
        "user", "group", "role", "grant",
    ]  # fmt: skip


def test_a_permission_without_a_resource_must_hold_everywhere(alice, staff):
    facts.grant(alice, "authentik_rbac.view_role")

    assert run("can", "alice", "authentik_rbac.view_role")[1] == 0
    assert run("can", "alice", "authentik_core.view_group")[1] == 1


def test_another_moment(alice):
    facts.grant(alice, "authentik_rbac.view_role", valid_until="2030-01-01T00:00:00Z")

    assert run("can", "alice", "authentik_rbac.view_role", "--at", "2029-12-31T23:59")[1] == 0
    assert run("can", "alice", "authentik_rbac.view_role", "--at", "2030-01-01T00:00+00:00")[1] == 1


@pytest.mark.parametrize("arguments", [[], ["alice", "view", "x:"], ["a", "v", "--at", "soon"]])
def test_bad_usage_ends_with_status_2(arguments):
    done = subprocess.run(
        [sys.executable, "manage.py", "can", *arguments], cwd=ROOT, capture_output=True, check=False
    )

    assert done.returncode == 2, done.stderr


def test_a_moment_that_is_none_is_explained():
    done = subprocess.run(
        [sys.executable, "manage.py", "can", "a", "view", "--at", "soon"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "--at: a moment such as 2030-01-31T12:00 is needed" in done.stderr
