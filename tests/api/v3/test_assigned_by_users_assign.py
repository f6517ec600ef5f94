import uuid

import pytest

from accounts.models import User, UserType
from audit.models import Event
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import UserGlobalGrant, UserObjectPermission
from tests import facts
from tests.api.v3 import bad_input
from tests.statements import counted

pytestmark = pytest.mark.django_db

FORBIDDEN = {"detail": "You do not have permission to perform this action."}
NO_CREDENTIALS = {"detail": "Authentication credentials were not provided."}
VIEW, CHANGE = "authentik_rbac.view_role", "authentik_rbac.change_role"


@pytest.fixture
def role():
    return facts.role("auditors")


def url(user):
    return f"/api/v3/rbac/permissions/assigned_by_users/{getattr(user, 'pk', user)}/assign/"


def on(role, *names):
    return {
        "permissions": list(names),
        "model": "authentik_rbac.role",
        "object_pk": str(getattr(role, "pk", role)),
    }


def nothing_granted(user):
    return not user.global_grants.exists() and not user.object_grants.exists()


def test_a_global_grant_answers_with_the_permissions_key(client_of, root, charlie):
    body = {"permissions": [VIEW, CHANGE, VIEW]}

    response = client_of(root).post(url(charlie), body)

    ids = [str(facts.permission(name).pk) for name in (VIEW, CHANGE, VIEW)]
    assert (response.status_code, response.json()) == (200, [{"id": pk} for pk in ids])
    assert engine.check(charlie, VIEW).allowed


def test_an_object_grant_answers_with_its_row(client_of, root, charlie, role):
    response = client_of(root).post(url(charlie), on(role, "change_role", VIEW))

    rows = {g.permission.codename: str(g.pk) for g in charlie.object_grants.all()}
    assert response.json() == [{"id": rows["change_role"]}, {"id": rows["view_role"]}]
    assert engine.check(charlie, "view", ResourceRef("authentik_rbac.role", str(role.pk))).allowed
    assert not engine.check(charlie, VIEW).allowed


@pytest.mark.parametrize("spell", [str.upper, lambda key: key.replace("-", "")])
def test_a_uuid_in_another_spelling_is_the_same_object(client_of, root, charlie, role, spell):
    client_of(root).post(url(charlie), on(spell(str(role.pk)), "view_role"))

    assert charlie.object_grants.get().object_pk == str(role.pk)


def test_it_grants_on_a_registered_resource_of_a_type_without_a_class(client_of, root, charlie):
    facts.resource("authentik_flows.flow", "welcome")
    body = {
        "permissions": ["view_flow"],
        "model": "authentik_flows.flow",
        "object_pk": "welcome",
    }

    assert client_of(root).post(url(charlie), body).status_code == 200
    assert engine.check(charlie, "view", ResourceRef("authentik_flows.flow", "welcome")).allowed


def test_assigning_again_changes_nothing(client_of, root, charlie, role):
    first = client_of(root).post(url(charlie), on(role, "view_role"))
    events = Event.objects.count()

    again = client_of(root).post(url(charlie), on(role, "view_role"))

    assert again.json() == first.json()
    assert Event.objects.count() == events


def test_no_permissions_are_no_error(client_of, root, charlie):
    response = client_of(root).post(url(charlie), {"permissions": []})

    assert (response.status_code, response.json()) == (200, [])


def test_each_grant_is_audited(client_of, root, charlie, role):
    client_of(root).post(
        url(charlie), on(role, "view_role", "change_role"), headers={"X-Audit-Reason": "ticket 7"}
    )

    events = Event.objects.filter(kind="grant_created")
    assert {(e.actor_name, e.door, e.reason, e.target_pk) for e in events} == {
        ("root", "v3", "ticket 7", str(charlie.pk))
    }
    assert [(e.after or {})["permission"] for e in events.order_by("id")] == [VIEW, CHANGE]


@pytest.mark.parametrize("case", bad_input.ASSIGN)
def test_bad_input_is_named_and_changes_nothing(client_of, root, charlie, role, case):
    body, expected = bad_input.ASSIGN[case]

    response = client_of(root).post(url(charlie), bad_input.filled(body, role.pk))

    assert response.status_code == 400
    assert bad_input.blames(response.json(), expected), response.json()
    assert nothing_granted(charlie)


@pytest.mark.parametrize("case", bad_input.RAW)
def test_what_is_no_json_is_refused(client_of, root, charlie, case):
    response = client_of(root).post(
        url(charlie), bad_input.RAW[case], content_type="application/json"
    )

    assert response.status_code == 400
    assert nothing_granted(charlie)


def test_other_content_types_are_refused(client_of, root, charlie):
    response = client_of(root).post(url(charlie), b"x=1", content_type="text/plain")

    assert response.status_code == 415


def test_one_bad_permission_writes_none(client_of, root, charlie):
    response = client_of(root).post(url(charlie), {"permissions": [VIEW, "authentik_rbac.no_such"]})

    assert list(response.json()["permissions"]) == ["1"]
    assert nothing_granted(charlie)


@pytest.mark.parametrize("everywhere", [True, False])
def test_the_permission_to_assign_is_enough(client_of, alice, charlie, everywhere):
    facts.grant(alice, VIEW)
    target = None if everywhere else charlie
    facts.grant(alice, "authentik_core.assign_user_permissions", target)

    assert client_of(alice).post(url(charlie), {"permissions": [VIEW]}).status_code == 200


@pytest.mark.parametrize("held", [[], ["authentik_core.add_user", "authentik_core.change_user"]])
def test_without_it_the_call_is_refused(client_of, alice, charlie, held):
    for name in held:
        facts.grant(alice, name)

    response = client_of(alice).post(url(charlie), {"permissions": [VIEW]})

    assert (response.status_code, response.json()) == (403, FORBIDDEN)
    assert nothing_granted(charlie)


def test_nobody_grants_what_they_do_not_hold(client_of, alice, charlie, role):
    facts.grant(alice, "authentik_core.assign_user_permissions")
    facts.grant(alice, VIEW, role)

    everywhere = client_of(alice).post(url(charlie), {"permissions": [VIEW]})
    there = client_of(alice).post(url(charlie), on(role, "view_role"))

    assert everywhere.status_code == 403
    assert VIEW in everywhere.json()["detail"]
    assert there.status_code == 200
    assert not charlie.global_grants.exists()


def test_who_may_escalate_grants_anything(client_of, alice, charlie):
    facts.grant(alice, "authentik_core.assign_user_permissions")
    facts.grant(alice, "authentik_rbac.escalate")

    assert client_of(alice).post(url(charlie), {"permissions": [VIEW]}).status_code == 200


def test_a_hidden_object_answers_as_a_missing_one(client_of, alice, charlie, role):
    facts.grant(alice, "authentik_core.assign_user_permissions")
    client = client_of(alice)

    hidden = client.post(url(charlie), on(role, "view_role"))
    missing = client.post(url(charlie), on(uuid.uuid4(), "view_role"))

    assert hidden.status_code == missing.status_code == 403


@pytest.mark.parametrize("key", ["0", "999999", "junk", "9" * 40, "9" * 5_000, "-1", "%00"])
def test_an_unknown_user_is_404_to_those_who_may_assign_to_anybody(
    client_of, alice, bob, charlie, key
):
    facts.grant(alice, "authentik_core.assign_user_permissions")
    facts.grant(bob, "authentik_core.assign_user_permissions", charlie)

    assert client_of(alice).post(url(key), {"permissions": []}).status_code == 404
    assert client_of(bob).post(url(key), {"permissions": []}).status_code == 403


@pytest.mark.parametrize("key", ["1", "999999", "junk"])
def test_anonymous_callers_cannot_tell_who_exists(anonymous, charlie, key):
    response = anonymous.post(url(key), {"permissions": []})

    assert (response.status_code, response.json()) == (403, NO_CREDENTIALS)


def test_internal_service_accounts_are_given_nothing(client_of, root, charlie):
    User.objects.filter(pk=charlie.pk).update(type=UserType.INTERNAL_SERVICE_ACCOUNT)

    response = client_of(root).post(url(charlie), {"permissions": "not even a list"})

    assert response.status_code == 400
    assert isinstance(response.json(), list)
    assert nothing_granted(charlie)


def test_an_inactive_user_can_be_given_but_not_use(client_of, root, charlie):
    User.objects.filter(pk=charlie.pk).update(is_active=False)

    assert client_of(root).post(url(charlie), {"permissions": [VIEW]}).status_code == 200
    charlie.refresh_from_db()
    assert not engine.check(charlie, VIEW).allowed


def test_a_limited_grant_becomes_unlimited(client_of, root, charlie, role):
    grant = facts.grant(charlie, VIEW, role, valid_until="2020-01-01T00:00:00Z")

    response = client_of(root).post(url(charlie), on(role, "view_role"))

    assert response.json() == [{"id": str(grant.pk)}]
    assert UserObjectPermission.objects.get().valid_until is None


@pytest.mark.parametrize("many", [1, 50])
def test_it_needs_at_most_ten_statements(bearer_of, root, charlie, role, many):
    client = bearer_of(root)
    names = [name for name, _ in codenames("authentik_core")][:many]

    with counted() as statements:
        response = client.post(url(charlie), {"permissions": names})

    assert response.status_code == 200
    assert UserGlobalGrant.objects.filter(user=charlie).count() == many
    assert len(statements) <= 10, statements


def test_an_object_grant_by_a_delegate_needs_at_most_ten_statements(
    bearer_of, alice, charlie, role
):
    client = bearer_of(alice)
    facts.grant(alice, "authentik_core.assign_user_permissions")
    facts.grant(alice, VIEW)

    with counted() as statements:
        assert client.post(url(charlie), on(role, "view_role")).status_code == 200

    assert len(statements) <= 10, statements


def codenames(app_label):
    from django.contrib.auth.models import Permission

    found = Permission.objects.filter(
        content_type__app_label=app_label, content_type__resource_type__isnull=False
    ).order_by("pk")
    return [(f"{app_label}.{p.codename}", p.pk) for p in found]
