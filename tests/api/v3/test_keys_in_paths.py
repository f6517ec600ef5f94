"""A row has one name in a path: plain digits, or a uuid with its hyphens or without any."""

from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission

from permissions.engine import SubjectRef, find_user
from permissions.operations import create_initial_permissions
from roles.models import InitialPermissionsMode
from tests import facts

pytestmark = pytest.mark.django_db

RBAC, ARIA = "/api/v3/rbac", "/suite-api/api/auth"
EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def writings_of_number(key):
    return [f"0_{key}", f" {key}", f"{key} ", f"+{key}", f"{key}\n", str(key).translate(EASTERN)]


def writings_of_uuid(key):
    plain = key.hex
    return [
        f"{{{key}}}", f"urn:uuid:{key}", f" {key}", plain.translate(EASTERN), f"0x{plain[2:]}",
        f"{plain[0]}_{plain[2:]}", str(key).replace("-", "", 1),
    ]  # fmt: skip


@pytest.fixture
def rows(alice, root):
    """URL of each kind of row, and the key in it."""
    role = facts.role("readers")
    group = facts.group("staff", alice)
    rule = create_initial_permissions(
        actor=None, name="rule", role=role, permissions=[], mode=InitialPermissionsMode.ROLE
    )
    own = facts.grant(alice, "authentik_rbac.view_role", role)
    of_role = facts.grant(role, "authentik_rbac.view_role", role)
    permission = Permission.objects.get(codename="view_role").pk
    return {
        "/api/v3/core/users/{}/": alice.pk,
        "/api/v3/core/users/{}/used_by/": alice.pk,
        f"{RBAC}/role_assignments/{{}}/": facts.hold(role, alice).pk,
        f"{RBAC}/initial_permissions/{{}}/": rule.pk,
        f"{RBAC}/permissions/{{}}/": permission,
        f"{RBAC}/permissions/users/{{}}/": own.pk,
        f"{RBAC}/permissions/roles/{{}}/": of_role.pk,
        "/api/v3/core/groups/{}/": group.pk,
        f"{RBAC}/roles/{{}}/": role.pk,
        f"{RBAC}/roles/{{}}/parents/": role.pk,
    }


def test_every_row_has_one_name(client_of, root, rows):
    client = client_of(root)

    for url, key in rows.items():
        assert client.get(url.format(key)).status_code == 200, url
        writings = writings_of_number(key) if isinstance(key, int) else writings_of_uuid(key)
        for writing in writings:
            answer = client.get(url.format(quote(writing)))
            assert answer.status_code == 404, (url, writing)


def test_so_has_every_row_that_is_written_to(client_of, root, alice):
    role = facts.role("readers")
    body = {"permissions": ["authentik_rbac.view_role"]}

    for writing in writings_of_number(alice.pk):
        url = f"{RBAC}/permissions/assigned_by_users/{quote(writing)}/assign/"
        assert client_of(root).post(url, body).status_code == 404, writing
        url = f"/api/v3/core/users/{quote(writing)}/set_password/"
        assert client_of(root).post(url, {"password": "long enough"}).status_code == 404, writing
    for writing in writings_of_uuid(role.pk):
        url = f"{RBAC}/permissions/assigned_by_roles/{quote(writing)}/assign/"
        assert client_of(root).post(url, body).status_code == 404, writing
    assert not alice.global_grants.exists()
    assert not role.global_grants.exists()


def test_a_uuid_needs_no_hyphens(client_of, root):
    role = facts.role("readers")

    assert client_of(root).get(f"{RBAC}/roles/{role.pk.hex.upper()}/").status_code == 200


def test_the_aria_door_knows_plain_uuids_only(client_of, root, alice):
    assert client_of(root).get(f"{ARIA}/users/{alice.uuid}").status_code == 200

    for writing in writings_of_uuid(alice.uuid):
        answer = client_of(root).get(f"{ARIA}/users/{quote(writing)}")
        assert answer.status_code == 400, writing


def test_who_may_view_nothing_is_refused_whatever_the_key(client_of, charlie, alice):
    for writing in (alice.pk, *writings_of_number(alice.pk)):
        url = f"/api/v3/core/users/{quote(str(writing))}/"
        assert client_of(charlie).get(url).status_code == 403, writing


def test_decisions_know_plain_uuids_only(alice):
    assert find_user(SubjectRef(str(alice.uuid))) == alice
    for writing in writings_of_uuid(alice.uuid):
        assert find_user(SubjectRef(writing)) is None, writing
