"""A user's page: what it shows to whom, and the changes that begin there."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import GroupClosure, GroupMembership, Token, User
from audit.models import Event, EventKind
from permissions.models import UserGlobalGrant, UserObjectPermission
from permissions.operations import add_members, create_scope
from roles.models import RoleAssignment, ScopeKind
from tests import facts
from tests.console.conftest import statements

VIEW, CHANGE = "authentik_core.view_user", "authentik_core.change_user"

pytestmark = pytest.mark.django_db


def url(user, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return f"/admin/authentik_core/user/{user.pk}/change/{f'?{asked}' if asked else ''}"


def part(page, name):
    """The texts of a part's lines."""
    [one] = [part for part in page.context["parts"] if part.name == name]
    return [tuple(cell.text for cell in line.cells) for line in one.shown]


def buttons(page):
    """Of the page and of its lines, by their texts."""
    lines = [line for one in page.context["parts"] for line in one.shown]
    every = [*page.context["buttons"], *(button for line in lines for button in line.buttons)]
    return {button.text: button.url for button in every}


@pytest.fixture
def everything(bob):
    """bob in a group below another, with roles and grants of all kinds."""
    staff, company = facts.group("staff", bob), facts.group("company")
    GroupClosure.objects.create(descendant=staff, ancestor=company)
    scope = create_scope(actor=None, name="all of it", kind=ScopeKind.ALL)
    facts.hold(facts.role("clerk"), bob, scope=scope, valid_until=facts.LATER, reason="asked")
    facts.hold(facts.role("guest"), company)
    facts.grant(bob, "authentik_core.view_token")
    facts.grant(bob, "authentik_core.view_group", on=staff)
    return staff


def test_a_page_tells_all_that_belongs_to_a_user(superuser, bob, everything):
    page = superuser.get(url(bob))

    assert part(page, "groups") == [("staff", "active", "")]
    assert part(page, "groups-above") == [("company", "staff")]
    assert part(page, "roles") == [("clerk", "all of it", "active", "")]
    assert part(page, "roles-through") == [("guest", "company", "everywhere", "active")]
    assert part(page, "grants") == [("view · authentik_core.token", "active", "")]
    [(permission, key, *_)] = part(page, "resource-grants")
    assert (permission, key) == ("view · authentik_core.group", str(everything.pk))
    assert "covers" not in page.content.decode()
    assert "until 2900-01-01 00:00" in page.content.decode()


def test_effective_access_is_told_with_its_sources(superuser, bob, everything):
    facts.grant(RoleAssignment.objects.get(role__name="clerk").role, "authentik_rbac.view_scope")

    page = superuser.get(url(bob, part="access"))

    told = {line[0]: line for line in part(page, "access")}
    assert told["view · authentik_rbac.scope"][3:5] == ("clerk", "bob within every resource")
    assert told["view · authentik_core.token"][1] == "every one"


def test_tokens_are_listed_without_their_keys(superuser, bob):
    token = Token.objects.create(user=bob, identifier="ci", key_digest="d" * 64, key_sealed="seal")

    page = superuser.get(url(bob))

    assert [line[0] for line in part(page, "tokens")] == ["ci"]
    assert token.key_digest not in page.content.decode()
    assert '"/admin/tokens/?user=bob"' in page.content.decode()


def test_the_history_tells_before_and_after(superuser, bob):
    superuser.post("/admin/end/activity/", {"user": "bob", "reason": "left"})

    page = superuser.get(url(bob))

    [change] = page.context["changes"]
    assert (change.kind, change.actor, change.event.reason) == ("user changed", "root", "left")
    assert (change.differences[0].before, change.differences[0].after) == ("true", "false")
    assert superuser.get(page.context["history"]).status_code == 200


@pytest.mark.parametrize("name", ["groups", "roles", "grants", "resource-grants"])
def test_a_long_part_is_cut_and_then_paged(superuser, bob, name, root):
    for n in range(60):
        group = facts.group(f"group-{n:02}")
        add_members(group=group, users=[bob], actor=None)
        facts.hold(facts.role(f"role-{n:02}"), bob)
        facts.grant(bob, "authentik_core.view_group", on=group)
    permissions = Permission.objects.order_by("pk")[:60]
    UserGlobalGrant.objects.bulk_create(
        UserGlobalGrant(user=bob, permission=permission) for permission in permissions
    )

    sizes = [
        len(part(superuser.get(address), name))
        for address in (url(bob), url(bob, part=name), url(bob, part=name, page=2))
    ]

    assert sizes == [8, 50, 10]


@pytest.mark.parametrize(
    "query", [{"page": "x"}, {"page": "-1"}, {"page": "9" * 30}, {"part": "x"}]
)
def test_no_address_breaks_the_page(superuser, bob, query):
    assert superuser.get(url(bob, **{"part": "groups", **query})).status_code == 200


def test_a_page_costs_a_fixed_number_of_statements(superuser, bob, everything):
    superuser.get(url(bob))
    with statements() as few:
        superuser.get(url(bob))
    for n in range(20):
        facts.hold(facts.role(f"role-{n}"), facts.group(f"group-{n}", bob))
        facts.hold(facts.role(f"own-{n}"), bob, scope=create_scope(actor=None, name=f"scope-{n}"))
        facts.grant(bob, "authentik_core.view_user", on=str(n))

    with statements() as many:
        superuser.get(url(bob))

    assert len(many) == len(few) <= 12 + 12


@pytest.mark.parametrize("part_name", ["groups", "roles", "access", "tokens"])
def test_one_part_costs_twelve_statements_at_most(superuser, bob, everything, part_name):
    superuser.get(url(bob))

    with statements() as queries:
        superuser.get(url(bob, part=part_name))

    assert len(queries) <= 12


def test_an_auditor_looks_and_is_offered_nothing(browser_of, charlie, bob, everything):
    views = [f"authentik_core.view_{name}" for name in ("user", "group", "token")]
    views += ["authentik_rbac.view_role", "authentik_rbac.view_roleassignment", "audit.view_event"]

    page = browser_of(charlie, *views).get(url(bob))

    assert part(page, "groups") == [("staff", "active", "")]
    assert set(buttons(page)) <= {"Add to a group"}


def test_the_administrator_of_a_group_ends_what_is_of_that_group(browser_of, charlie, bob):
    own, other = facts.group("own", bob), facts.group("other", bob)
    facts.group("behind the curtain", bob)
    for name in ("view_group", "add_user_to_group", "remove_user_from_group"):
        facts.grant(charlie, f"authentik_core.{name}", on=own)
    facts.grant(charlie, "authentik_core.view_group", on=other)

    page = browser_of(charlie, VIEW).get(url(bob))

    [groups] = [one for one in page.context["parts"] if one.name == "groups"]
    offered = {line.cells[0].text: [b.text for b in line.buttons] for line in groups.shown}
    assert offered == {"other": [], "own": ["Change", "End"]}
    assert "behind the curtain" not in page.content.decode()


def test_whoever_may_not_view_the_user_is_led_home(browser_of, charlie, bob, alice):
    answer = browser_of(charlie, "authentik_core.view_group").get(url(bob))

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_a_membership_ends_with_a_reason_and_one_event(superuser, bob, root):
    row = facts.group("staff", bob).memberships.get()
    end = buttons(superuser.get(url(bob)))["End"]

    shown = superuser.get(end)
    answer = superuser.post(end, {"reason": "left"})

    event = Event.objects.get(kind=EventKind.GROUP_MEMBER_REMOVED)
    assert "bob is in staff" in shown.content.decode()
    assert (answer.status_code, answer["Location"]) == (302, url(bob))
    assert not GroupMembership.objects.filter(pk=row.pk).exists()
    assert (event.actor_pk, event.door, event.reason) == (root.pk, "console", "left")


@pytest.mark.parametrize("part_name", ["roles", "grants", "resource-grants"])
def test_every_kind_of_fact_ends(superuser, bob, everything, part_name):
    end = buttons(superuser.get(url(bob, part=part_name)))["End"]
    before = Event.objects.count()

    superuser.post(end, {})

    assert part(superuser.get(url(bob, part=part_name)), part_name) == []
    assert Event.objects.count() == before + 1


def test_what_ended_in_another_tab_is_told(superuser, bob):
    row = facts.group("staff", bob).memberships.get()
    end = buttons(superuser.get(url(bob)))["End"]
    row.delete()

    for answer in (superuser.get(end, follow=True), superuser.post(end, {}, follow=True)):
        assert "not there any more" in answer.content.decode()
    assert not Event.objects.filter(kind=EventKind.GROUP_MEMBER_REMOVED).exists()


def state_of(browser, address):
    return browser.get(address).context["form"].initial["state"]


def test_times_are_changed_under_a_reason(superuser, bob, root):
    assignment = facts.hold(facts.role("clerk"), bob)
    change = buttons(superuser.get(url(bob)))["Change"]
    fields = {"state": state_of(superuser, change), "valid_until": "2900-05-01T12:00"}

    superuser.post(change, {**fields, "reason": "until May"})

    assignment.refresh_from_db()
    event = Event.objects.get(kind=EventKind.ROLE_ASSIGNMENT_CHANGED)
    assert assignment.valid_until == datetime(2900, 5, 1, 12, tzinfo=UTC)
    assert (event.reason, assignment.reason) == ("until May", "until May")


def test_a_change_made_meanwhile_is_shown_and_not_overwritten(superuser, bob):
    grant = facts.grant(bob, "authentik_core.view_group", on=facts.group("staff"))
    change = buttons(superuser.get(url(bob, part="resource-grants")))["Change"]
    fields = {"state": state_of(superuser, change), "valid_until": "2900-05-01T12:00"}
    UserObjectPermission.objects.filter(pk=grant.pk).update(valid_until=facts.LATER)

    refused = superuser.post(change, fields)

    errors = refused.context["form"].errors
    assert "changed meanwhile" in errors["__all__"][0]
    assert errors["valid_until"] == ["Now it is: 2900-01-01 00:00"]
    grant.refresh_from_db()
    assert grant.valid_until == facts.LATER
    fields["state"] = refused.context["form"]["state"].value()
    assert superuser.post(change, fields).status_code == 302


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"valid_until": "nonsense"}, "valid_until"),
        ({"valid_from": "2900-01-02T00:00", "valid_until": "2900-01-01T00:00"}, "valid_until"),
        ({"reason": "x" * 501}, "reason"),
    ],
)
def test_bad_times_are_refused_at_their_field(superuser, bob, fields, field):
    facts.hold(facts.role("clerk"), bob)
    change = buttons(superuser.get(url(bob)))["Change"]

    page = superuser.post(change, {"state": state_of(superuser, change), **fields})

    assert list(page.context["form"].errors) == [field]
    assert not Event.objects.filter(kind=EventKind.ROLE_ASSIGNMENT_CHANGED).exists()


@pytest.mark.parametrize("page", ["end", "change"])
def test_without_the_right_there_is_no_form(browser_of, charlie, bob, page):
    row = facts.group("staff", bob).memberships.get()
    address = f"/admin/{page}/membership/{row.pk}/"
    browser = browser_of(charlie, VIEW, "authentik_core.view_group")

    assert browser.get(address).status_code == 403
    assert browser.post(address, {}).status_code == 403
    assert GroupMembership.objects.filter(pk=row.pk).exists()


def test_there_is_no_fact_of_an_unknown_kind(superuser):
    assert superuser.get("/admin/end/friendship/1/").status_code == 404


def test_somebody_is_deactivated_and_let_act_again(superuser, bob):
    assert "Deactivate" in buttons(superuser.get(url(bob)))

    superuser.post("/admin/end/activity/", {"user": "bob", "reason": "away"})
    bob.refresh_from_db()
    assert not bob.is_active
    page = superuser.get(url(bob))
    superuser.post(buttons(page)["Activate"], {"user": "bob"})
    bob.refresh_from_db()

    assert bob.is_active
    events = Event.objects.filter(kind=EventKind.USER_CHANGED).order_by("id")
    assert [event.reason for event in events] == ["away", ""]


def test_only_what_would_not_be_refused_is_offered(browser_of, charlie, bob):
    facts.grant(bob, "authentik_rbac.view_scope")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    browser = browser_of(charlie, VIEW, CHANGE)

    page = browser.get(url(bob))
    refused = browser.post("/admin/give/activity/", {"user": "bob"})

    assert "Activate" not in buttons(page)
    assert "view_scope" in refused.context["form"].errors["__all__"][0]
    assert not Event.objects.filter(kind=EventKind.USER_CHANGED).exists()


@pytest.mark.parametrize(
    "name", ["x" * 150, "\u202eright to left", "<b>bold</b>", "🦊 & co", '"quoted"']
)
def test_odd_names_are_shown_as_they_are(superuser, name):
    user = User.objects.create(username=name, name=name)
    facts.hold(facts.role(name, code="odd"), facts.group(name, user))
    facts.hold(facts.role("plain"), user)

    page = superuser.get(url(user))

    assert "<b>bold" not in page.content.decode()
    for address in buttons(page).values():
        assert superuser.get(address).status_code == 200


def test_a_form_without_its_token_is_refused_clearly(root, bob):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(root)

    answer = browser.post("/admin/end/activity/", {"user": "bob"})

    assert answer.status_code == 403
    assert "nothing" in answer.content.decode().lower()
    bob.refresh_from_db()
    assert bob.is_active


def test_a_session_that_ended_leads_to_the_sign_in(superuser, bob):
    superuser.logout()

    answer = superuser.post("/admin/end/activity/", {"user": "bob"})

    assert answer["Location"].startswith("/admin/login/")
    bob.refresh_from_db()
    assert bob.is_active
