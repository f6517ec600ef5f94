import pytest

from accounts.models import GroupClosure
from permissions.models import ResourceClosure, ResourceType
from permissions.operations.types import ActionSpec, create_type
from roles.models import Scope, ScopeEntry
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db
URL = "/api/v3/rbac/access/effective_permissions/"
CHECK = "/api/v3/rbac/access/check/"


@pytest.fixture
def auditor(charlie):
    facts.grant(charlie, "authentik_rbac.check_access")
    return charlie


@pytest.fixture
def world(alice):
    """alice in staff below all; all holds readers in a scope, readers holds base."""
    staff, everybody = facts.group("staff", alice), facts.group("all")
    GroupClosure.objects.create(descendant=staff, ancestor=everybody)
    readers, base = facts.role("readers"), facts.role("base")
    scope = Scope.objects.create(name="berlin", kind="all")
    facts.hold(readers, everybody, scope=scope)
    facts.hold(base, readers)
    facts.grant(readers, "authentik_core.view_group")
    facts.grant(base, "authentik_core.change_group", "7")
    facts.grant(alice, "authentik_core.view_user", "5")
    facts.grant(alice, "authentik_rbac.view_role")
    facts.grant(alice, "authentik_rbac.change_role", valid_until="2020-01-01T00:00:00Z")


def rows(response):
    assert response.status_code == 200, response.content
    return [
        (row["codename"], row["object_pk"], row["reason"], row["role"] and row["role"]["name"])
        for row in response.json()["results"]
    ]


def test_every_grant_comes_with_its_source(client_of, auditor, alice, world):
    response = client_of(auditor).get(URL, {"user": "alice"})

    assert rows(response) == [
        ("change_group", "7", "role_object", "base"),
        ("view_group", None, "role_global", "readers"),
        ("view_user", "5", "user_object", None),
        ("view_role", None, "user_global", None),
    ]
    change, view, *_ = response.json()["results"]
    assert [(h["kind"], h["name"], h["scope"]) for h in change["held_through"]] == [
        ("role", "readers", None)
    ]
    assert [(h["kind"], h["name"], h["scope"]) for h in view["held_through"]] == [
        ("group", "all", "berlin")
    ]


def test_it_says_in_words_what_a_scope_covers(client_of, auditor, alice, world):
    [through] = client_of(auditor).get(URL, {"user": "alice"}).json()["results"][1]["held_through"]

    assert (through["scope"], through["covers"]) == ("berlin", "every resource")


@pytest.fixture
def shop():
    for name in ("shop", "invoice"):
        create_type(actor=None, label=f"shop.{name}", actions=[ActionSpec(name=f"view_{name}")])


@pytest.mark.parametrize(
    ("kind", "entries", "globally", "on_seven"),
    [
        ("all", [], True, True),
        ("nothing", [], False, False),
        ("selected", [], False, False),
        ("selected", [("shop.invoice", None, False)], True, True),
        ("selected", [("shop.invoice", "7", False)], True, True),
        ("selected", [("shop.invoice", "8", False)], True, False),
        ("selected", [("shop.shop", "a", False)], False, False),
        ("selected", [("shop.shop", "a", True)], True, True),
        ("selected", [("shop.shop", "b", True)], False, False),
    ],
)
@pytest.mark.parametrize("through", ["itself", "a role"])
def test_what_no_scope_reaches_is_left_out(
    client_of, alice, shop, kind, entries, globally, on_seven, through
):
    above, invoice = facts.resource("shop.shop", "a"), facts.resource("shop.invoice", "7")
    facts.resource("shop.shop", "b")
    ResourceClosure.objects.create(descendant=invoice, ancestor=above)
    scope = Scope.objects.create(name="some", kind=kind)
    for label, key, below in entries:
        type_ = ResourceType.objects.labelled(label).get()
        ScopeEntry.objects.create(
            scope=scope, content_type=type_.content_type, object_pk=key, with_descendants=below
        )
    role, held = facts.role("clerks"), facts.role("held")
    facts.grant(role, "shop.view_invoice")
    facts.grant(role, "shop.view_invoice", "7")
    facts.hold(held if through == "a role" else role, alice, scope=scope)
    facts.hold(role, held)

    expected = [None] * globally + ["7"] * on_seven
    for query in (URL + "?user=alice", CHECK):
        response = client_of(alice).get(query)
        assert [row["object_pk"] for row in response.json()["results"]] == expected


def test_a_user_can_be_named_in_every_way(client_of, auditor, alice, world):
    for name in (alice.pk, str(alice.uuid), alice.hex_id):
        assert len(rows(client_of(auditor).get(URL, {"user": name}))) == 4


def test_it_comes_in_pages(client_of, auditor, world):
    response = client_of(auditor).get(URL, {"user": "alice", "page_size": 3, "page": 2})

    assert rows(response) == [("view_role", None, "user_global", None)]
    assert response.json()["pagination"]["count"] == 4


def test_ones_own_need_nothing_and_others_need_check_access(client_of, alice, bob, world):
    assert len(rows(client_of(alice).get(URL, {"user": alice.pk}))) == 4
    assert client_of(bob).get(URL, {"user": alice.pk}).status_code == 403
    assert client_of(bob).get(URL, {"user": "nobody"}).status_code == 403


@pytest.mark.parametrize("user", ["nobody", "0", "9" * 18, "9" * 40, "a\0b", "é" * 300])
def test_nobody_is_404(client_of, auditor, user):
    assert client_of(auditor).get(URL, {"user": user}).status_code == 404


def test_the_user_must_be_named(client_of, auditor):
    assert client_of(auditor).get(URL).json() == {"user": ["This field is required."]}


def test_an_inactive_user_has_nothing(client_of, auditor, alice, world):
    alice.is_active = False
    alice.save()

    assert rows(client_of(auditor).get(URL, {"user": "alice"})) == []


def test_the_statements_do_not_grow_with_the_rows(bearer_of, auditor, alice, world):
    client = bearer_of(auditor)
    with counted() as few:
        client.get(URL, {"user": "alice"})
    for n in range(20):
        role = facts.role(f"role{n}")
        facts.hold(role, alice)
        facts.grant(role, "authentik_core.view_user", str(n))

    with counted() as many:
        client.get(URL, {"user": "alice"})

    assert len(many) == len(few) <= 12, many
