import json

import pytest
from django.core.management import CommandError, call_command

from tests import facts
from tests.test_command_can import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(alice, bob):
    staff = facts.group("staff")
    facts.grant(alice, "authentik_core.view_group", staff)
    facts.grant(bob, "authentik_core.view_group")
    return staff


def test_everybody_who_may_is_in_the_table(alice, bob, staff):
    said, status = run("who_can", "view", f"authentik_core.group:{staff.pk}")

    assert [line.split() for line in said.splitlines()] == [
        ["pk", "username"],
        [str(alice.pk), "alice"],
        [str(bob.pk), "bob"],
    ]
    assert status == 0


def test_without_a_resource_it_means_everywhere(bob, staff):
    said, _ = run("who_can", "authentik_core.view_group", "--json")

    assert json.loads(said) == {"results": [{"pk": bob.pk, "username": "bob"}], "complete": True}


def test_more_than_the_limit_is_announced(alice, staff):
    said, _ = run("who_can", "view", f"authentik_core.group:{staff.pk}", "--json", "--limit", "1")

    assert json.loads(said)["complete"] is False


def test_nobody_is_status_1(staff):
    assert run("who_can", "delete", f"authentik_core.group:{staff.pk}") == ("", 1)


def test_a_limit_of_nothing_makes_no_sense():
    with pytest.raises(CommandError):
        call_command("who_can", "view", "--limit", "0")
