"""Requests that meet, staged with locks of ours: what each has done when the other comes."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connection

from tests.server import Server

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="writing transactions exclude each other on SQLite"
)
KIND = "races.thing"
THINGS = f"/rbac/resource_types/{KIND}/resources/"


@pytest.fixture
def ask(server: Server) -> Callable[..., httpx.Response]:
    """A request by the administrator."""

    def send(method: str, path: str, body: Any = None, state: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {server.token}", **(state or {})}
        return httpx.request(
            method, f"{server.url}/api/v3{path}", json=body, headers=headers, timeout=60
        )

    return send


@pytest.fixture
def call(ask) -> Callable[..., int]:
    return lambda *request: ask(*request).status_code


@pytest.fixture
def by_aria(server: Server) -> Callable[..., int]:
    """The same by the Aria door."""
    aria = f"{server.url}/suite-api/api/auth"
    credentials = {"username": "akadmin", "password": server.password}
    token = httpx.post(f"{aria}/token/acquire", json=credentials, timeout=60).json()["token"]

    def send(method: str, path: str, body: Any) -> int:
        headers = {"Authorization": f"OpsToken {token}"}
        url = f"{aria}{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=60).status_code

    return send


@pytest.fixture
def thing(call) -> Iterator[str]:
    """The path of a registered resource of a strict type."""
    body = {"app_label": "races", "model": "thing", "actions": ["view"]}
    assert call("POST", "/rbac/resource_types/", body) == 201
    assert call("POST", THINGS, {"object_pk": "1"}) == 201
    yield f"{THINGS}1/"
    assert call("DELETE", f"/rbac/resource_types/{KIND}/") == 204


@pytest.fixture
def ours(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A transaction on the service's database; what it locks, requests wait for."""
    with psycopg.connect(server.environment["DATABASE_URL"]) as ours:
        yield ours


def until_waiting(ours: psycopg.Connection[Any], count: int, last: Future[int]) -> None:
    """Come back when so many requests wait for a lock, or the last does not and is done."""
    waiting = """
        SELECT count(DISTINCT waiting.pid) FROM pg_locks waiting JOIN pg_locks here USING (pid)
        JOIN pg_database d ON d.oid = here.database AND d.datname = current_database()
        WHERE NOT waiting.granted"""
    while not last.done() and ours.execute(waiting).fetchone() != (count,):
        pass


def one_after_the_other(ours, *requests: Callable[[], int]) -> list[int]:
    """Their answers. Each starts when those before it wait, and none goes on before all do."""
    with ThreadPoolExecutor(len(requests)) as pool:
        answers = []
        for request in requests:
            answers.append(pool.submit(request))
            until_waiting(ours, len(answers), answers[-1])
        ours.rollback()
        return [answer.result() for answer in answers]


def sayings(ours) -> Any:
    """How many grants and scope entries there are on the thing."""
    return ours.execute("""
        SELECT (SELECT count(*) FROM permissions_userobjectpermission WHERE object_pk = '1'),
               (SELECT count(*) FROM authentik_rbac_scopeentry WHERE object_pk = '1')
        """).fetchone()


ENTRY = {"type": KIND, "object_pk": "1", "with_descendants": False}
SAYINGS = {
    "assign": (
        "/rbac/permissions/assigned_by_users/1/assign/",
        {"permissions": ["view_thing"], "model": KIND, "object_pk": "1"},
    ),
    "bulk": (
        "/rbac/bulk/assign/",
        {"users": [1], "permissions": ["view_thing"], "model": KIND, "object_pks": ["1"]},
    ),
    "scope": ("/rbac/scopes/", {"name": "races", "kind": "selected", "entries": [ENTRY]}),
}


@pytest.mark.parametrize("saying", SAYINGS.values(), ids=SAYINGS)
def test_what_comes_while_it_is_being_deleted_is_refused(call, thing, ours, saying):
    # Deleted are the grants first, then these pairs, then the thing itself.
    ours.execute("LOCK TABLE permissions_resourceclosure IN SHARE MODE")

    answers = one_after_the_other(
        ours, lambda: call("DELETE", thing), lambda: call("POST", *saying)
    )

    assert answers == [204, 400]
    assert sayings(ours) == (0, 0)


@pytest.mark.parametrize("saying", SAYINGS.values(), ids=SAYINGS)
def test_what_was_begun_before_the_deletion_goes_with_it(call, thing, ours, saying):
    ours.execute(
        "LOCK TABLE permissions_userobjectpermission, authentik_rbac_scopeentry IN SHARE MODE"
    )

    said, deleted = one_after_the_other(
        ours, lambda: call("POST", *saying), lambda: call("DELETE", thing)
    )

    assert (said in (200, 201), deleted) == (True, 204)
    assert sayings(ours) == (0, 0)


def test_a_scope_is_changed_while_a_resource_it_names_is_deleted(ask, call, thing, ours):
    named = {"name": "names it", "kind": "selected", "entries": [ENTRY]}
    scope = f"/rbac/scopes/{ask('POST', '/rbac/scopes/', named).json()['pk']}/"
    # The thing is locked before its entries go.
    ours.execute("LOCK TABLE authentik_rbac_scopeentry IN SHARE MODE")

    answers = one_after_the_other(
        ours, lambda: call("DELETE", thing), lambda: call("PATCH", scope, {"entries": [ENTRY]})
    )

    assert answers == [204, 400]
    assert call("DELETE", scope) == 204


def test_a_scope_in_the_state_a_client_has_read_is_changed_while_what_it_names_is_deleted(
    ask, call, thing, ours
):
    named = {"name": "read before", "kind": "selected", "entries": [ENTRY]}
    made = ask("POST", "/rbac/scopes/", named)
    scope, state = f"/rbac/scopes/{made.json()['pk']}/", {"If-Match": made.headers["ETag"]}
    # The thing is locked before assignments within it are looked at, and those before scopes.
    ours.execute("LOCK TABLE authentik_rbac_roleassignment IN SHARE MODE")

    def change() -> int:
        return ask("PATCH", scope, {"entries": [ENTRY]}, state).status_code

    answers = one_after_the_other(ours, lambda: call("DELETE", thing), change)

    assert answers == [204, 400]
    assert ask("PATCH", scope, {"description": "x"}, state).status_code == 412
    assert call("DELETE", scope) == 204


def test_a_type_in_the_state_a_client_has_read_goes_while_a_resource_of_it_comes(ask, call, ours):
    body = {"app_label": "races", "model": "gone", "actions": ["view"]}
    kind = ask("POST", "/rbac/resource_types/", body)
    path, state = "/rbac/resource_types/races.gone/", {"If-Match": kind.headers["ETag"]}
    # A resource is written under the lock of all parents, and refers to its type.
    ours.execute("LOCK TABLE permissions_resource IN SHARE MODE")

    answers = one_after_the_other(
        ours,
        lambda: call("POST", f"{path}resources/", {"object_pk": "1"}),
        lambda: ask("DELETE", path, None, state).status_code,
    )

    assert answers == [201, 204]


def test_a_role_within_a_scope_is_replaced_while_what_the_scope_names_is_deleted(
    ask, call, by_aria, ours
):
    role = ask("POST", "/rbac/roles/", {"name": "replaced"}).json()
    group = ask("POST", "/core/groups/", {"name": "replaced"}).json()["pk"]
    put = f"/usergroups/{group}/permissions"
    vm = "11111111-1111-1111-1111-111111111111"

    def write(how: str) -> int:
        selection: dict[str, Any] = {"adapterKind": "VMWARE", "name": "one"}
        selection["resourceSelection"] = [{"type": how, "resourceId": [vm]}]
        body = {"roleName": role["name"], "traversal-spec-instances": [selection]}
        return by_aria("PUT", put, body)

    assert write("SPECIFIC") == 200
    # The resource is locked before assignments within inline scopes that name it are changed.
    ours.execute("LOCK TABLE authentik_rbac_roleassignment IN SHARE MODE")

    answers = one_after_the_other(
        ours,
        lambda: call("DELETE", f"/rbac/resource_types/aria.resource/resources/{vm}/"),
        lambda: write("PROPAGATE"),
    )

    assert answers == [204, 200]


def test_scopes_that_name_new_resources_in_other_orders_are_both_made(ask, call, ours):
    body = {"app_label": "races", "model": "open", "actions": ["view"], "mode": "open"}
    kind = ask("POST", "/rbac/resource_types/", body).json()["label"]

    def scope(name: str, *keys: str) -> Callable[[], int]:
        entries = [{"type": kind, "object_pk": key} for key in keys]
        return lambda: call("POST", "/rbac/scopes/", {"name": name, "entries": entries})

    # Both wait in the midst of their rows.
    ours.execute("""
        INSERT INTO permissions_resource (type_id, object_pk, name, properties, created)
        SELECT content_type_id, 'm', '', '{}', now() FROM permissions_resourcetype
        JOIN django_content_type c ON c.id = content_type_id WHERE c.model = 'open'""")

    answers = one_after_the_other(ours, scope("up", "a", "m", "z"), scope("down", "z", "m", "a"))

    assert answers == [201, 201]


@pytest.mark.parametrize(
    ("deleted", "last_table"),
    [("user", "authentik_core_groupmembership"), ("role", "permissions_roleglobalgrant")],
)
def test_a_deletion_is_done_whatever_others_write_meanwhile(ask, call, ours, deleted, last_table):
    user = ask("POST", "/core/users/", {"username": f"{deleted}-goes", "name": ""}).json()["pk"]
    role = ask("POST", "/rbac/roles/", {"name": f"{deleted} goes"}).json()["pk"]
    path = {"user": f"/core/users/{user}/", "role": f"/rbac/roles/{role}/"}[deleted]
    # Assignments have been looked for by the time these rows go.
    ours.execute(f"LOCK TABLE {last_table} IN SHARE MODE")

    answers = one_after_the_other(
        ours,
        lambda: call("DELETE", path),
        lambda: call("POST", "/rbac/role_assignments/", {"role": role, "user": user}),
    )

    assert answers == [204, 409]


def test_two_doors_that_give_a_group_the_same_role_do_not_stop_each_other(ask, call, by_aria, ours):
    group = ask("POST", "/core/groups/", {"name": "both"}).json()["pk"]
    role = ask("POST", "/rbac/roles/", {"name": "both"}).json()["pk"]
    permission = {"roleName": "both", "allowAllObjects": True}
    # An assignment is written, and then its event.
    ours.execute("LOCK TABLE audit_event IN SHARE MODE")

    answers = one_after_the_other(
        ours,
        lambda: call("POST", "/rbac/role_assignments/", {"role": role, "group": group}),
        lambda: by_aria("PUT", f"/usergroups/{group}/permissions", permission),
    )

    assert answers == [201, 200]
