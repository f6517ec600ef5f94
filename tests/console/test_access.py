"""Explain, who can, what can, compare: each question is a URL, and its answer the engine's."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from audit.models import Event, EventKind
from permissions.operations import EntrySpec, create_scope, create_type
from permissions.operations.types import ActionSpec
from tests import facts
from tests.console.conftest import statements

CHECK = "authentik_rbac.check_access"
ODD_NAMES = ["x" * 150, "\u202eright to left", "<b>bold</b>", "🦊 & co", "'); --"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def invoices():
    create_type(
        actor=None,
        label="shop.invoice",
        mode="open",
        actions=[ActionSpec(name="view_invoice"), ActionSpec(name="approve_invoice")],
    )
    for n in (1, 2):
        facts.resource("shop.invoice", f"north-{n}", f"Invoice {n}")


def asked(browser, page, **words):
    answer = browser.get(f"/admin/access/{page}/", words)
    assert answer.status_code == 200
    return answer


def explain(browser, subject, **words):
    question = {"subject": subject, "action": "approve", "resource": "shop.invoice:north-1"}
    return asked(browser, "explain", **{**question, **words})


def text_of(page):
    return " ".join(page.content.decode().split())


# Explain


def test_an_allowance_shows_every_way_with_its_times(superuser, bob):
    staff, approver = facts.group("staff", bob), facts.role("approver")
    facts.hold(approver, staff, valid_until=facts.LATER)
    facts.grant(approver, "shop.approve_invoice")
    facts.grant(bob, "shop.approve_invoice", on="north-1")

    page = explain(superuser, "bob")

    [own, by_role] = page.context["paths"]
    assert page.context["sentence"]["allowed"]
    assert [box.kind for box in own.drawing.boxes] == ["user", "grant", "resource"]
    assert [(box.kind, box.name) for box in by_role.drawing.boxes] == [
        ("user", "bob"),
        ("group", "staff"),
        ("role", "approver"),
        ("grant", "approve · shop.invoice"),
        ("resource", "shop.invoice:north-1"),
    ]
    assert "until 2900-01-01" in text_of(page)
    assert text_of(page).count("<svg") == 2


def test_a_denial_names_what_came_near_and_offers_what_would_allow_it(superuser, bob):
    approver = facts.role("approver")
    scope = create_scope(
        actor=None, name="north-2", entries=[EntrySpec(type="shop.invoice", object_pk="north-2")]
    )
    facts.hold(approver, bob, scope=scope)
    facts.grant(approver, "shop.approve_invoice")

    page = explain(superuser, "bob")

    [miss] = page.context["misses"]
    assert not page.context["sentence"]["allowed"]
    assert "does not cover shop.invoice:north-1" in miss.reason
    assert ("scope", "north-2") in [(box.kind, box.name) for box in miss.drawing.boxes]
    assert [change.url.partition("?")[0] for change in page.context["changes"]] == [
        "/admin/give/permission/",
        "/admin/give/role/",
        "/admin/give/permission/",
    ]


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_every_change_that_is_offered_allows_it_when_its_form_is_sent(superuser, bob, which):
    approver = facts.role("approver")
    facts.hold(approver, bob, valid_until=facts.OVER)
    facts.grant(approver, "shop.approve_invoice")
    change = explain(superuser, "bob").context["changes"][which]

    form = superuser.get(change.url)
    fields = {name: value for name, value in form.context["form"].initial.items() if value}
    answer = superuser.post(change.url.partition("?")[0], fields)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/access/explain/?")
    assert superuser.get(answer["Location"]).context["sentence"]["allowed"]


def test_a_deactivated_user_is_activated_from_the_denial(superuser, bob):
    facts.grant(bob, "shop.approve_invoice")
    User.objects.filter(pk=bob.pk).update(is_active=False)

    [change] = explain(superuser, "bob").context["changes"]
    answer = superuser.post(change.url.partition("?")[0], {"user": "bob", "reason": "is back"})

    assert (change.text, answer.status_code) == ("activate bob", 302)
    assert Event.objects.get(kind=EventKind.USER_CHANGED).reason == "is back"
    assert explain(superuser, "bob").context["sentence"]["allowed"]


def test_an_ended_membership_is_offered_again(superuser, bob):
    staff, approver = facts.group("staff"), facts.role("approver")
    facts.was_in(staff, bob)
    facts.hold(approver, staff)
    facts.grant(approver, "shop.approve_invoice")

    page = explain(superuser, "bob")

    first = page.context["changes"][0]
    assert first.text == "add bob to staff again"
    assert first.url.startswith("/admin/give/membership/?user=bob&group=staff&next=")
    assert [box.is_hindered for box in page.context["misses"][0].drawing.boxes][:2] == [False, True]


def test_to_offer_a_change_writes_nothing(superuser, bob):
    facts.grant(facts.role("approver"), "shop.approve_invoice")
    before = Event.objects.count()

    explain(superuser, "bob")

    assert Event.objects.count() == before
    assert not bob.object_grants.exists()
    assert not bob.role_assignments.exists()


def test_what_the_caller_may_not_do_is_not_offered(browser_of, charlie, bob):
    """Charlie may ask, and assign roles, but not beyond what charlie holds."""
    facts.grant(facts.role("approver"), "shop.approve_invoice")
    names = ("authentik_rbac.add_roleassignment", "authentik_rbac.view_role")
    browser = browser_of(charlie, CHECK, "authentik_core.view_user", *names)

    refused = explain(browser, "bob").context["changes"]
    facts.grant(charlie, "shop.approve_invoice")
    offered = explain(browser, "bob").context["changes"]

    assert not any(change.url for change in refused)
    assert [bool(change.url) for change in offered] == [False, True, False]


def test_another_moment_is_asked_about(superuser, bob):
    facts.grant(bob, "shop.approve_invoice", on="north-1", valid_until=facts.OVER)

    assert not explain(superuser, "bob").context["sentence"]["allowed"]
    page = explain(superuser, "bob", at="2019-06-01T12:00")
    assert page.context["sentence"]["allowed"]
    assert "2019-06-01 12:00" in text_of(page)


def test_a_superuser_is_explained_by_the_group(superuser):
    page = explain(superuser, "root")

    [way] = page.context["paths"]
    assert [box.kind for box in way.drawing.boxes] == ["user", "group", "resource"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"subject": "nobody"}, "There is no user nobody."),
        ({"action": "two words"}, "An action is one word"),
        ({"resource": "no.such:1"}, "There is no resource type no.such."),
        ({"resource": "nowhere"}, "A resource is named as shop.invoice:42."),
        ({"at": "tomorrow"}, "Enter a valid date/time."),
        ({"action": ""}, "This field is required."),
        ({"subject": "\ud83e"}, "There is no user"),
        ({"subject": "x" * 1000}, "at most 400 characters"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_field(superuser, bob, words, said):
    words = {name: value.encode("utf-8", "surrogatepass") for name, value in words.items()}

    page = explain(superuser, words.pop("subject", "bob"), **words)

    assert said in page.content.decode()
    assert "sentence" not in page.context


def test_of_an_unknown_action_the_known_ones_are_named(superuser, bob):
    page = explain(superuser, "bob", action="fly")

    assert "there is no such action" in text_of(page)
    assert "approve_invoice, view_invoice" in text_of(page)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_explained_and_escaped(superuser, name):
    user = User.objects.create(username=name[:150])
    facts.group("g" + name, user)
    facts.grant(user, "shop.approve_invoice", on="north-1")

    page = explain(superuser, name[:150])

    assert page.context["sentence"]["allowed"]
    assert "<b>bold" not in page.content.decode()


def test_an_explanation_costs_a_fixed_number_of_statements(superuser, bob):
    facts.grant(facts.role("approver"), "shop.approve_invoice")
    facts.hold(facts.role("other"), facts.group("staff", bob))
    explain(superuser, "bob")
    with statements() as few:
        explain(superuser, "bob")

    for n in range(20):
        facts.hold(facts.role(f"role-{n}"), facts.group(f"group-{n}", bob))
    with statements() as many:
        explain(superuser, "bob")

    assert len(many) == len(few)


# Who may ask


PAGES = ("explain", "who-can", "compare")


@pytest.mark.parametrize("page", PAGES)
def test_to_ask_about_others_takes_a_permission(browser_of, charlie, page):
    assert browser_of(charlie).get(f"/admin/access/{page}/").status_code == 403
    facts.grant(charlie, CHECK)
    assert browser_of(User.objects.create(username="dora")).get("/admin/").status_code == 200


@pytest.mark.parametrize("page", [*PAGES, "what-can"])
def test_without_a_question_there_is_the_form_alone(superuser, page):
    answer = asked(superuser, page)

    assert not answer.context["is_answered"]
    assert "This field is required." not in answer.content.decode()


def test_one_asks_about_oneself_without_it(browser_of, charlie, bob):
    browser = browser_of(charlie)

    assert (
        "access_admin_interface" in asked(browser, "what-can", subject="charlie").content.decode()
    )
    for other in ("bob", "nobody"):
        refused = asked(browser, "what-can", subject=other).content.decode()
        assert "To ask about others takes" in refused
        assert "There is no user" not in refused


# Who can


def who_can(browser, **words):
    question = {"action": "approve", "resource": "shop.invoice:north-1"}
    return asked(browser, "who-can", **{**question, **words})


def names_of(page):
    return [user.text for user, *_ in page.context["rows"]]


def test_everybody_who_can_is_named_with_the_reason(superuser, alice, bob, charlie):
    approver = facts.role("approver")
    facts.hold(approver, alice)
    facts.grant(approver, "shop.approve_invoice")
    facts.grant(bob, "shop.approve_invoice", on="north-1")

    page = who_can(superuser)

    people = {user.text: (why, through) for user, _, why, through in page.context["rows"]}
    assert people == {
        "root": ("is a superuser", "superusers of root"),
        "alice": ("holds a role that was granted it everywhere", "approver"),
        "bob": ("was granted it on this resource", ""),
    }


def test_people_are_filtered_by_name_and_by_reason(superuser, alice, bob):
    for user in (alice, bob):
        facts.grant(user, "shop.approve_invoice")

    assert names_of(who_can(superuser, name="BO")) == ["bob"]
    assert names_of(who_can(superuser, reason="superuser")) == ["root"]
    assert names_of(who_can(superuser, name="bob", reason="superuser")) == []


def test_many_people_come_in_pages_and_whole_in_files(superuser):
    users = [User.objects.create(username=f"user-{n:03}") for n in range(120)]
    for user in users:
        facts.grant(user, "shop.approve_invoice")

    seen, url = [], "/admin/access/who-can/?action=approve&resource=shop.invoice:north-1"
    while url:
        page = superuser.get(url)
        seen += names_of(page)
        url = page.context["following"]
    lines = list(csv.reader(io.StringIO(_file(who_can_file(superuser, "csv")))))
    objects = who_can_file(superuser, "json").json()["results"]

    assert sorted(seen) == sorted(["root", *(user.username for user in users)])
    assert len(seen) == len(set(seen))
    assert lines[0] == ["user", "name", "address", "reason", "through"]
    assert [line[0] for line in lines[1:]] == seen == [one["user"] for one in objects]


def who_can_file(browser, kind):
    words = {"action": "approve", "resource": "shop.invoice:north-1", "format": kind}
    return browser.get("/admin/access/who-can/", words)


def _file(answer):
    assert answer["Content-Disposition"].startswith("attachment")
    return b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_of_a_file_is_a_formula(superuser, bob, name):
    User.objects.filter(pk=bob.pk).update(name=name)
    facts.grant(bob, "shop.approve_invoice")

    [*_, last] = csv.reader(io.StringIO(_file(who_can_file(superuser, "csv")), newline=""))

    assert last[1] == f"'{name}"


def test_a_page_of_people_costs_a_fixed_number_of_statements(superuser, bob):
    facts.grant(bob, "shop.approve_invoice")
    who_can(superuser)
    with statements() as few:
        who_can(superuser)
    for n in range(45):
        facts.grant(User.objects.create(username=f"user-{n}"), "shop.approve_invoice")

    with statements() as many:
        who_can(superuser)

    assert len(many) == len(few)


def test_an_unknown_action_is_said_at_the_field(superuser):
    assert "There is no such action." in who_can(superuser, action="fly").content.decode()


# What can


def test_all_that_somebody_can_is_named_with_its_source(superuser, bob):
    staff, reader = facts.group("staff", bob), facts.role("reader")
    facts.hold(reader, staff)
    facts.grant(reader, "shop.view_invoice")
    facts.grant(bob, "shop.approve_invoice", on="north-1", valid_until=facts.LATER)

    page = asked(superuser, "what-can", subject="bob")

    rows = page.context["rows"]
    assert [(kind, action, on.text, *source) for kind, action, on, *source in rows] == [
        ("shop.invoice", "approve", "north-1", "was granted it on this resource", "", "",
         "2900-01-01 00:00"),
        ("shop.invoice", "view", "every one", "holds a role that was granted it everywhere",
         "reader", "staff", ""),
    ]  # fmt: skip


def test_what_somebody_can_is_filtered_by_type_and_paged(superuser, bob):
    facts.grant(bob, "authentik_core.view_user")
    for n in range(60):
        facts.grant(bob, "shop.view_invoice", on=f"{n:02}")

    first = asked(superuser, "what-can", subject="bob", type="shop.invoice")
    second = superuser.get(first.context["following"])

    keys = [cells[2].text for page in (first, second) for cells in page.context["rows"]]
    assert keys == [f"{n:02}" for n in range(60)]
    assert second.context["following"] == ""


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_somebody_can_is_a_file_too(superuser, bob, kind):
    facts.grant(bob, "shop.view_invoice", on="north-1")

    answer = superuser.get("/admin/access/what-can/", {"subject": "bob", "format": kind})

    text = answer.content.decode() if kind == "json" else _file(answer)
    assert "north-1" in text


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, "٣"])
def test_odd_places_to_go_on_from_are_the_start(superuser, bob, after):
    facts.grant(bob, "shop.view_invoice")

    page = asked(superuser, "what-can", subject="bob", after=after)

    assert len(page.context["rows"]) == 1


# Compare


def only(page):
    return [[text for text, _ in rows] for _, rows in page.context["sides"]]


def test_two_people_are_compared(superuser, alice, bob):
    for user in (alice, bob):
        facts.grant(user, "shop.view_invoice")
    facts.grant(alice, "shop.approve_invoice", on="north-1")
    role = facts.role("reader")
    facts.grant(role, "authentik_core.view_group")
    facts.hold(role, facts.group("staff", bob))

    page = asked(superuser, "compare", subject="alice", other="bob")

    assert only(page) == [
        ["approve · shop.invoice north-1"],
        ["view · authentik_core.group, every one"],
    ]
    assert page.context["both"] == 1


def test_one_is_compared_with_oneself_at_another_moment(superuser, bob):
    facts.grant(bob, "shop.view_invoice", valid_until=facts.OVER)
    facts.grant(bob, "shop.approve_invoice", on="north-1", valid_from=facts.LATER)

    page = asked(
        superuser, "compare", subject="bob", at="2019-01-01T00:00", other_at="2901-01-01T00:00"
    )

    assert only(page) == [["view · shop.invoice, every one"], ["approve · shop.invoice north-1"]]


def test_what_scopes_name_is_compared_one_by_one(superuser, alice, bob):
    role = facts.role("approver")
    facts.grant(role, "shop.approve_invoice")
    scope = create_scope(
        actor=None, name="one", entries=[EntrySpec(type="shop.invoice", object_pk="north-1")]
    )
    facts.hold(role, alice, scope=scope)

    page = asked(superuser, "compare", subject="alice", other="bob")

    assert only(page) == [["approve · shop.invoice north-1"], []]


def test_of_a_superuser_it_is_said(superuser, bob):
    page = asked(superuser, "compare", subject="root", other="bob")

    assert "is a superuser and may do everything" in text_of(page)


# The box


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (
            "bob approve shop.invoice:north-1",
            "/admin/access/explain/?subject=bob&action=approve&resource=shop.invoice%3Anorth-1",
        ),
        (
            "may bob approve the invoice north-1?",
            "/admin/access/explain/?subject=bob&action=approve&resource=shop.invoice%3Anorth-1",
        ),
        (
            "Why can't bob approve Invoice 2",
            "/admin/access/explain/?subject=bob&action=approve&resource=shop.invoice%3Anorth-2",
        ),
        (
            "who can approve north-1",
            "/admin/access/who-can/?action=approve&resource=shop.invoice%3Anorth-1",
        ),
        ("what can bob do?", "/admin/access/what-can/?subject=bob"),
    ],
)
def test_a_question_in_words_leads_to_its_answer(superuser, bob, text, url):
    answer = superuser.get("/admin/ask/", {"q": text})

    assert (answer.status_code, answer["Location"]) == (302, url)


def test_a_name_leads_to_what_is_called_so(superuser, bob):
    answer = superuser.get("/admin/ask/", {"q": "bob"})
    assert answer["Location"] == f"/admin/authentik_core/user/{bob.pk}/change/"

    facts.role("bob-role")
    page = superuser.get("/admin/ask/", {"q": "bob"})
    assert [choice.text for choice in page.context["found"]] == ["bob", "bob-role"]


@pytest.mark.parametrize("text", ["", "  ", "who can", "who can fly", *ODD_NAMES, "?" * 300])
def test_the_box_takes_whatever_it_is_given(superuser, text):
    assert superuser.get("/admin/ask/", {"q": text}).status_code == 200


def test_the_box_offers_questions_to_those_who_may_ask(browser_of, charlie, alice, bob):
    facts.grant(charlie, "authentik_core.view_user", on=bob)

    answer = browser_of(charlie).get(
        "/admin/choices/anything/", {"q": "bob approve shop.invoice:north-1"}
    )

    assert answer.json() == {"results": []}


def test_a_moment_ago_is_the_past(superuser, bob):
    """The times of the page are the database's, and so is now."""
    soon = timezone.now() + timedelta(hours=1)
    facts.grant(bob, "shop.approve_invoice", valid_from=soon)

    assert not explain(superuser, "bob").context["sentence"]["allowed"]
    later = f"{soon + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    assert explain(superuser, "bob", at=later).context["sentence"]["allowed"]
