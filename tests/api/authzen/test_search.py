import pytest

from permissions.models import RoleGlobalGrant
from permissions.operations.types import ActionSpec, create_type
from roles.models import Scope, ScopeEntry
from tests import facts
from tests.api.authzen.conftest import question
from tests.statements import counted

pytestmark = pytest.mark.django_db
KINDS = ("subject", "resource", "action")
INVOICE = {"type": "shop.invoice"}
IDEAS = [ActionSpec(name="view_idea")]


def search(client, kind, *, page=None, **changed):
    """A search of this kind in the shop, with members replaced or, by None, left out."""
    asked = question() | changed
    if kind == "action":
        asked.pop("action", None)
    elif kind not in changed:
        asked[kind] = {"type": asked[kind]["type"]}
    asked = {name: member for name, member in asked.items() if member is not None}
    if page is not None:
        asked["page"] = page
    return client.post(f"/access/v1/search/{kind}", asked)


def found(response):
    assert response.status_code == 200, response.content
    return [result.get("id", result.get("name")) for result in response.json()["results"]]


@pytest.fixture
def granted(alice, bob, invoice):
    """alice may view invoices 1 to 5 and approve 3; bob, by his group's role, may view 3."""
    for number in "12345":
        facts.grant(alice, "shop.view_invoice", number)
    facts.grant(alice, "shop.approve_invoice", "3")
    role = facts.role("clerks")
    facts.grant(role, "shop.view_invoice", "3")
    facts.hold(role, facts.group("staff", bob))


SEARCHES = {
    "subject": ({"resource": INVOICE | {"id": "3"}}, ["alice", "bob"]),
    "resource": ({}, ["1", "2", "3", "4", "5"]),
    "action": ({"resource": INVOICE | {"id": "3"}}, ["approve", "view"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_would_be_allowed_is_found(gate, granted, kind):
    changed, expected = SEARCHES[kind]

    assert found(search(gate, kind, **changed)) == expected


def test_results_name_the_type_as_it_was_asked_for(gate, granted):
    by_type = search(gate, "resource").json()
    by_alias = search(
        gate, "subject", subject={"type": "identity"}, resource=INVOICE | {"id": "3"}
    ).json()

    assert by_type == {"results": [{"type": "shop.invoice", "id": n} for n in "12345"]}
    assert by_alias["results"][0] == {"type": "identity", "id": "alice"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_pages_of_any_size_join_to_the_whole(gate, granted, kind):
    changed, expected = SEARCHES[kind]
    for limit in range(1, 7):
        seen, token = [], None
        while token != "":
            page = {"limit": limit} if token is None else {"token": token}
            response = search(gate, kind, page=page, **changed)
            assert len(found(response)) <= limit
            seen += found(response)
            token = response.json()["page"]["next_token"]

        assert seen == expected


def test_a_page_says_how_many_results_it_holds(gate, granted):
    assert search(gate, "resource", page={"limit": 2}).json()["page"]["count"] == 2
    assert search(gate, "resource", page={}).json()["page"] == {"next_token": "", "count": 5}


def test_nobody_is_skipped_when_an_earlier_result_goes(gate, granted, alice):
    first = search(gate, "resource", page={"limit": 2})
    alice.object_grants.filter(object_pk="1").delete()

    page = {"token": first.json()["page"]["next_token"]}

    assert found(search(gate, "resource", page=page)) == ["3", "4"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_of_nothing_tells_whether_there_is_anything(gate, granted, kind):
    changed, _ = SEARCHES[kind]
    some = search(gate, kind, page={"limit": 0}, **changed).json()
    none = search(gate, kind, page={"limit": 0}, resource={"type": "shop.no", "id": "3"}).json()

    assert some["results"] == none["results"] == []
    assert some["page"]["next_token"] != ""
    assert none["page"]["next_token"] == ""
    again = search(gate, kind, page={"token": some["page"]["next_token"]}, **changed).json()
    assert again["page"] == some["page"] | {"next_token": again["page"]["next_token"]}


def test_without_a_page_what_does_not_fit_is_announced(gate, granted, monkeypatch):
    monkeypatch.setattr("api.authzen.paging.MOST_RESULTS", 3)
    response = search(gate, "resource")

    assert found(response) == ["1", "2", "3"]
    page = {"token": response.json()["page"]["next_token"]}
    assert found(search(gate, "resource", page=page)) == ["4", "5"]


def test_a_large_limit_is_cut_but_not_the_results(gate, granted, monkeypatch):
    monkeypatch.setattr("api.authzen.paging.MOST_RESULTS", 3)
    first = search(gate, "resource", page={"limit": 1_000_000})
    page = {"limit": 1_000_000, "token": first.json()["page"]["next_token"]}

    assert len(found(first)) == 3
    assert found(search(gate, "resource", page=page)) == ["4", "5"]


def first_token(gate, **changed):
    return search(gate, "resource", page={"limit": 2}, **changed).json()["page"]["next_token"]


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": {"type": "user", "id": "bob"}},
        {"subject": {"type": "identity", "id": "alice"}},
        {"subject": {"type": "user", "id": "alice", "properties": {"role": "admin"}}},
        {"action": {"name": "approve"}},
        {"resource": {"type": "shop.other"}},
        {"context": {"time": "later"}},
        {"page": {"limit": 3}},
    ],
)
def test_a_token_is_refused_with_other_parameters(gate, granted, changed):
    page = {"token": first_token(gate)} | changed.pop("page", {})

    response = search(gate, "resource", page=page, **changed)

    assert response.status_code == 400
    assert "token" in response.json()["detail"]


def test_a_token_is_refused_by_another_search(gate, granted):
    response = search(gate, "subject", page={"token": first_token(gate)})

    assert response.status_code == 400


def test_the_context_need_not_be_repeated(gate, granted):
    token = first_token(gate, context={"time": "now"})

    assert found(search(gate, "resource", page={"token": token})) == ["3", "4"]
    again = search(gate, "resource", page={"token": token}, context={"time": "now"})
    assert found(again) == ["3", "4"]


@pytest.mark.parametrize(
    "changed", ["{token}x", "x{token}", "{token}:{token}", "{shortened}", "0", "\0:é:x", " "]
)
def test_a_changed_token_is_refused(gate, granted, changed):
    token = first_token(gate)
    page = {"token": changed.format(token=token, shortened=token[:-1])}

    assert search(gate, "resource", page=page).status_code == 400


@pytest.mark.parametrize(
    "page",
    [
        None,
        1,
        "x",
        [],
        {"limit": -1},
        {"limit": "2"},
        {"limit": 1.5},
        {"limit": True},
        {"limit": 10**30},
        {"token": 7},
        {"token": None},
    ],
)
def test_a_malformed_page_is_400(gate, granted, page):
    asked = question() | {"page": page}

    assert gate.post("/access/v1/search/action", asked).status_code == 400


@pytest.mark.parametrize("ignored", ["nobody", 7, None])
def test_the_id_of_what_is_searched_is_ignored(gate, granted, ignored):
    by_subject = {"resource": INVOICE | {"id": "3"}, "subject": {"type": "user", "id": ignored}}
    by_resource = {"resource": {"type": "shop.invoice", "id": ignored}}

    assert found(search(gate, "subject", **by_subject)) == ["alice", "bob"]
    assert found(search(gate, "resource", **by_resource)) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("subject", "action"),
        ("subject", "resource"),
        ("subject", "subject"),
        ("resource", "subject"),
        ("resource", "action"),
        ("resource", "resource"),
        ("action", "subject"),
        ("action", "resource"),
    ],
)
def test_incomplete_input_is_400(gate, kind, missing):
    assert search(gate, kind, **{missing: None}).status_code == 400


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("subject", {"resource": INVOICE}),
        ("resource", {"subject": {"type": "user"}}),
        ("action", {"subject": {"type": "user"}}),
        ("action", {"resource": INVOICE}),
    ],
)
def test_an_entity_that_is_not_searched_needs_its_id(gate, kind, changed):
    assert search(gate, kind, **changed).status_code == 400


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("subject", {"subject": {"type": "spaceship"}}),
        ("subject", {"resource": {"type": "spaceship", "id": "1"}}),
        ("subject", {"action": {"name": "fly"}}),
        ("subject", {"resource": INVOICE | {"id": "\0"}}),
        ("resource", {"subject": {"type": "user", "id": "nobody"}}),
        ("resource", {"subject": {"type": "spaceship", "id": "alice"}}),
        ("resource", {"resource": {"type": "spaceship"}}),
        ("resource", {"action": {"name": "\0"}}),
        ("action", {"subject": {"type": "user", "id": "nobody"}}),
        ("action", {"resource": {"type": "\0", "id": "1"}}),
        ("action", {"resource": INVOICE | {"id": "\0"}}),
    ],
)
def test_what_is_unknown_finds_nothing(gate, granted, kind, changed):
    assert search(gate, kind, **changed).json() == {"results": []}


def test_a_short_name_that_another_permission_has_stays_long(gate, alice, make_type):
    make_type("shop.order", "view_order", "view", "x.y_order", "_order", "close_order")
    for codename in ("view_order", "x.y_order", "_order", "close_order"):
        facts.grant(alice, f"shop.{codename}")
    resource = {"type": "shop.order", "id": "1"}

    names = found(search(gate, "action", resource=resource))

    assert names == ["_order", "close", "view_order", "x.y_order"]
    for name in names:
        asked = question(action=name, type="shop.order", resource="1")
        assert gate.post("/access/v1/evaluation", asked).json() == {"decision": True}


def test_superusers_are_found_and_inactive_users_are_not(gate, granted, root, bob):
    bob.is_active = False
    bob.save()

    response = search(gate, "subject", resource=INVOICE | {"id": "3"})

    assert sorted(found(response)) == ["alice", "root"]


def test_whoever_may_ask_about_itself_searches_for_itself_alone(bearer_of, granted, alice, bob):
    client = bearer_of(alice)

    assert found(search(client, "resource")) == ["1", "2", "3", "4", "5"]
    assert found(search(client, "action", resource=INVOICE | {"id": "3"})) == ["approve", "view"]
    assert search(client, "resource", subject={"type": "user", "id": "bob"}).status_code == 403
    assert search(client, "subject", resource=INVOICE | {"id": "3"}).status_code == 403


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_is_one_statement(gate, granted, kind):
    with counted() as statements:
        answer = search(gate, kind, page={"limit": 2}, **SEARCHES[kind][0])

    assert found(answer)
    assert len(statements) == 1, statements


@pytest.mark.parametrize(
    ("mode", "scope", "context"),
    [
        ("open", None, {"everywhere": True}),
        ("open", "all", {"everywhere": True}),
        ("open", "nothing", None),
        ("open", "selected", None),
        ("strict", None, None),
    ],
)
def test_the_context_says_when_more_is_allowed_than_is_known(gate, alice, mode, scope, context):
    kind = create_type(actor=None, label="shop.idea", mode=mode, actions=IDEAS)
    role = facts.role("auditors")
    held_in = Scope.objects.create(name="some", kind=scope) if scope else None
    if scope == "selected":
        assert held_in is not None
        ScopeEntry.objects.create(scope=held_in, content_type=kind.content_type, object_pk="1")
    facts.hold(role, alice, scope=held_in)
    facts.grant(role, "shop.view_idea")

    answer = search(gate, "resource", resource={"type": "shop.idea"}).json()

    assert answer.get("context") == context


def test_the_last_page_says_it(gate, alice):
    create_type(actor=None, label="shop.idea", mode="open", actions=IDEAS)
    facts.grant(alice, "shop.view_idea")
    for key in ("a", "b"):
        facts.resource("shop.idea", key)
    asked = {"resource": {"type": "shop.idea"}}

    first = search(gate, "resource", **asked, page={"limit": 1}).json()
    token = first["page"]["next_token"]
    last = search(gate, "resource", **asked, page={"limit": 1, "token": token}).json()

    assert ("context" in first, last["context"]) == (False, {"everywhere": True})


def test_a_global_grant_finds_what_is_registered(gate, alice, invoice):
    role = facts.role("auditors")
    facts.hold(role, alice)
    facts.grant(role, "shop.view_invoice")
    for key in ("b", "a"):
        facts.resource("shop.invoice", key)

    assert found(search(gate, "resource")) == ["a", "b"]
    assert RoleGlobalGrant.objects.count() == 1
