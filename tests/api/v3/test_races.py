"""Several callers who change the same things at once, in the real service."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from accounts.models import Group
from permissions.operations.groups import update_group
from tests import facts
from tests.server import Server

GROUPS = "/api/v3/core/groups/"
ROUNDS = 12


@pytest.fixture
def call(server: Server) -> Callable[..., tuple[int, Any]]:
    """Status and body of a request by the administrator."""

    headers = {"Authorization": f"Bearer {server.token}"}

    def send(method: str, path: str, body: Any) -> tuple[int, Any]:
        url = f"{server.url}/api/v3{path}"
        response = httpx.request(method, url, json=body, headers=headers, timeout=60)
        return response.status_code, response.json() if response.content else None

    return send


def statuses(*callers: Callable[[int], list[tuple[int, Any]]]) -> set[int]:
    """What all of them were answered; each runs in a thread of its own."""
    seen: set[int] = set()

    def run(caller: Callable[[int], list[tuple[int, Any]]]) -> None:
        for n in range(ROUNDS):
            seen.update(status for status, _ in caller(n))

    threads = [threading.Thread(target=run, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def made(call: Callable[..., tuple[int, Any]], path: str, **body: Any) -> Any:
    status, row = call("POST", path, body)
    assert status == 201
    return row["pk"]


def test_the_same_memberships_written_from_all_sides(call):
    one, two = (made(call, "/core/groups/", name=f"race {n}") for n in "12")
    people = [made(call, "/core/users/", username=f"race-{n}", name="") for n in "12"]

    def both(n):
        body = {"users": people[:: 1 - 2 * (n % 2)], "parents": []}
        return [
            call("PUT", f"/core/groups/{pk}/", {"name": f"race {pk} {n}", **body})
            for pk in (one, two)
        ]

    def each(n):
        return [
            call("PATCH", f"/core/users/{pk}/", {"groups": wanted, "name": str(n)})
            for pk in people
            for wanted in ([two, one], [])
        ]

    def above(n):
        return [call("PATCH", f"/core/groups/{two}/", {"parents": [one] if n % 2 else []})]

    assert statuses(both, each, above, both) == {200}


def test_the_same_permissions_assigned_in_another_order(call):
    ann = made(call, "/core/users/", username="race-ann", name="")
    url = f"/rbac/permissions/assigned_by_users/{ann}"
    names = [f"authentik_core.{verb}_user" for verb in ("view", "add", "change", "delete")]

    def caller(step: int) -> Callable[[int], list[tuple[int, Any]]]:
        body = {"permissions": names[::step]}
        return lambda _: [
            call("POST", f"{url}/assign/", body),
            call("PATCH", f"{url}/unassign/", body),
        ]

    assert statuses(caller(1), caller(-1), caller(1), caller(-1)) == {200, 204}


@pytest.mark.django_db
@pytest.mark.parametrize("body", [{"name": "new"}, {"parents": []}, {"is_superuser": True}])
def test_what_somebody_else_deletes_meanwhile_is_404(client_of, root, monkeypatch, body):
    """The group goes after it was read and before it is written."""
    group = facts.group("staff")

    def after_deletion(**words):
        Group.objects.filter(pk=group.pk).delete()
        return update_group(**words)

    monkeypatch.setattr("api.v3.groups.update_group", after_deletion)

    response = client_of(root).patch(f"{GROUPS}{group.pk}/", body)

    assert (response.status_code, response.json()["detail"]) == (404, "Not found.")


def test_one_membership_given_changed_and_ended_from_all_sides(call):
    group = made(call, "/core/groups/", name="race of one")
    user = made(call, "/core/users/", username="race-of-one", name="")
    row = {"group": group, "user": user}

    def give(_):
        return [call("POST", "/rbac/memberships/", row)]

    def change_and_end(_):
        _, found = call("GET", f"/rbac/memberships/?user={user}", None)
        paths = [f"/rbac/memberships/{one['pk']}/" for one in found["results"]]
        return [
            call(method, path, {"valid_until": "2900-01-01T00:00:00Z"})
            for path in paths
            for method in ("PATCH", "DELETE")
        ]

    assert statuses(give, give, change_and_end, change_and_end) <= {200, 201, 204, 404}
    call("POST", "/rbac/memberships/", row)
    _, found = call("GET", f"/rbac/memberships/?user={user}", None)
    assert len(found["results"]) == 1


def test_a_grant_changes_its_object_and_its_time_together(call):
    user = made(call, "/core/users/", username="race-of-times", name="")
    groups = [made(call, "/core/groups/", name=f"race of times {n}") for n in "12"]
    words = {"permissions": ["view_group"], "model": "authentik_core.group"}
    path = f"/rbac/permissions/assigned_by_users/{user}/assign/"
    _, [grant] = call("POST", path, {**words, "object_pk": groups[0]})
    url = f"/rbac/permissions/users/{grant['id']}/"
    swapped = {"valid_from": "2900-01-02T00:00:00Z", "valid_until": "2900-01-01T00:00:00Z"}

    refused, _ = call("PATCH", url, {"object_pk": groups[1], **swapped})
    _, kept = call("GET", url, None)
    end = {"valid_until": swapped["valid_until"]}
    changed, moved = call("PATCH", url, {"object_pk": groups[1], **end})

    assert (refused, kept["object_pk"], changed) == (400, groups[0], 200)
    assert (moved["object_pk"], moved["valid_until"]) == (groups[1], swapped["valid_until"])
