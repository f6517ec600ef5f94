"""What an operation does not know is refused, or it gives more than was asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from permissions.models import UserGlobalGrant
from permissions.operations.types import ActionSpec, create_type
from roles.models import RoleAssignment, Scope
from tests import facts
from tests.api.v3 import test_every_route as every_route
from tests.routes import everything

pytestmark = pytest.mark.django_db
world = every_route.world
ROLE = "authentik_rbac.role"
VIEW = "authentik_rbac.view_role"
SOON = "2100-01-01T00:00:00Z"


def of_authentik() -> set[str]:
    found = set()
    for release in ("2024.8", "2026", "2026.8"):
        file = Path("tests/contract") / f"authentik-{release}.json"
        for operation in json.loads(file.read_text())["operations"]:
            method, _, path = operation.partition(" ")
            found.add(f"{method.lower()} {re.sub('{[^}]*}', '{}', path.removeprefix('/'))}")
    return found


NATIVE = [
    name
    for name in [*every_route.FOR_HOLDERS, *every_route.TO_CALLERS]
    if re.sub("{[^}]*}", "{}", name) not in of_authentik()
]
WITH_BODY = [name for name in NATIVE if name.split()[0] in ("post", "put", "patch")]


@pytest.fixture
def admin(client_of, root):
    return client_of(root)


def test_the_native_operations_are_found():
    assert {"post rbac/role_assignments/", "get rbac/scopes/"} <= set(NATIVE)
    assert len(WITH_BODY) > 15
    assert not any("core/" in name or "assigned_by" in name for name in NATIVE)


@pytest.mark.parametrize("name", WITH_BODY)
def test_native_operations_refuse_unknown_members(admin, world, name):
    before = everything()
    method, _, path = name.partition(" ")

    response = getattr(admin, method)(every_route.filled(path, world.target), {"no_such": 1})

    assert response.status_code == 400
    assert response.json() == {"no_such": ["Unknown member."]}
    assert everything() == before


@pytest.mark.parametrize("name", NATIVE)
def test_native_operations_refuse_unknown_parameters(admin, world, name):
    before = everything()
    method, _, path = name.partition(" ")

    response = getattr(admin, method)(every_route.filled(path, world.target) + "?no_such=1")

    assert response.status_code == 400
    assert response.json() == {"no_such": ["Unknown parameter."]}
    assert everything() == before


@pytest.fixture
def assignment(bob):
    """What is enough to give a role to bob."""
    create_type(actor=None, label="c.env", actions=[ActionSpec(name="access_env")], mode="open")
    return {"role": str(facts.role("accessors").pk), "user": bob.pk}


def test_a_misspelt_entry_of_a_scope_is_named_with_its_place(admin, assignment):
    entries = [{"type": "c.env", "object_pk": "dev"}, {"type": "c.env", "object_id": "dev"}]

    response = admin.post(
        "/api/v3/rbac/role_assignments/", assignment | {"inline_scope": {"entries": entries}}
    )

    assert response.status_code == 400
    fault = {"object_id": ["Unknown member. Did you mean object_pk?"]}
    assert response.json() == {"inline_scope": {"entries": {"1": fault}}}
    assert not RoleAssignment.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "fault"),
    [
        ("role_assignments/", {"validUntil": SOON}, {"validUntil": "valid_until"}),
        ("role_assignments/", {"expires": SOON}, {"expires": "valid_until"}),
        ("role_assignments/", {"scopes": None}, {"scopes": "scope"}),
        ("scopes/", {"name": "s", "entires": []}, {"entires": "entries"}),
        ("resource_types/", {"app_label": "a", "model": "b", "action": []}, {"action": "actions"}),
        ("bulk/assign/", {"user": [1]}, {"user": "users"}),
        ("bulk/revoke/", {"object_pk": "1"}, {"object_pk": "object_pks"}),
        ("access/explain/", {"action": "view", "when": SOON}, {"when": None}),
        ("access/who_can/", {"action": "view", "offset": 1}, {"offset": None}),
    ],
)
def test_the_nearest_member_is_offered(admin, path, body, fault):
    [(name, near)] = fault.items()
    hint = f"Unknown member. Did you mean {near}?" if near else "Unknown member."

    response = admin.post(f"/api/v3/rbac/{path}", body)

    assert (response.status_code, response.json()) == (400, {name: [hint]})


def test_members_of_nested_objects_are_looked_at(admin):
    resource = {"type": ROLE, "id": "1", "kind": "2"}

    response = admin.post("/api/v3/rbac/access/explain/", {"action": "view", "resource": resource})

    assert response.json() == {"resource": {"kind": ["Unknown member."]}}


def test_what_stands_beside_questions_counts_for_none_of_them(admin, bob):
    questions = [{"action": VIEW}]

    response = admin.post("/api/v3/rbac/access/check/", {"questions": questions, "subject": "bob"})

    assert (response.status_code, list(response.json())) == (400, ["subject"])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("user", 1),
        ("role", "11111111-2222-4333-8444-555555555555"),
        ("group", "11111111-2222-4333-8444-555555555555"),
        ("scope", "11111111-2222-4333-8444-555555555555"),
        ("inline_scope", {"kind": "all"}),
        ("created", SOON),
        ("pk", 0),
    ],
)
def test_a_member_of_an_assignment_that_cannot_change_says_so(admin, bob, member, value):
    row = facts.hold(facts.role("r"), bob)

    response = admin.patch(
        f"/api/v3/rbac/role_assignments/{row.pk}/", {member: value, "reason": "moved"}
    )

    assert (response.status_code, list(response.json())) == (400, [member])
    assert RoleAssignment.objects.get().reason == ""


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rbac/role_assignments/{pk}/", {"reason": "read and sent back"}),
        ("rbac/scopes/{pk}/", {"description": "x"}),
        ("rbac/resource_types/{label}/", {"verbose_name": "x"}),
        ("rbac/resource_types/{label}/resources/{object_pk}/", {"name": "x"}),
    ],
)
def test_what_is_sent_back_as_it_was_read_is_no_change(admin, world, name, change):
    path = every_route.filled(name, world.target)
    read = admin.get(path).json()

    response = admin.patch(path, read | change)

    assert response.status_code == 200
    written = {"last_modified", "last_modified_by"}
    assert {**response.json(), **dict.fromkeys(written & read.keys())} == {
        **read,
        **change,
        **dict.fromkeys(written & read.keys()),
    }


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("rbac/resource_types/{label}/", {"built_in": True}),
        ("rbac/resource_types/{label}/", {"permissions": []}),
        ("rbac/resource_types/{label}/resources/{object_pk}/", {"object_pk": "other"}),
        ("rbac/scopes/{pk}/", {"built_in": True}),
    ],
)
def test_a_member_that_cannot_change_says_so(admin, world, name, member):
    response = admin.patch(every_route.filled(name, world.target), member)

    [(field, messages)] = response.json().items()
    assert (response.status_code, field) == (400, *member)
    assert messages == ["This member cannot be changed."]


def test_a_member_that_nobody_sets_says_so(admin):
    response = admin.post("/api/v3/rbac/scopes/", {"name": "s", "built_in": True})

    assert response.json() == {"built_in": ["This member cannot be set."]}
    assert not Scope.objects.filter(name="s").exists()


@pytest.mark.parametrize("parent", [{}, {"parent": None}])
def test_the_type_of_a_parent_needs_the_parent(admin, world, parent):
    path = every_route.filled("rbac/resource_types/{label}/resources/{object_pk}/", world.target)

    response = admin.patch(path, {"parent_type": "shop.invoice", **parent})

    assert (response.status_code, list(response.json())) == (400, ["parent_type"])


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("usr=1", {"usr": ["Unknown parameter. Did you mean user?"]}),
        ("user=1&user=2", {"user": ["Give this parameter once."]}),
        ("ordering=-made", {"ordering": ['"made": Unknown member.']}),
        ("ordering=role,creatd", {"ordering": ['"creatd": Unknown member. Did you mean created?']}),
        ("page_size=0", {"page_size": ["A positive whole number is required."]}),
        ("page_size=all", {"page_size": ["A positive whole number is required."]}),
    ],
)
def test_parameters_of_native_lists(admin, query, fault):
    response = admin.get(f"/api/v3/rbac/role_assignments/?{query}")

    assert (response.status_code, response.json()) == (400, fault)


@pytest.mark.parametrize(
    "path",
    [
        "role_assignments/?ordering=-created,role&page_size=20&page=1&search=a&format=json&active=1",
        "access/effective_permissions/?user=root&page_size=5",
        "access/check/?page=1",
    ],
)
def test_parameters_that_mean_something_are_taken(admin, path):
    assert admin.get(f"/api/v3/rbac/{path}").status_code == 200


@pytest.mark.parametrize("member", ["valid_from", "valid_until"])
@pytest.mark.parametrize(
    "moment",
    ["1970-01-21T10:53:45Z", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00", 1767225600],
)
def test_times_that_cannot_be_meant_are_refused(admin, bob, member, moment):
    role, grant = facts.role("r"), {"permissions": [VIEW], member: moment}
    rbac, before = "/api/v3/rbac/", everything()

    for path, body in (
        ("role_assignments/", {"role": str(role.pk), "user": bob.pk, member: moment}),
        ("bulk/assign/", {"users": [bob.pk], **grant}),
        (f"permissions/assigned_by_users/{bob.pk}/assign/", grant),
        (f"permissions/assigned_by_roles/{role.pk}/assign/", grant),
    ):
        response = admin.post(rbac + path, body)
        assert (path, response.status_code, list(response.json())) == (path, 400, [member])
    assert everything() == before


# authentik's own operations


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("valid_untill", "Unknown member. Did you mean valid_until?"),
        ("validUntil", "Unknown member. Did you mean valid_until?"),
        ("expires", "Unknown member. Did you mean valid_until?"),
        ("not_before", "Unknown member. Did you mean valid_from?"),
        ("object_id", "Unknown member. Did you mean object_pk?"),
        ("scope", "This operation takes no scope."),
        ("reason", "This operation takes no reason."),
    ],
)
def test_what_would_limit_a_grant_is_not_dropped(admin, bob, member, message):
    path = f"/api/v3/rbac/permissions/assigned_by_users/{bob.pk}/assign/"

    response = admin.post(path, {"permissions": [VIEW], member: SOON})

    assert (response.status_code, response.json()) == (400, {member: [message]})
    assert not UserGlobalGrant.objects.filter(user=bob).exists()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("patch", "rbac/permissions/assigned_by_users/{user}/unassign/"),
        ("patch", "rbac/permissions/assigned_by_roles/{role}/unassign/"),
        ("post", "core/groups/{group}/remove_user/"),
        ("post", "rbac/roles/{role}/remove_user/"),
        ("patch", "rbac/roles/{role}/"),
        ("post", "core/users/"),
        ("patch", "core/groups/{group}/"),
        ("post", "core/tokens/"),
        ("post", "core/users/service_account/"),
        ("post", "core/users/{user}/set_password/"),
        ("post", "rbac/initial_permissions/"),
    ],
)
@pytest.mark.parametrize("member", ["valid_from", "valid_untill", "inline_scope"])
def test_operations_that_know_no_limits_say_so(admin, bob, method, path, member):
    keys = {"user": bob.pk, "role": facts.role("r").pk, "group": facts.group("g").pk}
    before = everything()
    body = {"permissions": [VIEW], "pk": bob.pk, "name": "x", "username": "x", member: SOON}

    response = getattr(admin, method)("/api/v3/" + path.format(**keys), body)

    assert response.status_code == 400
    assert response.json()[member] == [f"This operation takes no {member.replace('ll', 'l')}."]
    assert everything() == before


@pytest.mark.parametrize("member", ["avatar", "uid", "meta_model_name", "permission", "season"])
def test_what_other_generations_of_clients_send_is_left_alone(admin, bob, member):
    path = f"/api/v3/rbac/permissions/assigned_by_users/{bob.pk}/assign/"

    assert admin.post(path, {"permissions": [VIEW], member: "x"}).status_code == 200
