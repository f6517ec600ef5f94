import pytest

from tests import facts
from tests.api.authzen.conftest import question
from tests.statements import counted

pytestmark = pytest.mark.django_db
URL = "/access/v1/evaluations"


@pytest.fixture
def granted(alice, invoice):
    """alice may view invoices 1 and 3."""
    for number in "13":
        facts.grant(alice, "shop.view_invoice", number)


def asked_for(*numbers, **more):
    asked = question()
    del asked["resource"]
    items = [{"resource": {"type": "shop.invoice", "id": number}} for number in numbers]
    return asked | {"evaluations": items} | more


def decisions(response):
    assert response.status_code == 200, response.content
    return [answer["decision"] for answer in response.json()["evaluations"]]


def test_answers_keep_the_order_of_the_questions(gate, granted):
    assert decisions(gate.post(URL, asked_for("3", "2", "1"))) == [True, False, True]


def test_there_is_no_decision_beside_the_evaluations(gate, granted):
    assert gate.post(URL, asked_for("1")).json() == {"evaluations": [{"decision": True}]}


def test_an_item_replaces_defaults_whole(gate, granted):
    asked = asked_for("1", resource={"type": "shop.invoice", "id": "1"})
    asked["evaluations"] = [
        {},
        {"resource": {"id": "1"}},
        {"subject": {"type": "user", "id": "nobody"}},
        {"action": {"name": "pay"}},
        {"context": {"time": "now"}},
    ]

    assert decisions(gate.post(URL, asked)) == [True, False, False, False, True]


def test_items_may_be_complete(gate, granted):
    asked = {"evaluations": [question(resource="1"), question(resource="2")]}

    assert decisions(gate.post(URL, asked)) == [True, False]


@pytest.mark.parametrize("missing", [{}, {"evaluations": []}])
def test_without_items_it_is_one_evaluation(gate, granted, missing):
    assert gate.post(URL, question(resource="1") | missing).json() == {"decision": True}


@pytest.mark.parametrize("missing", [{}, {"evaluations": []}])
def test_without_items_the_defaults_must_be_complete(gate, missing):
    assert gate.post(URL, {"action": {"name": "view"}} | missing).status_code == 400


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_the_semantics_end_the_answers(gate, granted, semantic, expected):
    options = {"evaluations_semantic": semantic, "other": 7}

    response = gate.post(URL, asked_for("1", "2", "3", "4", options=options))

    assert decisions(response) == expected


@pytest.mark.parametrize("semantic", ["first_wins", "", 1, None])
def test_an_unknown_semantic_is_400(gate, semantic):
    response = gate.post(URL, asked_for("1", options={"evaluations_semantic": semantic}))

    assert response.status_code == 400


BAD_ITEMS = [
    {"resource": {"type": "shop.invoice"}},
    {"resource": {"type": "shop.invoice", "id": 1}},
    {"resource": None},
    {"action": {"name": 123}},
    {"subject": "alice"},
    {"context": 1},
    "x",
    7,
    None,
    [],
]


@pytest.mark.parametrize("bad", BAD_ITEMS)
def test_a_bad_item_is_a_denial_and_the_others_are_answered(gate, granted, bad):
    asked = asked_for("1", "3")
    asked["evaluations"].insert(1, bad)

    assert decisions(gate.post(URL, asked)) == [True, False, True]


def test_an_incomplete_item_says_so_when_asked(gate, granted):
    asked = asked_for("1", options={"context": True})
    asked["evaluations"].append({})

    good, bad = gate.post(URL, asked).json()["evaluations"]

    assert good["context"]["reason"] == "user_object"
    assert bad["decision"] is False
    assert bad["context"]["error"]["status"] == 400
    assert "resource" in bad["context"]["error"]["message"]


def test_nothing_but_bad_items_still_needs_a_token(gate, client):
    asked = {"evaluations": BAD_ITEMS}

    assert decisions(gate.post(URL, asked)) == [False] * len(BAD_ITEMS)
    assert client.post(URL, asked, "application/json").status_code == 401


@pytest.mark.parametrize("evaluations", [None, "x", {}, {"0": {}}, 5])
def test_items_that_are_no_array_are_400(gate, evaluations):
    assert gate.post(URL, question() | {"evaluations": evaluations}).status_code == 400


def test_a_wrong_default_is_400(gate):
    assert gate.post(URL, asked_for("1", subject={"type": "user", "id": 1})).status_code == 400


def test_one_item_about_another_refuses_the_whole(bearer_of, alice, bob, granted):
    client = bearer_of(alice)
    about_bob = {"subject": {"type": "user", "id": "bob"}}

    assert decisions(client.post(URL, asked_for("1", "2"))) == [True, False]
    refused = asked_for("1", resource={"type": "shop.invoice", "id": "1"})
    refused["evaluations"].append(about_bob)
    assert client.post(URL, refused).status_code == 403


def test_ten_thousand_are_answered_with_one_statement(gate, granted):
    numbers = [str(n) for n in range(10_000)]

    with counted() as statements:
        found = decisions(gate.post(URL, asked_for(*numbers)))

    assert [n for n, decision in enumerate(found) if decision] == [1, 3]
    assert len(found) == 10_000
    assert len(statements) == 1, statements


def test_more_are_refused_and_the_limit_is_named(gate):
    response = gate.post(URL, asked_for(*["1"] * 10_001))

    assert response.status_code == 413
    assert "10000" in response.json()["detail"]


def test_subjects_and_resources_may_all_differ(gate, alice, bob, charlie, granted):
    facts.grant(bob, "shop.pay")
    asked = {
        "evaluations": [
            question("bob", "pay", "9"),
            question("alice", "pay", "9"),
            question("alice", "view", "3"),
            question("charlie", "view", "3"),
            question("nobody", "view", "3"),
            question("bob", "pay", "9", "shop.unknown"),
        ]
    }

    assert decisions(gate.post(URL, asked)) == [True, False, True, False, False, False]
