import uuid

import pytest

from permissions import engine
from tests import facts

pytestmark = pytest.mark.django_db

VIEW = "authentik_core.view_user"


@pytest.fixture
def role():
    return facts.role("auditors")


@pytest.fixture
def manager(client_of, alice, role):
    """May change the role and see users."""
    facts.grant(alice, "authentik_rbac.change_role", role)
    facts.grant(alice, VIEW)
    return client_of(alice)


def url(role):
    return f"/api/v3/rbac/roles/{getattr(role, 'pk', role)}/add_user/"


def holders(role):
    return list(role.assignments.values_list("user__username", flat=True))


def test_it_gives_the_role(manager, role, bob):
    facts.grant(role, VIEW)

    response = manager.post(url(role), {"pk": bob.pk})

    assert (response.status_code, response.content) == (204, b"")
    assert engine.check(bob, VIEW).allowed


def test_twice_is_once(manager, role, bob):
    manager.post(url(role), {"pk": bob.pk})

    assert manager.post(url(role), {"pk": bob.pk}).status_code == 204
    assert holders(role) == ["bob"]


@pytest.mark.parametrize("body", [{}, {"pk": None}, {"pk": 999999}, {"pk": 10**30}])
def test_an_unknown_user_is_404(manager, role, body):
    assert manager.post(url(role), body).status_code in (404, 400)
    assert holders(role) == []


@pytest.mark.parametrize("pk", [True, 1.5, "x", [], {}, "1\0", "9" * 2_000])
def test_what_is_no_key_is_400(manager, role, pk):
    response = manager.post(url(role), {"pk": pk})

    assert (response.status_code, list(response.json())) == (400, ["pk"])
    assert holders(role) == []


@pytest.mark.parametrize("body", ["[1]", '"x"', "7", "{"])
def test_a_body_that_is_no_object_is_400(manager, role, body):
    response = manager.post(url(role), body, content_type="application/json")

    assert response.status_code == 400


def test_a_hidden_user_is_404(client_of, alice, role, bob):
    facts.grant(alice, "authentik_rbac.change_role", role)

    assert client_of(alice).post(url(role), {"pk": bob.pk}).status_code == 404
    assert holders(role) == []


def test_it_refuses_a_stranger(client_of, charlie, role):
    assert client_of(charlie).post(url(role), {"pk": charlie.pk}).status_code == 403
    assert holders(role) == []


def test_nobody_gives_a_role_that_holds_more_than_they_do(manager, role, alice, bob):
    facts.grant(role, "authentik_core.delete_user")

    for user in (alice, bob):
        response = manager.post(url(role), {"pk": user.pk})
        assert response.status_code == 403
        assert "authentik_core.delete_user" in response.json()["detail"]
    assert holders(role) == []


def test_an_unknown_role_is_404_to_those_who_may_change_any(client_of, root, manager, bob):
    missing = url(uuid.uuid4())

    assert client_of(root).post(missing, {"pk": bob.pk}).status_code == 404
    assert manager.post(missing, {"pk": bob.pk}).status_code == 403
