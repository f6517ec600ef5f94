"""Who sees which lists and rows, and what that costs."""

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.models import Group, User
from tests import facts
from tests.console.conftest import statements

# The session, the user, every permission; the rows of the page.
STATEMENTS = 4
# Of the lists in which single rows may be viewed.
IN_PART = 1

pytestmark = pytest.mark.django_db

LISTS = [
    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    for model in admin.site._registry
]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_few_statements_however_many_rows(superuser, name, bob):
    role, group = facts.role("auditor"), facts.group("staff", bob)
    facts.hold(role, group)
    facts.grant(role, "authentik_core.view_user")
    url = reverse(name)
    superuser.get(url)  # what is built once is built now

    with statements() as queries:
        superuser.get(url)

    for n in range(30):
        more = facts.role(f"role-{n}")
        facts.hold(more, facts.group(f"group-{n}", bob))
        facts.grant(more, "authentik_core.view_user")
        facts.grant(bob, "authentik_core.view_user", on=str(n))
    with statements() as again:
        superuser.get(url)
    assert len(again) == len(queries) <= STATEMENTS


def test_whoever_may_view_one_row_sees_that_row(browser_of, charlie, alice, bob):
    facts.grant(charlie, "authentik_core.view_user", on=bob)
    browser = browser_of(charlie)

    with statements() as queries:
        page = browser.get("/admin/authentik_core/user/")

    assert [row.username for row in page.context["cl"].result_list] == ["bob"]
    assert browser.get(f"/admin/authentik_core/user/{bob.pk}/change/").status_code == 200
    assert browser.get(f"/admin/authentik_core/user/{alice.pk}/change/").status_code == 302
    assert len(queries) <= STATEMENTS + IN_PART


def test_times_are_written_in_one_way(superuser, bob):
    facts.hold(facts.role("auditor"), bob, valid_until=facts.LATER)

    page = superuser.get("/admin/lists/assignments/").content.decode()

    assert "2900-01-01 00:00" in page


def test_what_belongs_to_a_row_is_seen_with_it(browser_of, charlie, bob):
    seen, hidden = facts.group("seen", bob), facts.group("hidden", bob)
    facts.grant(charlie, "authentik_core.view_group", on=seen)

    page = browser_of(charlie).get("/admin/lists/memberships/")

    assert [row["cells"][1][1].text for row in page.context["rows"]] == [seen.name]
    assert Group.objects.filter(pk=hidden.pk).exists()


def test_the_navigation_has_what_the_caller_may_open(browser_of, charlie):
    browser = browser_of(charlie, "authentik_core.view_group")

    sections = browser.get("/admin/").context["sidebar_navigation"]

    links = [item["link"] for section in sections for item in section["items"]]
    assert "/admin/authentik_core/group/" in links
    assert "/admin/authentik_core/user/" not in links
    assert {link: browser.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_who_asks_about_nobody_in_particular_is_sent_to_sign_in(client):
    for url in ("/admin/", "/admin/choices/users/", "/admin/sign-out-everywhere/"):
        answer = client.get(url)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={url}")


@pytest.mark.parametrize(
    "name", ["x" * 150, "\u202eright to left", "<b>bold</b>", "🦊 & co", '"quoted"']
)
def test_odd_names_are_shown_as_they_are(superuser, name):
    User.objects.create(username="odd", name=name)
    group = facts.group(name)

    page = superuser.get("/admin/authentik_core/group/").content.decode()
    shown = superuser.get(f"/admin/authentik_core/group/{group.pk}/change/")

    assert shown.status_code == 200
    assert "<b>bold" not in page
    assert [choice["value"] for choice in choices(superuser, "groups", name[:3])] == [name]


def choices(browser, kind, text, **beside):
    answer = browser.get(f"/admin/choices/{kind}/", {"q": text, **beside})
    return answer.json()["results"]


def test_choices_are_found_by_every_name_and_show_no_more_than_one_may_view(
    browser_of, superuser, charlie, bob, alice
):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    facts.grant(charlie, "authentik_core.view_user", on=alice)

    found = choices(superuser, "users", "BOB@EX")

    assert found == [{"value": "bob", "text": "bob", "note": "Bob · bob@example.com", "link": ""}]
    assert choices(browser_of(charlie), "users", "b") == []


def test_principals_are_of_three_kinds(superuser, bob):
    facts.group("bobsleigh", bob)
    facts.role("bob-role")

    values = [choice["value"] for choice in choices(superuser, "principals", "bob")]

    assert values == ["user:bob", "group:bobsleigh", "role:bob-role"]
    grantees = [choice["value"] for choice in choices(superuser, "grantees", "bob")]
    assert grantees == ["user:bob", "role:bob-role"]


def test_actions_are_those_of_the_type_beside_them(superuser):
    values = [c["value"] for c in choices(superuser, "actions", "", type="authentik_rbac.scope")]

    assert values == ["add", "change", "delete", "view"]


@pytest.mark.parametrize("kind", ["users", "groups", "roles", "principals", "scopes", "types"])
@pytest.mark.parametrize("text", ["\0", "\ud800", "%", "'; --", "x" * 5000])
def test_no_text_breaks_the_choices(superuser, kind, text):
    answer = superuser.get(f"/admin/choices/{kind}/", {"q": text.encode("utf-8", "surrogatepass")})

    assert answer.status_code == 200


def test_there_are_no_choices_of_an_unknown_kind(superuser):
    assert superuser.get("/admin/choices/passwords/").status_code == 404
