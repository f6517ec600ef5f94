import pytest

from audit.models import Event, EventKind
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.operations.types import ActionSpec, create_type
from roles.models import Scope, ScopeEntry
from tests import facts

pytestmark = pytest.mark.django_db
URL = "/api/v3/rbac/scopes/"


@pytest.fixture
def invoice():
    """A strict type with the resource 42."""
    create_type(actor=None, label="shop.invoice", actions=[ActionSpec(name="view_invoice")])
    return facts.resource("shop.invoice", "42")


@pytest.fixture
def berlin(client_of, root, invoice):
    sent = {"name": "berlin", "entries": [{"type": "shop.invoice", "object_pk": "42"}]}
    return client_of(root).post(URL, sent).json()


def url(scope):
    return f"{URL}{scope['pk']}/"


def test_a_scope_is_created_read_changed_and_deleted(client_of, root, berlin):
    client = client_of(root)

    assert client.get(url(berlin)).json() == berlin
    assert berlin["entries"] == [
        {"type": "shop.invoice", "object_pk": "42", "with_descendants": False}
    ]
    assert (berlin["kind"], berlin["created_by"]) == ("selected", root.pk)
    changed = client.patch(url(berlin), {"kind": "all"}).json()
    assert (changed["kind"], changed["entries"]) == ("all", [])
    assert client.delete(url(berlin)).status_code == 204
    kinds = list(Event.objects.filter(target_pk=berlin["pk"]).values_list("kind", flat=True))
    assert kinds == [EventKind.SCOPE_DELETED, EventKind.SCOPE_CHANGED, EventKind.SCOPE_CREATED]


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({}, {"name"}),
        ({"name": ""}, {"name"}),
        ({"name": "berlin"}, {"name"}),
        ({"name": "a\0"}, {"name"}),
        ({"name": "n", "kind": "some"}, {"kind"}),
        ({"name": "n", "entries": {}}, {"entries"}),
        ({"name": "n", "entries": [{}]}, {"entries"}),
        ({"name": "n", "entries": [{"type": "no.such"}]}, {"entries"}),
        ({"name": "n", "entries": [{"type": "\0"}]}, {"entries"}),
        ({"name": "n", "entries": [{"type": "shop.invoice", "object_pk": "7"}]}, {"entries"}),
        (
            {"name": "n", "entries": [{"type": "authentik_core.user", "object_pk": "x"}]},
            {"entries"},
        ),
        (
            {"name": "n", "entries": [{"type": "authentik_core.user", "object_pk": "9"}]},
            {"entries"},
        ),
        ({"name": "n", "kind": "all", "entries": [{"type": "shop.invoice"}]}, {"entries"}),
    ],
)
def test_bad_input_is_keyed_and_writes_nothing(client_of, root, berlin, sent, errors):
    before = (Scope.objects.count(), ScopeEntry.objects.count())

    response = client_of(root).post(URL, sent)

    assert (response.status_code, set(response.json())) == (400, errors)
    assert (Scope.objects.count(), ScopeEntry.objects.count()) == before


def test_a_patch_takes_whole_entries_only(client_of, root, berlin):
    response = client_of(root).patch(url(berlin), {"entries": [{"object_pk": "42"}]})

    assert response.json() == {"entries": {"0": {"type": ["This field is required."]}}}


def test_the_position_of_a_bad_entry_is_told(client_of, root, invoice):
    entries = [{"type": "shop.invoice"}, {"type": "shop.invoice", "object_pk": "7"}]

    response = client_of(root).post(URL, {"name": "n", "entries": entries})

    fault = {"object_pk": ["No shop.invoice has this key."]}
    assert response.json() == {"entries": {"1": fault}}


def test_a_scope_in_use_and_the_built_in_one_stay(client_of, root, berlin, bob):
    client = client_of(root)
    facts.hold(facts.role("auditors"), bob, scope=Scope.objects.get(pk=berlin["pk"]))
    [everything] = client.get(f"{URL}?name=All%20Objects").json()["results"]

    assert (client.delete(url(berlin)).status_code, everything["built_in"]) == (409, True)
    assert client.delete(url(everything)).status_code == 403
    assert client.patch(url(everything), {"description": "x"}).status_code == 403


def test_widening_a_scope_in_use_meets_the_ceiling(client_of, charlie, berlin, bob):
    role = facts.role("auditors")
    facts.grant(role, "shop.view_invoice")
    scope = Scope.objects.get(pk=berlin["pk"])
    facts.hold(role, bob, scope=scope)
    facts.hold(role, charlie, scope=scope)
    for name in ("view_scope", "change_scope"):
        facts.grant(charlie, f"authentik_rbac.{name}")

    response = client_of(charlie).patch(url(berlin), {"entries": [{"type": "shop.invoice"}]})

    assert response.status_code == 403
    assert not engine.check(charlie, "view", ResourceRef("shop.invoice", "7")).allowed
    assert client_of(charlie).patch(url(berlin), {"entries": []}).status_code == 200
    assert not engine.check(bob, "view", ResourceRef("shop.invoice", "42")).allowed


def test_a_scope_is_widened_by_what_its_changer_holds_there(client_of, charlie, berlin, bob):
    """charlie holds all that the scope's role gives on invoice 7, and the role within the scope."""
    role, scope = facts.role("auditors"), Scope.objects.get(pk=berlin["pk"])
    facts.grant(role, "shop.view_invoice")
    for holder in (bob, charlie):
        facts.hold(role, holder, scope=scope)
    for key in ("7", "8"):
        facts.resource("shop.invoice", key)
    facts.grant(charlie, "shop.view_invoice", on="7")
    for name in ("authentik_rbac.view_scope", "authentik_rbac.change_scope"):
        facts.grant(charlie, name)
    facts.grant(charlie, "permissions.view_resource")

    def widen(*keys):
        more = [{"type": "shop.invoice", "object_pk": key} for key in keys]
        body = {"entries": [*berlin["entries"], *more]}
        return client_of(charlie).patch(url(berlin), body).status_code

    assert widen("8") == 403
    assert widen("7", "8") == 403
    assert widen("7") == 200
    assert client_of(charlie).patch(url(berlin), {"kind": "all", "entries": []}).status_code == 403
    assert engine.check(bob, "view", ResourceRef("shop.invoice", "7")).allowed
    assert not engine.check(bob, "view", ResourceRef("shop.invoice", "8")).allowed


def test_entries_do_not_tell_what_is_there(client_of, root, charlie, bob, berlin):
    """Of strict types and of our own, what one may know nothing of is missing."""
    for name in ("add", "change", "view"):
        facts.grant(charlie, f"authentik_rbac.{name}_scope")
    caller = client_of(charlie)

    def answer(label, key):
        body = {"name": "n", "entries": [{"type": label, "object_pk": key}]}
        said = caller.post(URL, body)
        return said.status_code, said.json().get("entries")

    assert answer("shop.invoice", "42") == answer("shop.invoice", "absent")
    assert answer("authentik_core.user", str(bob.pk)) == answer("authentik_core.user", "999999")
    assert answer("shop.invoice", "42")[0] == 400
    # What is shown may be sent back.
    assert caller.patch(url(berlin), {"entries": berlin["entries"]}).status_code == 200
    facts.grant(charlie, "shop.view_invoice", on="42")
    facts.grant(charlie, "authentik_core.view_user", on=bob)
    body = {
        "name": "n",
        "entries": [
            {"type": "shop.invoice", "object_pk": "42"},
            {"type": "authentik_core.user", "object_pk": str(bob.pk)},
        ],
    }
    assert caller.post(URL, body).status_code == 201


def test_inline_scopes_are_not_listed(client_of, root):
    Scope.objects.create(kind="all")

    names = [scope["name"] for scope in client_of(root).get(URL).json()["results"]]

    assert names == ["All Objects"]


def test_a_stranger_is_refused(client_of, charlie, berlin):
    for response in (client_of(charlie).get(URL), client_of(charlie).post(URL, {"name": "n"})):
        assert response.status_code == 403
