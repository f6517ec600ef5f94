import pytest

from audit.models import Event
from permissions import engine
from permissions.engine.words import ResourceRef
from tests import facts
from tests.api.v3 import bad_input
from tests.statements import counted

pytestmark = pytest.mark.django_db

MISSING = "00000000-0000-4000-8000-000000000000"
FORBIDDEN = {"detail": "You do not have permission to perform this action."}
NO_CREDENTIALS = {"detail": "Authentication credentials were not provided."}
VIEW, CHANGE = "authentik_rbac.view_role", "authentik_rbac.change_role"


@pytest.fixture
def role(bob):
    """Held by the group bob belongs to."""
    made = facts.role("auditors")
    facts.hold(made, facts.group("staff", bob))
    return made


@pytest.fixture
def other():
    return facts.role("others")


def url(role):
    return f"/api/v3/rbac/permissions/assigned_by_roles/{getattr(role, 'pk', role)}/assign/"


def on(thing, *names):
    return {
        "permissions": list(names),
        "model": "authentik_rbac.role",
        "object_pk": str(thing.pk),
    }


def nothing_granted(role):
    return not role.global_grants.exists() and not role.object_grants.exists()


def test_holders_have_a_global_permission_at_once(client_of, root, role, bob):
    response = client_of(root).post(url(role), {"permissions": [VIEW, CHANGE]})

    ids = [{"id": str(facts.permission(name).pk)} for name in (VIEW, CHANGE)]
    assert (response.status_code, response.json()) == (200, ids)
    assert engine.check(bob, VIEW).allowed


def test_holders_have_an_object_permission_at_once(client_of, root, role, other, bob):
    response = client_of(root).post(url(role), on(other, "view_role"))

    assert response.json() == [{"id": str(role.object_grants.get().pk)}]
    assert engine.check(bob, "view", ResourceRef("authentik_rbac.role", str(other.pk))).allowed
    assert not engine.check(bob, VIEW).allowed


def test_assigning_again_changes_nothing(client_of, root, role, other):
    first = client_of(root).post(url(role), on(other, "view_role"))
    events = Event.objects.count()

    again = client_of(root).post(url(role), on(other, "view_role"))

    assert again.json() == first.json()
    assert Event.objects.count() == events


@pytest.mark.parametrize("case", bad_input.ASSIGN)
def test_bad_input_is_named_and_changes_nothing(client_of, root, role, other, case):
    body, expected = bad_input.ASSIGN[case]

    response = client_of(root).post(url(role), bad_input.filled(body, other.pk))

    assert response.status_code == 400
    assert bad_input.blames(response.json(), expected), response.json()
    assert nothing_granted(role)


@pytest.mark.parametrize("case", bad_input.RAW)
def test_what_is_no_json_is_refused(client_of, root, role, case):
    response = client_of(root).post(url(role), bad_input.RAW[case], content_type="application/json")

    assert response.status_code == 400
    assert nothing_granted(role)


@pytest.mark.parametrize("everywhere", [True, False])
def test_the_permission_to_assign_is_enough(client_of, alice, role, everywhere):
    facts.grant(alice, VIEW)
    facts.grant(alice, "authentik_rbac.assign_role_permissions", None if everywhere else role)

    assert client_of(alice).post(url(role), {"permissions": [VIEW]}).status_code == 200


def test_on_another_role_it_is_not(client_of, alice, role, other):
    facts.grant(alice, VIEW)
    facts.grant(alice, "authentik_rbac.assign_role_permissions", other)

    response = client_of(alice).post(url(role), {"permissions": [VIEW]})

    assert (response.status_code, response.json()) == (403, FORBIDDEN)
    assert nothing_granted(role)


def test_nobody_grants_a_role_what_they_do_not_hold(client_of, alice, role):
    facts.grant(alice, "authentik_rbac.assign_role_permissions")

    response = client_of(alice).post(url(role), {"permissions": [VIEW]})

    assert response.status_code == 403
    assert VIEW in response.json()["detail"]
    assert nothing_granted(role)


@pytest.mark.parametrize("key", [MISSING, "junk", "7", "%00", "x" * 3_000])
def test_an_unknown_role_is_404_to_those_who_may_assign_to_any(client_of, alice, bob, role, key):
    facts.grant(alice, "authentik_rbac.assign_role_permissions")
    facts.grant(bob, "authentik_rbac.assign_role_permissions", role)

    assert client_of(alice).post(url(key), {"permissions": []}).status_code == 404
    assert client_of(bob).post(url(key), {"permissions": []}).status_code == 403


def test_a_managed_role_is_no_role_of_this_door(client_of, root):
    managed = facts.role("managed", managed="by the service")

    assert client_of(root).post(url(managed), {"permissions": [VIEW]}).status_code == 404


@pytest.mark.parametrize("key", [MISSING, "junk"])
def test_anonymous_callers_cannot_tell_what_exists(anonymous, key):
    response = anonymous.post(url(key), {"permissions": []})

    assert (response.status_code, response.json()) == (403, NO_CREDENTIALS)


def test_it_needs_at_most_ten_statements(bearer_of, alice, role, other):
    client = bearer_of(alice)
    facts.grant(alice, "authentik_rbac.assign_role_permissions")
    facts.grant(alice, VIEW)

    with counted() as statements:
        assert client.post(url(role), on(other, "view_role")).status_code == 200

    assert len(statements) <= 10, statements
