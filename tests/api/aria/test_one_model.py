"""What is written through this door decides everywhere, and what others write is seen here."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.facts import Window
from accounts.models import User
from audit.models import Event, EventKind
from permissions.operations.assignments import assign_role
from permissions.operations.scopes import EntrySpec, create_scope
from roles.models import RoleAssignment
from tests import facts
from tests.api.aria.conftest import GUEST, HOST, OTHER, may

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided(bearer_of, root):
    """Ask AuthZEN whether a user may do something on an object."""
    gate = bearer_of(root)

    def ask(user, key, on):
        question = {
            "subject": {"type": "user", "id": str(user.uuid)},
            "action": {"name": key},
            "resource": {"type": "aria.resource", "id": on},
        }
        return gate.post("/access/v1/evaluation", question).json()["decision"]

    return ask


def scoped(root, *keys, **fields):
    entries = [EntrySpec(type="aria.resource", object_pk=key) for key in keys]
    return create_scope(actor=root, entries=entries, **fields)


def shown(root_door, user):
    return root_door.get(f"users/{user.uuid}/permissions").json()["permissions"]


def test_a_permission_decides_authzen_checks(put, bob, operator, decided):
    selection = [{"type": "SPECIFIC", "resourceId": [HOST]}]
    instances = [{"adapterKind": "?", "name": "?", "resourceSelection": selection}]

    put(bob, roleName="Operator", **{"traversal-spec-instances": instances})

    assert decided(bob, "Power On VM", HOST)
    assert not decided(bob, "Power On VM", OTHER)
    assert not decided(bob, "Power Off VM", HOST)


def test_a_role_for_all_objects_is_in_authentiks_lists_and_the_other_way_round(
    put, bob, operator, client_of, root, root_door
):
    put(bob, roleName="Operator", allowAllObjects=True)
    held = client_of(root).get(f"/api/v3/rbac/roles/?users={bob.pk}")
    if held.status_code == 200:
        assert [role["name"] for role in held.json()["results"]] == ["Operator"]

    assign_role(role=facts.role("auditors"), principal=bob, actor=None)

    assert {"roleName": "auditors", "allowAllObjects": True} in shown(root_door, bob)


def test_several_assignments_of_a_role_are_shown_as_one_and_replaced_together(
    put, bob, operator, root, root_door
):
    assign_role(role=operator, principal=bob, actor=root, scope=scoped(root, HOST))
    assign_role(role=operator, principal=bob, actor=root, scope=scoped(root, GUEST, name="guests"))

    [merged] = shown(root_door, bob)
    keys = [
        part["resourceId"]
        for instance in merged["traversal-spec-instances"]
        for part in instance["resourceSelection"]
    ]
    assert (merged["allowAllObjects"], keys) == (False, [[HOST], [GUEST]])

    put(bob, roleName="Operator", allowAllObjects=True)
    assert RoleAssignment.objects.get(user=bob).scope is None


def test_one_unlimited_assignment_among_several_is_all_objects(bob, operator, root, root_door):
    assign_role(role=operator, principal=bob, actor=root, scope=scoped(root, HOST))
    assign_role(role=operator, principal=bob, actor=root)

    assert shown(root_door, bob) == [{"roleName": "Operator", "allowAllObjects": True}]


def test_a_named_scope_is_shown_by_id(bob, operator, root, root_door):
    scope = scoped(root, HOST, name="hosts")
    assign_role(role=operator, principal=bob, actor=root, scope=scope)

    [only] = shown(root_door, bob)
    assert only["scopeId"] == str(scope.pk)


def test_an_assignment_that_is_over_or_to_come_is_not_shown_and_replaced(
    put, bob, operator, root, root_door
):
    now, day = timezone.now(), timedelta(days=1)
    facts.hold(operator, bob, valid_until=now - day)
    scope = scoped(root, HOST)
    assign_role(role=operator, principal=bob, actor=root, scope=scope, window=Window(now + day))
    assert shown(root_door, bob) == []

    put(bob, roleName="Operator", allowAllObjects=True)

    row = RoleAssignment.objects.get(user=bob)
    assert (row.valid_from, row.valid_until) == (None, None)
    assert may(bob, "object.view", OTHER)


def test_what_is_sent_back_takes_nothing_away_that_is_to_come(put, bob, operator, root):
    later = timezone.now() + timedelta(days=1)
    put(bob, roleName="Operator", allowAllObjects=True)
    scope = scoped(root, HOST)
    assign_role(role=operator, principal=bob, actor=root, scope=scope, window=Window(later))
    before = list(RoleAssignment.objects.order_by("pk").values())

    assert put(bob, roleName="Operator", allowAllObjects=True).status_code == 200

    assert list(RoleAssignment.objects.order_by("pk").values()) == before


def test_who_replaces_the_scope_leaves_the_times_and_the_reason(put, bob, operator):
    put(bob, roleName="Operator", allowAllObjects=True)
    end = timezone.now() + timedelta(days=1)
    RoleAssignment.objects.update(valid_until=end, reason="contractor")

    assert put(bob, roleName="Operator").status_code == 200

    row = RoleAssignment.objects.get(user=bob)
    assert (row.scope.kind, row.valid_until, row.reason) == ("nothing", end, "contractor")


def test_a_user_sent_back_as_it_was_read_keeps_times_and_scopes(bob, operator, root, root_door):
    end = timezone.now() + timedelta(days=1)
    assign_role(role=operator, principal=bob, actor=root, window=Window(None, end))
    foreign = create_scope(actor=root, entries=[EntrySpec(type="authentik_core.user")])
    assign_role(role=facts.role("auditors"), principal=bob, actor=root, scope=foreign)
    later = facts.role("later")
    assign_role(role=later, principal=bob, actor=root, window=Window(end))
    before = list(RoleAssignment.objects.order_by("pk").values())
    read = root_door.get(f"users/{bob.uuid}").json()

    response = root_door.put("users", {**read, "emailAddress": "bob@example.com"})

    assert response.json()["emailAddress"] == "bob@example.com"
    assert list(RoleAssignment.objects.order_by("pk").values()) == before


def test_a_role_named_twice_is_400_also_when_held(put, bob, operator, root_door):
    put(bob, roleName="Operator", allowAllObjects=True)
    held, other = {"roleName": "Operator", "allowAllObjects": True}, {"roleName": "Operator"}
    sent = {"id": str(bob.uuid), "username": "bob", "role-permissions": [held, other]}

    response = root_door.put("users", sent)

    [failure] = response.json()["validationFailures"]
    assert (response.status_code, failure["violationPath"]) == (400, "role-permissions")


def test_an_object_that_was_deleted_is_not_shown_and_can_be_given_anew(
    put, bob, operator, root, root_door, client_of
):
    keys = [{"type": "SPECIFIC", "resourceId": [HOST, GUEST]}]
    instances = [{"adapterKind": "?", "name": "?", "resourceSelection": keys}]
    sent = {"roleName": "Operator", "traversal-spec-instances": instances}
    put(bob, **sent)

    resources = "/api/v3/rbac/resource_types/aria.resource/resources"
    assert client_of(root).delete(f"{resources}/{HOST}/").status_code == 204

    [instance] = shown(root_door, bob)[0]["traversal-spec-instances"]
    assert instance["resourceSelection"] == [{"type": "SPECIFIC", "resourceId": [GUEST]}]
    [event] = Event.objects.filter(kind=EventKind.SCOPE_CHANGED)
    lost = {"type": "aria.resource", "object_pk": HOST, "with_descendants": False}
    assert event.before == {"entries": [lost]}
    put(bob, **sent)
    assert may(bob, "object.view", HOST)


@pytest.mark.parametrize("kind", ["users", "usergroups", "roles", "scopes"])
def test_what_is_sent_back_as_it_was_read_is_no_change(put, bob, operator, root, root_door, kind):
    User.objects.filter(pk=bob.pk).update(name="Bob the Builder")
    put(bob, roleName="Operator", allowAllObjects=True)
    group, scope = facts.group("g", bob), scoped(root, HOST, name="hosts")
    keys = {"users": bob.uuid, "usergroups": group.pk, "roles": "Operator", "scopes": scope.pk}
    path, before = f"{kind}/{keys[kind]}", Event.objects.count()
    read = root_door.get(path).json()

    assert root_door.put(kind, read).status_code == 200

    after = root_door.get(path).json()
    assert {name for name in read if after[name] != read[name]} <= {"lastModifiedTime"}
    assert Event.objects.count() == before
