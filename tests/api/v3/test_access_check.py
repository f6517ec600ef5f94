import pytest

from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db
URL = "/api/v3/rbac/access/check/"


def about(group, action="view", **more):
    resource = {"type": "authentik_core.group", "id": str(group.pk)}
    return {"action": action, "resource": resource} | more


@pytest.fixture
def staff(alice):
    """A group that alice may view."""
    staff = facts.group("staff")
    facts.grant(alice, "authentik_core.view_group", staff)
    return staff


def test_anybody_may_ask_what_it_may_do(client_of, alice, charlie, staff):
    allowed = client_of(alice).post(URL, about(staff)).json()
    denied = client_of(charlie).post(URL, about(staff)).json()

    assert (allowed["allowed"], allowed["reason"]) == (True, "user_object")
    assert [step["kind"] for step in allowed["path"]] == ["user", "grant"]
    assert denied == {"allowed": False, "reason": "no_grant", "path": []}


def test_many_questions_are_answered_in_their_order(client_of, alice, staff):
    questions = [about(staff, "change"), about(staff), {"action": "authentik_core.view_group"}]

    answer = client_of(alice).post(URL, {"questions": questions}).json()

    assert [result["allowed"] for result in answer["results"]] == [False, True, False]


def test_a_permission_without_a_resource_must_hold_everywhere(client_of, alice):
    facts.grant(alice, "authentik_rbac.view_system_info")

    answer = client_of(alice).post(URL, {"action": "authentik_rbac.view_system_info"})

    assert answer.json()["allowed"] is True


def test_others_need_check_access(client_of, alice, bob, staff):
    for body in (about(staff, subject="alice"), {"questions": [about(staff, subject="alice")]}):
        assert client_of(bob).post(URL, body).status_code == 403
    facts.grant(bob, "authentik_rbac.check_access")

    assert client_of(bob).post(URL, about(staff, subject="alice")).json()["allowed"] is True


def test_a_caller_may_name_itself(client_of, alice, staff):
    assert client_of(alice).post(URL, about(staff, subject="alice")).json()["allowed"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "view", "questions": []}, "action"),
        ({"action": "a\0"}, "action"),
        ({"action": ["x"]}, "action"),
        ({"action": "view", "resource": "x"}, "resource"),
        ({"action": "view", "resource": {"type": "shop.invoice"}}, "resource"),
        ({"questions": "x"}, "questions"),
        ({"questions": [{}]}, "questions"),
        ({"questions": [{"action": "view"}] * 1001}, "questions"),
        ([], "non_field_errors"),
    ],
)
def test_bad_input_is_keyed_by_its_field(client_of, alice, body, field):
    response = client_of(alice).post(URL, body)

    assert (response.status_code, list(response.json())) == (400, [field])


def test_strangers_are_refused(anonymous):
    assert anonymous.post(URL, {"action": "view"}).status_code == 403
    assert anonymous.get(URL).status_code == 403


def test_many_questions_cost_as_many_statements_as_one(bearer_of, alice, staff):
    client = bearer_of(alice)

    with counted() as statements:
        client.post(URL, {"questions": [about(staff)] * 50})

    assert len(statements) == 2, statements


def test_everything_the_caller_may_do(client_of, alice, staff):
    [row] = client_of(alice).get(URL).json()["results"]

    assert (row["codename"], row["object_pk"]) == ("view_group", str(staff.pk))
