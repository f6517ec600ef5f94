import pytest

from audit.models import Event, EventKind
from tests import facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(bob):
    return facts.group("staff", bob)


@pytest.fixture
def doorkeeper(alice, staff):
    facts.grant(alice, "authentik_core.remove_user_from_group", staff)
    facts.grant(alice, "authentik_core.view_user")
    return alice


def url(group):
    return f"/api/v3/core/groups/{group.pk}/remove_user/"


def test_a_user_leaves(client_of, doorkeeper, staff, bob):
    response = client_of(doorkeeper).post(url(staff), {"pk": bob.pk})

    assert (response.status_code, response.content) == (204, b"")
    assert not staff.users.exists()


def test_it_counts_at_the_next_request(client_of, bearer_of, root, bob):
    staff, cooks = facts.group("cooks group", bob), facts.role("cooks")
    facts.hold(cooks, staff)
    facts.grant(cooks, "authentik_core.view_user")
    bearer = bearer_of(bob)
    assert bearer.get("/api/v3/core/users/").status_code == 200

    client_of(root).post(url(staff), {"pk": bob.pk})

    assert bearer.get("/api/v3/core/users/").status_code == 403


def test_who_is_no_member_leaves_nothing(client_of, doorkeeper, staff, charlie):
    response = client_of(doorkeeper).post(url(staff), {"pk": charlie.pk})

    assert response.status_code == 204
    assert not Event.objects.filter(kind=EventKind.GROUP_MEMBER_REMOVED).exists()


def test_it_needs_the_permission_on_the_group(client_of, charlie, staff, bob):
    facts.grant(charlie, "authentik_core.add_user_to_group")
    facts.grant(charlie, "authentik_core.view_user")

    assert client_of(charlie).post(url(staff), {"pk": bob.pk}).status_code == 403
    assert staff.users.exists()


@pytest.mark.parametrize("body", [{}, {"pk": None}, {"pk": 999999}, {"pk": "x"}, {"pk": []}, []])
def test_bad_bodies_are_refused(client_of, doorkeeper, staff, body):
    response = client_of(doorkeeper).post(url(staff), body, format="json")

    assert response.status_code in (400, 404)
    assert staff.users.exists()
