import json

import pytest
from django.core.management import CommandError, call_command

from permissions.operations.types import ActionSpec, create_type
from tests import facts
from tests.test_command_can import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(alice):
    staff = facts.group("staff", alice)
    facts.grant(alice, "authentik_core.view_group", staff)
    readers = facts.role("readers")
    facts.grant(readers, "authentik_core.change_group")
    facts.hold(readers, staff)
    return staff


def test_all_grants_of_a_subject(staff):
    said, status = run("what_can", "alice", "--json")

    assert json.loads(said)["results"] == [
        {
            "permission": "authentik_core.change_group",
            "on": "authentik_core.group",
            "through": "role readers, held by group staff",
            "until": "",
        },
        {
            "permission": "authentik_core.view_group",
            "on": f"authentik_core.group:{staff.pk}",
            "through": "own",
            "until": "",
        },
    ]
    assert status == 0


def test_a_superuser_may_do_everything(root):
    assert "superuser" in run("what_can", "root")[0]


def test_the_actions_on_a_resource(staff):
    said, _ = run("what_can", "alice", f"authentik_core.group:{staff.pk}")

    assert said.split() == ["action", "change", "view"]


def test_the_resources_of_a_type(staff):
    said, _ = run("what_can", "alice", "view", "authentik_core.group")

    assert said.split() == ["resource", f"authentik_core.group:{staff.pk}"]


def test_any_resource_of_an_open_type(alice):
    create_type(actor=None, label="shop.idea", mode="open", actions=[ActionSpec(name="view_idea")])
    facts.grant(alice, "shop.view_idea")

    said, status = run("what_can", "alice", "view", "shop.idea")

    assert (said.split(), status) == (["resource", "shop.idea:*"], 0)


def test_nothing_is_status_1(charlie):
    for what in ((), ("authentik_core.group:7",), ("view", "authentik_core.group")):
        assert run("what_can", "charlie", *what) == ("", 1)
    assert run("what_can", "nobody") == ("", 1)


@pytest.mark.parametrize(
    "what", [["shop.invoice"], ["view", "shop.invoice:1"], ["view", "shop.invoice", "x"]]
)
def test_what_makes_no_sense_is_status_2(what):
    with pytest.raises(CommandError) as refused:
        call_command("what_can", "alice", *what)

    assert refused.value.returncode == 2
