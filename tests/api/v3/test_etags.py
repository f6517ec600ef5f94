"""Whatever can be changed by its key answers an ETag, and honours it as ``If-Match``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.utils import timezone

from accounts.models import Group, GroupParent, Token, User
from api import etags
from api.v3.schema import document
from permissions.operations import add_members, assign_role
from permissions.operations.types import ActionSpec, create_type
from roles.models import Scope
from tests import facts
from tests.routes import everything
from tests.statements import counted

pytestmark = pytest.mark.django_db

# For each kind: its list, what creates one, where it is, and a change.
KINDS: dict[str, tuple[str, dict[str, Any], str, dict[str, str]]] = {
    "role": ("rbac/roles/", {"name": "r"}, "pk", {"name": "renamed"}),
    "group": ("core/groups/", {"name": "g"}, "pk", {"name": "renamed"}),
    "scope": ("rbac/scopes/", {"name": "s"}, "pk", {"description": "new"}),
    "type": (
        "rbac/resource_types/",
        {"app_label": "shop", "model": "invoice", "actions": ["view"]},
        "label",
        {"verbose_name": "Bill"},
    ),
}
WRITERS = 8
STALE = '"0123456789abcdef0123456789abcdef"'


@pytest.fixture
def admin(client_of, root):
    return client_of(root)


@pytest.fixture(params=KINDS)
def made(request, admin):
    """The path of a thing, its ETag as the answer to its creation had it, and a change of it."""
    path, body, key, change = KINDS[request.param]
    response = admin.post(f"/api/v3/{path}", body)
    assert response.status_code == 201
    return f"/api/v3/{path}{response.json()[key]}/", response["ETag"], change


def test_every_answer_that_shows_one_has_its_etag(admin, made):
    path, created, change = made

    assert admin.get(path)["ETag"] == created
    changed = admin.patch(path, change)["ETag"]
    assert changed != created
    assert admin.get(path)["ETag"] == changed
    assert admin.put(path, admin.get(path).json())["ETag"] == admin.get(path)["ETag"]


def test_who_names_the_state_it_read_writes(admin, made):
    path, etag, change = made

    response = admin.patch(path, change, headers={"If-Match": etag})

    assert response.status_code == 200
    again = {"If-Match": f"{STALE}, {response['ETag']}"}
    assert admin.put(path, response.json(), headers=again).status_code == 200
    assert admin.delete(path, headers={"If-Match": admin.get(path)["ETag"]}).status_code == 204
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize("etag", [STALE, "weak", '""', f"{STALE}, {STALE}"])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_who_names_another_state_is_refused(admin, made, method, etag):
    path, current, change = made
    before = everything()

    header = {"If-Match": f"W/{current}" if etag == "weak" else etag}
    response = getattr(admin, method)(path, change, headers=header)

    assert response.status_code == 412
    assert response.json()["code"] == "precondition_failed"
    assert everything() == before


@pytest.mark.parametrize("text", ["", "abc", "W/abc", ","])
def test_what_is_no_etag_is_refused(admin, made, text):
    path, _, change = made

    response = admin.patch(path, change, headers={"If-Match": text})

    assert (response.status_code, list(response.json())) == (400, ["If-Match"])


def test_any_state_may_be_named(admin, made):
    path, _, change = made

    assert admin.patch(path, change, headers={"If-Match": "*"}).status_code == 200


def test_a_stranger_learns_nothing_from_a_state_it_names(client_of, charlie, made):
    path, etag, change = made

    for named in (etag, STALE):
        response = client_of(charlie).patch(path, change, headers={"If-Match": named})
        assert response.status_code == 403


def test_bad_input_is_told_before_nothing_is_written(admin, made):
    path, etag, _ = made

    bad = {"name": None, "mode": "none", "kind": "none"}
    response = admin.patch(path, bad, headers={"If-Match": etag})

    assert response.status_code == 400


def test_what_other_doors_change_changes_the_etag(admin, root, bob):
    group, role, parent = facts.group("g"), facts.role("r"), facts.group("above")
    path = f"/api/v3/core/groups/{group.pk}/"
    seen = [admin.get(path)["ETag"]]

    add_members(group=group, users=[bob], actor=root)
    seen.append(admin.get(path)["ETag"])
    assign_role(role=role, principal=group, actor=root)
    seen.append(admin.get(path)["ETag"])
    GroupParent.objects.create(child=group, parent=parent)
    seen.append(admin.get(path)["ETag"])
    Group.objects.filter(pk=group.pk).update(display_name="another")
    seen.append(admin.get(path)["ETag"])

    assert len(set(seen)) == len(seen)


def test_entries_and_actions_are_part_of_the_state(admin):
    create_type(actor=None, label="shop.item", actions=[ActionSpec(name="view_item")], mode="open")
    scope = Scope.objects.create(name="s")
    for path, change in (
        (f"/api/v3/rbac/scopes/{scope.pk}/", {"entries": [{"type": "shop.item"}]}),
        ("/api/v3/rbac/resource_types/shop.item/", {"actions": ["view", "sell"]}),
    ):
        etag = admin.get(path)["ETag"]
        assert admin.patch(path, change).status_code == 200
        assert admin.get(path)["ETag"] != etag


def test_an_etag_tells_what_it_stands_for_to_nobody(admin, settings):
    path = f"/api/v3/rbac/roles/{facts.role('r').pk}/"
    etag = admin.get(path)["ETag"]

    settings.SECRET_KEY = "another-key-of-more-than-enough-characters"

    assert admin.get(path)["ETag"] != etag


def test_all_the_same_for_whom_and_how_it_is_read(admin, client_of, bob):
    group = facts.group("g", bob)
    facts.grant(bob, "authentik_core.view_group")
    path = f"/api/v3/core/groups/{group.pk}/"

    tags = {
        admin.get(path)["ETag"],
        admin.get(path, {"include_users": "false", "include_parents": "true"})["ETag"],
        client_of(bob).get(path)["ETag"],
    }

    assert len(tags) == 1


@pytest.mark.parametrize("name", KINDS)
def test_answering_one_takes_no_statement(admin, name, monkeypatch):
    path, body, key, change = KINDS[name]
    path = f"/api/v3/{path}{admin.post(f'/api/v3/{path}', body).json()[key]}/"

    def statements():
        with counted() as made:
            admin.get(path)
            admin.patch(path, change)
            admin.patch(path, body)
        return len(made)

    statements()
    with_etags = statements()
    monkeypatch.setattr(etags, "ANSWERED", ())

    assert statements() == with_etags


@pytest.mark.parametrize("name", [*KINDS, "user", "token"])
def test_of_writers_who_read_the_same_state_one_wins(server, name):
    path, body, key, change = (KINDS | MORE)[name]
    headers = {"Authorization": f"Bearer {server.token}"}
    url = f"{server.url}/api/v3/{path}"
    names = {"name": f"etags-{name}"} if "name" in body else {"model": "etags"}
    made = httpx.post(url, json=body | names, headers=headers)
    one = f"{url}{made.json()[key]}/"
    together = Barrier(WRITERS)

    def write(n):
        [(member, value)] = change.items()
        named = {**headers, "If-Match": made.headers["ETag"]}
        together.wait()
        return httpx.patch(one, json={member: f"{value} {n}"}, headers=named, timeout=60)

    with ThreadPoolExecutor(WRITERS) as threads:
        answers = list(threads.map(write, range(WRITERS)))

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (WRITERS - 1)
    [winner] = [answer for answer in answers if answer.status_code == 200]
    read = httpx.get(one, headers=headers)
    assert (read.json(), read.headers["ETag"]) == (winner.json(), winner.headers["ETag"])
    assert httpx.delete(one, headers=headers).status_code == 204


@pytest.mark.parametrize("path", ["rbac/roles/{uuid}/", "core/groups/{group_uuid}/"])
def test_the_document_tells_of_them(path):
    found = document()["paths"][f"/{path}"]

    for method in ("put", "patch", "delete"):
        assert "412" in found[method]["responses"]
        assert "If-Match" in {one["name"] for one in found[method]["parameters"]}
    assert "ETag" in found["get"]["responses"]["200"]["headers"]
    assert "412" not in found["get"]["responses"]


# More of them: what creates one, where it is, and a change. Braces are for what is there before.
MORE: dict[str, tuple[str, dict[str, Any], str, dict[str, str]]] = {
    "user": ("core/users/", {"username": "u", "name": "U"}, "pk", {"name": "new"}),
    "token": ("core/tokens/", {"identifier": "t"}, "identifier", {"description": "new"}),
    "membership": (
        "rbac/memberships/",
        {"group": "{group}", "user": "{bob}"},
        "pk",
        {"reason": "x"},
    ),
    "assignment": (
        "rbac/role_assignments/",
        {"role": "{role}", "user": "{bob}"},
        "pk",
        {"reason": "x"},
    ),
    "initial permissions": (
        "rbac/initial_permissions/",
        {"name": "i", "role": "{role}"},
        "pk",
        {"name": "new"},
    ),
    "resource": (
        "rbac/resource_types/shop.item/resources/",
        {"object_pk": "1"},
        "object_pk",
        {"name": "new"},
    ),
}


@pytest.fixture(params=MORE)
def more(request, admin, bob):
    create_type(actor=None, label="shop.item", actions=[ActionSpec(name="view_item")])
    there = {"bob": bob.pk, "group": facts.group("g").pk, "role": facts.role("r").pk}
    path, body, key, change = MORE[request.param]
    body = {name: value.format(**there) for name, value in body.items()}
    response = admin.post(f"/api/v3/{path}", body)
    assert response.status_code == 201, response.content
    return f"/api/v3/{path}{response.json()[key]}/", response["ETag"], change


def test_so_do_users_tokens_and_facts(admin, more):
    path, etag, change = more

    assert admin.get(path)["ETag"] == etag
    for method, body in (("patch", change), ("delete", None)):
        refused = getattr(admin, method)(path, body, headers={"If-Match": STALE})
        assert (refused.status_code, admin.get(path)["ETag"]) == (412, etag)
        assert getattr(admin, method)(path, body, headers={"If-Match": "x"}).status_code == 400
    changed = admin.patch(path, change, headers={"If-Match": etag})
    assert (changed.status_code, changed["ETag"] != etag) == (200, True)
    assert admin.get(path)["ETag"] == changed["ETag"]
    assert admin.delete(path, headers={"If-Match": etag}).status_code == 412
    assert admin.delete(path, headers={"If-Match": changed["ETag"]}).status_code == 204


def test_their_etags_take_no_statement(admin, more, monkeypatch):
    path, _, change = more

    def statements():
        with counted() as made:
            admin.get(path)
            admin.patch(path, change)
        return len(made)

    statements()
    with_etags = statements()
    monkeypatch.setattr(etags, "ANSWERED", ())

    assert statements() == with_etags


def test_using_a_token_and_signing_in_leave_their_etags(admin, root):
    admin.post("/api/v3/core/tokens/", {"identifier": "t"})
    paths = ("/api/v3/core/tokens/t/", f"/api/v3/core/users/{root.pk}/")
    before = [admin.get(path)["ETag"] for path in paths]

    Token.objects.update(last_used=timezone.now())
    User.objects.filter(pk=root.pk).update(last_login=timezone.now())

    assert [admin.get(path)["ETag"] for path in paths] == before


def test_what_a_user_is_linked_to_is_part_of_its_state(admin, bob, root):
    path = f"/api/v3/core/users/{bob.pk}/"
    seen = [admin.get(path)["ETag"]]

    add_members(group=facts.group("g"), users=[bob], actor=root)
    seen.append(admin.get(path)["ETag"])
    assign_role(role=facts.role("r"), principal=bob, actor=root)
    seen.append(admin.get(path)["ETag"])

    assert len(set(seen)) == 3
    refused = admin.patch(path, {"groups": []}, headers={"If-Match": seen[0]})
    assert refused.status_code == 412
    assert admin.patch(path, {"groups": []}, headers={"If-Match": seen[2]}).status_code == 200


@pytest.mark.parametrize("kind", ["users", "roles"])
@pytest.mark.parametrize(
    "change",
    [{"object_pk": "2"}, {"valid_until": facts.LATER}, {"object_pk": "2", "valid_from": None}],
)
def test_so_do_single_grants(admin, bob, kind, change):
    create_type(actor=None, label="shop.item", actions=[ActionSpec(name="view_item")], mode="open")
    principal = bob if kind == "users" else facts.role("r")
    grant = facts.grant(principal, "shop.view_item", "1")
    path = f"/api/v3/rbac/permissions/{kind}/{grant.pk}/"
    etag = admin.get(path)["ETag"]

    for method, body in (("patch", change), ("delete", None)):
        before = everything()
        for named, status in ((STALE, 412), (f"W/{etag}", 412), ("x", 400)):
            refused = getattr(admin, method)(path, body, headers={"If-Match": named})
            assert (refused.status_code, everything()) == (status, before)
    changed = admin.patch(path, change, headers={"If-Match": f"{STALE}, {etag}"})
    assert (changed.status_code, changed["ETag"] != etag) == (200, True), changed.content
    assert admin.get(path)["ETag"] == changed["ETag"]
    assert admin.delete(path, headers={"If-Match": etag}).status_code == 412
    assert admin.delete(path, headers={"If-Match": changed["ETag"]}).status_code == 204


def test_so_do_the_roles_that_holders_of_a_role_hold(admin):
    role, one, other = facts.role("r"), facts.role("one"), facts.role("other")
    path = f"/api/v3/rbac/roles/{role.pk}/parents/"
    nothing = admin.get(path)["ETag"]

    assert admin.post(path, {"pk": one.pk}, headers={"If-Match": nothing}).status_code == 204
    for named, status in ((nothing, 412), ("x", 400)):
        header = {"If-Match": named}
        before = everything()
        answers = [
            admin.post(path, {"pk": other.pk}, headers=header),
            admin.put(path, {"parents": []}, headers=header),
            admin.delete(f"{path}{one.pk}/", headers=header),
        ]
        assert ([one.status_code for one in answers], everything()) == ([status] * 3, before)
    etag = admin.get(path)["ETag"]
    replaced = admin.put(path, {"parents": [other.pk]}, headers={"If-Match": etag})
    assert (replaced.status_code, replaced["ETag"]) == (200, admin.get(path)["ETag"])
    header = {"If-Match": replaced["ETag"]}
    assert admin.delete(f"{path}{other.pk}/", headers=header).status_code == 204
    assert admin.get(path)["ETag"] == nothing


@pytest.mark.parametrize(
    ("path", "method"),
    [("rbac/roles/{role}/parents/", "post"), ("rbac/permissions/users/{id}/", "delete")],
)
def test_the_document_tells_of_those_too(path, method):
    operations = document()["paths"][f"/{path}"]

    assert "ETag" in operations["get"]["responses"]["200"]["headers"]
    for one in ("put", method):
        assert "412" in operations[one]["responses"]
