"""What administrators come for, in as few steps as it may take."""

from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.xdist_group("browser")


def test_who_may_and_why_takes_three_interactions(hands_of):
    hands = hands_of()

    hands.type("Ask", "demo-ada approve north-1-01")
    hands.press("Enter")

    hands.page.wait_for_url("**/access/explain/**")
    assert hands.interactions <= 3
    assert "Allowed: demo-ada may approve demo.invoice:north-1-01" in hands.verdict
    assert hands.page.get_by_role("img", name="was granted it on this resource").is_visible()


def test_who_can_and_why_takes_three_interactions(hands_of):
    hands = hands_of()

    hands.type("Ask", "who can approve north-1-01")
    hands.press("Enter")

    hands.page.wait_for_url("**/access/who-can/**")
    assert hands.interactions <= 3
    row = hands.page.get_by_role("row", name="demo-ada")
    assert "was granted it on this resource" in row.inner_text()


def test_a_denial_is_mended_in_four_interactions(hands_of):
    hands = hands_of()
    hands.open("/admin/access/explain/?subject=demo-mei&action=approve&resource=demo.region:north")
    assert "Denied" in hands.verdict

    hands.click("Grant demo.approve_region on demo.region:north to demo-mei", "link")
    hands.click("^Grant$")

    hands.page.wait_for_url("**/access/explain/**")
    assert hands.interactions <= 4
    assert "Allowed" in hands.verdict
    assert hands.page.get_by_text("demo-mei is now granted approve").is_visible()


def test_a_role_until_friday_takes_six_interactions(hands_of):
    hands = hands_of()
    friday = datetime.now(UTC) + timedelta(days=5)

    hands.click("Give a role", "link")
    hands.type("Role", "Demo approver")
    hands.type(r"\bTo\b", "user:demo-ravi")
    hands.type("Until", f"{friday:%Y-%m-%dT12:00}")
    hands.click("Give the role")

    hands.page.wait_for_url("**/admin/")
    assert hands.interactions <= 6
    assert hands.page.get_by_text("demo-ravi now holds the role Demo approver.").is_visible()


def test_choices_are_taken_by_the_keyboard_alone(hands_of):
    """From the top of the page to the answer, with nothing but keys."""
    hands = hands_of()
    page = hands.page

    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "ask":
            break
    page.keyboard.type("what can demo-ben")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("option").first.get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")

    page.wait_for_url("**/access/what-can/?subject=demo-ben")
    assert page.get_by_role("heading", name="What demo-ben can do").is_visible()


def test_a_list_is_filtered_by_the_keyboard(hands_of):
    hands = hands_of()
    hands.open("/admin/authentik_core/user/")

    hands.page.get_by_role("button", name="Filters").press("Enter")

    hands.page.get_by_role("heading", name="By type").wait_for()


def test_on_a_phone_the_navigation_opens_and_closes(hands_of):
    hands = hands_of(width=390)
    way = hands.page.locator("#nav-sidebar-apps").get_by_role("link", name="Who can")
    assert not way.is_visible()

    hands.click("Show or hide the navigation")
    assert way.is_visible()

    hands.click("Close the navigation")
    assert not way.is_visible()


def test_a_field_offers_what_is_called_so(hands_of):
    hands = hands_of()
    hands.open("/admin/access/explain/")

    hands.page.get_by_label("Who").press_sequentially("ada@")
    hands.page.get_by_role("option", name="demo-ada").click()
    hands.page.get_by_label("On what").press_sequentially("north-1-01")
    hands.page.get_by_role("option", name="demo.invoice:north-1-01").click()
    hands.page.get_by_label("May do what").press_sequentially("app")
    hands.page.get_by_role("option", name="approve").click()
    hands.click("^Explain$")

    assert "Allowed: demo-ada may approve demo.invoice:north-1-01" in hands.verdict


def test_who_may_only_look_is_offered_nothing_to_change(hands_of):
    hands = hands_of("auditor")
    hands.open("/admin/access/explain/?subject=demo-sami&action=approve&resource=demo.shop:north-1")

    assert "Denied" in hands.verdict
    assert hands.page.get_by_text("not yours to do").count() >= 1
    for form in ("role", "membership", "permission"):
        assert hands.page.locator(f"a[href*='/admin/give/{form}/']").count() == 0


def test_the_administrator_of_a_tenant_gives_what_it_holds_and_no_more(hands_of):
    """It holds approve on invoices, and nothing on shops."""
    hands = hands_of("tenant")
    question = "/admin/access/explain/?subject=demo-sami&action=approve&resource="

    hands.open(f"{question}demo.shop:north-1")
    assert hands.page.locator("main a[href*='/admin/give/permission/']").count() == 0

    hands.open(f"{question}demo.invoice:north-1-02")
    hands.click("Grant demo.approve_invoice on demo.invoice:north-1-02 to demo-sami", "link")
    hands.click("^Grant$")
    hands.page.wait_for_url("**/access/explain/**")
    assert "Allowed" in hands.verdict


def test_a_session_that_ended_while_a_form_was_open_writes_nothing(hands_of):
    hands = hands_of()
    hands.open("/admin/give/role/?role=Demo+approver&to=user:demo-vera")
    hands.page.context.clear_cookies(name="authentik_session")

    hands.click("Give the role")

    hands.page.wait_for_url("**/admin/login/**")
    assert hands.page.get_by_label("Username").is_visible()


def test_one_signs_out_everywhere(hands_of):
    hands = hands_of("auditor")
    hands.open("/admin/sign-out-everywhere/")

    hands.click("Sign out everywhere")

    hands.page.wait_for_url("**/admin/login/")
    assert hands.page.get_by_text("You are signed out everywhere.").is_visible()
