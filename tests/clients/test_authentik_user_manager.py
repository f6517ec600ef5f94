"""PyPI's authentik-user-manager, which keeps people and their groups as a YAML file says."""

import subprocess

import httpx
import pytest
import yaml

from tests.clients.gateway import gateway
from tests.environments import python_environment
from tests.server import start

REQUIREMENTS = ["authentik-user-manager==1.4.1"]
INVENTORY = [
    {"name": "Ivy", "email": "ivy@example.com", "groups": ["crew", "night shift"]},
    {"name": "Jon", "email": "jon@example.com", "groups": []},
    {"name": "Kim", "email": "kim@example.com", "groups": ["crew"]},
]


@pytest.fixture
def server():
    """One of its own: the program deletes whom it does not know."""
    server = start()
    yield server
    server.discard()


@pytest.fixture
def api(server):
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=f"{server.url}/api/v3/", headers=headers, timeout=30) as client:
        yield client


def create(api, path, **body):
    answer = api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def person(api, name):
    return create(
        api, "core/users/", username=name, name=name.capitalize(), email=f"{name}@example.com"
    )


def members(api, group):
    (found,) = api.get("core/groups/", params={"name": group}).json()["results"]
    return sorted(user["username"] for user in found["users_obj"])


def sync(tmp_path, url, token):
    """One run of the program; what it prints."""
    config = {
        "authentik_url": url,
        "authentik_token": token,
        "authentik_title": "RBAC",
        "invitation_flow_slug": "invitation",
        "create_missing_groups": True,
        "delete_unconfigured_users": True,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "users.yaml").write_text(yaml.safe_dump(INVENTORY))
    program = python_environment("authentik-user-manager", REQUIREMENTS).with_name("auth-user-mgr")
    done = subprocess.run(
        [program, "sync", "-c", "config.yaml", "-u", "users.yaml", "--no-email"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "non 2xx" not in done.stderr, done.stderr
    return done.stdout


def test_it_makes_people_and_groups_what_the_file_says(api, server, tmp_path):
    people = {name: person(api, name)["pk"] for name in ("ivy", "jon", "leo")}
    create(api, "core/groups/", name="crew", users=[people["jon"]])

    with gateway(server.url) as (url, invitations):
        first = sync(tmp_path, url, server.token)
        second = sync(tmp_path, url, server.token)

    assert "Changed:   2" in first
    assert "Unchanged: 2" in second
    assert members(api, "crew") == ["ivy"]
    assert members(api, "night shift") == ["ivy"]
    assert api.get(f"core/users/{people['leo']}/").status_code == 404
    assert [each["fixed_data"]["email"] for each in invitations] == ["kim@example.com"]
