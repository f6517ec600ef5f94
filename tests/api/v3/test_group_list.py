import pytest

from accounts.models import Group, GroupParent, User
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/groups/"


def names(response):
    assert response.status_code == 200, response.content
    return [group["name"] for group in response.json()["results"]]


def below(child: Group, parent: Group) -> None:
    GroupParent.objects.create(child=child, parent=parent)
    child.ancestor_rows.create(ancestor=parent)


@pytest.fixture
def groups(alice, bob):
    staff, crew = facts.group("staff", alice), facts.group("crew", alice, bob)
    Group.objects.filter(pk=staff.pk).update(attributes={"floor": 3})
    below(crew, staff)
    facts.hold(facts.role("cooks"), staff)
    facts.hold(facts.role("eaters"), crew)
    return staff, crew


def test_it_lists_groups_by_name(client_of, root, groups):
    page = client_of(root).get(URL).json()

    assert [group["name"] for group in page["results"]] == ["crew", "staff", "superusers of root"]
    assert page["pagination"]["count"] == 3
    assert page["autocomplete"] == {}


def test_linked_objects_come_when_asked_for(client_of, root, groups):
    query = {
        "name": "crew",
        "include_users": "false",
        "include_parents": "true",
        "include_children": "true",
        "include_inherited_roles": "true",
    }

    [crew] = client_of(root).get(URL, query).json()["results"]

    assert crew["users_obj"] is None
    assert len(crew["users"]) == 2
    assert [group["name"] for group in crew["parents_obj"]] == ["staff"]
    assert crew["children_obj"] == []
    assert [role["name"] for role in crew["roles_obj"]] == ["eaters"]
    assert [role["name"] for role in crew["inherited_roles_obj"]] == ["cooks"]


def test_children_are_listed(client_of, root, groups):
    _staff, crew = groups
    [found] = client_of(root).get(URL, {"name": "staff", "include_children": "1"}).json()["results"]

    assert found["children"] == [str(crew.pk)]
    assert found["children_obj"][0]["group_uuid"] == str(crew.pk)


def test_a_direct_role_is_not_an_inherited_one(client_of, root, groups):
    staff, crew = groups
    facts.hold(facts.role("both"), staff)
    facts.hold(staff.role_assignments.get(role__name="both").role, crew)

    query = {"name": "crew", "include_inherited_roles": "true"}
    [found] = client_of(root).get(URL, query).json()["results"]

    assert [role["name"] for role in found["inherited_roles_obj"]] == ["cooks"]


def test_it_shows_only_what_one_may_view(client_of, charlie, groups):
    facts.grant(charlie, "authentik_core.view_group", groups[0])

    assert names(client_of(charlie).get(URL)) == ["staff"]


def test_without_the_permission_it_is_refused(client_of, charlie, groups):
    assert client_of(charlie).get(URL).status_code == 403


FILTERS = {
    "name": ({"name": "crew"}, ["crew"]),
    "superuser": ({"is_superuser": "true"}, ["superusers of root"]),
    "attributes": ({"attributes": '{"floor": 3}'}, ["staff"]),
    "member": ({"members_by_username": "bob"}, ["crew"]),
    "members": ({"members_by_username": ["bob", "alice"]}, ["crew", "staff"]),
    "search": ({"search": "sta"}, ["staff"]),
    "order": ({"ordering": "-name"}, ["superusers of root", "staff", "crew"]),
    "unknown order": ({"ordering": "attributes"}, ["crew", "staff", "superusers of root"]),
}


@pytest.mark.parametrize(("query", "expected"), FILTERS.values(), ids=FILTERS)
def test_filters(client_of, root, groups, query, expected):
    assert names(client_of(root).get(URL, query)) == expected


def test_filters_work_for_who_may_view_some(client_of, charlie, groups, bob):
    facts.grant(charlie, "authentik_core.view_user", bob)
    facts.grant(charlie, "authentik_core.view_group", groups[1])
    query = {
        "members_by_pk": bob.pk,
        "members_by_username": "bob",
        "search": "cre",
        "attributes": "{}",
        "include_inherited_roles": "true",
    }

    assert names(client_of(charlie).get(URL, query)) == ["crew"]


def test_members_are_found_by_number(client_of, root, groups, bob):
    assert names(client_of(root).get(URL, {"members_by_pk": bob.pk})) == ["crew"]


BAD_FILTERS = {
    "unknown member": {"members_by_pk": "999999"},
    "malformed member": {"members_by_pk": "x"},
    "unknown name": {"members_by_username": "nobody"},
    "NUL": {"name": "\0"},
}


@pytest.mark.parametrize("query", BAD_FILTERS.values(), ids=BAD_FILTERS)
def test_bad_filters_are_refused_by_name(client_of, root, query):
    response = client_of(root).get(URL, query)

    assert response.status_code == 400
    assert set(response.json()) == set(query)


@pytest.mark.parametrize("number", ["9" * 19, "9" * 400, "-1"])
def test_numbers_no_user_can_have_are_refused(client_of, root, number):
    assert client_of(root).get(URL, {"members_by_pk": number}).status_code == 400


@pytest.mark.parametrize("text", ["{", "[]"])
def test_bad_attributes_are_refused_in_authentiks_shape(client_of, root, text):
    response = client_of(root).get(URL, {"attributes": text})

    assert response.status_code == 400
    assert response.json()[0].startswith("filter: ")


def test_statements_do_not_depend_on_the_rows(bearer_of, root):
    client = bearer_of(root)
    query = {
        "include_parents": "true", "include_children": "true", "include_inherited_roles": "true",
    }  # fmt: skip
    parent = facts.group("parent")
    facts.hold(facts.role("first"), parent)
    with counted() as few:
        client.get(URL, query)
    for n in range(20):
        group = facts.group(f"g{n}", User.objects.create(username=f"u{n}"))
        below(group, parent)
        facts.hold(facts.role(f"r{n}"), group)
    with counted() as many:
        response = client.get(URL, query)

    assert len(response.json()["results"]) == 22
    assert len(few) == len(many) <= 10, many
