from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event, EventKind
from permissions import engine
from permissions.engine.words import ResourceRef
from roles.models import RoleAssignment, Scope
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db
URL = "/api/v3/rbac/role_assignments/"
VIEW = "authentik_core.view_user"
DAY = timedelta(days=1)


@pytest.fixture
def role():
    role = facts.role("auditors")
    facts.grant(role, VIEW)
    return role


@pytest.fixture
def admin(client_of, root):
    return client_of(root)


def url(pk):
    return f"{URL}{pk}/"


def sees(user, other):
    return engine.check(
        user, "view_user", ResourceRef("authentik_core.user", str(other.pk))
    ).allowed


def test_a_role_within_an_inline_scope_and_a_time(admin, role, bob, alice, charlie, root):
    until = timezone.now() + DAY
    scope = {"entries": [{"type": "authentik_core.user", "object_pk": str(alice.pk)}]}
    sent = {
        "role": str(role.pk),
        "user": bob.pk,
        "inline_scope": scope,
        "valid_until": until.isoformat(),
        "reason": "audit of the year",
    }

    response = admin.post(URL, sent)

    assert response.status_code == 201
    made = response.json()
    assert made["inline_scope"]["entries"][0]["object_pk"] == str(alice.pk)
    assert (made["user"], made["granted_by"], made["scope"]) == (bob.pk, root.pk, None)
    assert sees(bob, alice)
    assert not sees(bob, charlie)
    later = until + DAY
    resource = ResourceRef("authentik_core.user", str(alice.pk))
    assert not engine.check(bob, "view_user", resource, at=later).allowed


def test_groups_and_roles_can_hold_roles_within_shared_scopes(admin, role, bob, alice):
    group, parent = facts.group("staff", bob), facts.role("juniors")
    facts.hold(parent, alice)
    scope = Scope.objects.create(name="everything", kind="all")

    for holder in ({"group": str(group.pk)}, {"holder_role": str(parent.pk)}):
        sent = {"role": str(role.pk), "scope": str(scope.pk), "user": None, **holder}
        response = admin.post(URL, sent)
        assert (response.status_code, response.json()["scope"]) == (201, str(scope.pk))

    assert sees(bob, alice)
    assert sees(alice, bob)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"user": None}, "non_field_errors"),
        ({"role": None}, "role"),
        ({"role": "x"}, "role"),
        ({"role": "11111111-2222-4333-8444-555555555555"}, "role"),
        ({"user": 10**30}, "user"),
        ({"user": "x"}, "user"),
        ({"group": "11111111-2222-4333-8444-555555555555"}, "group"),
        ({"scope": "11111111-2222-4333-8444-555555555555"}, "scope"),
        ({"inline_scope": {"kind": "some"}}, "inline_scope"),
        ({"inline_scope": {"entries": [{"type": "no.such"}]}}, "entries"),
        ({"valid_until": "yesterday"}, "valid_until"),
        (
            {"valid_from": "2030-01-02T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z"},
            "valid_until",
        ),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "\0"}, "reason"),
    ],
)
def test_bad_input_is_keyed_and_writes_nothing(admin, role, bob, changed, field):
    scopes = Scope.objects.count()

    response = admin.post(URL, {"role": str(role.pk), "user": bob.pk} | changed)

    assert (response.status_code, list(response.json())) == (400, [field])
    assert not RoleAssignment.objects.filter(user=bob).exists()
    assert Scope.objects.count() == scopes


def test_one_principal_and_one_scope_at_most(admin, role, bob):
    both = {"role": str(role.pk), "user": bob.pk, "group": str(facts.group("g").pk)}
    scope = Scope.objects.create(name="s")
    twice = {"role": str(role.pk), "user": bob.pk, "scope": str(scope.pk), "inline_scope": {}}

    assert admin.post(URL, both).status_code == 400
    assert admin.post(URL, twice | {"inline_scope": {"kind": "all"}}).status_code == 400


def test_the_same_assignment_twice_is_one(admin, role, bob):
    sent = {"role": str(role.pk), "user": bob.pk}

    first, again = admin.post(URL, sent), admin.post(URL, sent)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Event.objects.filter(kind=EventKind.ROLE_ASSIGNED).count() == 1


def test_a_cycle_is_refused(admin, role):
    other = facts.role("others")
    assert admin.post(URL, {"role": str(role.pk), "holder_role": str(other.pk)}).status_code == 201

    response = admin.post(URL, {"role": str(other.pk), "holder_role": str(role.pk)})

    assert (response.status_code, list(response.json())) == (400, ["role"])


def test_times_and_reason_change_and_nothing_else(admin, role, bob):
    pk = facts.hold(role, bob).pk
    until = "2031-01-01T00:00:00Z"

    response = admin.patch(url(pk), {"valid_until": until, "reason": "r", "user": bob.pk})

    assert response.status_code == 200
    assert (response.json()["valid_until"], response.json()["user"]) == (until, bob.pk)
    assert admin.patch(url(pk), {"valid_until": None}).json()["valid_until"] is None
    assert admin.patch(url(pk), {}).json()["reason"] == "r"


def test_deleting_takes_the_inline_scope_along(admin, role, bob):
    pk = facts.hold(role, bob, scope=Scope.objects.create(kind="all")).pk

    assert admin.delete(url(pk)).status_code == 204
    assert not Scope.objects.filter(name=None).exists()
    assert Event.objects.filter(kind=EventKind.ROLE_UNASSIGNED).count() == 1


def test_the_list_is_filtered(admin, role, bob, alice):
    now = timezone.now()
    scope = Scope.objects.create(name="s")
    group = facts.group("g")
    over = facts.hold(role, bob, valid_until=now - DAY).pk
    ending = facts.hold(role, alice, valid_until=now + DAY).pk
    scoped = facts.hold(role, group, scope=scope).pk

    def found(query):
        results = admin.get(f"{URL}?{query}").json()["results"]
        return {row["pk"] for row in results}

    assert found(f"role={role.pk}") == {over, ending, scoped}
    assert found("expired=true") == {over}
    assert found("expired=false") == found("active=true") == {ending, scoped}
    soon = (now + 2 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found(f"expiring_before={soon}") == {ending}
    assert found(f"user={bob.pk}") == {over}
    assert found(f"group={group.pk}") == found(f"scope={scope.pk}") == {scoped}
    assert found("scoped=true") == {scoped}
    assert found("state=ended") == {over}
    assert found("state=active") == {ending, scoped}
    assert found("state=future") == set()
    assert found("state=all") == {over, ending, scoped}
    assert found(f"user={10**30}") == set()
    for bad in ("user=x", "role=x", "state=x", "expiring_before=x", "scope=%00"):
        assert admin.get(f"{URL}?{bad}").status_code == 400


@pytest.mark.parametrize(
    ("granted", "on", "found"),
    [
        (None, None, {"au": 3, "bo": 0, "staff": 0}),
        (VIEW, None, {"au": 3, "bo": 1, "staff": 0}),
        (VIEW, "bob", {"au": 3, "bo": 1, "staff": 0}),
        (VIEW, "alice", {"au": 3, "bo": 0, "staff": 0}),
        ("authentik_core.view_group", None, {"au": 3, "bo": 0, "staff": 1}),
    ],
)
def test_a_search_tells_no_names_that_the_caller_may_not_view(
    client_of, charlie, role, bob, alice, granted, on, found
):
    facts.hold(role, bob)
    facts.hold(role, alice)
    facts.hold(role, facts.group("staff", bob))
    facts.grant(charlie, "authentik_rbac.view_roleassignment")
    facts.grant(charlie, "authentik_rbac.view_role")
    if granted:
        facts.grant(charlie, granted, on and {"bob": bob, "alice": alice}[on])

    counts = {
        word: client_of(charlie).get(URL, {"search": word}).json()["pagination"]["count"]
        for word in found
    }

    assert counts == found


def test_who_may_add_assignments_gives_what_it_holds(client_of, charlie, role, bob):
    for name in ("authentik_rbac.add_roleassignment", "authentik_rbac.view_role"):
        facts.grant(charlie, name)
    client, sent = client_of(charlie), {"role": str(role.pk), "user": bob.pk}

    assert list(client.post(URL, sent).json()) == ["user"]
    facts.grant(charlie, VIEW, on=bob)
    assert client.post(URL, sent).status_code == 403
    facts.hold(role, charlie)
    assert client.post(URL, sent).status_code == 201


def test_a_list_costs_as_many_statements_for_many_rows_as_for_few(admin, role, bob):
    def grow(count):
        for n in range(count):
            scope = Scope.objects.create()
            facts.hold(facts.role(f"r{RoleAssignment.objects.count()}-{n}"), bob, scope=scope)

    grow(1)
    with counted() as few:
        admin.get(URL)
    grow(6)
    with counted() as many:
        admin.get(URL)

    assert len(few) == len(many), many


def test_a_role_that_the_caller_may_not_view_is_known_by_its_key_alone(client_of, charlie, role):
    row, shown = facts.hold(role, charlie), facts.role("shown")
    facts.hold(shown, charlie)
    facts.grant(charlie, "authentik_rbac.view_roleassignment")
    facts.grant(charlie, "authentik_rbac.view_role", shown)
    facts.grant(charlie, "authentik_rbac.change_roleassignment", row)
    client = client_of(charlie)

    listed = {one["role"]: one["role_name"] for one in client.get(URL).json()["results"]}

    assert listed == {str(role.pk): None, str(shown.pk): "shown"}
    assert client.get(url(row.pk)).json()["role_name"] is None
    assert client.patch(url(row.pk), {"reason": "x"}).json()["role_name"] is None
    assert client.get(URL, {"search": "audit"}).json()["results"] == []


@pytest.mark.parametrize("ordering", ["", "role", "-role"])
def test_the_order_does_not_tell_names_of_roles_that_are_hidden(client_of, bob, charlie, ordering):
    hidden = [facts.role(name) for name in ("a", "c")]
    seen = facts.role("b")
    for role in (hidden[0], seen, hidden[1]):
        RoleAssignment.objects.create(role=role, user=charlie)
    facts.grant(bob, "authentik_rbac.view_roleassignment")
    facts.grant(bob, "authentik_rbac.view_role", seen)

    rows = client_of(bob).get(URL, {"ordering": ordering}).json()["results"]

    names = [row["role_name"] for row in rows]
    assert names == (["b", None, None] if ordering != "-role" else [None, None, "b"])
