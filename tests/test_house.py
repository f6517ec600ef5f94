"""How the house is built: few rooms, imports that go down, and short ways through them."""

from __future__ import annotations

import re
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from uuid import UUID

import grimp
import pytest

from permissions.operations import create_role
from tests import facts
from tests.api.genauth.conftest import Caller, user
from tests.calls import passed

# Each may import those below it, and nothing above.
ROOMS = (
    "management", "apps", "checks", "backends",
    "setup", "operations", "queries", "engine", "migrations", "models",
)  # fmt: skip
MOST_ROOMS, MOST_ARROWS = 12, 20

# Most functions and files that one request passes; what is wanted stands beside them.
WAYS = {
    "v3 assign": (58, 23),  # 50 in 12; 53 on PostgreSQL
    "Aria PUT permissions": (97, 23),  # 60 in 14
    "GenAuth assign-role": (76, 22),  # 55 in 14
}


@pytest.fixture(scope="module")
def arrows() -> set[tuple[str, str]]:
    """(importing, imported) rooms on the first level of ``permissions``."""
    graph = grimp.build_graph("permissions")
    rooms = {name.partition(".")[2]: name for name in graph.find_children("permissions")}
    return {
        (above, below)
        for above, importer in rooms.items()
        for below, imported in rooms.items()
        if above != below
        and graph.direct_import_exists(importer=importer, imported=imported, as_packages=True)
    }


def test_permissions_has_few_rooms_and_few_arrows_among_them(arrows):
    rooms = grimp.build_graph("permissions").find_children("permissions")
    print(f"\n{len(rooms)} rooms, {len(arrows)} arrows", *sorted(arrows), sep="\n  ")  # noqa: T201  for -s

    assert {name.partition(".")[2] for name in rooms} == set(ROOMS)
    assert len(rooms) <= MOST_ROOMS
    assert len(arrows) <= MOST_ARROWS


def test_no_arrow_goes_up_or_in_a_circle(arrows):
    up = [(a, b) for a, b in arrows if ROOMS.index(a) > ROOMS.index(b)]

    assert not up
    TopologicalSorter({a: {b for x, b in arrows if x == a} for a, _ in arrows}).prepare()


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_a_request_passes_few_functions_and_files(way, request):
    fixture = way.lower().replace(" ", "_").replace("-", "_")
    send: Callable[[int], Any] = request.getfixturevalue(fixture)
    send(0)  # what is built once is built now

    with passed() as seen:
        send(1)

    print(f"\n{way}: {seen}")  # noqa: T201  for -s
    functions, files = WAYS[way]
    assert seen.functions <= functions, seen
    assert seen.files <= files, seen


@pytest.fixture
def v3_assign(bearer_of, root) -> Callable[[int], None]:
    client, role = bearer_of(root), facts.role("auditors")

    def send(n: int) -> None:
        name = ("authentik_rbac.view_role", "authentik_rbac.change_role")[n]
        path = f"/api/v3/rbac/permissions/assigned_by_roles/{role.pk}/assign/"
        body = {"permissions": [name], "model": "authentik_rbac.role", "object_pk": str(role.pk)}
        assert client.post(path, body, format="json").status_code == 200

    return send


@pytest.fixture
def aria_put_permissions(client_of, root, bob) -> Callable[[int], None]:
    client = client_of(root)
    create_role(actor=None, name="Operator")

    def send(n: int) -> None:
        selection = {"type": "PROPAGATE", "resourceId": [str(UUID(int=n))]}
        body = {
            "roleName": "Operator",
            "traversal-spec-instances": [
                {"adapterKind": "VMWARE", "name": "Hosts", "resourceSelection": [selection]}
            ],
        }
        path = f"/suite-api/api/auth/users/{bob.uuid}/permissions"
        assert client.put(path, body, format="json").status_code == 200

    return send


@pytest.fixture
def genauth_assign_role(root, bob) -> Callable[[int], None]:
    caller = Caller(root)
    for name in ("first", "second"):
        facts.role(name)

    def send(n: int) -> None:
        answer = caller.call("assign-role", code=("first", "second")[n], targets=[user(bob)])
        assert answer["statusCode"] == 200

    return send


def test_tests_that_empty_the_database_are_given_what_migrations_wrote():
    """Whichever ran before them has emptied it, too."""
    emptying = re.compile(r"django_db\(.*transaction=True(?!.*serialized_rollback=True)")
    tests = set(Path(__file__).parent.rglob("*.py")) - {Path(__file__)}

    assert {str(path) for path in tests if emptying.search(path.read_text())} == set()
