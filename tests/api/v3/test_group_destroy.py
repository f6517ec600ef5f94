import pytest

from accounts.models import Group
from permissions import engine
from permissions.operations.group_parents import set_parents
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/groups/"


def test_members_lose_what_they_had_through_it(client_of, root, bob):
    staff, crew, cooks = facts.group("staff"), facts.group("crew", bob), facts.role("cooks")
    set_parents(group=crew, parents=[staff], actor=None)
    facts.hold(cooks, staff)
    facts.grant(cooks, "authentik_core.view_user")
    assert engine.holds(bob, "authentik_core.view_user")

    response = client_of(root).delete(f"{URL}{staff.pk}/")

    assert (response.status_code, response.content) == (204, b"")
    assert not engine.holds(bob, "authentik_core.view_user")
    assert Group.objects.filter(name="crew").exists()


def test_the_next_of_the_name_has_nothing_of_it(client_of, root, bob):
    staff = facts.group("staff", bob)
    facts.hold(facts.role("cooks"), staff)

    client_of(root).delete(f"{URL}{staff.pk}/")
    answer = client_of(root).post(URL, {"name": "staff"}).json()

    assert (answer["users"], answer["roles"]) == ([], [])


def test_it_needs_the_permission(client_of, charlie):
    staff = facts.group("staff")
    facts.grant(charlie, "authentik_core.view_group")

    assert client_of(charlie).delete(f"{URL}{staff.pk}/").status_code == 403
    assert Group.objects.filter(pk=staff.pk).exists()
