from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import GroupMembership
from audit.models import Event, EventKind
from tests import facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    return facts.group("staff")


@pytest.fixture
def doorkeeper(alice, staff):
    facts.grant(alice, "authentik_core.add_user_to_group", staff)
    facts.grant(alice, "authentik_core.view_user")
    return alice


def url(group):
    return f"/api/v3/core/groups/{group.pk}/add_user/"


def test_a_user_joins(client_of, doorkeeper, staff, bob):
    response = client_of(doorkeeper).post(url(staff), {"pk": bob.pk})

    assert (response.status_code, response.content) == (204, b"")
    assert list(staff.users.all()) == [bob]


def test_joining_twice_is_joining_once(client_of, doorkeeper, staff, bob):
    for _ in range(2):
        response = client_of(doorkeeper).post(url(staff), {"pk": bob.pk})

    assert response.status_code == 204
    assert Event.objects.filter(kind=EventKind.GROUP_MEMBER_ADDED).count() == 1


def test_a_user_joins_for_a_time_and_for_a_reason(client_of, doorkeeper, staff, bob):
    until = timezone.now() + timedelta(days=1)
    sent = {"pk": bob.pk, "valid_until": until.isoformat(), "reason": "holiday"}

    assert client_of(doorkeeper).post(url(staff), sent).status_code == 204

    membership = GroupMembership.objects.get()
    assert (membership.valid_until, membership.reason) == (until, "holiday")
    after = Event.objects.get(kind=EventKind.GROUP_MEMBER_ADDED).after or {}
    assert (after["valid_until"], after["reason"]) == (until.isoformat(), "holiday")


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("there", "asked", "expected"),
    [
        ((None, 2), {}, (None, 2)),
        ((2, 3), {}, (2, 3)),
        ((-3, -2), {}, (None, None)),
        ((None, 2), {"valid_until": 1}, (None, 2)),
        ((None, 2), {"valid_until": 3}, (None, 3)),
        ((None, 2), {"valid_until": None}, (None, None)),
        ((2, 3), {"valid_from": 1, "valid_until": 2}, (1, 3)),
        ((-3, -2), {"valid_from": 1, "valid_until": 2}, (1, 2)),
    ],
)
def test_joining_again_never_takes_time_away(
    client_of, doorkeeper, staff, bob, there, asked, expected
):
    now = timezone.now()
    at = lambda hours: None if hours is None else now + hours * HOUR  # noqa: E731  a word for now
    row = GroupMembership.objects.create(
        group=staff, user=bob, valid_from=at(there[0]), valid_until=at(there[1])
    )
    sent = {"pk": bob.pk, **{name: at(hours) for name, hours in asked.items()}}

    response = client_of(doorkeeper).post(url(staff), sent, format="json")

    assert response.status_code == 204
    row.refresh_from_db()
    assert row.window == (at(expected[0]), at(expected[1]))
    assert Event.objects.count() == (expected != there)


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ({"valid_until": -1}, 400, "valid_until"),
        ({"valid_from": 2, "valid_until": 1}, 400, "valid_until"),
        ({"valid_from": 3, "valid_until": 4}, 409, "valid_from"),
        ({"valid_until": "tomorrow"}, 400, "valid_until"),
    ],
)
def test_times_that_cannot_be_change_nothing(
    client_of, doorkeeper, staff, bob, asked, status, field
):
    now = timezone.now()
    row = GroupMembership.objects.create(group=staff, user=bob, valid_until=now + 2 * HOUR)
    times = {
        name: hours if isinstance(hours, str) else now + hours * HOUR
        for name, hours in asked.items()
    }

    response = client_of(doorkeeper).post(url(staff), {"pk": bob.pk, **times}, format="json")

    assert (response.status_code, list(response.json())) == (status, [field])
    row.refresh_from_db()
    assert row.valid_until == now + 2 * HOUR
    assert not Event.objects.exists()


def test_nobody_lets_others_in_for_longer_than_it_holds(client_of, doorkeeper, staff, bob):
    until = timezone.now() + HOUR
    cooks = facts.role("cooks")
    facts.grant(cooks, "authentik_core.delete_user")
    facts.hold(cooks, staff)
    facts.grant(doorkeeper, "authentik_core.delete_user", valid_until=until)

    longer = client_of(doorkeeper).post(url(staff), {"pk": bob.pk})
    as_long = client_of(doorkeeper).post(url(staff), {"pk": bob.pk, "valid_until": until})

    assert (longer.status_code, as_long.status_code) == (403, 204)
    assert f"until {until:%Y-%m-%dT%H:%M}" in longer.json()["detail"]


def test_it_needs_the_permission_on_the_group(client_of, charlie, staff, bob):
    facts.grant(charlie, "authentik_core.view_group")
    facts.grant(charlie, "authentik_core.change_group")
    facts.grant(charlie, "authentik_core.view_user")

    assert client_of(charlie).post(url(staff), {"pk": bob.pk}).status_code == 403
    assert not staff.users.exists()


def test_a_hidden_user_looks_like_a_missing_one(client_of, charlie, staff, bob):
    facts.grant(charlie, "authentik_core.add_user_to_group", staff)

    hidden = client_of(charlie).post(url(staff), {"pk": bob.pk})
    missing = client_of(charlie).post(url(staff), {"pk": 999999})

    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json() == {"detail": "Not found."}
    assert not staff.users.exists()


def test_it_is_no_way_to_become_a_superuser(client_of, alice):
    """authentik let every holder of the global permission do this (issue 10600 there)."""
    admins = facts.group("admins", is_superuser=True)
    facts.grant(alice, "authentik_core.add_user_to_group")
    facts.grant(alice, "authentik_core.view_user")
    facts.grant(alice, "authentik_rbac.escalate")

    assert client_of(alice).post(url(admins), {"pk": alice.pk}).status_code == 403
    assert not admins.users.exists()


def test_it_is_no_way_to_what_the_caller_does_not_hold(client_of, doorkeeper, staff, bob):
    cooks = facts.role("cooks")
    facts.grant(cooks, "authentik_core.delete_user")
    facts.hold(cooks, staff)

    response = client_of(doorkeeper).post(url(staff), {"pk": bob.pk})

    assert response.status_code == 403
    assert "authentik_core.delete_user" in response.json()["detail"]
    assert not staff.users.exists()


@pytest.mark.parametrize("body", [{}, {"pk": None}, {"pk": 0}, {"pk": -1}, {"pk": 2**63}])
def test_a_user_that_is_not_named_is_missing(client_of, doorkeeper, staff, body):
    assert client_of(doorkeeper).post(url(staff), body, format="json").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"pk": True}, {"pk": 1.5}, {"pk": "x"}, {"pk": "1\0"}, {"pk": []}, {"pk": {}},
     {"pk": 2**70}, [], [1], "bob", 5, None],
)  # fmt: skip
def test_bad_bodies_are_refused(client_of, doorkeeper, staff, body):
    response = client_of(doorkeeper).post(url(staff), body, format="json")

    assert response.status_code in (400, 404)
    assert not staff.users.exists()


@pytest.mark.parametrize("key", ["x", "1", "%00", "5f0a3c86-0000-4000-8000-000000000000"])
def test_an_unknown_group_is_404(client_of, root, bob, key):
    response = client_of(root).post(f"/api/v3/core/groups/{key}/add_user/", {"pk": bob.pk})

    assert response.status_code == 404


def test_anonymous_callers_are_told_to_sign_in(anonymous, staff, bob):
    response = anonymous.post(url(staff), {"pk": bob.pk})

    assert response.status_code == 403
