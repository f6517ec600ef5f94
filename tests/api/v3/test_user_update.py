"""PUT and PATCH of a user."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import GroupMembership, User
from accounts.signins import authenticate_sign_in, sign_in
from audit.models import Event, EventKind
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/users/"


@pytest.fixture
def dora():
    dora = User.objects.create(
        username="dora", name="Dora", email="d@x.org", path="staff", type="external",
        attributes={"floor": 3},
    )  # fmt: skip
    facts.group("staff", dora)
    facts.hold(facts.role("auditors"), dora)
    return dora


@pytest.fixture
def manager(alice):
    """May change users, and nothing else."""
    facts.grant(alice, "authentik_core.view_user")
    facts.grant(alice, "authentik_core.change_user")
    return alice


def test_patch_changes_what_it_names(client_of, root, dora):
    response = client_of(root).patch(f"{URL}{dora.pk}/", {"name": "Theodora"})

    dora.refresh_from_db()
    assert response.status_code == 200
    assert response.json()["name"] == dora.name == "Theodora"
    assert (dora.email, dora.path, dora.attributes) == ("d@x.org", "staff", {"floor": 3})
    assert dora.groups.count() == dora.role_assignments.count() == 1


def test_patch_keeps_grants(client_of, root, dora):
    facts.grant(dora, "authentik_core.view_group")

    client_of(root).patch(f"{URL}{dora.pk}/", {"name": "Theodora"})
    client_of(root).put(f"{URL}{dora.pk}/", {"username": "dora", "name": ""})

    assert dora.global_grants.count() == 1


def test_put_empties_groups_and_roles_and_leaves_the_rest(client_of, root, dora):
    response = client_of(root).put(f"{URL}{dora.pk}/", {"username": "dora", "name": "D"})

    dora.refresh_from_db()
    assert response.status_code == 200
    assert (dora.email, dora.path, dora.type) == ("d@x.org", "staff", "external")
    assert dora.attributes == {"floor": 3}
    assert not dora.groups.exists()
    assert not dora.role_assignments.exists()


def test_it_leaves_an_event_with_before_and_after(client_of, root, dora):
    client_of(root).patch(f"{URL}{dora.pk}/", {"name": "Theodora"})

    event = Event.objects.get(kind=EventKind.USER_CHANGED)
    assert (event.before, event.after) == ({"name": "Dora"}, {"name": "Theodora"})


def test_what_was_read_can_be_sent_back(client_of, root, dora):
    later = timezone.now() + timedelta(days=1)
    GroupMembership.objects.update(valid_until=later)
    read = client_of(root).get(f"{URL}{dora.pk}/").json()

    response = client_of(root).put(f"{URL}{dora.pk}/", read, format="json")

    assert response.status_code == 200
    changed = {"last_updated"}
    assert {k: v for k, v in response.json().items() if k not in changed} == {
        k: v for k, v in read.items() if k not in changed
    }
    assert dora.memberships.get().valid_until == later
    assert not Event.objects.exists()


def test_it_needs_the_permission(client_of, charlie, dora):
    facts.grant(charlie, "authentik_core.view_user")

    response = client_of(charlie).patch(f"{URL}{dora.pk}/", {"name": "x"})

    dora.refresh_from_db()
    assert response.status_code == 403
    assert dora.name == "Dora"


def test_object_permissions_are_enough(client_of, charlie, dora):
    facts.grant(charlie, "authentik_core.view_user", dora)
    facts.grant(charlie, "authentik_core.change_user", dora)

    response = client_of(charlie).patch(f"{URL}{dora.pk}/", {"name": "x"})

    assert response.status_code == 200


def test_deactivation_ends_tokens_at_the_next_request(client_of, bearer_of, root, dora):
    client = bearer_of(dora)
    assert client.get(f"{URL}me/").status_code == 200

    client_of(root).patch(f"{URL}{dora.pk}/", {"is_active": False}, format="json")

    assert client.get(f"{URL}me/").json() == {"detail": "Token invalid/expired"}


def test_the_event_says_what_changed_whatever_it_is(client_of, root, dora):
    client_of(root).patch(f"{URL}{dora.pk}/", {"last_login": "2030-01-01T00:00:00Z"})

    event = Event.objects.get(kind=EventKind.USER_CHANGED)
    assert event.before == {"last_login": None}
    assert event.after == {"last_login": "2030-01-01T00:00:00+00:00"}


def test_sessions_ended_by_deactivation_stay_ended(client, client_of, root, dora):
    client.force_login(dora)
    key, _ = sign_in(user=dora)
    for is_active in (False, True):
        client_of(root).patch(f"{URL}{dora.pk}/", {"is_active": is_active})

    assert client.get(f"{URL}me/").status_code == 403
    assert authenticate_sign_in(key) is None


def test_a_session_begun_after_the_return_counts(client, client_of, root, dora):
    for is_active in (False, True):
        client_of(root).patch(f"{URL}{dora.pk}/", {"is_active": is_active})
    dora.refresh_from_db()
    client.force_login(dora)

    assert client.get(f"{URL}me/").status_code == 200


def test_any_other_change_leaves_sessions_alone(client, client_of, root, dora):
    client.force_login(dora)
    client_of(root).patch(f"{URL}{dora.pk}/", {"is_active": True, "name": "D"})

    assert client.get(f"{URL}me/").status_code == 200


def test_deactivation_ends_sessions_at_the_next_request(client, client_of, root, dora):
    client.force_login(dora)
    assert client.get(f"{URL}me/").status_code == 200

    client_of(root).patch(f"{URL}{dora.pk}/", {"is_active": False}, format="json")

    assert client.get(f"{URL}me/").status_code == 403


def test_changing_users_does_not_allow_putting_them_into_groups(client_of, manager, dora):
    """CVE-2026-40172, from the user's side."""
    admins = facts.group("admins", is_superuser=True)
    facts.grant(manager, "authentik_core.view_group")

    for pk in (dora.pk, manager.pk):
        response = client_of(manager).patch(f"{URL}{pk}/", {"groups": [str(admins.pk)]})
        assert response.status_code == 403
    assert not admins.users.exists()


def test_adding_to_groups_does_not_allow_making_superusers(client_of, manager):
    admins = facts.group("admins", is_superuser=True)
    below = facts.group("below")
    below.ancestor_rows.create(ancestor=admins)
    facts.grant(manager, "authentik_core.view_group")
    facts.grant(manager, "authentik_core.add_user_to_group")
    facts.grant(manager, "authentik_rbac.escalate")

    for group in (admins, below):
        response = client_of(manager).patch(f"{URL}{manager.pk}/", {"groups": [str(group.pk)]})
        assert response.status_code == 403
    assert not manager.groups.exists()


def test_joining_a_group_gives_nothing_the_caller_lacks(client_of, manager, dora):
    crew, cooks = facts.group("crew"), facts.role("cooks")
    facts.grant(cooks, "authentik_core.delete_user")
    facts.hold(cooks, crew)
    facts.grant(manager, "authentik_core.view_group")
    facts.grant(manager, "authentik_core.add_user_to_group", crew)
    kept = [str(pk) for pk in dora.groups.values_list("pk", flat=True)]

    response = client_of(manager).patch(f"{URL}{dora.pk}/", {"groups": [*kept, str(crew.pk)]})

    assert response.status_code == 403
    assert "authentik_core.delete_user" in response.json()["detail"]


def test_leaving_a_group_needs_its_permission(client_of, manager, dora):
    refused = client_of(manager).patch(f"{URL}{dora.pk}/", {"groups": []}, format="json")
    facts.grant(manager, "authentik_core.remove_user_from_group")
    accepted = client_of(manager).patch(f"{URL}{dora.pk}/", {"groups": []}, format="json")

    assert (refused.status_code, accepted.status_code) == (403, 200)


def test_roles_need_the_permission_to_change_them(client_of, manager, dora):
    cooks = facts.role("cooks")
    facts.grant(manager, "authentik_rbac.view_role")
    held = [str(pk) for pk in dora.role_assignments.values_list("role", flat=True)]
    body = {"roles": [*held, str(cooks.pk)]}

    refused = client_of(manager).patch(f"{URL}{dora.pk}/", body)
    facts.grant(manager, "authentik_rbac.change_role", cooks)
    accepted = client_of(manager).patch(f"{URL}{dora.pk}/", body)

    assert (refused.status_code, accepted.status_code) == (403, 200)


def test_a_role_gives_nothing_the_caller_lacks(client_of, manager):
    cooks = facts.role("cooks")
    facts.grant(cooks, "authentik_core.delete_user")
    facts.grant(manager, "authentik_rbac.view_role")
    facts.grant(manager, "authentik_rbac.change_role")

    response = client_of(manager).patch(f"{URL}{manager.pk}/", {"roles": [str(cooks.pk)]})

    assert response.status_code == 403
    assert not manager.role_assignments.exists()


def test_links_the_caller_cannot_see_may_be_sent_back(client_of, manager, dora):
    read = client_of(manager).get(f"{URL}{dora.pk}/").json()

    response = client_of(manager).put(f"{URL}{dora.pk}/", read, format="json")

    assert response.status_code == 200
    assert dora.groups.count() == dora.role_assignments.count() == 1


def test_roles_that_stand_in_for_a_group_stay(client_of, root, dora):
    managed = facts.role("managed", managed="genauth/group")
    facts.hold(managed, dora)

    response = client_of(root).patch(f"{URL}{dora.pk}/", {"roles": []}, format="json")

    assert response.json()["roles"] == []
    assert dora.role_assignments.get().role == managed


@pytest.mark.parametrize(("field", "value"), [("username", "mallory"), ("email", "mallory@x.org")])
def test_nobody_gives_the_rights_of_others_another_name(client_of, manager, root, field, value):
    """Decisions are asked by name: a superuser called mallory would make mallory one."""
    response = client_of(manager).patch(f"{URL}{root.pk}/", {field: value})

    root.refresh_from_db()
    assert response.status_code == 403
    assert getattr(root, field) != value


def test_nobody_wakes_somebody_who_holds_more(client_of, manager, root, dora):
    User.objects.filter(pk=root.pk).update(is_active=False)

    response = client_of(manager).patch(f"{URL}{root.pk}/", {"is_active": True})

    root.refresh_from_db()
    assert (response.status_code, response.json()["code"]) == (403, "superuser_only")
    assert not root.is_active


def test_whoever_changes_users_wakes_those_who_hold_nothing_more(client_of, manager, dora):
    assert client_of(manager).patch(f"{URL}{dora.pk}/", {"is_active": False}).status_code == 200
    assert client_of(manager).patch(f"{URL}{dora.pk}/", {"is_active": True}).status_code == 200


def test_internal_service_accounts_are_left_alone(client_of, root, dora):
    User.objects.filter(pk=dora.pk).update(type="internal_service_account")

    response = client_of(root).patch(f"{URL}{dora.pk}/", {"name": "x"})

    assert response.status_code == 400


def test_nobody_becomes_an_internal_service_account(client_of, root, dora):
    response = client_of(root).patch(f"{URL}{dora.pk}/", {"type": "internal_service_account"})

    dora.refresh_from_db()
    assert response.status_code == 400
    assert dora.type == "external"


BAD_BODIES = {
    "taken username": ({"username": "root"}, "username"),
    "null username": ({"username": None}, "username"),
    "NUL": ({"name": "\0"}, "name"),
    "groups is an object": ({"groups": {}}, "groups"),
    "unknown group": ({"groups": ["5f0a3c86-0000-4000-8000-000000000000"]}, "groups"),
    "roles is a number": ({"roles": 5}, "roles"),
    "attributes is a number": ({"attributes": 5}, "attributes"),
    "blank path": ({"path": ""}, "path"),
    "active is a list": ({"is_active": []}, "is_active"),
    "a list": ([], "non_field_errors"),
}


@pytest.mark.parametrize("method", ["patch", "put"])
@pytest.mark.parametrize(("body", "key"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies_are_refused_by_field_and_write_nothing(
    client_of, root, dora, method, body, key
):
    if method == "put" and isinstance(body, dict):
        body = {"username": "dora", "name": "Dora", **body}

    response = getattr(client_of(root), method)(f"{URL}{dora.pk}/", body, format="json")

    dora.refresh_from_db()
    assert response.status_code == 400
    assert key in response.json()
    assert (dora.username, dora.name, dora.path) == ("dora", "Dora", "staff")
    assert dora.groups.count() == 1


def test_an_unknown_user_is_404(client_of, root):
    assert client_of(root).patch(f"{URL}999999/", {"name": "x"}).status_code == 404


def test_nobody_is_renamed_to_what_somebody_else_is_known_by(client_of, root, dora, bob):
    for name in (str(bob.uuid), bob.hex_id):
        response = client_of(root).patch(f"{URL}{dora.pk}/", {"username": name})

        assert response.status_code == 400
        assert response.json() == {"username": ["Another user is known by this name."]}
    User.objects.filter(pk=dora.pk).update(email="dora@example.org")
    assert (
        client_of(root).patch(f"{URL}{dora.pk}/", {"username": "dora@example.org"}).status_code
        == 200
    )
