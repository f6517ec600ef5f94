"""Both ways to take away: from a user, and from a role that charlie holds."""

import uuid
from typing import NamedTuple

import pytest

from accounts.models import User, UserType
from audit.models import Event
from permissions import engine
from permissions.engine.words import ResourceRef
from tests import facts
from tests.api.v3 import bad_input
from tests.statements import counted

pytestmark = pytest.mark.django_db

MISSING = "00000000-0000-4000-8000-000000000000"
VIEW, CHANGE = "authentik_rbac.view_role", "authentik_rbac.change_role"


class Kind(NamedTuple):
    many: str
    unassign: str


USERS = Kind("users", "authentik_core.unassign_user_permissions")
ROLES = Kind("roles", "authentik_rbac.unassign_role_permissions")


@pytest.fixture(params=[USERS, ROLES], ids=["users", "roles"])
def kind(request):
    return request.param


@pytest.fixture
def grantee(kind, charlie):
    """charlie, or a role charlie holds."""
    if kind is USERS:
        return charlie
    made = facts.role("auditors")
    facts.hold(made, charlie)
    return made


@pytest.fixture
def url(kind):
    def of(grantee):
        key = getattr(grantee, "pk", grantee)
        return f"/api/v3/rbac/permissions/assigned_by_{kind.many}/{key}/unassign/"

    return of


@pytest.fixture
def other():
    return facts.role("others")


def on(thing, *names):
    return {
        "permissions": list(names),
        "model": "authentik_rbac.role",
        "object_pk": str(thing.pk),
    }


def everything(grantee):
    return [*grantee.global_grants.values_list("pk"), *grantee.object_grants.values_list("pk")]


def test_a_global_grant_ends_at_once(client_of, root, grantee, charlie, url):
    facts.grant(grantee, VIEW)
    facts.grant(grantee, CHANGE)

    response = client_of(root).patch(url(grantee), {"permissions": [VIEW]})

    assert (response.status_code, response.content) == (204, b"")
    assert not engine.check(charlie, VIEW).allowed
    assert engine.check(charlie, CHANGE).allowed


def test_an_object_grant_ends_and_the_global_one_stays(
    client_of, root, grantee, other, charlie, url
):
    facts.grant(grantee, VIEW, other)
    facts.grant(grantee, CHANGE)

    client_of(root).patch(url(grantee), on(other, "view_role", "authentik_rbac.change_role"))

    resource = ResourceRef("authentik_rbac.role", str(other.pk))
    assert not engine.check(charlie, "view", resource).allowed
    assert engine.check(charlie, CHANGE).allowed


def test_what_is_not_held_is_no_error(client_of, root, grantee, other, url):
    facts.grant(grantee, CHANGE, other)

    assert client_of(root).patch(url(grantee), on(other, "view_role")).status_code == 204
    assert client_of(root).patch(url(grantee), {"permissions": []}).status_code == 204
    assert len(everything(grantee)) == 1


def test_on_an_object_that_is_gone_there_is_nothing_to_take(client_of, root, grantee, other, url):
    facts.grant(grantee, VIEW)
    facts.grant(grantee, VIEW, other)

    response = client_of(root).patch(url(grantee), {**on(other, VIEW), "object_pk": MISSING})

    assert response.status_code == 204
    assert len(everything(grantee)) == 2
    assert not Event.objects.filter(kind="grant_deleted").exists()


def test_it_is_audited_with_what_went(client_of, root, grantee, other, url):
    facts.grant(grantee, VIEW, other)

    client_of(root).patch(url(grantee), on(other, "view_role"))

    event = Event.objects.get(kind="grant_deleted")
    assert (event.actor_name, event.target_pk) == ("root", str(grantee.pk))
    assert (event.before or {})["object_pk"] == str(other.pk)


@pytest.mark.parametrize("case", sorted(bad_input.ASSIGN.keys() - {"a missing object"}))
def test_bad_input_is_named_and_changes_nothing(client_of, root, grantee, other, case, url):
    facts.grant(grantee, VIEW)
    facts.grant(grantee, VIEW, other)
    body, expected = bad_input.ASSIGN[case]

    response = client_of(root).patch(url(grantee), bad_input.filled(body, other.pk))

    assert response.status_code == 400
    assert bad_input.blames(response.json(), expected), response.json()
    assert len(everything(grantee)) == 2


@pytest.mark.parametrize("case", bad_input.RAW)
def test_what_is_no_json_is_refused(client_of, root, grantee, case, url):
    response = client_of(root).patch(
        url(grantee), bad_input.RAW[case], content_type="application/json"
    )

    assert response.status_code == 400


@pytest.mark.parametrize("everywhere", [True, False])
def test_the_permission_to_unassign_is_enough(client_of, alice, grantee, everywhere, kind, url):
    facts.grant(grantee, VIEW)
    facts.grant(alice, kind.unassign, None if everywhere else grantee)

    assert client_of(alice).patch(url(grantee), {"permissions": [VIEW]}).status_code == 204
    assert not everything(grantee)


def test_the_permission_to_assign_is_not(client_of, alice, grantee, kind, url):
    facts.grant(grantee, VIEW)
    facts.grant(alice, kind.unassign.replace("unassign", "assign"))

    assert client_of(alice).patch(url(grantee), {"permissions": [VIEW]}).status_code == 403
    assert len(everything(grantee)) == 1


@pytest.mark.parametrize("key", [MISSING, "junk", "999999", "%00"])
def test_an_unknown_grantee_is_404_to_those_who_may_unassign_any(
    client_of, alice, bob, grantee, key, kind, url
):
    facts.grant(alice, kind.unassign)
    facts.grant(bob, kind.unassign, grantee)

    assert client_of(alice).patch(url(key), {"permissions": []}).status_code == 404
    assert client_of(bob).patch(url(key), {"permissions": []}).status_code == 403


def test_anonymous_callers_cannot_tell_who_exists(anonymous, grantee, url):
    answers = [anonymous.patch(url(key), {"permissions": []}) for key in (grantee, uuid.uuid4())]

    assert {answer.status_code for answer in answers} == {403}
    assert answers[0].json() == answers[1].json()


def test_it_needs_at_most_ten_statements(bearer_of, alice, grantee, other, kind, url):
    client = bearer_of(alice)
    facts.grant(grantee, VIEW, other)
    facts.grant(alice, kind.unassign)

    with counted() as statements:
        assert client.patch(url(grantee), on(other, "view_role")).status_code == 204

    assert len(statements) <= 10, statements


@pytest.mark.parametrize("kind", [USERS], indirect=True)
def test_internal_service_accounts_keep_what_they_have(client_of, root, grantee, url):
    User.objects.filter(pk=grantee.pk).update(type=UserType.INTERNAL_SERVICE_ACCOUNT)
    facts.grant(grantee, VIEW)

    response = client_of(root).patch(url(grantee), {"permissions": [VIEW]})

    assert response.status_code == 400
    assert isinstance(response.json(), list)
    assert len(everything(grantee)) == 1


def test_a_hidden_object_looks_missing(client_of, alice, grantee, other, kind, url):
    facts.grant(alice, kind.unassign, grantee)
    client = client_of(alice)

    hidden = client.patch(url(grantee), on(other, VIEW))
    missing = client.patch(url(grantee), {**on(other, VIEW), "object_pk": MISSING})

    assert hidden.status_code == missing.status_code == 204
    facts.grant(grantee, VIEW, other)
    assert client.patch(url(grantee), on(other, VIEW)).status_code == 204
    assert not everything(grantee)
