"""The OpenID certification scenario for the Authorization API 1.0, all levels but Properties.

The fixture is the scenario's: alice reads and writes the record record-1, bob only reads it.
"""

from typing import Any

import pytest

pytestmark = pytest.mark.django_db
ALICE, BOB = {"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}
READ, WRITE = {"name": "read"}, {"name": "write"}
ONE, TWO = {"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}
PERMIT, DENY = {"decision": True}, {"decision": False}


@pytest.fixture
def pdp(gate, load):
    load.type("record", "read", "write", "delete")
    load.resources("record", "record-1", "record-2")
    alice, bob = load.user("alice"), load.user("bob")
    for user, action in ((alice, "read"), (alice, "write"), (bob, "read")):
        load.grant(user, action, "record", "record-1")

    def post(path, body, **headers):
        return gate.post(f"/access/v1/{path}", body, **headers)

    return post


@pytest.mark.parametrize(
    ("subject", "action", "expected"),
    [(ALICE, READ, PERMIT), (ALICE, WRITE, PERMIT), (BOB, READ, PERMIT), (BOB, WRITE, DENY)],
)
@pytest.mark.parametrize("more", [{}, {"context": {"ip": "192.0.2.1"}}, {"foo": {"bar": 1}}])
def test_the_four_decisions_hold_whatever_comes_with_them(pdp, subject, action, expected, more):
    asked = {"subject": subject, "action": action, "resource": ONE} | more

    for _ in range(3):
        response = pdp("evaluation", asked)
        assert (response.status_code, response.json()) == (200, expected)


def test_properties_change_no_core_decision(pdp):
    asked = {
        "subject": ALICE | {"properties": {"department": "Sales", "role": "manager"}},
        "action": READ | {"properties": {"method": "GET"}},
        "resource": ONE | {"properties": {"status": "active", "owner": "bob"}},
    }

    assert pdp("evaluation", asked).json() == PERMIT


def test_a_batch_with_defaults(pdp):
    resources = pdp(
        "evaluations",
        {"subject": ALICE, "action": READ, "evaluations": [{"resource": ONE}, {"resource": TWO}]},
    )
    actions = pdp(
        "evaluations",
        {"subject": BOB, "resource": ONE, "evaluations": [{"action": READ}, {"action": WRITE}]},
    )

    assert [type(answer["decision"]) for answer in resources.json()["evaluations"]] == [bool, bool]
    assert actions.json() == {"evaluations": [PERMIT, DENY]}


def test_a_batch_without_defaults(pdp):
    items = [
        {"subject": ALICE, "action": READ, "resource": ONE},
        {"subject": BOB, "action": WRITE, "resource": ONE},
    ]

    assert pdp("evaluations", {"evaluations": items}).json() == {"evaluations": [PERMIT, DENY]}


def test_a_batch_with_a_context_of_its_own(pdp):
    items = [{"resource": ONE}, {"resource": TWO, "context": {"source": "override"}}]
    asked = {"subject": ALICE, "action": READ, "context": {"time": "now"}, "evaluations": items}

    response = pdp("evaluations", asked)

    assert (response.status_code, len(response.json()["evaluations"])) == (200, 2)


def test_a_faulty_evaluation_is_denied_inside_the_batch(pdp):
    asked = {"subject": ALICE, "action": READ, "evaluations": [{"resource": ONE}, {}]}

    assert pdp("evaluations", asked).json() == {"evaluations": [PERMIT, DENY]}


@pytest.mark.parametrize("items", [{}, {"evaluations": []}])
def test_a_batch_of_none_is_one_evaluation(pdp, items):
    asked = {"subject": ALICE, "action": READ, "resource": ONE} | items

    assert pdp("evaluations", asked).json() == PERMIT


def names(response, member="id"):
    assert response.status_code == 200
    return {result[member] for result in response.json()["results"]}


@pytest.mark.parametrize("more", [{}, {"context": {"ip": "192.0.2.1"}}])
def test_the_searches(pdp, more):
    subjects = {"subject": {"type": "user"}, "action": READ, "resource": ONE}
    resources = {"subject": ALICE, "action": READ, "resource": {"type": "record"}}
    actions = {"subject": ALICE, "resource": ONE}

    assert names(pdp("search/subject", subjects | more)) >= {"alice", "bob"}
    assert names(pdp("search/resource", resources | more)) >= {"record-1"}
    assert names(pdp("search/action", actions | more), "name") >= {"read", "write"}


def test_a_search_in_pages(pdp):
    asked = {"subject": {"type": "user"}, "action": READ, "resource": ONE}

    found: list[dict[str, str]] = []
    page: dict[str, Any] = {"limit": 1}
    while page != {"token": ""}:
        answer = pdp("search/subject", asked | {"page": page}).json()
        found += answer["results"]
        page = {"token": answer["page"]["next_token"]}

    assert ALICE in found
    assert BOB in found


def test_unknown_entities_find_nothing(pdp):
    nobody = {"subject": {"type": "user", "id": "nonexistent-user"}, "resource": ONE}
    spaceship = {"subject": {"type": "spaceship"}, "action": READ, "resource": ONE}

    assert pdp("search/action", nobody).json() == {"results": []}
    assert pdp("search/subject", spaceship).json() == {"results": []}


def test_the_request_id_is_echoed(pdp):
    asked = {"subject": ALICE, "action": READ, "resource": ONE}

    assert pdp("evaluation", asked, HTTP_X_REQUEST_ID="1-2-3")["X-Request-ID"] == "1-2-3"
