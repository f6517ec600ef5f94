"""Assignments, memberships and grants: listed, found, and many ended or prolonged at once."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import GroupMembership, User
from audit.models import Event, EventKind
from console.lists import together
from console.lists.kinds import KINDS
from permissions.models import UserObjectPermission
from permissions.operations import create_scope
from roles.models import RoleAssignment, ScopeKind
from tests import facts
from tests.console.conftest import statements

ASSIGNMENTS, MEMBERSHIPS = "/admin/lists/assignments/", "/admin/lists/memberships/"
NOW = timezone.now()
FRIDAY, LATER = NOW + timedelta(days=5), NOW + timedelta(days=50)
UNTIL = f"{LATER:%Y-%m-%dT%H:%M}"
SEES = (
    "authentik_core.view_user", "authentik_core.view_group", "authentik_rbac.view_role",
    "authentik_rbac.view_roleassignment",
)  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(bob):
    return facts.hold(facts.role("auditor"), bob, valid_until=FRIDAY)


def listed(browser, url, **words):
    page = browser.get(url, words)
    assert page.status_code == 200
    assert not page.context["form"].errors
    return [row["pk"] for row in page.context["rows"]]


def effects(page):
    return [(one.who, one.what, one.after) for one in page.context["effects"]]


def test_assignments_are_found_by_role_holder_scope_author_and_time(superuser, bob, root):
    role, other = facts.role("auditor"), facts.role("clerk")
    scope = create_scope(actor=None, name="north", kind=ScopeKind.ALL)
    soon = facts.hold(role, bob, valid_until=FRIDAY, granted_by=root)
    ended = facts.hold(role, facts.group("staff"), valid_until=facts.OVER)
    coming = facts.hold(other, bob, valid_from=FRIDAY, scope=scope)
    always = facts.hold(role, other)

    assert listed(superuser, ASSIGNMENTS) == [always.pk, coming.pk, ended.pk, soon.pk]
    for words, rows in (
        ({"when": "soon"}, [soon]),
        ({"when": "ended"}, [ended]),
        ({"when": "future"}, [coming]),
        ({"when": "active"}, [always, soon]),
        ({"role": "auditor"}, [always, ended, soon]),
        ({"to": "user:bob"}, [coming, soon]),
        ({"to": "role:clerk"}, [always]),
        ({"scope": "north"}, [coming]),
        ({"by": "root"}, [soon]),
        ({"by": "root", "when": "ended"}, []),
    ):
        assert listed(superuser, ASSIGNMENTS, **words) == [row.pk for row in rows]


def test_grants_are_found_by_holder_action_and_resource(superuser, bob, alice):
    role = facts.role("auditor")
    first = facts.grant(bob, "authentik_core.view_group", on="1")
    facts.grant(alice, "authentik_core.change_group", on="2")
    of_role = facts.grant(role, "authentik_core.view_group", on="1")
    everywhere = facts.grant(role, "authentik_core.view_group")

    url = "/admin/lists/user-grants/"
    assert listed(superuser, url, to_user="bob") == [first.pk]
    assert listed(superuser, url, action="view") == [first.pk]
    assert listed(superuser, url, action="authentik_core.view_group") == [first.pk]
    assert listed(superuser, url, resource="authentik_core.group:1") == [first.pk]
    assert len(listed(superuser, url, resource="authentik_core.group")) == 2
    assert listed(superuser, "/admin/lists/role-grants/", role="auditor") == [of_role.pk]
    url = "/admin/lists/role-grants-everywhere/"
    words = {"role": "auditor", "type": "authentik_core.group"}
    assert listed(superuser, url, **words) == [everywhere.pk]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
def test_a_list_costs_few_statements_however_many_rows(superuser, kind, bob, alice):
    def more(name):
        role, group = facts.role(name), facts.group(name, bob)
        facts.hold(role, group)
        for key in ("1", None):
            facts.grant(role, "authentik_core.view_user", on=key)
            user = User.objects.create(username=name)
            facts.grant(user, "authentik_core.view_user", on=key)
            user.delete() if key is None and name == "none" else None
            name = f"{name}-again"

    more("first")
    url = reverse(kind.page)
    superuser.get(url)
    with statements() as few:
        superuser.get(url)
    for n in range(30):
        more(f"more-{n}")
    with statements() as many:
        superuser.get(url)

    assert len(many) == len(few) <= 4


def test_whoever_sees_single_rows_sees_those_in_few_statements(browser_of, charlie, bob):
    seen, hidden = facts.group("seen", bob), facts.group("never to be seen", bob)
    facts.grant(charlie, "authentik_core.view_group", on=seen)
    browser = browser_of(charlie)

    with statements() as queries:
        page = browser.get(MEMBERSHIPS)

    text = page.content.decode()
    assert listed(browser, MEMBERSHIPS) == [GroupMembership.objects.get(group=seen).pk]
    assert "bob" not in text  # whom charlie may not view
    assert hidden.name not in text
    assert len(queries) <= 12


def test_pages_follow_each_other(superuser, bob):
    for n in range(60):
        facts.hold(facts.role(f"role-{n}"), bob)

    first = superuser.get(ASSIGNMENTS)
    second = superuser.get(first.context["following"])

    assert (len(first.context["rows"]), len(second.context["rows"])) == (50, 10)
    assert second.context["following"] == ""


def test_a_list_is_a_file_too(superuser, row):
    file = superuser.get(ASSIGNMENTS, {"format": "csv"})

    heading, line = csv.reader(io.StringIO(b"".join(file.streaming_content).decode()))
    assert heading[:3] == ["To", "Role", "Scope"]
    assert line[:2] == ["bob", "auditor"]


def test_ending_is_shown_before_it_is_done(superuser, row, root):
    shown = superuser.post(f"{ASSIGNMENTS}together/", {"act": "end", "row": [row.pk]})

    assert effects(shown) == [("bob", "the role auditor", "loses it")]
    assert shown.context["is_ready"]
    assert RoleAssignment.objects.filter(pk=row.pk).exists()
    assert not Event.objects.filter(kind=EventKind.ROLE_UNASSIGNED).exists()

    words = {"act": "end", "rows": str(row.pk), "reason": "tidying", "sure": "yes"}
    done = superuser.post(f"{ASSIGNMENTS}together/", words)

    assert done["Location"] == ASSIGNMENTS
    assert not RoleAssignment.objects.exists()
    event = Event.objects.get(kind=EventKind.ROLE_UNASSIGNED)
    assert (event.actor_pk, event.reason, event.door) == (root.pk, "tidying", "console")


def test_prolonging_asks_until_when_then_shows_then_does(superuser, row, bob):
    never = facts.hold(facts.role("clerk"), facts.group("staff", bob))
    url, words = f"{ASSIGNMENTS}together/", {"act": "prolong"}

    asked = superuser.post(url, {**words, "row": [row.pk, never.pk]})
    assert not asked.context["is_ready"]
    assert not asked.context["form"].errors
    rows = asked.context["form"]["rows"].value()
    shown = superuser.post(url, {**words, "rows": rows, "until": UNTIL})
    assert effects(shown) == [
        ("the members of staff", "the role clerk", "stays"),
        ("bob", "the role auditor", f"gains it until {LATER:%Y-%m-%d %H:%M}"),
    ]
    assert shown.context["is_ready"]
    superuser.post(url, {**words, "rows": rows, "until": UNTIL, "sure": "yes"})

    row.refresh_from_db()
    never.refresh_from_db()
    assert (f"{row.valid_until:%Y-%m-%dT%H:%M}", never.valid_until) == (UNTIL, None)
    event = Event.objects.get(kind=EventKind.ROLE_ASSIGNMENT_CHANGED)
    assert (event.before or {})["valid_until"] == FRIDAY.isoformat()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
def test_rows_of_every_list_are_prolonged_and_ended(superuser, kind, bob):
    role = facts.role("auditor")
    ends = {"valid_until": FRIDAY}
    facts.hold(role, bob, **ends)
    group = facts.group("staff")
    GroupMembership.objects.create(group=group, user=bob, **ends)
    for principal in (bob, role):
        for on in (None, group):
            facts.grant(principal, "authentik_core.view_group", on=on, **ends)
    model = kind.table.model
    row = model.objects.get(valid_until=FRIDAY)
    url = f"{reverse(kind.page)}together/"

    superuser.post(url, {"act": "prolong", "rows": row.pk, "until": UNTIL, "sure": "yes"})
    row.refresh_from_db()
    changed = Event.objects.latest("pk")
    superuser.post(url, {"act": "end", "rows": row.pk, "sure": "yes"})

    assert f"{row.valid_until:%Y-%m-%dT%H:%M}" == UNTIL
    assert (changed.before or {})["valid_until"] != (changed.after or {})["valid_until"]
    assert not model.objects.filter(pk=row.pk).exists()
    assert Event.objects.latest("pk").after is None


def test_all_that_the_filters_leave_are_ended_and_nothing_else(superuser, row, bob):
    other = facts.hold(facts.role("clerk"), bob)
    url = f"{ASSIGNMENTS}together/?role=auditor"

    shown = superuser.post(url, {"act": "end", "everything": "on"})
    rows = shown.context["form"]["rows"].value()
    superuser.post(url, {"act": "end", "rows": rows, "sure": "yes"})

    assert list(RoleAssignment.objects.all()) == [other]


def test_more_than_the_limit_is_refused(superuser, row, bob, monkeypatch):
    monkeypatch.setattr(together, "MOST_TOGETHER", 1)
    facts.hold(facts.role("clerk"), bob)

    shown = superuser.post(f"{ASSIGNMENTS}together/", {"act": "end", "everything": "on"})

    assert list(shown.context["form"].errors) == ["rows"]
    assert not shown.context["is_ready"]
    assert RoleAssignment.objects.count() == 2


def test_the_ceiling_is_shown_before_anything_is_done(browser_of, charlie, bob):
    role = facts.role("approver")
    facts.grant(role, "authentik_core.delete_user")
    row = facts.hold(role, bob, valid_until=FRIDAY)
    browser = browser_of(charlie, *SEES, "authentik_rbac.change_roleassignment")
    words = {"act": "prolong", "rows": row.pk, "until": UNTIL}

    shown = browser.post(f"{ASSIGNMENTS}together/", words)
    done = browser.post(f"{ASSIGNMENTS}together/", {**words, "sure": "yes"})

    assert not shown.context["is_ready"]
    for page in (shown, done):
        assert "authentik_core.delete_user" in page.context["form"].errors["__all__"][0]
    row.refresh_from_db()
    assert row.valid_until == FRIDAY
    assert not Event.objects.filter(kind=EventKind.ROLE_ASSIGNMENT_CHANGED).exists()


def test_all_or_none(browser_of, charlie, bob):
    mine, other = facts.group("mine", bob), facts.group("other", bob)
    facts.grant(charlie, "authentik_core.remove_user_from_group", on=mine)
    browser = browser_of(charlie, *SEES)
    keys = ",".join(str(row.pk) for row in GroupMembership.objects.filter(user=bob))

    page = browser.post(f"{MEMBERSHIPS}together/", {"act": "end", "rows": keys, "sure": "yes"})

    assert page.context["form"].errors == {"rows": ["You may not end 1 of these rows."]}
    assert GroupMembership.objects.filter(group__in=[mine, other]).count() == 2
    choosable = {
        row["pk"] for row in browser.get(MEMBERSHIPS).context["rows"] if row["is_choosable"]
    }
    assert choosable == {GroupMembership.objects.get(group=mine).pk}


def test_who_may_only_look_is_offered_nothing(browser_of, charlie, row):
    browser = browser_of(charlie, *SEES)

    page = browser.get(ASSIGNMENTS)
    done = browser.post(f"{ASSIGNMENTS}together/", {"act": "end", "rows": row.pk, "sure": "yes"})

    assert not page.context["may_end"]
    assert not page.context["may_prolong"]
    assert 'type="checkbox"' not in page.content.decode()
    assert list(done.context["form"].errors) == ["rows"]
    assert RoleAssignment.objects.exists()


def test_rows_one_may_not_see_are_out_of_reach(browser_of, charlie, row):
    browser = browser_of(charlie, "authentik_core.view_group")

    assert browser.get(ASSIGNMENTS).status_code == 403
    words = {"act": "end", "rows": row.pk, "sure": "yes"}
    assert browser.post(f"{ASSIGNMENTS}together/", words).status_code == 403
    assert RoleAssignment.objects.exists()


@pytest.mark.parametrize("rows", ["", "x", "1,,2", "-1", "9" * 30, "1;2", "\0"])
def test_no_choice_breaks_the_page(superuser, rows):
    page = superuser.post(f"{ASSIGNMENTS}together/", {"act": "end", "rows": rows, "sure": "yes"})

    assert page.status_code == 200
    assert list(page.context["form"].errors) == ["rows"]


@pytest.mark.parametrize("until", ["", "yesterday", "2020-01-01T00:00"])
def test_an_end_that_cannot_be_is_told_at_its_field(superuser, row, until):
    words = {"act": "prolong", "rows": row.pk, "until": until, "sure": "yes"}

    page = superuser.post(f"{ASSIGNMENTS}together/", words)

    assert list(page.context["form"].errors) == ["until"]


def test_rows_that_went_meanwhile_are_told(superuser, row):
    RoleAssignment.objects.all().delete()

    shown = superuser.post(f"{ASSIGNMENTS}together/", {"act": "end", "rows": row.pk})
    done = superuser.post(f"{ASSIGNMENTS}together/", {"act": "end", "rows": row.pk, "sure": "yes"})

    assert effects(shown) == []
    assert done.status_code == 302
    assert not Event.objects.filter(kind=EventKind.ROLE_UNASSIGNED).exists()


def test_without_the_secret_of_the_form_or_a_session_nothing_is_done(root, row, client):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(root)
    words = {"act": "end", "rows": row.pk, "sure": "yes"}

    assert browser.post(f"{ASSIGNMENTS}together/", words).status_code == 403
    assert client.post(f"{ASSIGNMENTS}together/", words).status_code == 302
    assert RoleAssignment.objects.exists()


def test_ending_many_costs_as_many_statements_as_ending_few(superuser, bob):
    def end(number):
        start = RoleAssignment.objects.count()
        rows = [facts.hold(facts.role(f"r-{number}-{n}-{start}"), bob) for n in range(number)]
        keys = ",".join(str(row.pk) for row in rows)
        with statements() as queries:
            superuser.post(f"{ASSIGNMENTS}together/", {"act": "end", "rows": keys, "sure": "yes"})
        return len(queries)

    end(1)
    assert end(2) == end(50)
    assert not UserObjectPermission.objects.exists()


@pytest.mark.parametrize("name", ["x" * 150, "\u202eright", "<b>bold</b>", "🦊 & co"])
def test_odd_names_are_shown_as_they_are(superuser, name):
    row = facts.hold(facts.role(name, code="odd"), User.objects.create(username=name))

    for page in (
        superuser.get(ASSIGNMENTS),
        superuser.post(f"{ASSIGNMENTS}together/", {"act": "end", "row": row.pk}),
    ):
        assert page.status_code == 200
        assert "<b>bold" not in page.content.decode()


def test_a_role_that_stands_in_for_a_group_is_out_of_reach(superuser, bob):
    row = facts.hold(facts.role("own", managed="group/1"), facts.group("staff", bob))

    superuser.post(f"{ASSIGNMENTS}together/", {"act": "end", "rows": row.pk, "sure": "yes"})

    assert listed(superuser, ASSIGNMENTS) == []
    assert RoleAssignment.objects.exists()
