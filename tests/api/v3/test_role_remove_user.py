import uuid

import pytest

from permissions import engine
from roles.models import Scope
from tests import facts

pytestmark = pytest.mark.django_db

VIEW = "authentik_core.view_user"


@pytest.fixture
def role(bob):
    made = facts.role("auditors")
    facts.hold(made, bob)
    return made


@pytest.fixture
def manager(client_of, alice, role):
    facts.grant(alice, "authentik_rbac.change_role", role)
    facts.grant(alice, VIEW)
    return client_of(alice)


def url(role):
    return f"/api/v3/rbac/roles/{getattr(role, 'pk', role)}/remove_user/"


def test_it_takes_the_role_at_once(manager, role, bob):
    facts.grant(role, VIEW)

    response = manager.post(url(role), {"pk": bob.pk})

    assert (response.status_code, response.content) == (204, b"")
    assert not engine.check(bob, VIEW).allowed


def test_who_does_not_hold_it_is_no_error(manager, role, charlie):
    assert manager.post(url(role), {"pk": charlie.pk}).status_code == 204


def test_an_assignment_within_a_scope_stays(manager, role, bob):
    facts.hold(role, bob, scope=Scope.objects.create(name="some"))

    manager.post(url(role), {"pk": bob.pk})

    assert role.assignments.get().scope.name == "some"


def test_what_is_held_through_a_group_stays(manager, role, charlie):
    facts.grant(role, VIEW)
    facts.hold(role, facts.group("staff", charlie))

    manager.post(url(role), {"pk": charlie.pk})

    assert engine.check(charlie, VIEW).allowed


@pytest.mark.parametrize("body", [{}, {"pk": None}, {"pk": 999999}])
def test_an_unknown_user_is_404(manager, body, role):
    assert manager.post(url(role), body).status_code == 404


@pytest.mark.parametrize("pk", [True, 1.5, "x", [], {}])
def test_what_is_no_key_is_400(manager, role, pk):
    assert manager.post(url(role), {"pk": pk}).status_code == 400


def test_a_hidden_user_is_404(client_of, alice, role, bob):
    facts.grant(alice, "authentik_rbac.change_role", role)

    assert client_of(alice).post(url(role), {"pk": bob.pk}).status_code == 404
    assert role.assignments.count() == 1


def test_it_refuses_a_stranger(client_of, charlie, role, bob):
    assert client_of(charlie).post(url(role), {"pk": bob.pk}).status_code == 403
    assert role.assignments.count() == 1


def test_an_unknown_role_is_404_to_those_who_may_change_any(client_of, root, bob):
    assert client_of(root).post(url(uuid.uuid4()), {"pk": bob.pk}).status_code == 404
