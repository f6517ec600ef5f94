"""Resource types made at run time."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from audit.models import Event
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import Resource, ResourceType, UserObjectPermission
from roles.models import Scope, ScopeEntry
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/rbac/resource_types/"
INVOICE = {
    "app_label": "shop",
    "model": "invoice",
    "app_verbose_name": "The shop",
    "verbose_name": "Invoice",
    "actions": ["view", "approve"],
}


@pytest.fixture
def invoices(client_of, root):
    response = client_of(root).post(URL, INVOICE)
    assert response.status_code == 201, response.content
    return ResourceType.objects.labelled("shop.invoice").get()


def url(label):
    return f"{URL}{label}/"


def codenames(label):
    app_label, _, model = label.partition(".")
    rows = Permission.objects.filter(content_type__app_label=app_label, content_type__model=model)
    return sorted(rows.values_list("codename", flat=True))


def test_creation_answers_with_the_permissions_of_the_actions(client_of, root):
    body = client_of(root).post(URL, INVOICE).json()

    body["permissions"] = [(p["codename"], p["name"]) for p in body["permissions"]]
    assert body.pop("created")
    assert body == {
        "label": "shop.invoice",
        "app_label": "shop",
        "model": "invoice",
        "name": "shop.invoice",
        "app_verbose_name": "The shop",
        "verbose_name": "Invoice",
        "verbose_name_plural": "",
        "mode": "strict",
        "parent": None,
        "built_in": False,
        "actions": ["approve", "view"],
        "permissions": [
            ("approve_invoice", "Can approve Invoice"),
            ("view_invoice", "Can view Invoice"),
        ],
    }


def test_its_permissions_join_the_catalogue_and_can_be_assigned(client_of, root, bob, invoices):
    facts.resource("shop.invoice", "42")
    client = client_of(root)

    listed = client.get("/api/v3/rbac/permissions/", {"content_type__app_label": "shop"}).json()
    given = client.post(
        f"/api/v3/rbac/permissions/assigned_by_users/{bob.pk}/assign/",
        {"permissions": ["approve_invoice"], "model": "shop.invoice", "object_pk": "42"},
    )

    assert listed["pagination"]["count"] == 2
    assert given.status_code == 200
    assert engine.check(bob, "approve", ResourceRef("shop.invoice", "42")).allowed
    assert not engine.check(bob, "approve", ResourceRef("shop.invoice", "43")).allowed


def test_a_strict_type_refuses_unregistered_keys_and_an_open_one_takes_them(
    client_of, root, bob, invoices
):
    client = client_of(root)
    assign = f"/api/v3/rbac/permissions/assigned_by_users/{bob.pk}/assign/"
    body = {"permissions": ["view_invoice"], "model": "shop.invoice", "object_pk": "new"}

    assert list(client.post(assign, body).json()) == ["object_pk"]
    assert client.patch(url("shop.invoice"), {"mode": "open"}).json()["mode"] == "open"
    assert client.post(assign, body).status_code == 200


def test_the_list_holds_the_catalogue_and_finds(client_of, root, invoices):
    client = client_of(root)

    assert client.get(URL, {"built_in": "true"}).json()["pagination"]["count"] > 89
    for query in ({"app_label": "shop"}, {"search": "invoi"}, {"built_in": "false"}):
        found = client.get(URL, {**query, "ordering": "-label"}).json()["results"]
        assert [row["label"] for row in found] == ["shop.invoice"], query


def test_a_list_needs_five_statements(bearer_of, root, invoices):
    client = bearer_of(root)

    with counted() as statements:
        assert client.get(URL).status_code == 200

    assert len(statements) <= 5, statements


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"app_label": None}, "app_label"),
        ({"app_label": ""}, "app_label"),
        ({"app_label": "a.b"}, "app_label"),
        ({"app_label": "a b"}, "app_label"),
        ({"app_label": "a\0"}, "app_label"),
        ({"app_label": "é"}, "app_label"),
        ({"app_label": "x" * 101}, "app_label"),
        ({"app_label": "authentik_core"}, "app_label"),
        ({"app_label": "Authentik_Flows"}, "app_label"),
        ({"app_label": "auth"}, "app_label"),
        ({"app_label": "permissions"}, "app_label"),
        ({"app_label": "admin"}, "app_label"),
        ({"model": "order", "app_label": True}, "app_label"),
        ({"model": ""}, "model"),
        ({"model": "a b"}, "model"),
        ({"model": " a"}, "model"),
        ({"model": "a\u200bb"}, "model"),
        ({"model": "a//b"}, "model"),
        ({"model": "/a"}, "model"),
        ({"model": "../a"}, "model"),
        ({"model": "a/resources/b"}, "model"),
        ({"model": "a/actions"}, "model"),
        ({"model": "x" * 101}, "model"),
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "shop.invoice"}, "name"),
        ({"name": "default.x"}, "name"),
        ({"name": "authentik_core.x"}, "name"),
        ({"name": ["a"]}, "name"),
        ({"model": []}, "model"),
        ({"model": "invoice"}, "model"),
        ({"verbose_name": "x" * 256}, "verbose_name"),
        ({"mode": "x"}, "mode"),
        ({"parent": "no.type"}, "parent"),
        ({"parent": "a\0.b"}, "parent"),
        ({"parent": 7.5}, "parent"),
        ({"actions": "view"}, "actions"),
        ({"actions": [""]}, "actions"),
        ({"actions": ["a b"]}, "actions"),
        ({"actions": ["a\tb"]}, "actions"),
        ({"actions": ["a\u00a0b"]}, "actions"),
        ({"actions": ["a\0"]}, "actions"),
        ({"actions": ["*"]}, "actions"),
        ({"actions": ["x" * 101]}, "actions"),
        ({"actions": [None]}, "actions"),
        ({"actions": [f"a{n}" for n in range(501)]}, "actions"),
    ],
)
def test_bad_input_is_named(client_of, root, invoices, change, member):
    before = (ContentType.objects.count(), Permission.objects.count())

    response = client_of(root).post(URL, {"app_label": "shop", "model": "order", **change})

    assert (response.status_code, list(response.json())) == (400, [member]), response.json()
    assert (ContentType.objects.count(), Permission.objects.count()) == before


@pytest.mark.parametrize("label", ["no.type", "shop", "a%00b", "x" * 3_000, "...", "%ff"])
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_an_unknown_type_is_404(client_of, root, method, label):
    assert getattr(client_of(root), method)(url(label), {}).status_code == 404


def test_an_action_left_out_takes_its_grants_only_when_told_so(client_of, root, bob, invoices):
    facts.grant(bob, "shop.approve_invoice", "42")
    facts.grant(bob, "shop.approve_invoice")
    facts.grant(bob, "shop.view_invoice")

    client, change = client_of(root), {"actions": ["view", "void"]}

    refused = client.patch(url("shop.invoice"), change)
    assert (refused.status_code, refused.json()["grants"]) == (409, 2)
    assert codenames("shop.invoice") == ["approve_invoice", "view_invoice"]
    response = client.patch(url("shop.invoice"), {**change, "drop_grants": True})

    assert codenames("shop.invoice") == ["view_invoice", "void_invoice"]
    assert [p["codename"] for p in response.json()["permissions"]] == [
        "view_invoice",
        "void_invoice",
    ]
    assert bob.global_grants.count() == 1
    assert not bob.object_grants.exists()
    assert Event.objects.filter(kind="grant_deleted").count() == 2


def test_a_change_without_actions_keeps_them(client_of, root, invoices):
    client_of(root).put(url("shop.invoice"), {"verbose_name": "Bill"})

    assert codenames("shop.invoice") == ["approve_invoice", "view_invoice"]


def test_of_a_built_in_type_only_the_mode_can_be_changed(client_of, root):
    client, flow = client_of(root), url("authentik_flows.flow")

    assert client.patch(flow, {"mode": "open"}).json()["mode"] == "open"
    assert client.patch(flow, {"verbose_name": "x"}).status_code == 409
    assert client.patch(flow, {"actions": []}).status_code == 409
    assert client.delete(flow).status_code == 409
    assert "view_flow" in codenames("authentik_flows.flow")


def test_types_lie_below_others_but_not_in_a_circle(client_of, root, invoices):
    client = client_of(root)
    made = client.post(URL, {"app_label": "shop", "model": "line", "parent": "shop.invoice"})

    assert made.json()["parent"] == "shop.invoice"
    circle = client.patch(url("shop.invoice"), {"parent": "shop.line"})
    assert (circle.status_code, list(circle.json())) == (400, ["parent"])
    assert client.delete(url("shop.invoice")).status_code == 409
    assert client.patch(url("shop.line"), {"parent": None}).json()["parent"] is None


def test_deletion_leaves_nothing_behind(client_of, root, bob, invoices):
    role = facts.role("clerks")
    facts.resource("shop.invoice", "42")
    facts.grant(bob, "shop.view_invoice", "42")
    facts.grant(bob, "shop.view_invoice")
    facts.grant(role, "shop.view_invoice", "42")
    facts.grant(role, "shop.view_invoice")
    facts.grant(bob, "permissions.view_resourcetype", invoices)
    scope = Scope.objects.create(name="one invoice")
    ScopeEntry.objects.create(scope=scope, content_type_id=invoices.pk, object_pk="42")
    ScopeEntry.objects.create(scope=scope, content_type_id=invoices.pk)

    assert client_of(root).delete(url("shop.invoice")).status_code == 204

    assert not ContentType.objects.filter(app_label="shop").exists()
    assert not Permission.objects.filter(content_type__app_label="shop").exists()
    assert not Resource.objects.exists()
    assert not UserObjectPermission.objects.exists()
    assert not ScopeEntry.objects.exists()
    kinds = list(Event.objects.values_list("kind", flat=True))
    assert kinds.count("grant_deleted") == 5
    assert kinds.count("resource_deleted") == kinds.count("resource_type_deleted") == 1


def test_a_recreated_type_gives_nobody_anything(client_of, root, bob, invoices):
    facts.grant(bob, "shop.view_invoice", "42")
    client = client_of(root)
    client.delete(url("shop.invoice"))
    client.post(URL, {**INVOICE, "mode": "open"})

    assert not engine.check(bob, "view", ResourceRef("shop.invoice", "42")).allowed


@pytest.mark.parametrize(
    ("method", "permission"),
    [("patch", "change_resourcetype"), ("delete", "delete_resourcetype")],
)
def test_writing_needs_its_permission(client_of, alice, invoices, method, permission):
    facts.grant(alice, "permissions.view_resourcetype")
    send = getattr(client_of(alice), method)

    assert send(url("shop.invoice"), {}).status_code == 403
    facts.grant(alice, f"permissions.{permission}", invoices)
    assert send(url("shop.invoice"), {}).status_code in (200, 204)


def test_it_refuses_a_stranger(client_of, charlie, invoices):
    client = client_of(charlie)

    assert client.get(URL).status_code == 403
    assert client.get(url("shop.invoice")).status_code == 403
    assert client.post(URL, {"app_label": "x", "model": "y"}).status_code == 403


def test_a_type_is_audited(client_of, root, invoices):
    client_of(root).patch(url("shop.invoice"), {"mode": "open"})

    created, changed = Event.objects.filter(target_type="permissions.resourcetype").order_by("id")
    assert (created.after or {})["actions"] == ["approve_invoice", "view_invoice"]
    modes = [(facts or {})["mode"] for facts in (changed.before, changed.after)]
    assert modes == ["strict", "open"]
