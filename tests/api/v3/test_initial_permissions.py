"""What creators are granted on what they create."""

import pytest

from accounts.models import Group
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import RoleObjectPermission
from permissions.operations.types import ActionSpec, create_type
from roles.models import InitialPermissions
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/rbac/initial_permissions/"
VIEW, CHANGE = "authentik_core.view_group", "authentik_core.change_group"
MISSING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def role(alice, bob):
    """Held by alice and bob."""
    made = facts.role("creators")
    facts.hold(made, alice)
    facts.hold(made, bob)
    return made


def url(row):
    return f"{URL}{getattr(row, 'pk', row)}/"


def keys(*names):
    return [facts.permission(name).pk for name in names]


def initial(role, *names, **fields):
    row = InitialPermissions.objects.create(name=fields.pop("name", "x"), role=role, **fields)
    row.permissions.set(keys(*names))
    return row


def test_creation_answers_with_the_permissions(client_of, root, role):
    body = {"name": "groups", "role": str(role.pk), "permissions": keys(VIEW)}

    response = client_of(root).post(URL, body)

    row = InitialPermissions.objects.get()
    assert response.status_code == 201
    assert response.json() == {
        "pk": row.pk,
        "name": "groups",
        "mode": "role",
        "role": str(role.pk),
        "permissions": keys(VIEW),
        "permissions_obj": [
            {
                "id": keys(VIEW)[0],
                "name": "Can view Group",
                "codename": "view_group",
                "model": "group",
                "app_label": "authentik_core",
                "app_label_verbose": "authentik Core",
                "model_verbose": "Group",
            }
        ],
    }


def test_they_can_be_listed_read_changed_and_deleted(client_of, root, role):
    row = initial(role, VIEW, name="one")
    initial(role, name="two")
    client = client_of(root)

    assert [r["name"] for r in client.get(URL).json()["results"]] == ["one", "two"]
    assert [r["pk"] for r in client.get(URL, {"name": "one"}).json()["results"]] == [row.pk]
    changed = client.patch(url(row), {"permissions": keys(VIEW, CHANGE)}).json()
    assert sorted(changed["permissions"]) == sorted(keys(VIEW, CHANGE))
    assert len(changed["permissions_obj"]) == 2
    assert client.put(url(row), {"name": "uno", "role": str(role.pk)}).json()["name"] == "uno"
    assert client.get(f"{url(row)}used_by/").json() == []
    assert client.delete(url(row)).status_code == 204
    assert list(InitialPermissions.objects.values_list("name", flat=True)) == ["two"]


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 151}, "name"),
        ({"name": "taken"}, "name"),
        ({"name": "a\0"}, "name"),
        ({"role": None}, "role"),
        ({"role": "junk"}, "role"),
        ({"role": MISSING}, "role"),
        ({"role": []}, "role"),
        ({"permissions": None}, "permissions"),
        ({"permissions": "x"}, "permissions"),
        ({"permissions": {}}, "permissions"),
        ({"permissions": [0]}, "permissions"),
        ({"permissions": [-1]}, "permissions"),
        ({"permissions": [True]}, "permissions"),
        ({"permissions": [10**18, 2**63]}, "permissions"),
        ({"permissions": ["x"]}, "permissions"),
        ({"permissions": [1] * 1_001}, "permissions"),
        ({"mode": "x"}, "mode"),
        ({"mode": []}, "mode"),
    ],
)
def test_bad_input_is_named(client_of, root, role, change, member):
    initial(role, name="taken")
    body = {"name": "new", "role": str(role.pk), "permissions": [], **change}

    response = client_of(root).post(URL, body)

    assert (response.status_code, list(response.json())) == (400, [member])
    assert InitialPermissions.objects.count() == 1


def test_a_hidden_role_looks_missing(client_of, alice, role):
    facts.grant(alice, "authentik_rbac.add_initialpermissions")

    response = client_of(alice).post(URL, {"name": "new", "role": str(role.pk)})

    assert (response.status_code, list(response.json())) == (400, ["role"])


def test_nobody_sets_up_what_they_do_not_hold(client_of, alice, role):
    facts.grant(alice, "authentik_rbac.add_initialpermissions")
    facts.grant(alice, "authentik_rbac.view_role")
    body = {"name": "new", "role": str(role.pk), "permissions": keys(VIEW)}

    assert client_of(alice).post(URL, body).status_code == 403
    assert not InitialPermissions.objects.exists()


def test_a_rule_for_creators_becomes_one_for_all_under_the_ceiling(client_of, alice, role):
    """With ``mode`` role every holder gains what only creators had."""
    row = initial(role, VIEW, mode="user")
    for name in ("view", "change"):
        facts.grant(alice, f"authentik_rbac.{name}_initialpermissions")
    client = client_of(alice)

    response = client.patch(url(row), {"mode": "role"})

    row.refresh_from_db()
    assert (response.status_code, response.json()["code"]) == (403, "grant_ceiling")
    assert row.mode == "user"
    assert client.patch(url(row), {"name": "y"}).status_code == 200
    facts.grant(alice, VIEW)
    assert client.patch(url(row), {"mode": "role"}).status_code == 200
    assert client.patch(url(row), {"mode": "user"}).status_code == 200


def test_it_refuses_a_stranger(client_of, charlie, role):
    row = initial(role)
    client = client_of(charlie)

    assert client.get(URL).status_code == 403
    assert client.post(URL, {"name": "new", "role": str(role.pk)}).status_code == 403
    assert client.delete(url(row)).status_code == 403


@pytest.mark.parametrize("key", ["0", "999999", "junk", "9" * 40, "%00"])
def test_an_unknown_row_is_404(client_of, root, key):
    assert client_of(root).get(url(key)).status_code == 404


@pytest.mark.parametrize("many", [2, 120])
def test_a_list_needs_at_most_five_statements(bearer_of, root, role, many):
    client = bearer_of(root)
    for n in range(many):
        initial(role, VIEW, CHANGE, name=f"n{n}")

    with counted() as statements:
        assert client.get(URL).json()["pagination"]["count"] == many

    assert len(statements) <= 5, statements


# Firing


def create_group(client, name="new"):
    response = client.post("/api/v3/core/groups/", {"name": name})
    assert response.status_code == 201, response.content
    return Group.objects.get(name=name)


def may(user, group, *actions):
    resource = ResourceRef("authentik_core.group", str(group.pk))
    return [engine.check(user, action, resource).allowed for action in actions]


@pytest.fixture
def creator(client_of, alice, role):
    facts.grant(alice, "authentik_core.add_group")
    return client_of(alice)


def test_another_roles_rule_gives_the_creator_nothing(creator, alice):
    initial(facts.role("others"), VIEW)

    assert may(alice, create_group(creator), "view") == [False]


def test_a_permission_of_another_model_gives_nothing(creator, alice, role):
    initial(role, "authentik_core.view_user")

    assert may(alice, create_group(creator), "view") == [False]
    assert not role.object_grants.exists()


def test_every_holder_of_the_role_has_them_on_the_new_object(creator, alice, bob, charlie, role):
    initial(role, VIEW, CHANGE)

    made = create_group(creator)

    assert may(alice, made, "view", "change", "delete") == [True, True, False]
    assert may(bob, made, "view", "change") == [True, True]
    assert may(charlie, made, "view") == [False]


def test_in_user_mode_only_the_creator_has_them(creator, alice, bob, role):
    initial(role, VIEW, mode="user")

    made = create_group(creator)

    assert may(alice, made, "view") == [True]
    assert may(bob, made, "view") == [False]


def test_each_role_gets_its_own_set(creator, alice, bob, charlie, role):
    second = facts.role("second")
    facts.hold(second, alice)
    facts.hold(second, charlie)
    initial(role, VIEW, name="first")
    initial(second, CHANGE, name="second")

    made = create_group(creator)

    assert may(alice, made, "view", "change") == [True, True]
    assert may(bob, made, "view", "change") == [True, False]
    assert may(charlie, made, "view", "change") == [False, True]


@pytest.mark.parametrize(
    ("path", "body", "permission"),
    [
        ("core/users", {"username": "new", "name": ""}, "authentik_core.view_user"),
        ("core/groups", {"name": "new"}, "authentik_core.view_group"),
        ("core/tokens", {"identifier": "new"}, "authentik_core.view_token"),
        ("rbac/roles", {"name": "new"}, "authentik_rbac.view_role"),
        (
            "rbac/initial_permissions",
            {"name": "new", "role": "{role}"},
            "authentik_rbac.view_initialpermissions",
        ),
    ],
)
def test_it_fires_for_everything_this_door_creates(client_of, root, path, body, permission):
    held = facts.role("held by root")
    facts.hold(held, root)
    initial(held, permission, name="rule")
    body = {key: value.format(role=held.pk) for key, value in body.items()}

    response = client_of(root).post(f"/api/v3/{path}/", body)

    assert response.status_code == 201, response.content
    assert held.object_grants.get().object_pk == str(response.json()["pk"])


@pytest.mark.parametrize("until", [None, facts.OVER, facts.LATER])
def test_it_fires_for_what_was_named_before_it_was_registered(client_of, root, until):
    create_type(
        actor=None,
        label="shop.item",
        actions=[ActionSpec(name="view_item"), ActionSpec(name="sell_item")],
        mode="open",
    )
    makers = facts.role("makers")
    facts.hold(makers, root)
    for name in ("one rule", "another"):
        initial(makers, "shop.view_item", "shop.sell_item", name=name)
    facts.grant(makers, "shop.view_item", "1", valid_until=until)
    path = "/api/v3/rbac/resource_types/shop.item/resources/"

    assert client_of(root).post(path, {"object_pk": "1"}).status_code == 201

    rows = RoleObjectPermission.objects.filter(group=makers, object_pk="1")
    ends = {row.permission.codename: row.valid_until for row in rows}
    assert ends == {"view_item": None if until == facts.OVER else until, "sell_item": None}
