"""PUT and PATCH of a group."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Group, GroupClosure, GroupParent
from audit.models import Event, EventKind
from permissions.operations.group_parents import set_parents
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/groups/"


@pytest.fixture
def staff(bob):
    staff = facts.group("staff", bob, attributes={"floor": 3})
    set_parents(group=staff, parents=[facts.group("company")], actor=None)
    facts.hold(facts.role("cooks"), staff)
    Event.objects.all()._raw_delete("default")
    return staff


@pytest.fixture
def manager(alice):
    """May change groups, and nothing else."""
    for name in ("view_group", "change_group", "view_user"):
        facts.grant(alice, f"authentik_core.{name}")
    return alice


def parents_of(group):
    return set(group.parents.values_list("name", flat=True))


def test_patch_changes_what_it_names(client_of, root, staff, bob):
    response = client_of(root).patch(f"{URL}{staff.pk}/", {"name": "crew"})

    staff.refresh_from_db()
    assert response.status_code == 200
    assert staff.name == "crew"
    assert (parents_of(staff), list(staff.users.all())) == ({"company"}, [bob])
    assert staff.attributes == {"floor": 3}
    assert staff.role_assignments.count() == 1


def test_put_empties_members_and_parents_and_leaves_the_rest(client_of, root, staff):
    response = client_of(root).put(f"{URL}{staff.pk}/", {"name": "staff"})

    staff.refresh_from_db()
    assert response.status_code == 200
    assert not staff.users.exists()
    assert parents_of(staff) == set()
    assert staff.attributes == {"floor": 3}
    assert staff.role_assignments.count() == 1


def test_what_was_read_can_be_sent_back(client_of, root, staff):
    later = timezone.now() + timedelta(days=1)
    staff.role_assignments.update(valid_until=later)
    staff.memberships.update(valid_until=later)
    read = client_of(root).get(f"{URL}{staff.pk}/").json()

    response = client_of(root).put(f"{URL}{staff.pk}/", read, format="json")

    assert response.json() == read
    assert staff.role_assignments.get().valid_until == later
    assert staff.memberships.get().valid_until == later
    assert not Event.objects.exists()


def test_an_old_client_that_sends_back_its_one_parent_removes_no_other(client_of, root, staff):
    set_parents(group=staff, parents=[*staff.parents.all(), facts.group("alpha")], actor=None)
    read = client_of(root).get(f"{URL}{staff.pk}/").json()

    client_of(root).put(f"{URL}{staff.pk}/", {"name": "staff", "parent": read["parent"]})

    assert read["parent_name"] == "alpha"
    assert parents_of(staff) == {"alpha", "company"}


def test_an_old_client_moves_a_group(client_of, root, staff):
    new = facts.group("new")

    client_of(root).patch(f"{URL}{staff.pk}/", {"parent": str(new.pk)})

    assert parents_of(staff) == {"new"}
    assert GroupClosure.objects.filter(descendant=staff, ancestor=new).exists()
    assert not GroupClosure.objects.filter(descendant=staff, ancestor__name="company").exists()


def test_an_old_client_removes_the_parent(client_of, root, staff):
    client_of(root).patch(f"{URL}{staff.pk}/", {"parent": None}, format="json")

    assert parents_of(staff) == set()


@pytest.mark.parametrize("key", ["parent", "parents"])
def test_a_group_is_not_its_own_parent(client_of, root, staff, key):
    value = str(staff.pk) if key == "parent" else [str(staff.pk)]

    response = client_of(root).patch(f"{URL}{staff.pk}/", {key: value}, format="json")

    assert response.status_code == 400
    assert response.json() == {key: ["Cannot set group as parent of itself."]}


@pytest.mark.parametrize("key", ["parent", "parents"])
def test_a_long_cycle_is_refused(client_of, root, staff, key):
    company = Group.objects.get(name="company")
    value = str(staff.pk) if key == "parent" else [str(staff.pk)]

    response = client_of(root).patch(f"{URL}{company.pk}/", {key: value})

    assert response.status_code == 400
    assert list(response.json()) == [key]
    assert parents_of(company) == set()


def test_it_needs_the_permission(client_of, charlie, staff):
    facts.grant(charlie, "authentik_core.view_group")

    assert client_of(charlie).patch(f"{URL}{staff.pk}/", {"name": "x"}).status_code == 403


def test_changing_a_group_does_not_allow_adding_members(client_of, manager, bob):
    """CVE-2026-40172, from the group's side."""
    admins = facts.group("admins", is_superuser=True)

    for pk in (bob.pk, manager.pk):
        response = client_of(manager).patch(f"{URL}{admins.pk}/", {"users": [pk]}, format="json")
        assert response.status_code == 403
    assert not admins.users.exists()


def test_adding_members_does_not_allow_making_superusers(client_of, manager):
    admins = facts.group("admins", is_superuser=True)
    facts.grant(manager, "authentik_core.add_user_to_group")
    facts.grant(manager, "authentik_rbac.escalate")

    response = client_of(manager).patch(
        f"{URL}{admins.pk}/", {"users": [manager.pk]}, format="json"
    )

    assert response.status_code == 403
    assert not admins.users.exists()


def test_adding_members_is_enough_for_a_group_that_gives_nothing(client_of, manager, bob):
    crew = facts.group("crew")
    facts.grant(manager, "authentik_core.add_user_to_group", crew)

    response = client_of(manager).patch(f"{URL}{crew.pk}/", {"users": [bob.pk]}, format="json")

    assert response.status_code == 200
    assert list(crew.users.all()) == [bob]


def test_removing_members_needs_its_permission(client_of, manager, staff):
    refused = client_of(manager).patch(f"{URL}{staff.pk}/", {"users": []}, format="json")
    facts.grant(manager, "authentik_core.remove_user_from_group", staff)
    accepted = client_of(manager).patch(f"{URL}{staff.pk}/", {"users": []}, format="json")

    assert (refused.status_code, accepted.status_code) == (403, 200)


def test_a_parent_gives_members_nothing_the_caller_lacks(client_of, manager):
    crew, admins = facts.group("crew", manager), facts.group("admins", is_superuser=True)
    facts.grant(manager, "authentik_core.add_user_to_group")

    response = client_of(manager).patch(f"{URL}{crew.pk}/", {"parents": [str(admins.pk)]})

    assert response.status_code == 403
    assert not GroupParent.objects.filter(child=crew).exists()


def test_a_role_gives_members_nothing_the_caller_lacks(client_of, manager):
    crew, cleaners = facts.group("crew", manager), facts.role("cleaners")
    facts.grant(cleaners, "authentik_core.delete_user")
    facts.grant(manager, "authentik_rbac.view_role")
    facts.grant(manager, "authentik_rbac.change_role")

    response = client_of(manager).patch(f"{URL}{crew.pk}/", {"roles": [str(cleaners.pk)]})

    assert response.status_code == 403
    assert not crew.role_assignments.exists()


def test_only_superusers_make_a_group_confer_superuser(client_of, manager):
    crew = facts.group("crew", manager)
    facts.grant(manager, "authentik_core.enable_group_superuser")
    facts.grant(manager, "authentik_rbac.escalate")

    response = client_of(manager).patch(f"{URL}{crew.pk}/", {"is_superuser": True}, format="json")

    crew.refresh_from_db()
    assert response.status_code == 403
    assert not crew.is_superuser


def test_taking_the_flag_needs_its_permission(client_of, manager):
    admins = facts.group("admins", is_superuser=True)
    url, body = f"{URL}{admins.pk}/", {"is_superuser": False}

    refused = client_of(manager).patch(url, body, format="json")
    facts.grant(manager, "authentik_core.disable_group_superuser", admins)
    accepted = client_of(manager).patch(url, body, format="json")

    assert (refused.status_code, accepted.status_code) == (400, 200)


def test_losing_the_last_superuser_group_counts_at_once(client_of, root, alice):
    admins = Group.objects.get(is_superuser=True)
    second = facts.make_superuser(alice)

    client_of(second).patch(f"{URL}{admins.pk}/", {"users": []}, format="json")

    assert client_of(root).get(URL).status_code == 403


def test_it_leaves_an_event_with_before_and_after(client_of, root, staff):
    client_of(root).patch(f"{URL}{staff.pk}/", {"name": "crew"})

    event = Event.objects.get(kind=EventKind.GROUP_CHANGED)
    assert (event.before, event.after) == ({"name": "staff"}, {"name": "crew"})


BAD_BODIES = {
    "taken name": ({"name": "company"}, "name"),
    "null name": ({"name": None}, "name"),
    "users is an object": ({"users": {}}, "users"),
    "user is true": ({"users": [True]}, "users"),
    "unknown user": ({"users": [999999]}, "users"),
    "parent is a number": ({"parent": 5}, "parent"),
    "parents is null": ({"parents": None}, "parents"),
    "roles is an object": ({"roles": {}}, "roles"),
    "attributes is a list": ({"attributes": []}, "attributes"),
    "a list": ([], "non_field_errors"),
}


@pytest.mark.parametrize("method", ["patch", "put"])
@pytest.mark.parametrize(("body", "key"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies_are_refused_by_field_and_write_nothing(
    client_of, root, staff, method, body, key
):
    if method == "put" and isinstance(body, dict):
        body = {"name": "staff", **body}

    response = getattr(client_of(root), method)(f"{URL}{staff.pk}/", body, format="json")

    staff.refresh_from_db()
    assert response.status_code == 400
    assert key in response.json()
    assert (staff.name, parents_of(staff)) == ("staff", {"company"})
    assert staff.users.count() == 1
    assert not Event.objects.exists()
