from datetime import timedelta

import pytest
from django.utils import timezone

from permissions import engine
from tests import facts

pytestmark = pytest.mark.django_db
VIEW = "authentik_core.view_user"


@pytest.fixture
def junior():
    return facts.role("juniors")


@pytest.fixture
def senior():
    role = facts.role("seniors")
    facts.grant(role, VIEW)
    return role


def url(role, *rest):
    return "/".join(["/api/v3/rbac/roles", str(role.pk), "parents", *map(str, rest), ""])


def names(response):
    return [role["name"] for role in response.json()]


def test_holders_of_a_role_hold_its_parents(client_of, root, junior, senior, bob):
    facts.hold(junior, bob)
    client = client_of(root)

    assert names(client.put(url(junior), {"parents": [str(senior.pk)]})) == ["seniors"]
    assert engine.check(bob, VIEW).allowed
    assert names(client.get(url(junior))) == ["seniors"]
    assert names(client.put(url(junior), {"parents": []})) == []
    assert not engine.check(bob, VIEW).allowed


def test_parents_are_added_and_removed_one_by_one(client_of, root, junior, senior):
    client = client_of(root)

    assert client.post(url(junior), {"pk": str(senior.pk)}).status_code == 204
    assert client.post(url(junior), {"pk": str(senior.pk)}).status_code == 204
    assert names(client.get(url(junior))) == ["seniors"]
    assert client.delete(url(junior, senior.pk)).status_code == 204
    assert client.delete(url(junior, senior.pk)).status_code == 404
    assert client.delete(url(junior, "x")).status_code == 404


def test_a_cycle_is_400_and_changes_nothing(client_of, root, junior, senior):
    client = client_of(root)
    client.post(url(junior), {"pk": str(senior.pk)})

    assert client.put(url(senior), {"parents": [str(junior.pk)]}).status_code == 400
    assert client.post(url(senior), {"pk": str(senior.pk)}).status_code == 400
    assert names(client.get(url(senior))) == []


@pytest.mark.parametrize("body", [{}, {"parents": None}, {"parents": ["x"]}, {"parents": {}}, []])
def test_a_broken_body_is_400(client_of, root, junior, body):
    assert client_of(root).put(url(junior), body).status_code == 400


def test_changing_needs_change_role_and_meets_the_ceiling(client_of, charlie, junior, senior):
    facts.grant(charlie, "authentik_rbac.view_role")
    client, body = client_of(charlie), {"parents": [str(senior.pk)]}

    assert client.get(url(junior)).status_code == 200
    assert client.put(url(junior), body).status_code == 403
    facts.grant(charlie, "authentik_rbac.change_role", on=junior)
    assert client.put(url(junior), body).status_code == 403
    facts.hold(senior, charlie)
    assert client.put(url(junior), body).status_code == 200


def test_a_hidden_role_is_404(client_of, charlie, junior, senior):
    assert client_of(charlie).get(url(junior)).status_code == 404


def test_a_parent_whose_time_is_over_is_held_anew(client_of, root, junior, senior, bob):
    facts.hold(junior, bob)
    facts.hold(senior, junior, valid_until=facts.OVER)
    client = client_of(root)

    assert names(client.put(url(junior), {"parents": [str(senior.pk)]})) == ["seniors"]
    assert engine.check(bob, VIEW).allowed


def test_a_parent_to_come_stays_as_it_is(client_of, root, junior, senior):
    facts.hold(senior, junior, valid_from=timezone.now() + timedelta(days=1))

    assert names(client_of(root).put(url(junior), {"parents": []})) == []
    assert junior.inherited_assignments.count() == 1


def test_of_a_parent_that_the_caller_may_not_view_the_key_alone_is_shown(
    client_of, bob, junior, senior
):
    facts.hold(senior, junior)
    facts.grant(bob, "authentik_rbac.view_role", junior)

    assert client_of(bob).get(url(junior)).json() == [{"pk": str(senior.pk), "name": None}]
