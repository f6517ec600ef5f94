"""The change log: what it shows and finds, who may read it, and what it costs."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from accounts.models import GroupMembership, User
from audit import context
from audit.models import Event, EventKind
from audit.operations import Entry, record_many
from console.lists.kinds import KINDS
from console.record import changes
from console.record.history import history_of
from permissions.operations import (
    ResourceSpec,
    add_members,
    assign_permissions,
    assign_role,
    create_group,
    create_role,
    create_type,
    create_user_token,
    delete_roles,
    register_resource,
    update_role,
)
from permissions.operations.types import ActionSpec
from roles.models import RoleAssignment
from tests import facts
from tests.console.conftest import statements

LOG = "/admin/changes/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(browser_of, charlie):
    """May look at the log, and at nothing else."""
    return browser_of(charlie, "audit.view_event")


@pytest.fixture
def role(root, bob):
    """Made, renamed, granted something, and given to bob in a group."""
    with context.bind(door="v3", request_id="req-1", reason="year's end"):
        role = create_role(actor=root, name="auditor")
        update_role(role=role, actor=root, name="reviewer")
        assign_role(role=role, principal=bob, actor=root)
    return role


def kinds(browser, **words):
    page = browser.get(LOG, words)
    assert page.status_code == 200
    assert not page.context["form"].errors
    return [change.event.kind for change in page.context["changes"]]


def test_the_newest_change_comes_first_with_before_and_after_side_by_side(auditor, role):
    page = auditor.get(LOG, {"actor": "root"})

    assigned, renamed, created = page.context["changes"]
    assert (assigned.kind, assigned.what) == ("role assigned", "reviewer")
    [name, *_] = renamed.differences
    assert (name.name, name.before, name.after) == ("name", "auditor", "reviewer")
    assert created.event.before is None
    text = page.content.decode()
    assert "<del>auditor</del>" in text
    assert "year&#x27;s end" in text
    assert "authentik&#x27;s API" in text


def test_a_role_is_found_in_all_that_speaks_of_it(auditor, role, root, bob):
    facts_about_others = create_role(actor=root, name="other")
    assign_permissions(
        principal=role, names=["authentik_core.view_user"], model=None, object_pk=None, actor=root
    )

    found = kinds(auditor, about="role:reviewer")

    assert found == ["grant_created", "role_assigned", "role_changed", "role_created"]
    assert kinds(auditor, about=f"authentik_rbac.role:{role.pk}") == found
    assert kinds(auditor, about="reviewer") == found
    assert kinds(auditor, about=str(facts_about_others)) == ["role_created"]


def test_whom_something_was_given_to_is_told_from_what_was_given(auditor, role, root, bob):
    staff = create_group(actor=root, name="staff")
    add_members(group=staff, users=[bob], actor=root)

    assert kinds(auditor, subject="user:bob") == ["group_member_added", "role_assigned"]
    assert kinds(auditor, subject="user:bob", about="role:reviewer") == ["role_assigned"]
    assert kinds(auditor, about="group:staff") == ["group_member_added", "group_created"]
    assert kinds(auditor, subject="role:reviewer") == []


def test_what_is_gone_is_found_by_the_name_it_had(auditor, role, root):
    delete_roles(roles=[role], actor=root)

    assert "role_deleted" in kinds(auditor, about="role:reviewer")
    assert "role_unassigned" in kinds(auditor, about="role:reviewer")


def test_a_resource_is_found_by_the_grants_on_it(auditor, root, bob):
    invoices = create_type(
        actor=root, label="shop.invoice", mode="open", actions=[ActionSpec(name="approve_invoice")]
    )
    resource = register_resource(actor=root, type=invoices, item=ResourceSpec(object_pk="42"))
    for key in ("42", "43"):
        assign_permissions(
            principal=bob, names=["approve"], model="shop.invoice", object_pk=key, actor=root
        )

    page = auditor.get(LOG, {"about": "shop.invoice:42"})

    assert [change.kind for change in page.context["changes"]] == [
        "grant created",
        "resource created",
    ]
    assert page.context["changes"][0].what == "approve · shop.invoice:42"
    assert len(kinds(auditor, about="shop.invoice")) == 4
    assert history_of(resource).endswith("about=shop.invoice%3A42")


def test_changes_are_found_by_actor_kind_door_request_and_time(auditor, role, root, bob):
    create_role(actor=None, name="by the service")

    assert len(kinds(auditor, actor="root")) == 3
    assert kinds(auditor, actor="the service") == ["role_created"]
    assert kinds(auditor, actor="nobody of this name") == []
    assert kinds(auditor, kind="role_changed") == ["role_changed"]
    assert len(kinds(auditor, door="v3")) == 3
    assert len(kinds(auditor, request="req-1")) == 3
    now = timezone.now()
    before, after = (f"{now + timedelta(days=d):%Y-%m-%dT%H:%M}" for d in (-1, 1))
    assert len(kinds(auditor, since=before, until=after)) == 5  # she signed in too
    assert kinds(auditor, since=after) == []
    assert kinds(auditor, until=before) == []


@pytest.mark.parametrize("text", ["gone", "user:", ":", "\u202eright", "<b>bold</b>", "x" * 399])
def test_what_names_nothing_is_told_at_the_field(auditor, text):
    page = auditor.get(LOG, {"about": text})

    assert list(page.context["form"].errors) == ["about"]
    assert "<b>bold" not in page.content.decode()


@pytest.mark.parametrize("text", ["\0", "x" * 500])
@pytest.mark.parametrize("field", ["about", "subject", "actor", "kind", "since", "request"])
def test_no_word_breaks_the_log(auditor, field, text):
    assert auditor.get(LOG, {field: text}).status_code == 200


@pytest.mark.parametrize("after", ["", "nonsense", "-1", "9" * 40, "1"])
def test_no_page_is_out_of_reach(auditor, role, after):
    assert auditor.get(LOG, {"after": after}).status_code == 200


def test_pages_follow_each_other_to_the_end(auditor, role, monkeypatch):
    monkeypatch.setattr(changes, "ROWS_PER_PAGE", 50)
    many(120)
    seen, url = [], LOG
    while url:
        page = auditor.get(url)
        seen += [change.event.pk for change in page.context["changes"]]
        url = page.context["following"]

    assert seen == list(Event.objects.order_by("-pk").values_list("pk", flat=True))


def test_a_rare_change_is_looked_for_piece_by_piece(auditor, role, monkeypatch):
    monkeypatch.setattr(changes, "MOST_LOOKED_THROUGH", 40)
    many(100)
    pieces, found, url = 0, [], f"{LOG}?kind=role_changed"
    while url:
        page = auditor.get(url)
        pieces += 1
        found += [change.kind for change in page.context["changes"]]
        url = page.context["following"]
        assert bool(page.context["back_to"]) == bool(url)

    assert (pieces, found) == (3, ["role changed"])


def many(number):
    entries = [
        Entry(
            kind=EventKind.USER_CHANGED,
            target=("authentik_core.user", str(n), f"user-{n}"),
            before={"name": "a"},
            after={"name": "b"},
        )
        for n in range(number)
    ]
    record_many(entries, actor=None)


def test_a_page_costs_as_many_statements_for_many_events_as_for_few(auditor, role):
    now = timezone.now()
    words = {
        "about": "role:reviewer", "subject": "user:bob", "actor": "root",
        "since": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}",
        "until": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    auditor.get(LOG, words)
    with statements() as few:
        auditor.get(LOG, words)
    many(300)
    with statements() as again:
        auditor.get(LOG, words)

    assert len(again) == len(few) <= 12
    texts = [query["sql"] or "" for query in again]
    assert not any("COUNT(" in text for text in texts if "audit_event" in text)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_log_is_a_file_too(auditor, root, form):
    create_role(actor=root, name="=1+1")

    file = auditor.get(LOG, {"format": form, "actor": "root"})

    if form == "json":
        [row] = file.json()["results"]
        assert (row["target"], row["actor"]) == ("=1+1", "root")
    else:
        heading, row = csv.reader(io.StringIO(b"".join(file.streaming_content).decode()))
        assert heading == list(changes.COLUMNS)
        assert "'=1+1" in row


def test_who_may_not_view_events_sees_none(browser_of, alice, role):
    browser = browser_of(alice, "authentik_rbac.view_role")

    assert browser.get(LOG).status_code == 403
    assert browser.get(LOG, {"format": "csv"}).status_code == 403
    page = browser.get(reverse("admin:authentik_rbac_role_change", args=[role.pk]))
    assert not page.context["show_history"]


def test_history_leads_to_the_log(superuser, role):
    plain = reverse("admin:authentik_rbac_namespace_change", args=[role.namespace_id])
    page = superuser.get(plain)
    answer = superuser.get(reverse("admin:authentik_rbac_role_history", args=[role.pk]))

    assert page.context["show_history"]
    assert answer["Location"] == f"{LOG}?about=authentik_rbac.role%3A{role.pk}"
    assert kinds(superuser, about=f"authentik_rbac.role:{role.pk}")[-1] == "role_created"
    gone = reverse(
        "admin:authentik_rbac_role_history", args=["00000000-0000-0000-0000-000000000000"]
    )
    assert superuser.get(gone).status_code == 404


def test_the_history_of_a_fact_tells_of_who_holds_it_and_what(superuser, role, root, bob):
    row = RoleAssignment.objects.get()

    assert [c.kind for c in superuser.get(history_of(row)).context["changes"]] == ["role assigned"]


def test_every_row_of_every_table_has_a_history(superuser, role, root, bob):
    add_members(group=create_group(actor=root, name="staff"), users=[bob], actor=root)
    assert GroupMembership.objects.filter(user=bob).exists()
    for model in (*admin.site._registry, *(kind.table.model for kind in KINDS)):
        row = model._default_manager.first()
        if row is not None:
            assert superuser.get(history_of(row)).context["form"].errors == {}


def test_no_key_is_in_the_log(superuser, root, bob):
    token = create_user_token(actor=root, user=bob, identifier="key-of-bob", key="very-secret-key")

    text = superuser.get(LOG, {"about": f"authentik_core.token:{token.pk}"}).content.decode()

    assert "key-of-bob" in text
    for secret in ("very-secret-key", token.key_digest, token.key_sealed):
        assert secret not in text


@pytest.mark.parametrize("name", ["x" * 150, "\u202eright", "<b>bold</b>", "🦊 & co"])
def test_odd_names_are_shown_as_they_are(superuser, name):
    user = User.objects.create(username=name)
    with context.bind(reason=name):
        role = facts.role(name, code="odd")
        assign_role(role=role, principal=user, actor=user)

    page = superuser.get(LOG, {"actor": name, "subject": f"user:{name}", "about": f"role:{name}"})

    assert len(page.context["changes"]) == 1
    assert "<b>bold" not in page.content.decode()


def test_things_are_offered_while_somebody_types(superuser, role):
    results = superuser.get("/admin/choices/things/", {"q": "review"}).json()["results"]

    assert [result["value"] for result in results][:1] == ["role:reviewer"]


def test_the_log_is_only_read(superuser, role):
    assert superuser.post(LOG).status_code == 405
