"""Single grants on objects to users."""

import pytest
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/rbac/permissions/users/"
FILTER = "user_id"
VIEW_HOLDER, GIVE, TAKE = (
    "authentik_core.view_user",
    "authentik_core.assign_user_permissions",
    "authentik_core.unassign_user_permissions",
)
VIEW = "authentik_rbac.view_role"
MISSING = "00000000-0000-4000-8000-000000000000"


def holder(name):
    return User.objects.create(username=name)


@pytest.fixture
def ann():
    return holder("ann")


@pytest.fixture
def thing():
    return facts.role("thing")


@pytest.fixture
def grant(ann, thing):
    return facts.grant(ann, VIEW, thing)


def url(grant):
    return f"{URL}{getattr(grant, 'pk', grant)}/"


def rows(response):
    assert response.status_code == 200, response.content
    return response.json()["results"]


# List


def test_a_row_describes_its_own_object(client_of, root, ann, grant):
    for name in ("first", "second"):
        facts.grant(ann, VIEW, facts.role(name))

    found = rows(client_of(root).get(URL, {FILTER: ann.pk}))

    assert [row for row in found if row["id"] == grant.pk] == [
        {
            "id": grant.pk,
            "codename": "view_role",
            "model": "role",
            "app_label": "authentik_rbac",
            "object_pk": grant.object_pk,
            "name": "Can view Role",
            "app_label_verbose": "authentik RBAC",
            "model_verbose": "Role",
            "object_description": "Role thing",
        }
    ]
    descriptions = {row["object_description"] for row in found}
    assert descriptions == {"Role first", "Role second", "Role thing"}


def test_the_filter_leaves_one_holders_rows(client_of, root, ann, grant, thing):
    facts.grant(holder("ben"), VIEW, thing)

    assert [row["id"] for row in rows(client_of(root).get(URL, {FILTER: ann.pk}))] == [grant.pk]
    assert len(rows(client_of(root).get(URL))) == 2


def test_an_unknown_holder_has_no_rows(client_of, root, grant):
    unknown = MISSING if FILTER == "uuid" else 999999

    assert rows(client_of(root).get(URL, {FILTER: unknown})) == []


@pytest.mark.parametrize("value", ["x", "1.5", "\0", "9" * 5_000])
def test_a_malformed_holder_is_400(client_of, root, value):
    response = client_of(root).get(URL, {FILTER: value})

    assert (response.status_code, list(response.json())) == (400, [FILTER])


def test_objects_that_are_gone_or_unknown_have_no_description(client_of, root, ann):
    facts.grant(ann, VIEW, MISSING)
    facts.grant(ann, VIEW, "no uuid at all")
    facts.grant(ann, "authentik_flows.view_flow", "unregistered")

    found = rows(client_of(root).get(URL))

    assert [row["object_description"] for row in found] == [None, None, None]


def test_registered_resources_are_described_by_name_or_key(client_of, root, ann):
    facts.resource("authentik_flows.flow", "a", name="Welcome")
    facts.resource("authentik_flows.flow", "b")
    for key in "ab":
        facts.grant(ann, "authentik_flows.view_flow", key)

    found = rows(client_of(root).get(URL))

    assert [row["object_description"] for row in found] == ["Welcome", "b"]


def test_facts_of_another_time_are_not_listed(client_of, root, ann, thing):
    facts.grant(ann, VIEW, thing, valid_until=timezone.now())
    facts.grant(ann, "authentik_rbac.change_role", thing, valid_from="2999-01-01T00:00:00Z")

    assert rows(client_of(root).get(URL)) == []


def test_rows_come_by_name_of_the_holder(client_of, root, thing):
    for name in ("c", "a", "b"):
        facts.grant(holder(name), "authentik_core.view_group", name)

    found = [row["object_pk"] for row in rows(client_of(root).get(URL))]
    back = [row["object_pk"] for row in rows(client_of(root).get(URL, {"ordering": "-object_pk"}))]

    assert (found, back) == (["a", "b", "c"], ["c", "b", "a"])


def test_only_rows_of_holders_the_caller_may_view(client_of, alice, ann, grant, thing):
    facts.grant(holder("ben"), VIEW, thing)
    facts.grant(alice, VIEW_HOLDER, ann)

    assert [row["id"] for row in rows(client_of(alice).get(URL))] == [grant.pk]


def test_it_refuses_a_stranger(client_of, charlie, grant):
    assert client_of(charlie).get(URL).status_code == 403
    assert client_of(charlie).get(url(grant)).status_code == 403


@pytest.mark.parametrize("many", [3, 130])
def test_a_page_needs_at_most_six_statements(bearer_of, root, ann, many):
    client = bearer_of(root)
    for n in range(many):
        facts.grant(ann, VIEW, facts.role(f"r{n}"))
        facts.grant(ann, "authentik_core.view_group", facts.group(f"g{n}"))
        facts.resource("authentik_flows.flow", f"f{n}")
        facts.grant(ann, "authentik_flows.view_flow", f"f{n}")
        facts.grant(ann, "authentik_core.view_user", root if n == 0 else str(n + 10_000))

    with counted() as statements:
        response = client.get(URL, {FILTER: ann.pk})

    assert response.json()["pagination"]["count"] == 4 * many
    assert len(statements) <= 6, statements


# One


def test_one_row(client_of, root, grant):
    body = client_of(root).get(url(grant)).json()

    assert (body["id"], body["object_description"]) == (grant.pk, "Role thing")


@pytest.mark.parametrize("key", ["999999", "junk", "%00", "9" * 40, "-1"])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_an_unknown_row_is_404(client_of, root, method, key):
    assert getattr(client_of(root), method)(url(key), {"object_pk": "1"}).status_code == 404


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_grant_moves_to_another_object(client_of, root, grant, method):
    other = facts.role("other")

    response = getattr(client_of(root), method)(url(grant), {"object_pk": str(other.pk)})

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
def test_a_bad_object_is_named_and_the_row_stays(client_of, root, ann, grant, body, status):
    if body.get("object_pk") == "taken":
        taken = facts.role("taken")
        facts.grant(ann, VIEW, taken)
        body = {"object_pk": str(taken.pk)}

    response = client_of(root).put(url(grant), body)

    before = grant.object_pk
    grant.refresh_from_db()
    assert (response.status_code, list(response.json())) == (status, ["object_pk"])
    assert grant.object_pk == before


def test_patch_without_members_changes_nothing(client_of, root, grant):
    assert client_of(root).patch(url(grant), {}).json()["object_pk"] == grant.object_pk


def test_a_grant_is_deleted(client_of, root, ann, grant):
    response = client_of(root).delete(url(grant))

    assert (response.status_code, response.content) == (204, b"")
    assert not ann.object_grants.exists()


def test_deleting_needs_the_permission_to_unassign(client_of, alice, ann, grant):
    facts.grant(alice, VIEW_HOLDER)

    assert client_of(alice).delete(url(grant)).status_code == 403
    facts.grant(alice, TAKE, ann)
    assert client_of(alice).delete(url(grant)).status_code == 204


def test_moving_needs_both_permissions_and_the_ceiling(client_of, alice, ann, grant):
    facts.grant(alice, VIEW_HOLDER)
    body = {"object_pk": str(facts.role("other").pk)}
    answers = []
    for name in (TAKE, GIVE, VIEW):
        answers.append(client_of(alice).patch(url(grant), body).status_code)
        if name != VIEW_HOLDER:
            facts.grant(alice, name)

    answers.append(client_of(alice).patch(url(grant), body).status_code)

    assert answers == [403, 403, 403, 200]


def test_an_anonymous_caller_is_refused(anonymous, grant):
    assert anonymous.get(URL).json() == {"detail": "Authentication credentials were not provided."}
    assert anonymous.get(url(grant)).json() == {
        "detail": "You do not have permission to perform this action."
    }
