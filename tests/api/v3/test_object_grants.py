"""Single grants on objects to users, and to roles: alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

GRANTED = "authentik_rbac.change_role"
MISSING = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Kind:
    """A kind of holder: where its grants are listed, and what it takes to see and change them."""

    url: str
    filter: str
    view: str
    give: str
    take: str

    def holder(self, name: str) -> Any:
        return User.objects.create(username=name) if self is USERS else facts.role(name)

    def of(self, grant: Any) -> str:
        return f"{self.url}{getattr(grant, 'pk', grant)}/"


USERS = Kind(
    url="/api/v3/rbac/permissions/users/",
    filter="user_id",
    view="authentik_core.view_user",
    give="authentik_core.assign_user_permissions",
    take="authentik_core.unassign_user_permissions",
)
ROLES = Kind(
    url="/api/v3/rbac/permissions/roles/",
    filter="uuid",
    view="authentik_rbac.view_role",
    give="authentik_rbac.assign_role_permissions",
    take="authentik_rbac.unassign_role_permissions",
)


@pytest.fixture(params=[USERS, ROLES], ids=["users", "roles"])
def kind(request):
    return request.param


@pytest.fixture
def ann(kind):
    return kind.holder("ann")


@pytest.fixture
def thing():
    return facts.role("thing")


@pytest.fixture
def grant(ann, thing):
    return facts.grant(ann, GRANTED, thing)


def rows(response):
    assert response.status_code == 200, response.content
    return response.json()["results"]


# List


def test_a_row_describes_its_own_object(kind, client_of, root, ann, grant):
    for name in ("first", "second"):
        facts.grant(ann, GRANTED, facts.role(name))

    found = rows(client_of(root).get(kind.url, {kind.filter: ann.pk}))

    assert [row for row in found if row["id"] == grant.pk] == [
        {
            "id": grant.pk,
            "codename": "change_role",
            "model": "role",
            "app_label": "authentik_rbac",
            "object_pk": grant.object_pk,
            "name": "Can change Role",
            "app_label_verbose": "authentik RBAC",
            "model_verbose": "Role",
            "object_description": "Role thing",
            "valid_from": None,
            "valid_until": None,
        }
    ]
    descriptions = {row["object_description"] for row in found}
    assert descriptions == {"Role first", "Role second", "Role thing"}


def test_the_filter_leaves_one_holders_rows(kind, client_of, root, ann, grant, thing):
    facts.grant(kind.holder("ben"), GRANTED, thing)

    assert [row["id"] for row in rows(client_of(root).get(kind.url, {kind.filter: ann.pk}))] == [
        grant.pk
    ]
    assert len(rows(client_of(root).get(kind.url))) == 2


def test_an_unknown_holder_has_no_rows(kind, client_of, root, grant):
    unknown = 999999 if kind is USERS else MISSING

    assert rows(client_of(root).get(kind.url, {kind.filter: unknown})) == []


@pytest.mark.parametrize("value", ["x", "1.5", "\0", "9" * 5_000])
def test_a_malformed_holder_is_400(kind, client_of, root, value):
    response = client_of(root).get(kind.url, {kind.filter: value})

    assert (response.status_code, list(response.json())) == (400, [kind.filter])


def test_objects_that_are_gone_or_unknown_have_no_description(kind, client_of, root, ann):
    facts.grant(ann, GRANTED, MISSING)
    facts.grant(ann, GRANTED, "no uuid at all")
    facts.grant(ann, "authentik_flows.view_flow", "unregistered")

    found = rows(client_of(root).get(kind.url))

    assert [row["object_description"] for row in found] == [None, None, None]


def test_registered_resources_are_described_by_name_or_key(kind, client_of, root, ann):
    facts.resource("authentik_flows.flow", "a", name="Welcome")
    facts.resource("authentik_flows.flow", "b")
    for key in "ab":
        facts.grant(ann, "authentik_flows.view_flow", key)

    found = rows(client_of(root).get(kind.url))

    assert [row["object_description"] for row in found] == ["Welcome", "b"]


def test_what_the_caller_may_not_view_is_known_by_its_key_alone(kind, client_of, ann, bob, thing):
    facts.grant(bob, kind.view, ann)
    facts.resource("authentik_flows.flow", "a", name="Welcome")
    facts.resource("authentik_flows.flow", "b", name="Recovery")
    shown = facts.resource("authentik_flows.flow", "c", name="Enrolment")
    for key in "abc":
        facts.grant(ann, "authentik_flows.view_flow", key)
    grant = facts.grant(ann, GRANTED, facts.group("hidden"))
    facts.grant(ann, GRANTED, thing)
    facts.grant(bob, "authentik_flows.view_flow", "b")
    facts.grant(bob, "permissions.view_resource", str(shown.pk))

    found = rows(client_of(bob).get(kind.url))

    texts = {row["object_pk"]: row["object_description"] for row in found}
    described = {"b": "Recovery", "c": "Enrolment"}
    assert texts == {"a": None, grant.object_pk: None, str(thing.pk): None, **described}
    assert client_of(bob).get(f"{kind.url}{grant.pk}/").json()["object_description"] is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", ["view"]),
        ("active", ["view"]),
        ("future", ["delete"]),
        ("ended", ["change"]),
        ("all", ["change", "delete", "view"]),
    ],
)
@pytest.mark.parametrize("search", ["", "role"])
def test_facts_of_another_time_are_listed_when_asked_for(
    kind, client_of, root, ann, thing, state, expected, search
):
    facts.grant(ann, GRANTED, thing, valid_until=timezone.now())
    facts.grant(ann, "authentik_rbac.delete_role", thing, valid_from="2999-01-01T00:00:00Z")
    facts.grant(ann, "authentik_rbac.view_role", thing, valid_until="2999-01-01T00:00:00Z")
    query = {"state": state, "search": search, "ordering": "codename"}

    found = rows(client_of(root).get(kind.url, query))

    assert [row["codename"].removesuffix("_role") for row in found] == expected
    times = {row["codename"]: (row["valid_from"], row["valid_until"]) for row in found}
    assert times.get("delete_role", times) in (times, ("2999-01-01T00:00:00Z", None))
    assert times.get("view_role", times) in (times, (None, "2999-01-01T00:00:00Z"))


def test_a_state_there_is_not_is_400(kind, client_of, root, charlie):
    response = client_of(root).get(kind.url, {"state": "soon"})

    assert (response.status_code, list(response.json())) == (400, ["state"])
    assert client_of(charlie).get(kind.url, {"state": "soon"}).status_code in (400, 403)


def test_rows_come_by_name_of_the_holder(kind, client_of, root, thing):
    for name in ("c", "a", "b"):
        facts.grant(kind.holder(name), "authentik_core.view_group", name)

    found = [row["object_pk"] for row in rows(client_of(root).get(kind.url))]
    back = [
        row["object_pk"] for row in rows(client_of(root).get(kind.url, {"ordering": "-object_pk"}))
    ]

    assert (found, back) == (["a", "b", "c"], ["c", "b", "a"])


@pytest.mark.parametrize("order", ["", "-user__username,-group__name"])
def test_rows_of_one_holder_come_by_permission_and_object(kind, client_of, root, ann, order):
    """Its name is the same in all of them, and need not be sorted by."""
    grants = [
        facts.grant(ann, name, key)
        for name in ("authentik_core.view_group", "authentik_rbac.view_role")
        for key in ("b", "a", "c")
    ]

    with counted() as statements:
        response = client_of(root).get(kind.url, {kind.filter: ann.pk, "ordering": order})

    found = rows(response)
    orders = [text.rpartition("ORDER BY")[2] for text in statements.texts]
    assert not [order for order in orders if '"username"' in order or '"name"' in order]

    by_key = sorted(grants, key=lambda grant: (grant.permission_id, grant.object_pk))
    assert [row["id"] for row in found] == [grant.pk for grant in by_key]


def test_only_rows_of_holders_the_caller_may_view(kind, client_of, alice, ann, grant, thing):
    facts.grant(kind.holder("ben"), GRANTED, thing)
    facts.grant(alice, kind.view, ann)

    assert [row["id"] for row in rows(client_of(alice).get(kind.url))] == [grant.pk]


def test_it_refuses_a_stranger(kind, client_of, charlie, grant):
    assert client_of(charlie).get(kind.url).status_code == 403
    assert client_of(charlie).get(kind.of(grant)).status_code == 403


@pytest.mark.parametrize("many", [3, 130])
def test_a_page_needs_at_most_six_statements(kind, bearer_of, root, ann, many):
    client = bearer_of(root)
    for n in range(many):
        facts.grant(ann, GRANTED, facts.role(f"r{n}"))
        facts.grant(ann, "authentik_core.view_group", facts.group(f"g{n}"))
        facts.resource("authentik_flows.flow", f"f{n}")
        facts.grant(ann, "authentik_flows.view_flow", f"f{n}")
        facts.grant(ann, "authentik_core.view_user", root if n == 0 else str(n + 10_000))

    with counted() as statements:
        response = client.get(kind.url, {kind.filter: ann.pk})

    assert response.json()["pagination"]["count"] == 4 * many
    assert len(statements) <= 6, statements


# One


def test_one_row(kind, client_of, root, grant):
    body = client_of(root).get(kind.of(grant)).json()

    assert (body["id"], body["object_description"]) == (grant.pk, "Role thing")


@pytest.mark.parametrize("times", [{"valid_from": facts.LATER}, {"valid_until": facts.OVER}])
def test_a_grant_to_come_or_over_is_read_changed_and_deleted(
    kind, client_of, root, ann, thing, times
):
    grant, client = facts.grant(ann, GRANTED, thing, **times), client_of(root)
    sent = {"valid_from": None, "valid_until": "2999-01-01T00:00:00Z"}

    read = client.get(kind.of(grant))
    changed = client.patch(kind.of(grant), sent, format="json")

    assert (read.status_code, changed.status_code) == (200, 200)
    assert {name: changed.json()[name] for name in sent} == sent
    assert [row["id"] for row in rows(client.get(kind.url))] == [grant.pk]
    event = Event.objects.get()
    name, [value] = next(iter(times)), times.values()
    assert (event.kind, (event.before or {})[name]) == ("grant_changed", value.isoformat())
    assert client.delete(kind.of(grant)).status_code == 204
    assert not type(grant).objects.exists()


def test_a_change_of_nothing_is_no_event(kind, client_of, root, grant):
    response = client_of(root).patch(kind.of(grant), {"valid_until": None}, format="json")

    assert (response.status_code, Event.objects.exists()) == (200, False)


def test_nobody_prolongs_beyond_what_it_holds(kind, client_of, alice, ann, thing):
    until = timezone.now() + timedelta(hours=1)
    for name in (kind.view, kind.give, kind.take):
        facts.grant(alice, name, ann)
    facts.grant(alice, GRANTED, valid_until=until)
    grant, client = facts.grant(ann, GRANTED, thing, valid_until=until), client_of(alice)

    longer = client.patch(kind.of(grant), {"valid_until": None}, format="json")
    shorter = client.patch(kind.of(grant), {"valid_until": until - timedelta(minutes=1)})
    swapped = client.patch(kind.of(grant), {"valid_from": facts.LATER})

    assert [r.status_code for r in (longer, shorter, swapped)] == [403, 200, 400]
    assert longer.json()["code"] == "grant_ceiling"
    assert list(swapped.json()) == ["valid_until"]


@pytest.mark.parametrize("key", ["999999", "junk", "%00", "9" * 40, "-1"])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_an_unknown_row_is_404(kind, client_of, root, method, key):
    assert getattr(client_of(root), method)(kind.of(key), {"object_pk": "1"}).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_grant_moves_to_another_object(kind, client_of, root, grant, method):
    other = facts.role("other")

    response = getattr(client_of(root), method)(kind.of(grant), {"object_pk": str(other.pk)})

    grant.refresh_from_db()
    assert response.json()["object_description"] == "Role other"
    assert (response.json()["id"], grant.object_pk) == (grant.pk, str(other.pk))
    assert Event.objects.filter(kind="grant_changed").count() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"object_pk": ""}, 400),
        ({"object_pk": None}, 400),
        ({"object_pk": "x"}, 400),
        ({"object_pk": "a\0"}, 400),
        ({"object_pk": MISSING}, 400),
        ({"object_pk": []}, 400),
        ({"object_pk": True}, 400),
        ({"object_pk": "taken"}, 409),
    ],
)
def test_a_bad_object_is_named_and_the_row_stays(kind, client_of, root, ann, grant, body, status):
    if body.get("object_pk") == "taken":
        taken = facts.role("taken")
        facts.grant(ann, GRANTED, taken)
        body = {"object_pk": str(taken.pk)}

    response = client_of(root).put(kind.of(grant), body)

    before = grant.object_pk
    grant.refresh_from_db()
    assert (response.status_code, list(response.json())) == (status, ["object_pk"])
    assert grant.object_pk == before


def test_patch_without_members_changes_nothing(kind, client_of, root, grant):
    assert client_of(root).patch(kind.of(grant), {}).json()["object_pk"] == grant.object_pk


def test_a_grant_is_deleted(kind, client_of, root, ann, grant):
    response = client_of(root).delete(kind.of(grant))

    assert (response.status_code, response.content) == (204, b"")
    assert not ann.object_grants.exists()


def test_deleting_needs_the_permission_to_unassign(kind, client_of, alice, ann, grant):
    facts.grant(alice, kind.view)

    assert client_of(alice).delete(kind.of(grant)).status_code == 403
    facts.grant(alice, kind.take, ann)
    assert client_of(alice).delete(kind.of(grant)).status_code == 204


def test_moving_needs_both_permissions_and_the_ceiling(kind, client_of, alice, ann, grant):
    facts.grant(alice, kind.view)
    body = {"object_pk": str(facts.role("other").pk)}
    answers = []
    for name in (kind.take, kind.give, GRANTED):
        answers.append(client_of(alice).patch(kind.of(grant), body).status_code)
        facts.grant(alice, name)

    answers.append(client_of(alice).patch(kind.of(grant), body).status_code)

    assert answers == [403, 403, 403, 200]


def test_an_anonymous_caller_is_refused(kind, anonymous, grant):
    assert anonymous.get(kind.url).json() == {
        "detail": "Authentication credentials were not provided."
    }
    assert anonymous.get(kind.of(grant)).json() == {
        "detail": "You do not have permission to perform this action."
    }
