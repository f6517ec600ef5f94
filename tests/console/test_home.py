"""The home page: what asks for attention, for whom, and what that costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from audit.models import EventKind
from audit.operations import Entry, record_many
from permissions.operations import create_role, create_type
from permissions.operations.types import ActionSpec
from tests import facts
from tests.console.conftest import statements

FRIDAY = timezone.now() + timedelta(days=5)
MOST = 25

pytestmark = pytest.mark.django_db


def panel(browser, title):
    panels = {panel.title: panel for panel in browser.get("/admin/").context["panels"]}
    return [(line.text, line.note) for line in panels[title].shown]


def test_what_ends_this_week_stands_first(superuser, bob):
    role = facts.role("auditor")
    facts.hold(role, bob, valid_until=FRIDAY)
    facts.hold(role, facts.group("staff"), valid_until=facts.LATER)
    facts.grant(bob, "authentik_core.view_group", valid_until=FRIDAY - timedelta(days=1))

    lines = panel(superuser, "Ending this week")

    assert [text for text, _ in lines] == ["view · authentik_core.group to bob", "auditor to bob"]


def test_superusers_stand_with_the_group_that_makes_them(superuser, bob):
    facts.was_in(facts.group("old admins", is_superuser=True), bob)

    assert panel(superuser, "Superusers") == [("root", "through superusers of root")]


def test_roles_nobody_holds(superuser, bob):
    facts.hold(facts.role("held"), bob)
    facts.role("idle")

    assert [text for text, _ in panel(superuser, "Roles nobody holds")] == ["idle"]


def test_grants_on_what_is_gone(superuser, bob):
    for label, mode in (("shop.invoice", "strict"), ("shop.thing", "open")):
        verb = f"view_{label.partition('.')[2]}"
        create_type(actor=None, label=label, mode=mode, actions=[ActionSpec(name=verb)])
    facts.resource("shop.invoice", "1")
    for key in ("1", "2"):
        facts.grant(bob, "shop.view_invoice", on=key)
    facts.grant(bob, "shop.view_thing", on="2")
    facts.grant(bob, "authentik_core.view_group", on="2")

    lines = panel(superuser, "Grants on resources that are gone")

    assert lines == [("view · shop.invoice:2", "to bob")]


def test_recent_changes_and_changes_by_day_come_from_the_log(superuser, root):
    create_role(actor=root, name="auditor")

    page = superuser.get("/admin/")

    assert page.context["changes"][0].kind == "role created"
    [chart] = [chart for chart in page.context["charts"] if chart.title == "Changes by day"]
    assert len(chart.bars) == 14
    assert chart.bars[0].figure == 2  # root signed in


def test_grants_by_type(superuser, bob):
    facts.grant(bob, "authentik_core.view_group")
    facts.grant(facts.role("auditor"), "authentik_core.view_group", on="1")

    charts = {chart.title: chart for chart in superuser.get("/admin/").context["charts"]}

    assert charts["Grants by type"].bars[0][:2] == ("authentik_core.group", 2)


def test_an_empty_service_has_a_home_page(superuser):
    assert superuser.get("/admin/").status_code == 200


def test_each_panel_is_for_those_who_may_see_it(browser_of, charlie, bob):
    facts.hold(facts.role("auditor"), bob, valid_until=FRIDAY)
    facts.role("idle")

    browser = browser_of(charlie)
    nobody = browser.get("/admin/")
    facts.grant(charlie, "authentik_rbac.view_role")
    some = browser.get("/admin/")

    assert (nobody.context["panels"], nobody.context["charts"]) == ([], [])
    assert nobody.context["changes"] is None
    titles = [panel.title for panel in some.context["panels"]]
    assert "Roles nobody holds" in titles
    assert "Superusers" not in titles
    assert not any("bob" in line.text for panel in some.context["panels"] for line in panel.lines)


def test_home_costs_as_many_statements_for_many_rows_as_for_few(superuser, bob):
    superuser.get("/admin/")
    with statements() as few:
        superuser.get("/admin/")
    for n in range(30):
        role = facts.role(f"role-{n}")
        facts.role(f"idle-{n}")
        facts.hold(role, bob, valid_until=FRIDAY)
        facts.make_superuser(User.objects.create(username=f"user-{n}"))
        facts.grant(role, "authentik_core.view_group", on=str(n), valid_until=FRIDAY)
    target = ("authentik_core.user", "1", "bob")
    record_many([Entry(kind=EventKind.USER_CHANGED, target=target)] * 100, actor=None)
    with statements() as many:
        superuser.get("/admin/")

    assert len(many) == len(few) <= MOST


@pytest.mark.parametrize("name", ["x" * 150, "\u202eright", "<b>bold</b>", "🦊 & co"])
def test_odd_names_are_shown_as_they_are(superuser, name):
    facts.hold(facts.role(name, code="odd"), facts.group(name), valid_until=FRIDAY)

    assert "<b>bold" not in superuser.get("/admin/").content.decode()
