"""Deleting anything deletes its grants, and nothing of it comes back."""

import pytest

from accounts.models import Group, GroupClosure
from accounts.tokens import create_token
from audit.models import Event, EventKind
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import RoleGlobalGrant, UserObjectPermission
from permissions.operations import assignments, deletion, grants, groups
from permissions.operations.deletion import delete_roles
from permissions.operations.initial_permissions import create_initial_permissions
from permissions.operations.roles import create_role
from permissions.operations.scopes import EntrySpec, create_scope
from roles.models import ScopeKind

pytestmark = pytest.mark.django_db


def give(principal, *names: str, model: str | None = None, object_pk: str | None = None) -> None:
    grants.assign_permissions(
        principal=principal, names=list(names), model=model, object_pk=object_pk, actor=None
    )


def test_a_role_of_the_same_name_starts_empty(alice):
    role = create_role(actor=None, name="auditors")
    give(role, "authentik_core.view_user")
    assignments.assign_role(role=role, principal=alice, actor=None)
    delete_roles(roles=[role], actor=None)

    again = create_role(actor=None, name="auditors")
    assignments.assign_role(role=again, principal=alice, actor=None)

    assert not engine.holds(alice, "authentik_core.view_user")
    assert not RoleGlobalGrant.objects.exists()


def test_every_grant_of_a_deleted_role_has_its_event():
    role = create_role(actor=None, name="auditors")
    give(role, "authentik_core.view_user", "authentik_core.view_group")

    delete_roles(roles=[role], actor=None)

    assert Event.objects.filter(kind=EventKind.GRANT_DELETED).count() == 2


def told(*kinds: EventKind) -> list[tuple[str, str]]:
    """Kinds and names of targets, in the order they were recorded."""
    found = Event.objects.filter(kind__in=kinds).order_by("id")
    return list(found.values_list("kind", "target_name"))


def test_the_end_of_each_membership_and_link_of_a_deleted_group_has_its_event(alice, bob):
    top = groups.create_group(actor=None, name="top")
    middle = groups.create_group(actor=None, name="middle", parents=[top], users=[alice, bob])
    groups.create_group(actor=None, name="bottom", parents=[middle])

    deletion.delete_groups(groups=[middle], actor=None)

    member, parent = EventKind.GROUP_MEMBER_REMOVED, EventKind.GROUP_PARENT_REMOVED
    assert told(member) == [(member, "middle"), (member, "middle")]
    assert sorted(told(parent)) == [(parent, "bottom"), (parent, "middle")]


def test_the_end_of_memberships_and_tokens_of_a_deleted_user_has_its_event(alice):
    groups.create_group(actor=None, name="staff", users=[alice])
    create_token(user=alice, identifier="hers", actor=None)

    deletion.delete_users(users=[alice], actor=None)

    member, token = EventKind.GROUP_MEMBER_REMOVED, EventKind.TOKEN_DELETED
    assert told(member, token) == [(member, "staff"), (token, "hers")]


def test_initial_permissions_of_a_deleted_role_have_their_event():
    role = create_role(actor=None, name="auditors")
    create_initial_permissions(actor=None, name="theirs", role=role)

    delete_roles(roles=[role], actor=None)

    deleted = EventKind.INITIAL_PERMISSIONS_DELETED
    assert told(deleted) == [(deleted, "theirs")]


def test_what_a_scope_loses_with_a_deleted_group_has_its_event():
    group = groups.create_group(actor=None, name="staff")
    named = EntrySpec(type="authentik_core.group", object_pk=str(group.pk))
    scope = create_scope(actor=None, name="ours", kind=ScopeKind.SELECTED, entries=[named])

    deletion.delete_groups(groups=[group], actor=None)

    event = Event.objects.get(kind=EventKind.SCOPE_CHANGED)
    assert event.target_pk == str(scope.pk)
    assert [entry["object_pk"] for entry in (event.before or {})["entries"]] == [str(group.pk)]
    assert event.after is None
    assert not scope.entries.exists()


def test_the_event_of_a_deletion_says_what_there_was(alice):
    role = create_role(actor=None, name="auditors")
    group = groups.create_group(actor=None, name="staff", attributes={"floor": 3})
    deletion.delete_groups(groups=[group], actor=None)
    delete_roles(roles=[role], actor=None)
    deletion.delete_users(users=[alice], actor=None)

    kinds = ("group_deleted", "role_deleted", "user_deleted")
    before = {event.kind: event.before or {} for event in Event.objects.filter(kind__in=kinds)}
    assert before["group_deleted"]["attributes"] == {"floor": 3}
    assert before["role_deleted"]["code"] == "auditors"
    assert before["user_deleted"]["username"] == "alice"


def test_grants_on_a_deleted_group_go_with_it(alice):
    group = groups.create_group(actor=None, name="staff")
    give(alice, "view_group", model="authentik_core.group", object_pk=str(group.pk))

    deletion.delete_groups(groups=[group], actor=None)

    assert not UserObjectPermission.objects.exists()


def test_members_below_a_deleted_group_lose_what_it_gave(alice):
    role = create_role(actor=None, name="auditors")
    give(role, "authentik_core.view_user")
    top = groups.create_group(actor=None, name="top", roles=[role])
    middle = groups.create_group(actor=None, name="middle", parents=[top])
    bottom = groups.create_group(actor=None, name="bottom", parents=[middle], users=[alice])
    assert engine.holds(alice, "authentik_core.view_user")

    deletion.delete_groups(groups=[middle], actor=None)

    assert not engine.holds(alice, "authentik_core.view_user")
    assert list(
        GroupClosure.objects.filter(descendant=bottom).values_list("ancestor", flat=True)
    ) == [bottom.pk]


def test_a_second_way_up_survives_the_deletion_of_the_first(alice):
    role = create_role(actor=None, name="auditors")
    give(role, "authentik_core.view_user")
    top = groups.create_group(actor=None, name="top", roles=[role])
    left = groups.create_group(actor=None, name="left", parents=[top])
    right = groups.create_group(actor=None, name="right", parents=[top])
    groups.create_group(actor=None, name="bottom", parents=[left, right], users=[alice])

    deletion.delete_groups(groups=[left], actor=None)

    assert engine.holds(alice, "authentik_core.view_user")


def test_a_deleted_user_leaves_nothing(alice, bob):
    give(bob, "view_user", model="authentik_core.user", object_pk=str(alice.pk))
    give(alice, "authentik_core.view_group")
    pk = str(alice.pk)

    deletion.delete_users(users=[alice], actor=None)

    assert not UserObjectPermission.objects.exists()
    assert not engine.check(bob, "view", ResourceRef("authentik_core.user", pk)).allowed
    assert Group.objects.count() == 0
