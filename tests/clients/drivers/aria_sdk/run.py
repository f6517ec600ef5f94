"""Drives the SuiteApiClient of PyPI's vmware-aria-operations-integration-sdk-lib.

    python run.py URL PASSWORD PREFIX

PASSWORD is akadmin's. Prints one JSON object per step, then one naming the verbs used.
"""

import json
import sys
import traceback

from aria.ops.suite_api_client import SuiteApiClient, SuiteApiConnectionParameters

USED = set()


def ok(client, verb, url, status=200, **arguments):
    with getattr(client, verb)(url, **arguments) as response:
        assert response.status_code == status, (url, response.status_code, response.text)
        USED.add(verb)
        return response.json() if response.content else None


def creates_users(client, w):
    for n in range(3):
        body = {
            "username": f"{w['prefix']}-{n}",
            "password": "long enough",
            "roleNames": None,
        }
        w["users"].append(ok(client, "post", "auth/users", 201, json=body)["id"])


def reads_lists_in_pages(client, w):
    everybody = client.paged_get("/api/auth/users", "users")["users"]
    few = client.paged_get("auth/users", "users", params={"pageSize": 2})["users"]

    assert {user["id"] for user in few} == {user["id"] for user in everybody} >= set(w["users"])
    USED.add("paged_get")


def assigns_and_reads_role_permissions(client, w):
    path, sent = f"auth/users/{w['users'][0]}/permissions", {"roleName": "ReadOnly"}

    put = ok(client, "put", path, json=sent | {"allowAllObjects": True})

    assert put == {"permissions": [sent | {"allowAllObjects": True}]}
    assert ok(client, "get", f"/api/{path}") == put
    ok(client, "delete", f"{path}/ReadOnly", 204)
    assert ok(client, "get", path) == {"permissions": []}


def deletes_users(client, w):
    first, *others = w["users"]
    ok(client, "delete", f"auth/users/{first}", 204)
    ok(client, "delete", "auth/users", 204, params={"id": others})
    ok(client, "get", f"auth/users/{first}", 404)


STEPS = [
    creates_users,
    reads_lists_in_pages,
    assigns_and_reads_role_permissions,
    deletes_users,
]


def failure(step, *arguments):
    """What went wrong, or nothing."""
    try:
        step(*arguments)
    except Exception:  # noqa: BLE001  one step's failure is reported, the next ones still run
        return traceback.format_exc()
    return None


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")


def main():
    url, password, prefix = sys.argv[1:]
    world = {"prefix": prefix, "users": []}
    with SuiteApiClient(SuiteApiConnectionParameters(url, "akadmin", password)) as client:
        kept = client.token
        for step in STEPS:
            say(step=step.__name__, error=failure(step, client, world))
    client.token = kept
    released = failure(ok, client, "get", "auth/currentuser", 401)
    say(step="releases_its_token", error=released)
    say(operations=["delete", "get", "paged_get", "post", "put"], answered=sorted(USED), refused=[])


main()
