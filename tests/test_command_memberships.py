import json

import pytest

from accounts.models import GroupMembership
from tests import facts
from tests.test_command_can import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(alice, bob, charlie):
    staff = facts.group("staff", alice)
    facts.was_in(staff, bob)
    GroupMembership.objects.create(
        group=staff, user=charlie, valid_from=facts.LATER, reason="summer job"
    )
    return staff


def listed(*options):
    said, _ = run("memberships", "--json", *options)
    return [row["user"] for row in json.loads(said)["results"]]


def test_a_table_of_them(staff):
    said, status = run("memberships", "--state", "future")

    assert said.splitlines()[1].split() == (
        ["staff", "charlie", "2900-01-01", "00:00", "UTC", "summer", "job"]
    )
    assert status == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["alice"]),
        (("--state", "future"), ["charlie"]),
        (("--state", "ended"), ["bob"]),
        (("--state", "all"), ["alice", "bob", "charlie"]),
        (("--state", "all", "--user", "bob"), ["bob"]),
        (("--state", "all", "--group", "others"), []),
        (("--state", "all", "--limit", "2"), ["alice", "bob"]),
    ],
)
def test_they_are_found_by_group_user_and_state(staff, options, expected):
    assert listed(*options) == expected


def test_nothing_is_status_1(staff):
    assert run("memberships", "--user", "nobody") == ("", 1)
