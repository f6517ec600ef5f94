"""Which users have been granted something."""

import pytest
from django.utils import timezone

from accounts.models import GroupClosure, User
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/rbac/permissions/assigned_by_users/"
VIEW = "authentik_rbac.view_role"
ROLE = "authentik_rbac.role"


@pytest.fixture
def thing():
    return facts.role("thing")


def names(response):
    assert response.status_code == 200, response.content
    return [row["username"] for row in response.json()["results"]]


def test_a_holder_and_the_superuser_with_all_their_members(client_of, root, bob, thing):
    grant = facts.grant(bob, VIEW, thing)

    body = client_of(root).get(URL, {"model": ROLE, "object_pk": thing.pk, "ordering": "pk"}).json()

    row = {
        "id": grant.pk,
        "codename": "view_role",
        "model": "role",
        "app_label": "authentik_rbac",
        "name": "Can view Role",
        "object_pk": str(thing.pk),
        "valid_from": None,
        "valid_until": None,
    }
    assert (body["pagination"]["count"], body["pagination"]["end_index"]) == (2, 2)
    assert body["results"][1] == {
        "pk": bob.pk,
        "username": "bob",
        "name": "Bob",
        "is_active": True,
        "last_login": None,
        "email": "",
        "attributes": {},
        "uid": bob.uid,
        "permissions": [row],
        "object_permissions": [row],
        "model_permissions": [],
        "is_superuser": False,
    }
    assert body["results"][0]["username"] == "root"
    assert body["results"][0]["is_superuser"] is True


@pytest.fixture
def holders(thing):
    """One holder of each kind of grant there is."""

    def user(name, **fields):
        return User.objects.create(username=name, **fields)

    facts.grant(user("everywhere"), VIEW)
    facts.grant(user("there"), VIEW, thing)
    facts.grant(user("elsewhere"), VIEW, facts.role("x"))
    facts.grant(user("othermodel"), "authentik_core.view_group")
    facts.grant(user("samekey"), "authentik_core.view_group", str(thing.pk))
    facts.grant(user("over"), VIEW, thing, valid_until=timezone.now())
    facts.grant(user("inactive", is_active=False), VIEW, thing)
    below, above = facts.group("below", user("above")), facts.group("above", is_superuser=True)
    GroupClosure.objects.create(descendant=below, ancestor=above)
    facts.group("no more", user("asleep", is_active=False), is_superuser=True)


def test_by_model_everybody_with_any_grant_of_the_type_and_superusers(client_of, root, holders):
    assert names(client_of(root).get(URL, {"model": ROLE})) == [
        "above",
        "elsewhere",
        "everywhere",
        "inactive",
        "root",
        "there",
    ]


def test_by_object_those_on_it_those_on_everything_and_superusers(client_of, root, holders, thing):
    response = client_of(root).get(URL, {"model": ROLE, "object_pk": thing.pk})

    assert names(response) == ["above", "everywhere", "inactive", "root", "there"]


def test_only_users_the_caller_may_view(client_of, alice, holders):
    facts.grant(alice, "authentik_core.view_user", User.objects.get(username="there"))

    assert names(client_of(alice).get(URL, {"model": ROLE})) == ["there"]


def test_it_refuses_a_stranger(client_of, charlie, holders):
    assert client_of(charlie).get(URL, {"model": ROLE}).status_code == 403


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ({}, "model"),
        ({"model": "no.model"}, "model"),
        ({"model": "a.\0"}, "model"),
        ({"model": ROLE, "object_pk": "x"}, "object_pk"),
    ],
)
def test_bad_input_is_named(client_of, root, query, member):
    response = client_of(root).get(URL, query)

    assert (response.status_code, list(response.json())) == (400, [member])


@pytest.mark.parametrize("asked", [{}, {"object_pk": "7"}])
@pytest.mark.parametrize("many", [2, 120])
def test_it_needs_at_most_eight_statements(bearer_of, root, many, asked):
    client = bearer_of(root)
    for n in range(many):
        user = User.objects.create(username=f"u{n}")
        facts.grant(user, "authentik_flows.view_flow", "7")
        facts.grant(user, "authentik_flows.change_flow")

    with counted() as statements:
        response = client.get(URL, {"model": "authentik_flows.flow", **asked})

    assert response.json()["pagination"]["count"] == many + 1
    assert len(statements) <= 8, statements
