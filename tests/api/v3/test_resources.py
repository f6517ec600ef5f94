"""The registered resources of a type."""

from dataclasses import replace

import pytest

from audit.errors import InvalidInput, NotFound
from audit.models import Event
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import Resource, ResourceClosure, ResourceType
from permissions.operations.resources import (
    ResourceSpec,
    delete_resources,
    register_resource,
    update_resource,
)
from permissions.operations.types import ActionSpec, create_type
from roles.models import InitialPermissions, Role, RoleAssignment, Scope, ScopeEntry
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

TYPES = "/api/v3/rbac/resource_types/"
URL = f"{TYPES}shop.folder/resources/"


@pytest.fixture(autouse=True)
def folders():
    return create_type(
        actor=None,
        label="shop.folder",
        actions=[ActionSpec(name="view_folder"), ActionSpec(name="open_folder")],
    )


@pytest.fixture
def files(folders):
    return create_type(
        actor=None, label="shop.file", parent=folders, actions=[ActionSpec(name="view_file")]
    )


@pytest.fixture
def client(client_of, root):
    return client_of(root)


def url(key):
    return f"{URL}{key}/"


def register(client, *names, label="shop.folder"):
    """Each name is a key, or ``key<parent``."""
    pairs = [name.partition("<") for name in names]
    items = [{"object_pk": key, **({"parent": up} if up else {})} for key, _, up in pairs]
    response = client.post(f"{TYPES}{label}/resources/bulk/", {"resources": items})
    assert response.status_code == 200, response.content
    return response.json()


def ancestors(key):
    rows = ResourceClosure.objects.filter(descendant__object_pk=key)
    return sorted(rows.values_list("ancestor__object_pk", flat=True))


def keys(response):
    return [row["object_pk"] for row in response.json()["results"]]


# One


def test_a_resource_is_registered_and_read(client):
    register(client, "root")

    response = client.post(
        URL, {"object_pk": "a b", "name": "A", "parent": "root", "properties": {"size": 1}}
    )

    row = Resource.objects.get(object_pk="a b")
    expected = {
        "pk": row.pk,
        "object_pk": "a b",
        "name": "A",
        "parent": "root",
        "parent_type": "shop.folder",
        "properties": {"size": 1},
    }
    assert response.status_code == 201
    assert {k: v for k, v in response.json().items() if k != "created"} == expected
    assert client.get(url("a%20b")).json() == response.json()
    assert ancestors("a b") == ["a b", "root"]


def test_one_that_is_there_is_not_registered_again(client):
    register(client, "a")

    response = client.post(URL, {"object_pk": "a"})

    assert (response.status_code, list(response.json())) == (400, ["object_pk"])


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_change_keeps_what_it_does_not_name(client, method):
    client.post(URL, {"object_pk": "a", "name": "A", "properties": {"x": 1}})

    body = getattr(client, method)(url("a"), {"name": "B"}).json()

    assert (body["name"], body["properties"]) == ("B", {"x": 1})


def test_a_subtree_moves_with_its_root(client):
    register(client, "a", "b<a", "c<b", "new")

    client.patch(url("b"), {"parent": "new"})

    assert ancestors("c") == ["b", "c", "new"]
    client.patch(url("b"), {"parent": None})
    assert ancestors("c") == ["b", "c"]


@pytest.mark.parametrize("parent", ["a", "b", "c"])
def test_a_resource_cannot_lie_below_itself(client, parent):
    register(client, "a", "b<a", "c<b")

    response = client.patch(url("a"), {"parent": parent})

    assert (response.status_code, list(response.json())) == (400, ["parent"])
    assert ancestors("c") == ["a", "b", "c"]
    assert Resource.objects.get(object_pk="a").parent is None


def test_nor_deeper_than_thirty_two(client):
    chain = [f"{n}<{n - 1}" for n in range(1, 33)]
    register(client, "0", *chain)

    response = client.post(URL, {"object_pk": "33", "parent": "32"})

    assert response.status_code == 400
    assert not Resource.objects.filter(object_pk="33").exists()


def test_deletion_takes_grants_and_scope_entries_and_makes_children_roots(client, folders, bob):
    register(client, "a", "b<a", "c<b")
    facts.grant(bob, "shop.view_folder", "b")
    facts.grant(bob, "permissions.view_resource", Resource.objects.get(object_pk="b"))
    scope = Scope.objects.create(name="b")
    ScopeEntry.objects.create(scope=scope, content_type_id=folders.pk, object_pk="b")

    assert client.delete(url("b")).status_code == 204

    assert ancestors("c") == ["c"]
    assert not bob.object_grants.exists()
    assert not scope.entries.exists()
    assert Event.objects.filter(kind="grant_deleted").count() == 2
    register(client, "b")
    assert not engine.check(bob, "view", ResourceRef("shop.folder", "b")).allowed


BAD = {
    "no key": ({}, "object_pk"),
    "an empty key": ({"object_pk": ""}, "object_pk"),
    "null as key": ({"object_pk": None}, "object_pk"),
    "a long key": ({"object_pk": "x" * 256}, "object_pk"),
    "NUL in the key": ({"object_pk": "a\0"}, "object_pk"),
    "a list as key": ({"object_pk": []}, "object_pk"),
    "a long name": ({"object_pk": "n", "name": "x" * 256}, "name"),
    "a list of properties": ({"object_pk": "n", "properties": []}, "properties"),
    "NUL in properties": ({"object_pk": "n", "properties": {"a": "\0"}}, "properties"),
    "a missing parent": ({"object_pk": "n", "parent": "none"}, "parent"),
    "NUL in the parent": ({"object_pk": "n", "parent": "\0"}, "parent"),
    "a parent of another type": (
        {"object_pk": "n", "parent": "x", "parent_type": "authentik_core.group"},
        "parent",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(client, case):
    body, member = BAD[case]

    response = client.post(URL, body)

    assert (response.status_code, list(response.json())) == (400, [member]), response.json()
    assert not Resource.objects.exists()


def test_a_missing_parent_is_named_by_a_change_too(client):
    register(client, "a")

    response = client.patch(url("a"), {"parent": "none"})

    assert (response.status_code, list(response.json())) == (400, ["parent"])


@pytest.mark.parametrize("label", ["no.type", "x", "a%00.b"])
def test_an_unknown_type_is_404(client, label):
    assert client.get(f"{TYPES}{label}/resources/").status_code == 404
    assert client.post(f"{TYPES}{label}/resources/", {"object_pk": "x"}).status_code == 404


@pytest.mark.parametrize("key", ["none", "a%00", "x" * 3_000])
def test_an_unknown_resource_is_404(client, key):
    for method in ("get", "patch", "delete"):
        assert getattr(client, method)(url(key), {}).status_code == 404


def test_rows_of_our_own_tables_are_not_registered(client):
    response = client.post(f"{TYPES}authentik_core.user/resources/", {"object_pk": "7"})

    assert response.status_code == 400


# Lists


def test_the_list_holds_one_type_and_finds(client, files):
    register(client, "a", "b", "c<a")
    register(client, "f", label="shop.file")
    Resource.objects.filter(object_pk="b").update(name="Bills")

    assert keys(client.get(URL)) == ["a", "b", "c"]
    assert keys(client.get(URL, {"search": "bil"})) == ["b"]
    assert keys(client.get(URL, {"name": "Bills"})) == ["b"]
    assert keys(client.get(URL, {"parent": "a"})) == ["c"]
    assert keys(client.get(URL, {"parent__isnull": "true", "ordering": "-object_pk"})) == ["b", "a"]


def test_a_list_needs_at_most_five_statements(bearer_of, root, client):
    register(client, "top", *(f"{n}<top" for n in range(150)))
    bearer = bearer_of(root)

    with counted() as statements:
        assert len(keys(bearer.get(URL))) == 100

    assert len(statements) <= 5, statements


def test_only_what_the_caller_may_view(client_of, client, alice, charlie):
    register(client, "a", "b")
    facts.grant(alice, "permissions.view_resource", Resource.objects.get(object_pk="a"))

    assert keys(client_of(alice).get(URL)) == ["a"]
    assert client_of(alice).get(url("b")).status_code == 404
    assert client_of(charlie).get(URL).status_code == 403


# Bulk


def test_thousands_are_registered_in_one_request(client):
    items = [{"object_pk": f"r{n}", "name": f"R {n}", "parent": "r0"} for n in range(1, 5_000)]

    response = client.post(f"{URL}bulk/", {"resources": [{"object_pk": "r0"}, *items]})

    assert response.json() == {"created": 5_000, "changed": 0, "unchanged": 0}
    assert ResourceClosure.objects.count() == 5_000 + 4_999
    assert Event.objects.filter(kind="resource_created").count() == 5_000


def test_again_it_changes_only_what_differs(client):
    register(client, "a", "b<a", "c")

    assert register(client, "a", "b<c", "d") == {"created": 1, "changed": 1, "unchanged": 1}
    assert ancestors("b") == ["b", "c"]


def test_a_parent_may_come_later_in_the_same_request(client):
    register(client, "c<b", "b<a", "a")

    assert ancestors("c") == ["a", "b", "c"]


def test_two_moves_that_make_a_circle_together_are_refused(client):
    register(client, "a", "b")

    items = [{"object_pk": "a", "parent": "b"}, {"object_pk": "b", "parent": "a"}]
    response = client.post(f"{URL}bulk/", {"resources": items})

    assert response.status_code == 400
    assert ancestors("a") == ["a"]


def test_a_parent_of_the_parent_type(client, files):
    register(client, "a")
    items = [{"object_pk": "f", "parent": "a", "parent_type": "shop.folder"}]

    client.post(f"{TYPES}shop.file/resources/bulk/", {"resources": items})

    assert ancestors("f") == ["a", "f"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"resources": None},
        {"resources": {}},
        {"resources": "x"},
        {"resources": [7]},
        {"resources": [[]]},
        {"resources": [{"object_pk": "new"}, {"object_pk": "new"}]},
        {"resources": [{"object_pk": "new"}, {"object_pk": "x\0"}]},
        {"resources": [{"object_pk": "new"}, {"object_pk": "x", "parent": "none"}]},
        {"resources": [{"object_pk": "new"}, {"object_pk": "x", "parent": "x"}]},
        {"resources": [{"object_pk": "new"}, {"name": "no key"}]},
    ],
)
def test_one_bad_resource_registers_none(client, body):
    response = client.post(f"{URL}bulk/", body)

    assert response.status_code == 400
    assert not Resource.objects.exists()


def test_more_than_the_limit_are_refused_by_its_name(client):
    items = [{"object_pk": str(n)} for n in range(10_001)]

    response = client.post(f"{URL}bulk/", {"resources": items})

    assert response.status_code == 400
    assert "10000" in str(response.json()["resources"])


def test_bulk_needs_both_global_permissions(client_of, alice):
    body = {"resources": [{"object_pk": "a"}]}
    statuses = []
    for name in ("permissions.add_resource", "permissions.change_resource"):
        statuses.append(client_of(alice).post(f"{URL}bulk/", body).status_code)
        facts.grant(alice, name)
    statuses.append(client_of(alice).post(f"{URL}bulk/", body).status_code)

    assert statuses == [403, 403, 200]


def test_the_statements_do_not_grow_with_each_resource(bearer_of, root):
    client = bearer_of(root)
    costs = []
    for many in (10, 400):
        items = [{"object_pk": f"{many}-{n}", "parent": f"{many}-0"} for n in range(1, many)]
        with counted() as statements:
            body = {"resources": [{"object_pk": f"{many}-0"}, *items]}
            assert client.post(f"{URL}bulk/", body).status_code == 200
        costs.append(len(statements))

    # SQLite takes a few hundred rows at a time, PostgreSQL more.
    assert costs[1] <= costs[0] + 10, costs


def test_moving_a_large_subtree_takes_few_statements(bearer_of, root, client):
    register(client, "old", "new", "top<old", *(f"{n}<top" for n in range(2_000)))
    bearer = bearer_of(root)

    with counted() as statements:
        assert bearer.patch(url("top"), {"parent": "new"}).status_code == 200

    assert ancestors("1999") == ["1999", "new", "top"]
    assert len(statements) <= 25, statements


# Access that comes with a place


def test_moving_something_into_a_scopes_reach_meets_the_ceiling(
    client_of, client, folders, alice, bob
):
    """bob may open everything below "team"; alice, who may not open anything, adds to it."""
    register(client, "team", "secret")
    role = facts.role("team")
    facts.grant(role, "shop.open_folder")
    scope = Scope.objects.create(name="team")
    ScopeEntry.objects.create(
        scope=scope, content_type_id=folders.pk, object_pk="team", with_descendants=True
    )
    facts.hold(role, bob, scope=scope)
    for name in ("view", "change", "add"):
        facts.grant(alice, f"permissions.{name}_resource")
    mover = client_of(alice)

    assert mover.patch(url("secret"), {"parent": "team"}).status_code == 403
    assert not engine.check(bob, "open", ResourceRef("shop.folder", "secret")).allowed
    assert mover.post(URL, {"object_pk": "new", "parent": "team"}).status_code == 201
    assert mover.patch(url("new"), {"name": "newer"}).status_code == 200
    assert client.patch(url("secret"), {"parent": "team"}).status_code == 200
    assert engine.check(bob, "open", ResourceRef("shop.folder", "secret")).allowed


def test_registering_a_thing_of_an_open_type_there_meets_the_ceiling_too(
    client_of, client, folders, alice, bob
):
    """It was there, and could be granted on, before anybody registered it."""
    register(client, "team")
    role = facts.role("team")
    facts.grant(role, "shop.open_folder")
    scope = Scope.objects.create(name="team")
    ScopeEntry.objects.create(
        scope=scope, content_type_id=folders.pk, object_pk="team", with_descendants=True
    )
    facts.hold(role, bob, scope=scope)
    for name in ("view", "change", "add"):
        facts.grant(alice, f"permissions.{name}_resource")
    folders.mode = "open"
    folders.save()
    below = {"object_pk": "secret", "parent": "team"}

    assert client_of(alice).post(URL, below).status_code == 403
    assert client_of(alice).post(f"{URL}bulk/", {"resources": [below]}).status_code == 403
    assert not Resource.objects.filter(object_pk="secret").exists()
    assert client_of(alice).post(URL, {"object_pk": "secret"}).status_code == 201
    assert client_of(alice).patch(url("secret"), {"parent": "team"}).status_code == 403
    assert client.patch(url("secret"), {"parent": "team"}).status_code == 200


@pytest.fixture
def tenants(client, folders, alice, bob):
    """Everything below "mine" may be opened by alice and bob, what lies below "yours" by nobody."""
    register(client, "mine", "yours", "f<mine", "deep<f", "secret<yours")
    role = facts.role("readers")
    facts.grant(role, "shop.open_folder")
    scope = below("mine", folders)
    for reader in (alice, bob):
        facts.hold(role, reader, scope=scope)
    for name in ("view", "change", "add", "delete"):
        facts.grant(alice, f"permissions.{name}_resource")
    return scope


def below(key, folders):
    scope = Scope.objects.create(name=f"below {key}")
    ScopeEntry.objects.create(
        scope=scope, content_type_id=folders.pk, object_pk=key, with_descendants=True
    )
    return scope


def test_a_tenants_administrator_moves_within_the_tenant_and_takes_in_nothing(
    client_of, tenants, alice, bob
):
    """Neither to others nor to itself: what it holds after the move is not what it held."""
    mover = client_of(alice)

    assert mover.patch(url("deep"), {"parent": "mine"}).status_code == 200
    assert mover.patch(url("deep"), {"parent": "yours"}).status_code == 200
    assert mover.patch(url("secret"), {"parent": "f"}).status_code == 403
    assert mover.patch(url("yours"), {"parent": "mine"}).status_code == 403
    assert not engine.check(alice, "open", ResourceRef("shop.folder", "secret")).allowed
    assert not engine.check(bob, "open", ResourceRef("shop.folder", "secret")).allowed
    assert not Scope.objects.filter(name=None).exists()


def test_moving_within_gives_to_others_for_as_long_as_the_mover_holds_it(
    client_of, folders, tenants, alice, charlie
):
    """charlie holds a role on all below "f" for good; alice may hold what it gives till later."""
    role = Role.objects.get(name="readers")
    facts.hold(role, charlie, scope=below("f", folders))
    own = RoleAssignment.objects.filter(user=alice)
    new = facts.resource("shop.folder", "new")
    facts.grant(alice, "shop.open_folder", on=new, valid_until=facts.LATER)

    assert client_of(alice).patch(url("new"), {"parent": "f"}).status_code == 403
    RoleAssignment.objects.exclude(pk__in=own).update(valid_until=facts.LATER)
    own.update(valid_until=facts.LATER)
    assert client_of(alice).patch(url("new"), {"parent": "f"}).status_code == 200


def test_a_move_in_two_steps_is_a_move(client_of, tenants, alice):
    """Delete and register again, one by one or in bulk; only what nobody knew yet is free."""
    mover, again = client_of(alice), {"object_pk": "secret", "parent": "mine"}
    assert mover.delete(url("secret")).status_code == 204

    assert mover.post(URL, again).status_code == 403
    assert mover.post(f"{URL}bulk/", {"resources": [again]}).status_code == 403
    assert not engine.check(alice, "open", ResourceRef("shop.folder", "secret")).allowed
    assert mover.post(URL, {**again, "object_pk": "new"}).status_code == 201
    # As a root it is within nobody's reach; the next step is judged too.
    assert mover.post(URL, {"object_pk": "secret"}).status_code == 201
    assert mover.patch(url("secret"), {"parent": "mine"}).status_code == 403


def test_so_is_switching_the_type_to_strict_before(client, client_of, tenants, alice):
    for name in ("view", "change"):
        facts.grant(alice, f"permissions.{name}_resourcetype")
    mover, known = client_of(alice), {"object_pk": "known", "parent": "mine"}
    for mode in ("open", "strict"):
        assert mover.patch(f"{TYPES}shop.folder/", {"mode": mode}).status_code == 200

    assert mover.post(URL, known).status_code == 403
    assert client.post(URL, known).status_code == 201


def test_and_making_the_type_again(client, client_of, tenants, alice):
    assert client.delete(f"{TYPES}shop.folder/").status_code == 204
    made = create_type(actor=None, label="shop.folder", actions=[ActionSpec(name="open_folder")])
    RoleAssignment.objects.filter(scope=tenants).delete()
    tenants.delete()
    register(client, "mine")
    role = facts.role("new readers")
    facts.grant(role, "shop.open_folder")
    facts.hold(role, alice, scope=below("mine", made))
    again = {"object_pk": "secret", "parent": "mine"}
    assert client_of(alice).post(URL, again).status_code == 403


def test_a_move_costs_the_same_whatever_moves(bearer_of, client, tenants, alice):
    register(client, *(f"{n}<f" for n in range(60)))
    bearer, costs = bearer_of(alice), []
    for keys in (["1"], [str(n) for n in range(2, 60)]):
        moves = [{"object_pk": key, "parent": "mine"} for key in keys]
        with counted() as statements:
            assert bearer.post(f"{URL}bulk/", {"resources": moves}).status_code == 200
        costs.append(len(statements))

    assert costs[0] == costs[1], costs


def test_initial_permissions_fire_for_all_of_a_bulk(client, root):
    role = facts.role("creators")
    facts.hold(role, root)
    rule = InitialPermissions.objects.create(name="folders", role=role)
    rule.permissions.add(facts.permission("shop.view_folder"))

    register(client, "a", "b")

    assert sorted(role.object_grants.values_list("object_pk", flat=True)) == ["a", "b"]


def test_types_with_resources_are_deleted_with_them(client, files):
    register(client, "a")
    client.post(
        f"{TYPES}shop.file/resources/",
        {"object_pk": "f", "parent": "a", "parent_type": "shop.folder"},
    )
    client.patch(f"{TYPES}shop.file/", {"parent": None})

    assert client.delete(f"{TYPES}shop.folder/").status_code == 204
    assert ancestors("f") == ["f"]
    assert not ResourceType.objects.labelled("shop.folder").exists()


# Existence


def test_who_may_view_nothing_registers_nothing(client_of, client, alice):
    """Whether a key, or a parent, is there must not be told by what the answer is."""
    register(client, "there")
    facts.grant(alice, "permissions.add_resource")
    sent = [
        {"object_pk": "there"},
        {"object_pk": "new"},
        {"object_pk": "new", "parent": "there"},
        {"object_pk": "new", "parent": "absent"},
    ]

    for body in sent:
        assert client_of(alice).post(URL, body).status_code == 403


def test_a_hidden_parent_is_missing(client_of, client, alice):
    register(client, "hidden", "seen", "used", "own<hidden")
    facts.grant(alice, "permissions.add_resource")
    for name in ("view", "change"):
        facts.grant(alice, f"permissions.{name}_resource", on=Resource.objects.get(object_pk="own"))
    facts.grant(alice, "permissions.view_resource", on=Resource.objects.get(object_pk="seen"))
    facts.grant(alice, "shop.open_folder", on="used")
    caller = client_of(alice)

    def answers(key):
        return [
            (answer.status_code, str(answer.json()).replace(key, "key"))
            for answer in (
                caller.post(URL, {"object_pk": f"below {key}", "parent": key}),
                caller.patch(url("own"), {"parent": key}),
            )
        ]

    assert [status for status, _ in answers("absent")] == [400, 400]
    assert answers("absent")[0] == answers("hidden")[0]
    # What is shown may be sent back.
    assert caller.patch(url("own"), {"parent": "hidden"}).status_code == 200
    for key in ("seen", "used"):
        assert caller.patch(url("own"), {"parent": key}).status_code == 200
    assert caller.patch(url("own"), {"parent": "hidden"}).status_code == 400


def test_what_is_registered_or_deleted_meanwhile_is_neither_changed_nor_made_again(folders, root):
    spec = ResourceSpec(object_pk="1", name="one")
    row = register_resource(actor=root, type=folders, item=spec)
    with pytest.raises(InvalidInput):
        register_resource(actor=root, type=folders, item=replace(spec, name="other"))
    delete_resources(resources=[row], actor=root)
    with pytest.raises(NotFound):
        update_resource(resource=row, actor=root, name="other")

    assert not Resource.objects.exists()
