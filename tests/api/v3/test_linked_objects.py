"""What an answer says of the objects it links to: details of what the caller may view, no more."""

import pytest

from accounts.models import GroupParent, User
from accounts.tokens import create_token
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

GROUPS, USERS, TOKENS = (f"/api/v3/core/{name}/" for name in ("groups", "users", "tokens"))
ALL = {f"include_{name}": "true" for name in ("users", "parents", "children", "inherited_roles")}


@pytest.fixture
def crew(alice, bob):
    """Below one group and above another, with two members and a role."""
    made = facts.group("crew", alice, bob)
    for name in ("above", "below"):
        other = facts.group(name)
        child, parent = (made, other) if name == "above" else (other, made)
        GroupParent.objects.create(child=child, parent=parent)
        child.ancestor_rows.create(ancestor=parent)
        facts.hold(facts.role(f"role of {name}"), other)
    facts.hold(facts.role("cooks"), made)
    return made


def test_a_group_shows_keys_alone_of_what_is_hidden(client_of, charlie, crew, alice, bob):
    facts.grant(charlie, "authentik_core.view_group", crew)

    found = client_of(charlie).get(f"{GROUPS}{crew.pk}/", ALL).json()

    assert found["users"] == [alice.pk, bob.pk]
    assert len(found["parents"]) == len(found["children"]) == len(found["roles"]) == 1
    assert found["parent"] == found["parents"][0]
    assert found["parent_name"] is None
    kinds = ("users", "parents", "children", "roles", "inherited_roles")
    assert {found[f"{kind}_obj"] is not None and len(found[f"{kind}_obj"]) for kind in kinds} == {0}


def test_a_group_shows_those_of_its_members_that_the_caller_may_view(
    client_of, charlie, crew, alice
):
    facts.grant(charlie, "authentik_core.view_group", crew)
    facts.grant(charlie, "authentik_core.view_user", alice)

    [found] = client_of(charlie).get(GROUPS).json()["results"]

    assert [user["username"] for user in found["users_obj"]] == ["alice"]


def test_members_see_themselves(client_of, bob, crew):
    facts.grant(bob, "authentik_core.view_group", crew)

    found = client_of(bob).get(f"{GROUPS}{crew.pk}/").json()

    assert [user["username"] for user in found["users_obj"]] == ["bob"]


def test_who_may_view_everything_sees_everything(client_of, charlie, crew):
    for name in (
        "authentik_core.view_group",
        "authentik_core.view_user",
        "authentik_rbac.view_role",
    ):
        facts.grant(charlie, name)

    found = client_of(charlie).get(f"{GROUPS}{crew.pk}/", ALL).json()

    assert len(found["users_obj"]) == 2
    assert found["parent_name"] == "above"
    assert [role["name"] for role in found["inherited_roles_obj"]] == ["role of above"]
    assert [group["name"] for group in found["children_obj"]] == ["below"]


def test_a_user_shows_keys_alone_of_what_is_hidden(client_of, charlie, crew, alice):
    cooks = facts.role("of alice")
    facts.hold(cooks, alice)
    facts.grant(charlie, "authentik_core.view_user", alice)

    found = client_of(charlie).get(f"{USERS}{alice.pk}/").json()

    assert (found["groups"], found["groups_obj"]) == ([str(crew.pk)], [])
    assert (found["roles"], found["roles_obj"]) == ([str(cooks.pk)], [])


def test_the_name_of_a_hidden_parent_is_hidden_too(client_of, charlie, crew, alice):
    facts.grant(charlie, "authentik_core.view_user", alice)
    facts.grant(charlie, "authentik_core.view_group", crew)

    [group] = client_of(charlie).get(f"{USERS}{alice.pk}/").json()["groups_obj"]

    assert (group["name"], group["parent_name"]) == ("crew", None)
    assert group["parent"]


def test_what_was_read_can_be_sent_back(client_of, charlie, crew, alice, bob):
    for name in ("view_group", "change_group"):
        facts.grant(charlie, f"authentik_core.{name}", crew)
    client = client_of(charlie)
    read = client.get(f"{GROUPS}{crew.pk}/").json()

    response = client.put(f"{GROUPS}{crew.pk}/", read, format="json")

    assert response.status_code == 200, response.content
    assert response.json()["users"] == [alice.pk, bob.pk]
    assert response.json()["users_obj"] == []


def test_a_token_does_not_tell_who_a_hidden_owner_is(client_of, charlie, alice):
    User.objects.filter(pk=alice.pk).update(email="alice@example.com", attributes={"a": 1})
    token = create_token(user=alice, identifier="hers", actor=None)
    facts.grant(charlie, "authentik_core.view_token", token)

    found = client_of(charlie).get(f"{TOKENS}hers/").json()

    owner = found["user_obj"]
    assert found["user"] == owner["pk"] == alice.pk
    assert "alice" not in str(found).lower()
    assert (owner["attributes"], owner["groups"], owner["roles"]) == ({}, [], [])
    assert owner["uuid"] != str(alice.uuid)
    # Clients refuse to read users without these.
    assert all(owner[name] for name in ("username", "uid", "avatar", "last_updated"))


@pytest.mark.parametrize("query", [{"search": "alice"}, {"user__username": "alice"}])
def test_a_token_is_not_found_by_the_name_of_a_hidden_owner(client_of, charlie, alice, query):
    facts.grant(charlie, "authentik_core.view_token")
    create_token(user=alice, identifier="hers", actor=None)
    hidden = client_of(charlie).get(TOKENS, query).json()["results"]
    facts.grant(charlie, "authentik_core.view_user", alice)
    shown = client_of(charlie).get(TOKENS, query).json()["results"]

    assert (len(hidden), len(shown)) == (0, 1)


def test_a_token_shows_an_owner_whom_the_caller_may_view(client_of, charlie, alice):
    token = create_token(user=alice, identifier="hers", actor=None)
    facts.grant(charlie, "authentik_core.view_token", token)
    facts.grant(charlie, "authentik_core.view_user", alice)

    assert client_of(charlie).get(f"{TOKENS}hers/").json()["user_obj"]["username"] == "alice"


@pytest.mark.parametrize("url", [GROUPS, USERS, TOKENS])
def test_statements_do_not_depend_on_what_is_hidden(bearer_of, charlie, url):
    def more(names):
        for name in names:
            user = User.objects.create(username=f"user-{name}")
            group = facts.group(f"group-{name}", user)
            facts.hold(facts.role(f"role-{name}"), group)
            facts.hold(facts.role(f"own-{name}"), user)
            token = create_token(user=user, identifier=f"token-{name}", actor=None)
            for permission, row in (
                ("authentik_core.view_user", user),
                ("authentik_core.view_group", group),
                ("authentik_core.view_token", token),
            ):
                facts.grant(charlie, permission, row)

    client = bearer_of(charlie)
    more("a")
    with counted() as few:
        client.get(url, ALL)
    more("bcdefgh")
    with counted() as many:
        response = client.get(url, ALL)

    assert len(response.json()["results"]) >= 8
    assert len(few) == len(many), many
