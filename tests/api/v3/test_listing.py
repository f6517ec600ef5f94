"""Lists are read by kept statements, and by the ORM where a request asks for more: alike."""

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from api.v3.lists.listing import _statements
from permissions import engine
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

ROLE = "authentik_rbac.role"
LISTS = {
    "roles/": {},
    "permissions/": {"content_type__model": "role"},
    "permissions/users/": {},
    "permissions/roles/": {},
    "permissions/assigned_by_users/": {"model": ROLE},
    "permissions/assigned_by_roles/": {"model": ROLE},
}


@pytest.fixture
def _holders():
    """Every name has "o" in it, so that a search for it leaves out nothing."""
    joe = User.objects.create(username="joe", attributes={"n": [1]}, last_login=timezone.now())
    role, other = facts.role("cook"), facts.role("porter")
    for name in ("authentik_rbac.view_role", "authentik_rbac.change_role"):
        facts.grant(joe, name, role)
        facts.grant(other, name, role)
        facts.grant(joe, name, "gone")
    facts.grant(joe, "authentik_rbac.add_role")
    facts.grant(other, "authentik_rbac.add_role")


@pytest.mark.usefixtures("_holders")
@pytest.mark.parametrize("order", ["", "-name", "-pk", "object_pk,-id"])
@pytest.mark.parametrize("path", LISTS)
def test_kept_statements_and_the_orm_answer_alike(client_of, root, path, order):
    url, query = f"/api/v3/rbac/{path}", {**LISTS[path], "ordering": order}
    client = client_of(root)

    kept, built = (client.get(url, {**query, **more}).json() for more in ({}, {"search": "o"}))

    assert kept == built
    assert kept["results"]


@pytest.mark.usefixtures("_holders")
@pytest.mark.parametrize("path", LISTS)
def test_pages_follow_each_other(client_of, root, path):
    client, url = client_of(root), f"/api/v3/rbac/{path}"
    everything = client.get(url, LISTS[path]).json()

    pages = [
        client.get(url, {**LISTS[path], "page": n + 1, "page_size": 1}).json()
        for n in range(everything["pagination"]["count"])
    ]

    assert [row for page in pages for row in page["results"]] == everything["results"]
    assert {page["pagination"]["count"] for page in pages} == {len(pages)}


def test_a_kept_statement_finds_what_was_written_since(client_of, root):
    client = client_of(root)
    names = [
        [row["name"] for row in client.get("/api/v3/rbac/roles/").json()["results"]]
        for _ in range(5)  # on PostgreSQL the plan is kept by then
    ]
    facts.role("newest")

    assert "newest" not in names[-1]
    assert "newest" in client.get("/api/v3/rbac/roles/").content.decode()


def test_a_caller_who_sees_some_rows_sees_no_others(client_of, alice):
    mine, _ = facts.role("mine"), facts.role("not mine")
    facts.grant(alice, "authentik_rbac.view_role", mine)

    response = client_of(alice).get("/api/v3/rbac/roles/")

    assert [row["name"] for row in response.json()["results"]] == ["mine"]


@pytest.mark.parametrize("page", ["0", "-1", "abc", "\0", "2"])
@pytest.mark.parametrize("path", [path for path in LISTS if path != "permissions/"])
def test_who_may_view_nothing_is_told_so_whatever_the_page(client_of, charlie, path, page):
    response = client_of(charlie).get(f"/api/v3/rbac/{path}", {**LISTS[path], "page": page})

    assert response.status_code == 403


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize("gained", [True, False])
def test_a_permission_that_begins_or_ends_meanwhile_counts_for_all_of_an_answer_or_for_nothing(
    client_of, alice, monkeypatch, page, gained
):
    for name in ("first", "second", "third"):
        facts.role(name)
    reach_of = engine.reach_of

    def meanwhile(*args, **kwargs):
        before = reach_of(*args, **kwargs)
        if gained:
            facts.grant(alice, "authentik_rbac.view_role")
            return reach_of(*args, **kwargs)
        alice.global_grants.all().delete()
        return before

    if not gained:
        facts.grant(alice, "authentik_rbac.view_role")
    monkeypatch.setattr(engine, "reach_of", meanwhile)

    body = client_of(alice).get("/api/v3/rbac/roles/", {"page": page, "page_size": 2}).json()

    assert body["pagination"]["count"] == 3
    assert len(body["results"]) == {1: 2, 2: 1}[page]


def test_who_may_view_all_is_asked_by_the_statement_that_answers(bearer_of, root):
    client = bearer_of(root)
    facts.role("one")

    with counted() as statements:
        client.get("/api/v3/rbac/roles/")

    # The token and the page; SQLite, which has no way to and fro, asks before.
    assert len(statements) == (2 if connection.vendor == "postgresql" else 3), statements


@pytest.mark.parametrize("path", LISTS)
def test_a_search_that_cannot_be_is_named(client_of, root, path):
    query = {**LISTS[path], "search": "\0"}
    response = client_of(root).get(f"/api/v3/rbac/{path}", query)

    assert response.status_code == 400
    assert response.json() == {"search": ["Null characters are not allowed."]}


def test_filters_of_one_shape_share_a_statement(bearer_of, root):
    client, before = bearer_of(root), _statements.cache_info()
    for n in range(3):
        facts.role(f"role{n}")
        [row] = client.get("/api/v3/rbac/roles/", {"name": f"role{n}"}).json()["results"]
        assert row["name"] == f"role{n}"

    after = _statements.cache_info()
    assert after.misses <= before.misses + 1
    assert after.hits >= before.hits + 2


@pytest.mark.parametrize("number", [2**31, 2**63, -(2**80)])
@pytest.mark.parametrize("path", ["permissions/users/?user_id=", "roles/?users="])
def test_numbers_beyond_a_column_find_nothing(client_of, root, path, number):
    response = client_of(root).get(f"/api/v3/rbac/{path}{number}")

    assert response.status_code == 200, response.content
    assert response.json()["results"] == []
