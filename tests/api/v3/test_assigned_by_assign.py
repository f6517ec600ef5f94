"""Both ways to grant: to a user, and to a role that charlie holds."""

import uuid
from typing import NamedTuple

import pytest
from django.contrib.auth.models import Permission

from accounts.models import User, UserType
from audit.models import Event
from permissions import engine
from permissions.engine.words import ResourceRef
from tests import facts
from tests.api.v3 import bad_input
from tests.statements import counted

pytestmark = pytest.mark.django_db

FORBIDDEN = {"detail": "You do not have permission to perform this action."}
NO_CREDENTIALS = {"detail": "Authentication credentials were not provided."}
VIEW, CHANGE = "authentik_rbac.view_role", "authentik_rbac.change_role"
MISSING = "00000000-0000-4000-8000-000000000000"


class Kind(NamedTuple):
    many: str
    assign: str


USERS = Kind("users", "authentik_core.assign_user_permissions")
ROLES = Kind("roles", "authentik_rbac.assign_role_permissions")


@pytest.fixture(params=[USERS, ROLES], ids=["users", "roles"])
def kind(request):
    return request.param


@pytest.fixture
def grantee(kind, charlie):
    """charlie, or a role held by a group charlie belongs to."""
    if kind is USERS:
        return charlie
    made = facts.role("granted")
    facts.hold(made, facts.group("staff", charlie))
    return made


@pytest.fixture
def another(kind, bob):
    return bob if kind is USERS else facts.role("others")


@pytest.fixture
def role():
    return facts.role("auditors")


@pytest.fixture
def url(kind):
    def of(grantee):
        key = getattr(grantee, "pk", grantee)
        return f"/api/v3/rbac/permissions/assigned_by_{kind.many}/{key}/assign/"

    return of


def on(role, *names):
    return {
        "permissions": list(names),
        "model": "authentik_rbac.role",
        "object_pk": str(getattr(role, "pk", role)),
    }


def nothing_granted(grantee):
    return not grantee.global_grants.exists() and not grantee.object_grants.exists()


def test_a_global_grant_answers_with_the_permissions_key(client_of, root, grantee, charlie, url):
    body = {"permissions": [VIEW, CHANGE, VIEW]}

    response = client_of(root).post(url(grantee), body)

    ids = [str(facts.permission(name).pk) for name in (VIEW, CHANGE, VIEW)]
    assert (response.status_code, response.json()) == (200, [{"id": pk} for pk in ids])
    assert engine.check(charlie, VIEW).allowed


def test_an_object_grant_answers_with_its_row(client_of, root, grantee, role, charlie, url):
    response = client_of(root).post(url(grantee), on(role, "change_role", VIEW))

    rows = {g.permission.codename: str(g.pk) for g in grantee.object_grants.all()}
    assert response.json() == [{"id": rows["change_role"]}, {"id": rows["view_role"]}]
    assert engine.check(charlie, "view", ResourceRef("authentik_rbac.role", str(role.pk))).allowed
    assert not engine.check(charlie, VIEW).allowed


@pytest.mark.parametrize("spell", [str.upper, lambda key: key.replace("-", "")])
def test_a_uuid_in_another_spelling_is_the_same_object(client_of, root, grantee, role, spell, url):
    client_of(root).post(url(grantee), on(spell(str(role.pk)), "view_role"))

    assert grantee.object_grants.get().object_pk == str(role.pk)


def test_it_grants_on_a_registered_resource_of_a_type_without_a_class(
    client_of, root, grantee, charlie, url
):
    facts.resource("authentik_flows.flow", "welcome")
    body = {
        "permissions": ["view_flow"],
        "model": "authentik_flows.flow",
        "object_pk": "welcome",
    }

    assert client_of(root).post(url(grantee), body).status_code == 200
    assert engine.check(charlie, "view", ResourceRef("authentik_flows.flow", "welcome")).allowed


def test_assigning_again_changes_nothing(client_of, root, grantee, role, url):
    first = client_of(root).post(url(grantee), on(role, "view_role"))
    events = Event.objects.count()

    again = client_of(root).post(url(grantee), on(role, "view_role"))

    assert again.json() == first.json()
    assert Event.objects.count() == events


def test_no_permissions_are_no_error(client_of, root, grantee, url):
    response = client_of(root).post(url(grantee), {"permissions": []})

    assert (response.status_code, response.json()) == (200, [])


def test_each_grant_is_audited(client_of, root, grantee, role, url):
    client_of(root).post(
        url(grantee), on(role, "view_role", "change_role"), headers={"X-Audit-Reason": "ticket 7"}
    )

    events = Event.objects.filter(kind="grant_created")
    assert {(e.actor_name, e.door, e.reason, e.target_pk) for e in events} == {
        ("root", "v3", "ticket 7", str(grantee.pk))
    }
    assert [(e.after or {})["permission"] for e in events.order_by("id")] == [VIEW, CHANGE]


@pytest.mark.parametrize("case", bad_input.ASSIGN)
def test_bad_input_is_named_and_changes_nothing(client_of, root, grantee, role, case, url):
    body, expected = bad_input.ASSIGN[case]

    response = client_of(root).post(url(grantee), bad_input.filled(body, role.pk))

    assert response.status_code == 400
    assert bad_input.blames(response.json(), expected), response.json()
    assert nothing_granted(grantee)


@pytest.mark.parametrize("case", bad_input.RAW)
def test_what_is_no_json_is_refused(client_of, root, grantee, case, url):
    response = client_of(root).post(
        url(grantee), bad_input.RAW[case], content_type="application/json"
    )

    assert response.status_code == 400
    assert nothing_granted(grantee)


def test_other_content_types_are_refused(client_of, root, grantee, url):
    response = client_of(root).post(url(grantee), b"x=1", content_type="text/plain")

    assert response.status_code == 415


def test_one_bad_permission_writes_none(client_of, root, grantee, url):
    response = client_of(root).post(url(grantee), {"permissions": [VIEW, "authentik_rbac.no_such"]})

    assert list(response.json()["permissions"]) == ["1"]
    assert nothing_granted(grantee)


@pytest.mark.parametrize("everywhere", [True, False])
def test_the_permission_to_assign_is_enough(client_of, alice, grantee, everywhere, kind, url):
    facts.grant(alice, VIEW)
    target = None if everywhere else grantee
    facts.grant(alice, kind.assign, target)

    assert client_of(alice).post(url(grantee), {"permissions": [VIEW]}).status_code == 200


@pytest.mark.parametrize(
    "held",
    [
        [],
        ["authentik_core.add_user", "authentik_core.change_user"],
        ["authentik_rbac.add_role", "authentik_rbac.change_role"],
    ],
)
def test_without_it_the_call_is_refused(client_of, alice, grantee, held, url):
    for name in held:
        facts.grant(alice, name)

    response = client_of(alice).post(url(grantee), {"permissions": [VIEW]})

    assert (response.status_code, response.json()) == (403, FORBIDDEN)
    assert nothing_granted(grantee)


def test_nobody_grants_what_they_do_not_hold(client_of, alice, grantee, role, kind, url):
    facts.grant(alice, kind.assign)
    facts.grant(alice, VIEW, role)

    everywhere = client_of(alice).post(url(grantee), {"permissions": [VIEW]})
    there = client_of(alice).post(url(grantee), on(role, "view_role"))

    assert everywhere.status_code == 403
    assert VIEW in everywhere.json()["detail"]
    assert there.status_code == 200
    assert not grantee.global_grants.exists()


def test_the_permission_on_another_is_not_enough(client_of, alice, grantee, another, kind, url):
    facts.grant(alice, VIEW)
    facts.grant(alice, kind.assign, another)

    response = client_of(alice).post(url(grantee), {"permissions": [VIEW]})

    assert (response.status_code, response.json()) == (403, FORBIDDEN)
    assert nothing_granted(grantee)


def test_who_may_escalate_grants_anything(client_of, alice, grantee, kind, url):
    facts.grant(alice, kind.assign)
    facts.grant(alice, "authentik_rbac.escalate")

    assert client_of(alice).post(url(grantee), {"permissions": [VIEW]}).status_code == 200


def test_a_hidden_object_answers_as_a_missing_one(client_of, alice, grantee, role, kind, url):
    facts.grant(alice, kind.assign)
    client = client_of(alice)

    hidden = client.post(url(grantee), on(role, "view_role"))
    missing = client.post(url(grantee), on(uuid.uuid4(), "view_role"))

    assert hidden.status_code == missing.status_code == 403


@pytest.mark.parametrize(
    "key", ["0", "999999", MISSING, "junk", "9" * 40, "9" * 5_000, "x" * 3_000, "-1", "%00"]
)
def test_an_unknown_grantee_is_404_to_those_who_may_assign_to_anybody(
    client_of, alice, bob, grantee, key, kind, url
):
    facts.grant(alice, kind.assign)
    facts.grant(bob, kind.assign, grantee)

    assert client_of(alice).post(url(key), {"permissions": []}).status_code == 404
    assert client_of(bob).post(url(key), {"permissions": []}).status_code == 403


@pytest.mark.parametrize("key", ["1", "999999", MISSING, "junk"])
def test_anonymous_callers_cannot_tell_who_exists(anonymous, grantee, key, url):
    response = anonymous.post(url(key), {"permissions": []})

    assert (response.status_code, response.json()) == (403, NO_CREDENTIALS)


@pytest.mark.parametrize("kind", [USERS], indirect=True)
def test_internal_service_accounts_are_given_nothing(client_of, root, grantee, url):
    User.objects.filter(pk=grantee.pk).update(type=UserType.INTERNAL_SERVICE_ACCOUNT)

    response = client_of(root).post(url(grantee), {"permissions": "not even a list"})

    assert response.status_code == 400
    assert isinstance(response.json(), list)
    assert nothing_granted(grantee)


@pytest.mark.parametrize("kind", [USERS], indirect=True)
def test_an_inactive_user_can_be_given_but_not_use(client_of, root, grantee, url):
    User.objects.filter(pk=grantee.pk).update(is_active=False)

    assert client_of(root).post(url(grantee), {"permissions": [VIEW]}).status_code == 200
    grantee.refresh_from_db()
    assert not engine.check(grantee, VIEW).allowed


@pytest.mark.parametrize("kind", [ROLES], indirect=True)
def test_a_managed_role_is_no_role_of_this_door(client_of, root, url):
    managed = facts.role("managed", managed="by the service")

    assert client_of(root).post(url(managed), {"permissions": [VIEW]}).status_code == 404


def test_a_limited_grant_becomes_unlimited(client_of, root, grantee, role, url):
    grant = facts.grant(grantee, VIEW, role, valid_until="2020-01-01T00:00:00Z")

    response = client_of(root).post(url(grantee), on(role, "view_role"))

    assert response.json() == [{"id": str(grant.pk)}]
    assert grantee.object_grants.get().valid_until is None


@pytest.mark.parametrize("many", [1, 50])
def test_it_needs_at_most_ten_statements(bearer_of, root, grantee, many, url):
    client = bearer_of(root)
    permissions = Permission.objects.filter(
        content_type__app_label="authentik_core", content_type__resource_type__isnull=False
    )
    names = [f"authentik_core.{p.codename}" for p in permissions.order_by("pk")[:many]]

    with counted() as statements:
        response = client.post(url(grantee), {"permissions": names})

    assert response.status_code == 200
    assert grantee.global_grants.count() == many
    assert len(statements) <= 10, statements


def test_an_object_grant_by_a_delegate_needs_at_most_ten_statements(
    bearer_of, alice, grantee, role, kind, url
):
    client = bearer_of(alice)
    facts.grant(alice, kind.assign)
    facts.grant(alice, VIEW)

    with counted() as statements:
        assert client.post(url(grantee), on(role, "view_role")).status_code == 200

    assert len(statements) <= 10, statements
