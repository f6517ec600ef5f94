"""Many facts at once, the change log and a token, in a browser, down to what axe says."""

import pytest

from tests.console.browser.test_pages import barriers_on

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_chosen_is_shown_before_it_ends(hands_of, axe, width):
    hands = hands_of(width=width)
    hands.open("/admin/lists/memberships/?to_user=demo-yusuf")

    hands.page.get_by_label("demo-yusuf").first.check()
    hands.click("Prolong")
    hands.type("Until", "2900-01-01T00:00")
    hands.click("Show what becomes of it")

    assert hands.page.get_by_role("cell", name="stays").is_visible()
    assert barriers_on(hands.page, axe) == []
    assert not hands.page.evaluate("document.documentElement.scrollWidth > innerWidth")
    hands.click("Cancel", "link")
    hands.page.wait_for_url("**/lists/memberships/?to_user=demo-yusuf")


def test_a_membership_ends_by_the_keyboard_alone_and_the_log_tells_it(hands_of):
    hands = hands_of()
    hands.open("/admin/lists/memberships/?to_user=demo-tara")

    hands.page.get_by_label("demo-tara").first.focus()
    hands.press("Space")
    hands.page.get_by_role("button", name="End…").focus()
    hands.press("Enter")
    hands.page.get_by_role("button", name="End 1").focus()
    hands.press("Enter")

    hands.page.wait_for_url("**/lists/memberships/?to_user=demo-tara")
    hands.open("/admin/changes/?subject=user:demo-tara")
    first = hands.page.locator("tbody tr").first
    assert "group member removed" in first.inner_text()
    first.get_by_text("Show").click()
    assert first.get_by_text("demo-tara").last.is_visible()


def test_a_key_is_shown_once(hands_of, axe):
    hands = hands_of()
    hands.open("/admin/tokens/create/")

    hands.type("Identifier", "browser-token")
    hands.click("Make it")

    key = hands.page.locator("#key").inner_text()
    assert len(key) > 20
    assert barriers_on(hands.page, axe) == []
    hands.click("I have kept it", "link")
    assert hands.page.get_by_text("browser-token").first.is_visible()
    assert key not in hands.page.content()


def test_an_auditor_reads_the_log_and_changes_nothing(hands_of):
    hands = hands_of("auditor")

    hands.click("Change log", "link")
    hands.page.wait_for_url("**/changes/")
    hands.open("/admin/lists/memberships/")

    assert hands.page.get_by_role("button", name="End…").count() == 0
    assert hands.page.locator("main input[type=checkbox]").count() == 0
