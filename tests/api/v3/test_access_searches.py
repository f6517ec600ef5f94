import pytest

from permissions.operations.types import ActionSpec, create_type
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db
WHO = "/api/v3/rbac/access/who_can/"
WHAT = "/api/v3/rbac/access/what_can/"
GROUP = "authentik_core.group"


@pytest.fixture
def groups(alice, bob):
    """Three groups; alice may view the first two, bob all of them."""
    groups = sorted((facts.group(name) for name in "abc"), key=lambda group: str(group.pk))
    for group in groups[:2]:
        facts.grant(alice, "authentik_core.view_group", group)
    facts.grant(bob, "authentik_core.view_group")
    return groups


@pytest.fixture
def auditor(charlie):
    facts.grant(charlie, "authentik_rbac.check_access")
    return charlie


def resource(group):
    return {"type": GROUP, "id": str(group.pk)}


def test_who_can_names_everybody_in_pages(client_of, auditor, alice, bob, groups):
    body = {"action": "view", "resource": resource(groups[0]), "limit": 1}

    first = client_of(auditor).post(WHO, body).json()
    second = client_of(auditor).post(WHO, body | {"after": first["next"]}).json()

    assert first["results"] == [{"pk": alice.pk, "username": "alice"}]
    assert second == {"results": [{"pk": bob.pk, "username": "bob"}], "next": None}


def test_who_can_without_a_resource_means_everywhere(client_of, auditor, bob, groups):
    answer = client_of(auditor).post(WHO, {"action": "authentik_core.view_group"}).json()

    assert [result["username"] for result in answer["results"]] == ["bob"]


def test_who_can_needs_check_access(client_of, alice, groups):
    body = {"action": "view", "resource": resource(groups[0])}

    assert client_of(alice).post(WHO, body).status_code == 403


def test_what_can_lists_resources_in_pages(client_of, alice, groups):
    body = {"action": "view", "resource": {"type": GROUP}, "limit": 1}

    first = client_of(alice).post(WHAT, body).json()
    second = client_of(alice).post(WHAT, body | {"after": first["next"]}).json()

    assert first["results"] == [{"action": "view", "resource": resource(groups[0])}]
    assert second["results"] == [{"action": "view", "resource": resource(groups[1])}]
    assert second["next"] is None


@pytest.mark.parametrize("mode", ["open", "strict"])
def test_what_can_says_when_more_is_allowed_than_is_known(client_of, alice, bob, mode):
    create_type(actor=None, label="shop.idea", mode=mode, actions=[ActionSpec(name="view_idea")])
    facts.grant(alice, "shop.view_idea")
    facts.grant(bob, "shop.view_idea", "1")
    body = {"action": "view", "resource": {"type": "shop.idea"}}

    everything, one = (client_of(user).post(WHAT, body).json() for user in (alice, bob))

    assert everything == {"results": [], "next": None, "everywhere": mode == "open"}
    assert one["everywhere"] is False


def test_what_can_lists_actions_in_pages(client_of, auditor, alice, groups):
    facts.grant(alice, "authentik_core.change_group", groups[0])
    body = {"subject": "alice", "resource": resource(groups[0]), "limit": 1}

    first = client_of(auditor).post(WHAT, body).json()
    second = client_of(auditor).post(WHAT, body | {"after": first["next"]}).json()

    assert [r["action"] for r in first["results"] + second["results"]] == ["change", "view"]


def test_what_others_can_needs_check_access(client_of, alice, bob, groups):
    body = {"subject": "bob", "action": "view", "resource": {"type": GROUP}}

    assert client_of(alice).post(WHAT, body).status_code == 403


@pytest.mark.parametrize(
    ("url", "body", "field"),
    [
        (WHO, {}, "action"),
        (WHO, {"action": "view", "limit": 0}, "limit"),
        (WHO, {"action": "view", "limit": 1001}, "limit"),
        (WHO, {"action": "view", "after": 10**30}, "after"),
        (WHAT, {"action": "view"}, "resource"),
        (WHAT, {"resource": {"type": GROUP}}, "action"),
        (WHAT, {"action": "view", "resource": {"type": GROUP, "id": "1"}}, "action"),
        (WHAT, {"action": "view", "resource": {"type": GROUP}, "after": "\0"}, "after"),
    ],
)
def test_bad_input_is_keyed_by_its_field(client_of, auditor, url, body, field):
    response = client_of(auditor).post(url, body)

    assert (response.status_code, list(response.json())) == (400, [field])


@pytest.mark.parametrize("url", [WHO, WHAT])
def test_the_statements_are_few(bearer_of, auditor, groups, url):
    client = bearer_of(auditor)
    body = {"action": "view", "resource": resource(groups[0])}
    if url == WHAT:
        body = {"subject": "alice", "action": "view", "resource": {"type": GROUP}}

    with counted() as statements:
        client.post(url, body)

    assert len(statements) == (4 if url == WHO else 3), statements
