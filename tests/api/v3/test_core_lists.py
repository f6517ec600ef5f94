"""Pages of users and of groups: few statements however many rows, and each row as read alone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import Group, GroupMembership, GroupParent, User
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

USERS, GROUPS = "/api/v3/core/users/", "/api/v3/core/groups/"
VIEWING = ("authentik_core.view_user", "authentik_core.view_group", "authentik_rbac.view_role")
EVERYTHING = {
    f"include_{name}": "true"
    for name in ("users", "children", "parents", "inherited_roles", "memberships")
}
MOMENT = datetime(2024, 1, 2, 3, 4, 5, 60, tzinfo=UTC)


def crowd(size):
    """Users in several groups below one another, all of them with roles."""
    roles = [facts.role(f"role {n}") for n in range(3)]
    users = [User.objects.create(username=f"user {n:02}", name="U N") for n in range(size)]
    groups = [facts.group(f"group {n:02}") for n in range(size)]
    for n, user in enumerate(users):
        for group in {groups[n], groups[n // 2], groups[-1]}:
            group.memberships.create(user=user)
        facts.hold(roles[n % 3], user)
        facts.hold(roles[(n + 1) % 3], groups[n])
    for child, parent in pairwise(groups):
        below(child, parent)
    below(groups[0], groups[2])
    return users, groups, roles


def below(child, parent):
    GroupParent.objects.create(child=child, parent=parent)
    child.ancestor_rows.get_or_create(ancestor=parent)


def let_view(caller, how, crowded):
    """Everything as a superuser or by grants, or every second row."""
    if how == "superuser":
        facts.make_superuser(caller)
    for name, rows in zip(VIEWING, crowded, strict=True):
        if how == "all":
            facts.grant(caller, name)
        if how == "some":
            for row in rows[::2]:
                facts.grant(caller, name, row)


@pytest.mark.parametrize("url", [USERS, GROUPS])
@pytest.mark.parametrize("how", ["superuser", "all", "some"])
@pytest.mark.parametrize("size", [3, 30])
def test_a_page_takes_few_statements_however_many_rows(bearer_of, charlie, url, how, size):
    let_view(charlie, how, crowd(size))
    client = bearer_of(charlie)

    with counted() as statements:
        body = client.get(url, {"page_size": size // 2 if how == "some" else size}).json()

    assert len(body["results"]) >= size // 2
    assert len(statements) <= 6, statements


@pytest.mark.parametrize("url", [USERS, GROUPS])
@pytest.mark.parametrize("how", ["superuser", "all", "some"])
def test_a_row_of_a_page_is_what_reading_it_alone_answers(client_of, charlie, url, how):
    crowded = crowd(6)
    let_view(charlie, how, crowded)
    times = {"valid_from": MOMENT, "valid_until": timezone.now() + timedelta(days=1)}
    GroupMembership.objects.filter(user__in=crowded[0][:3]).update(reason="until then", **times)
    client = client_of(charlie)

    rows = client.get(url, EVERYTHING).json()["results"]

    assert len(rows) >= 3
    for row in rows:
        assert client.get(f"{url}{row['pk']}/", EVERYTHING).json() == row


def test_a_group_with_several_parents_comes_once(client_of, root):
    users, _, _ = crowd(3)

    [user] = client_of(root).get(USERS, {"username": users[0].username}).json()["results"]

    assert [group["name"] for group in user["groups_obj"]] == ["group 00", "group 02"]
    assert user["groups"] == [group["pk"] for group in user["groups_obj"]]
    assert user["groups_obj"][0]["parent_name"] == "group 01"


@pytest.fixture
def staff(alice):
    """Keys and times that a test can spell out."""
    User.objects.filter(pk=alice.pk).update(
        uuid=UUID(int=5),
        email="a@x.org",
        attributes={"a": [1.5, None]},
        last_login=MOMENT,
        date_joined=MOMENT.replace(microsecond=0),
        last_updated=MOMENT,
        password_change_date=MOMENT,
    )
    alice.refresh_from_db()
    made = facts.group("staff", alice, pk=UUID(int=2**32 + 7), attributes={"floor": 3})
    facts.hold(facts.role("auditors", pk=UUID(int=9)), made)
    return made


def test_a_row_of_users_member_by_member(client_of, root, alice, staff):
    alice.memberships.update(valid_from=MOMENT, reason="for now")
    query = {"username": "alice", "include_memberships": "true"}

    [row] = client_of(root).get(USERS, query).json()["results"]

    assert row.pop("avatar").startswith("data:image/svg+xml;base64,")
    assert list(row.items()) == [
        ("pk", alice.pk),
        ("username", "alice"),
        ("name", "Alice"),
        ("is_active", True),
        ("last_login", "2024-01-02T03:04:05.000060Z"),
        ("date_joined", "2024-01-02T03:04:05Z"),
        ("is_superuser", False),
        ("groups", [str(staff.pk)]),
        (
            "groups_obj",
            [
                {
                    "pk": "00000000-0000-0000-0000-000100000007",
                    "num_pk": 7,
                    "name": "staff",
                    "is_superuser": False,
                    "parent": None,
                    "parent_name": None,
                    "attributes": {"floor": 3},
                }
            ],
        ),
        ("roles", []),
        ("roles_obj", []),
        (
            "memberships",
            [
                {
                    "pk": alice.memberships.get().pk,
                    "group": str(staff.pk),
                    "valid_from": "2024-01-02T03:04:05.000060Z",
                    "valid_until": None,
                    "reason": "for now",
                }
            ],
        ),
        ("email", "a@x.org"),
        ("attributes", {"a": [1.5, None]}),
        ("uid", alice.uid),
        ("path", "users"),
        ("type", "internal"),
        ("uuid", "00000000-0000-0000-0000-000000000005"),
        ("password_change_date", "2024-01-02T03:04:05.000060Z"),
        ("last_updated", "2024-01-02T03:04:05.000060Z"),
    ]


def test_a_row_of_groups_member_by_member(client_of, root, alice, staff):
    [row] = client_of(root).get(GROUPS, {"name": "staff"}).json()["results"]

    assert list(row.items()) == [
        ("pk", "00000000-0000-0000-0000-000100000007"),
        ("num_pk", 7),
        ("name", "staff"),
        ("is_superuser", False),
        ("parent", None),
        ("parent_name", None),
        ("parents", []),
        ("parents_obj", None),
        ("children", []),
        ("children_obj", None),
        ("users", [alice.pk]),
        (
            "users_obj",
            [
                {
                    "pk": alice.pk,
                    "username": "alice",
                    "name": "Alice",
                    "is_active": True,
                    "last_login": "2024-01-02T03:04:05.000060Z",
                    "email": "a@x.org",
                    "attributes": {"a": [1.5, None]},
                    "uid": alice.uid,
                }
            ],
        ),
        ("attributes", {"floor": 3}),
        ("roles", ["00000000-0000-0000-0000-000000000009"]),
        ("roles_obj", [{"pk": "00000000-0000-0000-0000-000000000009", "name": "auditors"}]),
        ("inherited_roles_obj", None),
        ("memberships", None),
    ]


def test_details_are_left_out_of_whole_pages_when_not_asked_for(client_of, root, alice, staff):
    [user] = client_of(root).get(
        USERS, {"username": "alice", "include_groups": "false", "include_roles": "false"}
    ).json()["results"]  # fmt: skip
    [group] = (
        client_of(root).get(GROUPS, {"include_users": "false", "name": "staff"}).json()["results"]
    )

    assert (user["groups"], user["groups_obj"]) == ([str(staff.pk)], None)
    assert (group["users"], group["users_obj"]) == ([alice.pk], None)


@pytest.mark.parametrize("url", [USERS, GROUPS])
def test_who_may_view_some_sees_those_on_every_page(client_of, charlie, url):
    let_view(charlie, "some", crowd(9))
    client = client_of(charlie)

    pages = [client.get(url, {"page": page, "page_size": 2}).json() for page in (1, 2, 3)]

    named = "username" if url == USERS else "name"
    names = [row[named] for page in pages for row in page["results"]]
    assert [name[-2:] for name in names] == ["00", "02", "04", "06", "08"]
    assert {page["pagination"]["count"] for page in pages} == {5}


def test_hidden_rows_are_found_by_no_page(client_of, charlie):
    crowd(3)
    facts.grant(charlie, "authentik_core.view_group", Group.objects.get(name="group 01"))

    response = client_of(charlie).get(GROUPS, {"name": "group 00"})

    assert response.json()["results"] == []


@pytest.mark.parametrize("url", [USERS, GROUPS])
@pytest.mark.parametrize("query", [{}, {"page": 2}, {"ordering": "name"}, {"attributes": "["}])
def test_who_may_view_none_is_told_so_whatever_is_asked(client_of, charlie, url, query):
    crowd(3)

    assert client_of(charlie).get(url, query).status_code == 403
