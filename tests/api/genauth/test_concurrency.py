"""Many clients changing the same assignments at once, against real processes."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.server import start

CLIENTS, ROUNDS = 16, 8
COUNT = """
import json
from audit.models import Event
from roles.models import RoleAssignment
kinds = list(Event.objects.filter(kind__in=["role_assigned", "role_unassigned"])
             .order_by("id").values_list("kind", flat=True))
print(json.dumps({"rows": RoleAssignment.objects.count(), "kinds": kinds}))
"""


@pytest.fixture(scope="module")
def server():
    """With two processes of its own."""
    server = start(RBAC_WORKERS="2")
    yield server
    server.discard()


@pytest.fixture(scope="module")
def token(server):
    pair = json.loads(server.manage("create_access_key", "--json"))
    body = {"accessKeyId": pair["access_key_id"], "accessKeySecret": pair["access_key_secret"]}
    url = f"{server.url}/genauth/api/v3/get-management-token"
    return httpx.post(url, json=body, timeout=60).json()["data"]["access_token"]


class Client:
    """Closed at the end of a ``with``."""

    def __init__(self, server, token):
        self.http = httpx.Client(
            base_url=f"{server.url}/genauth/api/v3",
            headers={"authorization": f"Bearer {token}"},
            timeout=120,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def call(self, operation, **body):
        return self.http.post(f"/{operation}", json=body).json()

    def data(self, operation, **body):
        answer = self.call(operation, **body)
        assert answer["statusCode"] == 200, answer
        return answer["data"]


@pytest.fixture
def first(server, token):
    with Client(server, token) as client:
        yield client


def counted(server):
    return json.loads(server.manage("shell", "--verbosity", "0", "-c", COUNT))


def targets(*users):
    return [{"targetType": "USER", "targetIdentifier": one} for one in users]


def at_once(work):
    """The work of each client, by its number, all begun together."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(itertools.chain.from_iterable(pool.map(work, range(CLIENTS))))


def test_one_role_and_one_user_end_in_one_state(server, token, first):
    first.data("create-role", code="contested")
    bob = first.data("create-user", username="bob")["userId"]

    def work(n):
        operations = ["assign-role", "revoke-role"] if n % 2 else ["revoke-role", "assign-role"]
        with Client(server, token) as client:
            return [
                client.call(operation, code="contested", targets=targets(bob))["statusCode"]
                for _ in range(ROUNDS)
                for operation in operations
            ]

    assert set(at_once(work)) == {200}

    found = counted(server)
    kinds = found["kinds"]
    # Under one lock the events alternate: nothing was given twice or taken away twice.
    assert kinds == (["role_assigned", "role_unassigned"] * len(kinds))[: len(kinds)]
    assert found["rows"] == len(kinds) % 2
    answer = first.data("has-any-role", userId=bob, roles=[{"code": "contested"}])
    assert answer["hasAnyRole"] == bool(found["rows"])
    first.data("revoke-role", code="contested", targets=targets(bob))


def test_batches_in_different_orders_do_not_stop_each_other(server, token, first):
    codes = [f"role{n}" for n in range(5)]
    first.data("create-roles-batch", list=[{"code": code} for code in codes])
    users = [first.data("create-user", username=f"user{n}")["userId"] for n in range(5)]

    def work(n):
        order = slice(None, None, 1 if n % 2 else -1)
        body = {"roles": [{"code": c} for c in codes[order]], "targets": targets(*users[order])}
        with Client(server, token) as client:
            return [
                client.call(operation, **body)["statusCode"]
                for _ in range(ROUNDS // 2)
                for operation in ("assign-role-batch", "revoke-role-batch")
            ]

    assert set(at_once(work)) == {200}
    assert counted(server)["rows"] == 0


def test_roles_given_to_each_other_at_once_make_no_cycle(server, token, first):
    codes = [f"ring{n}" for n in range(4)]
    first.data("create-roles-batch", list=[{"code": code} for code in codes])

    def work(n):
        code, holder = codes[n % 4], codes[(n + 1) % 4]
        target = {"targetType": "ROLE", "targetIdentifier": holder}
        with Client(server, token) as client:
            return [client.call("assign-role", code=code, targets=[target])["statusCode"]]

    assert set(at_once(work)) == {200, 400}
    assert counted(server)["rows"] == 3
