import pytest

from tests import facts

pytestmark = pytest.mark.django_db
URL = "/api/v3/rbac/access/explain/"


@pytest.fixture
def auditor(charlie):
    facts.grant(charlie, "authentik_rbac.check_access")
    return charlie


def question(group, subject):
    resource = {"type": "authentik_core.group", "id": str(group.pk)}
    return {"subject": subject.username, "action": "view", "resource": resource}


def test_every_path_is_told(client_of, auditor, alice):
    role = facts.role("readers")
    facts.grant(role, "authentik_core.view_group")
    staff = facts.group("staff", alice)
    facts.hold(role, staff)
    facts.grant(alice, "authentik_core.view_group", staff)

    answer = client_of(auditor).post(URL, question(staff, alice)).json()

    assert answer["decision"]["allowed"] is True
    assert [path["reason"] for path in answer["paths"]] == ["user_object", "role_global"]
    names = [step["name"] for step in answer["paths"][1]["steps"]]
    assert names == ["alice", "staff", "readers", "authentik_core.view_group"]
    assert answer["complete"] is True


def test_a_membership_for_a_time_is_told_with_its_times(client_of, auditor, alice):
    role = facts.role("readers")
    facts.grant(role, "authentik_core.view_group")
    staff = facts.group("staff", alice)
    facts.hold(role, staff)
    staff.memberships.update(valid_until=facts.LATER)

    [path] = client_of(auditor).post(URL, question(staff, alice)).json()["paths"]

    steps = {step["name"]: step["valid_until"] for step in path["steps"]}
    assert (steps["staff"], steps["readers"]) == ("2900-01-01T00:00:00Z", None)


def test_a_denial_tells_what_came_near_and_what_would_help(client_of, auditor, alice):
    role = facts.role("readers", is_enabled=False)
    facts.grant(role, "authentik_core.view_group")
    facts.hold(role, alice)
    staff = facts.group("staff")

    answer = client_of(auditor).post(URL, question(staff, alice)).json()

    assert answer["decision"] == {"allowed": False, "reason": "no_grant", "path": []}
    assert answer["near_misses"][0]["obstacles"] == ["role_disabled"]
    assert answer["suggestions"][0]["kind"] == "grant_on_resource"
    assert answer["suggestions"][0]["resource"]["id"] == str(staff.pk)


def test_another_moment_can_be_asked_about(client_of, auditor, alice):
    staff = facts.group("staff")
    grant = facts.grant(
        alice, "authentik_core.view_group", staff, valid_until="2030-01-01T00:00:00Z"
    )
    body = question(staff, alice)

    now = client_of(auditor).post(URL, body).json()
    later = client_of(auditor).post(URL, body | {"at": "2031-01-01T00:00:00Z"}).json()

    assert now["decision"]["allowed"] is True
    assert later["decision"]["allowed"] is False
    assert later["at"] == "2031-01-01T00:00:00Z"
    assert later["near_misses"][0]["steps"][-1]["id"] == str(grant.pk)


def test_an_explanation_of_oneself_needs_check_access_too(client_of, alice):
    staff = facts.group("staff")

    assert client_of(alice).post(URL, question(staff, alice)).status_code == 403


@pytest.mark.parametrize("at", ["yesterday", 5, "\0", "0000-00-00"])
def test_a_moment_that_is_none_is_400(client_of, auditor, alice, at):
    body = question(facts.group("staff"), alice) | {"at": at}

    response = client_of(auditor).post(URL, body)

    assert (response.status_code, list(response.json())) == (400, ["at"])
