"""Names people really use, for types and for actions, through every door that takes them."""

from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.core.management.base import CommandError

from audit.models import Event
from permissions import engine
from permissions.engine.words import Question, ResourceRef, SubjectRef
from permissions.models import ResourceType
from permissions.operations import types
from permissions.operations.namespaces import (
    NamespaceSpec,
    NamespaceTaken,
    create_namespace,
    update_namespace,
)
from permissions.operations.types import (
    ActionSpec,
    add_action,
    create_type,
    ensure_actions,
    update_type,
)
from roles.models import InitialPermissions
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/rbac/resource_types/"
ACTIONS = [
    "document:read",
    "portal.bookings.self",
    "journal-entries.write",
    "s3:GetObject",
    "pods/log",
    "Прочитать",
    "x" * 100,
]
# What is posted, and by which names its resources can be asked about.
NAMED = {
    "a model with a slash": ({"app_label": "kube", "model": "pods/log"}, ["kube.pods/log"]),
    "a model with colons": (
        {"app_label": "kube", "model": "urn:example:order"},
        ["kube.urn:example:order"],
    ),
    "a name alone": ({"name": "urn:example:order"}, ["urn:example:order"]),
    "a plain name": ({"name": "mcp_tool"}, ["mcp_tool", "default.mcp_tool"]),
    "a name with a dot": ({"name": "acme.order"}, ["acme.order"]),
    "an address": (
        {"name": "https://example.org/order"},
        ["https://example.org/order", "default.httpsexampleorgorder"],
    ),
    "a long name": ({"name": "urn:" + "x" * 200}, ["urn:" + "x" * 200]),
    "a name besides the label": (
        {"app_label": "shop", "model": "order", "name": "urn:example:order"},
        ["shop.order", "urn:example:order"],
    ),
    "a plain name besides the label": (
        {"app_label": "shop", "model": "tool", "name": "mcp_tool"},
        ["shop.tool", "mcp_tool"],
    ),
    "a name like a label": (
        {"app_label": "shop", "model": "order", "name": "acme.order"},
        ["shop.order", "acme.order"],
    ),
}
every_name = pytest.mark.parametrize(
    ("words", "name"), [(words, name) for words, names in NAMED.values() for name in names]
)


def created(client, words, **more):
    response = client.post(URL, {"actions": ["get"], "mode": "open", **words, **more})
    assert response.status_code == 201, response.content
    return response.json()


def said(*arguments):
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=StringIO())
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


@pytest.mark.parametrize("words", [words for words, _ in NAMED.values()])
def test_names_are_answered_as_they_were_given(client_of, root, words):
    body = created(client_of(root), words, actions=ACTIONS)

    assert {member: body[member] for member in words} == words
    assert sorted(body["actions"]) == sorted(ACTIONS)
    again = client_of(root).get(f"{URL}{body['label']}/")
    assert again.json() == body
    if "name" in words:
        listed = client_of(root).get(URL, {"name": words["name"]}).json()["results"]
        assert listed == [body]


@every_name
def test_a_grant_by_any_name_is_found_by_any_name(client_of, root, bob, words, name):
    client = client_of(root)
    label = created(client, words, actions=["get", "document:read"])["label"]
    given = {"permissions": ["get", "document:read"], "model": name, "object_pk": "42"}
    assign = f"/api/v3/rbac/permissions/assigned_by_users/{bob.pk}/"

    assert client.post(f"{assign}assign/", given).status_code == 200

    listed = client.get(
        "/api/v3/rbac/permissions/assigned_by_users/", {"model": name, "object_pk": "42"}
    )
    assert [row["username"] for row in listed.json()["results"] if not row["is_superuser"]] == [
        "bob"
    ]
    for action in ("get", "document:read"):
        for asked in (name, label):
            resource = {"type": asked, "id": "42"}
            about = {"subject": "bob", "action": action, "resource": resource}
            assert client.post("/api/v3/rbac/access/check/", about).json()["allowed"]
            assert client.post("/api/v3/rbac/access/check/", {"questions": [about]}).json()[
                "results"
            ][0]["allowed"]
            explained = client.post("/api/v3/rbac/access/explain/", about).json()
            assert explained["decision"]["allowed"]
            assert explained["paths"]
    assert client.patch(f"{assign}unassign/", given).status_code == 204
    assert not bob.object_grants.exists()


@every_name
def test_authzen_takes_it_in_decisions_and_searches(bearer_of, client_of, root, bob, words, name):
    created(client_of(root), words, actions=["get", "document:read"])
    kind = ResourceType.objects.get(built_in=False)
    facts.grant(bob, f"{kind.content_type.app_label}.document:read", "42")
    resource, action = {"type": name, "id": "42"}, {"name": "document:read"}
    asked = {"subject": {"type": "user", "id": "bob"}, "action": action, "resource": resource}

    client = bearer_of(root)

    def ask(path, body):
        return client.post(f"/access/v1/{path}", body).json()

    assert ask("evaluation", asked) == {"decision": True}
    assert not ask("evaluation", {**asked, "resource": {"type": name, "id": "43"}})["decision"]
    many = ask("evaluations", {**asked, "evaluations": [{}, {"action": {"name": "get"}}]})
    assert many == {"evaluations": [{"decision": True}, {"decision": False}]}
    found = ask("search/resource", {**asked, "resource": {"type": name}})
    assert found["results"] == [resource]
    found = ask("search/subject", {**asked, "subject": {"type": "user"}})
    assert {"type": "user", "id": "bob"} in found["results"]
    assert ask("search/action", asked)["results"] == [action]


@every_name
def test_the_command_line_takes_it(client_of, root, bob, words, name):
    created(client_of(root), words)
    kind = ResourceType.objects.get(built_in=False)
    codename = Permission.objects.get(content_type=kind.pk).codename
    facts.grant(bob, f"{kind.content_type.app_label}.{codename}", "a:b")

    assert said("can", "bob", "get", f"{name}:a:b")[1] == 0
    assert said("can", "bob", "get", f"{name}:b")[1] == 1
    assert "bob" in said("who_can", "get", f"{name}:a:b")[0]
    assert f"{kind.label}:a:b" in said("what_can", "bob", "get", name)[0]
    assert said("what_can", "bob", f"{name}:a:b")[0].split() == ["action", "get"]


@every_name
def test_paths_scopes_and_resources_take_it(client_of, root, words, name):
    client = client_of(root)
    label = created(client, words)["label"]
    path = f"{URL}{name}/"

    if "//" not in name:
        assert client.get(path).json()["label"] == label
        made = client.post(f"{path}resources/", {"object_pk": "1"})
        assert made.status_code == 201, made.content
        assert client.patch(path, {"verbose_name": "x"}).json()["verbose_name"] == "x"
    scope = client.post(
        "/api/v3/rbac/scopes/", {"name": "s", "entries": [{"type": name, "object_pk": "1"}]}
    )
    assert scope.json()["entries"][0]["type"] == label
    below = client.post(URL, {"app_label": "low", "model": "low", "parent": name})
    assert below.json()["parent"] == label
    bulk = client.post(
        "/api/v3/rbac/bulk/assign/",
        {"users": [root.pk], "permissions": ["get"], "model": name, "object_pks": ["1", "2"]},
    )
    assert bulk.status_code == 200, bulk.content


def test_a_name_is_taken_once_whether_as_name_or_as_label(client_of, root):
    client = client_of(root)
    created(client, {"app_label": "shop", "model": "tool", "name": "mcp_tool"})
    created(client, {"name": "other"})

    for words, member in (
        ({"name": "mcp_tool"}, "name"),
        ({"app_label": "a", "model": "b", "name": "mcp_tool"}, "name"),
        ({"app_label": "default", "model": "mcp_tool"}, "model"),
        ({"app_label": "a", "model": "b", "name": "shop.tool"}, "name"),
        ({"app_label": "a", "model": "b", "name": "other"}, "name"),
        ({"name": "shop.tool"}, "name"),
    ):
        response = client.post(URL, words)
        assert response.status_code == 400, words
        assert list(response.json()) == [member], (words, response.json())


@pytest.mark.parametrize(
    "words", [{}, {"app_label": "a"}, {"model": "a"}, {"name": None}, {"actions": ["view"]}]
)
def test_a_type_needs_a_label_or_a_name(client_of, root, words):
    assert client_of(root).post(URL, words).status_code == 400


@pytest.mark.parametrize(
    "question", [("fly", "shop.tool:1"), ("get", "no.tool:1"), ("get", "shop.tool:1", "x")]
)
def test_the_command_who_can_refuses_what_it_does_not_know(question):
    create_type(actor=None, label="shop.tool", actions=[ActionSpec(name="get")])

    assert said("who_can", "get", "shop.tool:1")[1] == 1
    with pytest.raises(CommandError):
        said("who_can", *question)


def test_a_question_by_label_takes_one_statement_and_by_a_free_name_three(bob):
    kind = create_type(
        actor=None, label="shop.order", name="urn:example:order", actions=[ActionSpec(name="get")]
    )
    facts.grant(bob, "shop.get")
    for name, most in ((kind.label, 1), ("urn:example:order", 3)):
        resource = ResourceRef(name, "1")
        with counted() as statements:
            assert engine.check(bob, "get", resource).allowed
        assert len(statements) == most, statements
        question = Question(subject=SubjectRef.of(bob), action="get", resource=resource)
        with counted() as statements:
            assert all(d.allowed for d in engine.check_many([question] * 50))
        assert len(statements) == most, statements


def test_the_longest_name_of_a_type_is_read_from_the_command_line(bob):
    for name in ("urn:a", "urn:a:b"):
        create_type(
            actor=None, label=f"default.{name}", actions=[ActionSpec(name="get")], mode="open"
        )
    kind = ResourceType.objects.labelled("default.urn:a:b").get()
    permission = Permission.objects.get(content_type=kind.pk)
    bob.object_grants.create(permission=permission, object_pk="c:d")

    assert said("can", "bob", "get", "urn:a:b:c:d")[1] == 0
    assert said("can", "bob", "get", "urn:a:c:d")[1] == 1


def test_an_action_with_dots_is_found_exactly_first(bob):
    create_type(
        actor=None,
        label="portal.booking",
        actions=[ActionSpec(name="portal.self"), ActionSpec(name="self")],
        mode="open",
    )
    facts.grant(bob, "portal.portal.self")

    assert engine.check(bob, "portal.self", ResourceRef("portal.booking", "1")).allowed
    assert not engine.check(bob, "self", ResourceRef("portal.booking", "1")).allowed
    assert engine.check(bob, "portal.portal.self").allowed


@pytest.mark.parametrize("name", ["approve", "approve_invoice", "shop.approve_invoice"])
def test_grants_on_a_resource_take_every_name_of_a_question(client_of, root, bob, name):
    create_type(
        actor=None, label="shop.invoice", actions=[ActionSpec(name="approve_invoice")], mode="open"
    )
    url = f"/api/v3/rbac/permissions/assigned_by_users/{bob.pk}/"
    body = {"permissions": [name], "model": "shop.invoice", "object_pk": "1"}
    client = client_of(root)

    assert engine.check(root, name, ResourceRef("shop.invoice", "1")).allowed
    assert client.post(f"{url}assign/", body).status_code == 200
    assert engine.check(bob, name, ResourceRef("shop.invoice", "1")).allowed
    assert client.patch(f"{url}unassign/", body).status_code == 204
    bulk = {"users": [bob.pk], "permissions": [name], "model": "shop.invoice", "object_pks": ["1"]}
    assert client.post("/api/v3/rbac/bulk/assign/", bulk).status_code == 200
    assert bob.object_grants.count() == 1


def test_one_action_of_several_types_is_granted_everywhere_by_its_long_name(client_of, root, bob):
    client = client_of(root)
    for name in ("mcp_tool", "urn:order"):
        created(client, {"name": name}, actions=["document:read"])
    assign = f"/api/v3/rbac/permissions/assigned_by_users/{bob.pk}/assign/"

    unclear = client.post(assign, {"permissions": ["default.document:read"]})
    assert (unclear.status_code, list(unclear.json())) == (400, ["permissions"])
    for name in ("default.document:read_nothing", "default.read_mcp_tool"):
        assert client.post(assign, {"permissions": [name]}).status_code == 400
    given = client.post(assign, {"permissions": ["default.document:read_mcp_tool"]})

    assert given.status_code == 200, given.content
    assert engine.check(bob, "document:read", ResourceRef("default.mcp_tool", "1")).allowed
    assert not engine.check(bob, "document:read", ResourceRef("default.urn:order", "1")).allowed


def test_a_renamed_namespace_takes_no_name_of_another_type():
    spec = NamespaceSpec(code="shop", name="shop")
    namespace = create_namespace(actor=None, spec=spec)
    create_type(actor=None, label="shop.order")
    create_type(actor=None, label="other.thing", name="acme.order")

    with pytest.raises(NamespaceTaken):
        update_namespace(namespace=namespace, actor=None, code="acme")


# Single actions


@pytest.fixture
def invoices(bob):
    kind = create_type(
        actor=None,
        label="shop.invoice",
        actions=[ActionSpec(name="read", verbose_name="Read it"), ActionSpec(name="pay_invoice")],
        mode="open",
    )
    facts.grant(bob, "shop.read", "1")
    return kind


def codenames():
    rows = Permission.objects.filter(content_type__app_label="shop").order_by("codename")
    return [(row.codename, row.name) for row in rows]


def test_naming_an_action_keeps_what_another_door_made(client_of, root, bob, invoices):
    body = {"actions": ["read", "pay", "void"]}

    response = client_of(root).patch(f"{URL}shop.invoice/", body)

    assert response.status_code == 200, response.content
    assert codenames() == [
        ("pay_invoice", "Can pay invoice"),
        ("read", "Read it"),
        ("void_invoice", "Can void invoice"),
    ]
    assert bob.object_grants.count() == 1


def test_an_action_is_added_once(client_of, root, invoices):
    client, url = client_of(root), f"{URL}shop.invoice/actions/"

    first = client.post(url, {"name": "pods/log", "verbose_name": "Look"})
    again = client.post(url, {"name": "pods/log"})
    known = client.post(url, {"name": "pay"})

    assert (first.status_code, first.json()["codename"]) == (201, "pods/log")
    assert (again.status_code, again.json()) == (200, first.json())
    assert (known.status_code, known.json()["codename"]) == (200, "pay_invoice")
    event = Event.objects.get(kind="resource_type_changed")
    assert event.before
    assert event.after
    assert set(event.after["actions"]) - set(event.before["actions"]) == {"pods/log"}


@pytest.mark.parametrize("how", ["query", "body"])
def test_an_action_with_grants_goes_only_when_told_so(client_of, root, bob, invoices, how):
    client, url = client_of(root), f"{URL}shop.invoice/actions/"

    refused = client.delete(f"{url}read/")
    assert (refused.status_code, refused.json()["grants"]) == (409, 1)
    assert bob.object_grants.exists()
    if how == "query":
        response = client.delete(f"{url}read/?drop_grants=true")
    else:
        response = client.delete(f"{url}read/", {"drop_grants": True})
    assert response.status_code == 204
    assert client.delete(f"{url}pay/").status_code == 204
    assert codenames() == []
    assert client.delete(f"{url}pay/").status_code == 404
    assert Event.objects.filter(kind="grant_deleted").count() == 1


@pytest.mark.parametrize("name", ["", "a b", "*", "x" * 101, None, 7.5, ["a"]])
def test_a_bad_action_is_named(client_of, root, invoices, name):
    response = client_of(root).post(f"{URL}shop.invoice/actions/", {"name": name})

    if name != 7.5:  # a number reads as text
        assert (response.status_code, list(response.json())) == (400, ["name"])


def test_actions_need_the_right_to_change_the_type(client_of, alice, charlie, root, invoices):
    url = f"{URL}shop.invoice/actions/"
    facts.grant(alice, "permissions.view_resourcetype")

    assert client_of(alice).post(url, {"name": "x"}).status_code == 403
    assert client_of(alice).delete(f"{url}pay/").status_code == 403
    assert client_of(charlie).post(url, {"name": "x"}).status_code == 403
    facts.grant(alice, "permissions.change_resourcetype", invoices)
    assert client_of(alice).post(url, {"name": "x"}).status_code == 201
    assert client_of(alice).delete(f"{url}x/").status_code == 204
    flow = f"{URL}authentik_flows.flow/actions/"
    assert client_of(root).post(flow, {"name": "x"}).status_code == 409
    assert client_of(root).delete(f"{flow}view/").status_code == 409
    assert client_of(root).post(f"{URL}no.type/actions/", {"name": "x"}).status_code == 404


def test_what_creators_would_be_given_counts_as_granted(client_of, root, invoices):
    initial = InitialPermissions.objects.create(name="creators", role=facts.role("creators"))
    initial.permissions.add(Permission.objects.get(codename="pay_invoice"))

    refused = client_of(root).delete(f"{URL}shop.invoice/actions/pay/")

    assert (refused.status_code, refused.json()["grants"]) == (409, 1)


def test_adding_an_action_leaves_alone_what_others_add_meanwhile(invoices, monkeypatch):
    read = types._permissions_of

    def with_another(kind):
        found = read(kind)
        monkeypatch.undo()
        ensure_actions(type_label="shop.invoice", names=["ping"], actor=None)
        return found

    monkeypatch.setattr(types, "_permissions_of", with_another)
    add_action(type=invoices, action=ActionSpec(name="trace"), actor=None)

    assert {name for name, _ in codenames()} == {"pay_invoice", "ping", "read", "trace"}


def test_an_update_keeps_actions_and_grants_unless_told(bob, invoices):
    update_type(type=invoices, actor=None, actions=[ActionSpec(name="read")])

    assert codenames() == [("read", "Read it")]
    assert bob.object_grants.count() == 1


# Searches that refuse


@pytest.mark.parametrize(
    ("asked", "member"),
    [
        ({"action": "fly", "resource": {"type": "shop.invoice", "id": "1"}}, "action"),
        ({"action": "read", "resource": {"type": "no.type", "id": "1"}}, "resource"),
        ({"action": "shop.fly"}, "action"),
        ({"action": "read"}, "action"),
    ],
)
def test_who_can_refuses_what_it_does_not_know(client_of, root, invoices, asked, member):
    response = client_of(root).post("/api/v3/rbac/access/who_can/", asked)

    assert (response.status_code, list(response.json())) == (400, [member])


def test_a_type_gets_a_name_later_once(client_of, root):
    client = client_of(root)
    made = client.post(URL, {"app_label": "late", "model": "tool", "actions": ["call"]}).json()
    path = f"{URL}{made['label']}/"

    assert client.put(path, made | {"permissions": made["permissions"]}).status_code == 200
    assert client.patch(path, {"name": "mcp_late"}).json()["name"] == "mcp_late"
    assert engine.find_types(["mcp_late"])["mcp_late"].label == "late.tool"
    assert client.patch(path, {"name": "mcp_late"}).status_code == 200
    again = client.patch(path, {"name": "another"})
    assert (again.status_code, list(again.json())) == (400, ["name"])
    for taken in ("mcp_late", "late.tool", "authentik_core.user", "a b"):
        other = {"app_label": "late", "model": f"m{len(taken)}", "actions": ["call"]}
        label = client.post(URL, other).json()["label"]
        assert list(client.patch(f"{URL}{label}/", {"name": taken}).json()) == ["name"]


def test_who_names_a_type_holds_what_is_asked_by_that_name(client_of, alice, bob):
    kind = create_type(actor=None, label="late.tool", actions=[ActionSpec(name="call_tool")])
    facts.grant(bob, "late.call_tool")
    for verb in ("view", "change"):
        facts.grant(alice, f"permissions.{verb}_resourcetype")
    client, path = client_of(alice), f"{URL}{kind.label}/"

    assert client.patch(path, {"name": "mcp_late"}).status_code == 403
    facts.grant(alice, "late.call_tool")
    assert client.patch(path, {"name": "mcp_late"}).status_code == 200
