import pytest

from accounts.models import Group, GroupClosure
from audit.models import Event, EventKind
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/groups/"


def test_a_group_is_created(client_of, root, alice):
    auditors = facts.role("auditors")
    body = {
        "name": "staff", "users": [alice.pk], "roles": [str(auditors.pk)], "attributes": {"a": 1},
    }  # fmt: skip

    response = client_of(root).post(URL, body)

    staff = Group.objects.get(name="staff")
    assert response.status_code == 201
    assert response.json()["pk"] == str(staff.pk)
    assert list(staff.users.all()) == [alice]
    assert staff.role_assignments.get().role == auditors
    assert staff.attributes == {"a": 1}


def test_the_answer_holds_what_every_generation_of_clients_needs(client_of, root):
    answer = client_of(root).post(URL, {"name": "staff"}).json()

    staff = Group.objects.get(name="staff")
    assert answer == {
        "pk": str(staff.pk),
        "num_pk": staff.num_pk,
        "name": "staff",
        "is_superuser": False,
        "parent": None,
        "parent_name": None,
        "parents": [],
        "parents_obj": None,
        "children": [],
        "children_obj": None,
        "users": [],
        "users_obj": [],
        "attributes": {},
        "roles": [],
        "roles_obj": [],
        "inherited_roles_obj": None,
        "memberships": None,
    }


def test_old_clients_give_one_parent(client_of, root):
    top = facts.group("top")

    answer = client_of(root).post(URL, {"name": "staff", "parent": str(top.pk)}).json()

    assert (answer["parent"], answer["parent_name"]) == (str(top.pk), "top")
    assert answer["parents"] == [str(top.pk)]
    assert GroupClosure.objects.filter(descendant__name="staff", ancestor=top).exists()


def test_new_clients_give_several_parents(client_of, root):
    tops = [facts.group(name) for name in ("top", "summit")]

    answer = (
        client_of(root)
        .post(URL, {"name": "staff", "parents": [str(top.pk) for top in tops]})
        .json()
    )

    assert set(answer["parents"]) == {str(top.pk) for top in tops}
    assert answer["parent_name"] == "summit"


def test_it_leaves_events(client_of, root, alice):
    client_of(root).post(URL, {"name": "staff", "users": [alice.pk]})

    kinds = set(Event.objects.values_list("kind", flat=True))
    assert kinds == {EventKind.GROUP_CREATED, EventKind.GROUP_MEMBER_ADDED}


def test_it_needs_the_permission(client_of, charlie):
    response = client_of(charlie).post(URL, {"name": "staff"})

    assert response.status_code == 403
    assert not Group.objects.filter(name="staff").exists()


def test_a_superuser_group_needs_a_superuser(client_of, alice):
    facts.grant(alice, "authentik_core.add_group")
    facts.grant(alice, "authentik_core.enable_group_superuser")

    response = client_of(alice).post(URL, {"name": "staff", "is_superuser": True})

    assert response.status_code == 403
    assert not Group.objects.filter(name="staff").exists()


def test_a_superuser_group_needs_the_permission_for_the_flag(client_of, alice):
    facts.grant(alice, "authentik_core.add_group")

    response = client_of(alice).post(URL, {"name": "staff", "is_superuser": True})

    assert response.status_code == 400
    assert "is_superuser" in response.json()


def test_it_gives_members_no_role_the_caller_does_not_hold(client_of, alice):
    auditors = facts.role("auditors")
    facts.grant(auditors, "authentik_core.view_user")
    facts.grant(alice, "authentik_core.add_group")
    facts.grant(alice, "authentik_rbac.view_role")
    facts.grant(alice, "authentik_rbac.change_role")

    response = client_of(alice).post(URL, {"name": "staff", "roles": [str(auditors.pk)]})

    assert response.status_code == 403
    assert "authentik_core.view_user" in response.json()["detail"]
    assert not Group.objects.filter(name="staff").exists()


def test_below_a_group_only_by_somebody_who_may_add_to_it(client_of, alice):
    top = facts.group("top")
    facts.grant(alice, "authentik_core.add_group")
    facts.grant(alice, "authentik_core.view_group")

    refused = client_of(alice).post(URL, {"name": "staff", "parents": [str(top.pk)]})
    facts.grant(alice, "authentik_core.add_user_to_group", top)
    accepted = client_of(alice).post(URL, {"name": "staff", "parents": [str(top.pk)]})

    assert (refused.status_code, accepted.status_code) == (403, 201)


BAD_BODIES = {
    "no name": ({}, "name"),
    "blank name": ({"name": ""}, "name"),
    "long name": ({"name": "s" * 256}, "name"),
    "NUL in the name": ({"name": "\0"}, "name"),
    "name is a number list": ({"name": [1]}, "name"),
    "taken name": ({"name": "taken"}, "name"),
    "users is an object": ({"name": "staff", "users": {}}, "users"),
    "users is null": ({"name": "staff", "users": None}, "users"),
    "user is text": ({"name": "staff", "users": ["x"]}, "users"),
    "user is true": ({"name": "staff", "users": [True]}, "users"),
    "user is a fraction": ({"name": "staff", "users": [1.5]}, "users"),
    "user is huge": ({"name": "staff", "users": [2**64 - 1]}, "users"),
    "user is larger still": ({"name": "staff", "users": [2**70]}, "users"),
    "user is negative": ({"name": "staff", "users": [-1]}, "users"),
    "unknown user": ({"name": "staff", "users": [999999]}, "users"),
    "malformed parent": ({"name": "staff", "parent": "x"}, "parent"),
    "parent is a list": ({"name": "staff", "parent": []}, "parent"),
    "unknown parent": (
        {"name": "staff", "parent": "5f0a3c86-0000-4000-8000-000000000000"},
        "parent",
    ),
    "parents is text": ({"name": "staff", "parents": "x"}, "parents"),
    "parents is an object": ({"name": "staff", "parents": {}}, "parents"),
    "roles is an object": ({"name": "staff", "roles": {}}, "roles"),
    "malformed role": ({"name": "staff", "roles": ["x"]}, "roles"),
    "attributes is text": ({"name": "staff", "attributes": "{}"}, "attributes"),
    "NUL in attributes": ({"name": "staff", "attributes": {"a": "\0"}}, "attributes"),
    "superuser is text": ({"name": "staff", "is_superuser": "perhaps"}, "is_superuser"),
    "superuser is null": ({"name": "staff", "is_superuser": None}, "is_superuser"),
    "a list": ([{"name": "staff"}], "non_field_errors"),
}


@pytest.mark.parametrize(("body", "key"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies_are_refused_by_field_and_write_nothing(client_of, root, body, key):
    facts.group("taken")
    before = Group.objects.count()

    response = client_of(root).post(URL, body, format="json")

    assert response.status_code == 400
    assert key in response.json()
    assert Group.objects.count() == before
    assert not Event.objects.exists()


def test_the_words_for_a_taken_name_are_authentiks(client_of, root):
    facts.group("staff")

    response = client_of(root).post(URL, {"name": "staff"})

    assert response.json() == {"name": ["This field must be unique."]}


def test_a_malformed_parent_is_not_spoken_of_as_an_item_of_a_list(client_of, root):
    response = client_of(root).post("/api/v3/core/groups/", {"name": "staff", "parent": "x"})

    assert response.json() == {"parent": ["Must be a valid UUID."]}
