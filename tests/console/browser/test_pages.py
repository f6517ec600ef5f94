"""Every page there is: nothing goes wrong in the browser, and everybody can use it."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")

EXPLAIN = "/admin/access/explain/?subject=demo-{}&action=approve&resource=demo.invoice:north-1-01"
PAGES = [
    "/admin/",
    "/admin/ask/?q=demo",
    EXPLAIN.format("ada"),
    EXPLAIN.format("alan"),
    "/admin/access/who-can/?action=approve&resource=demo.invoice:north-1-01",
    "/admin/access/what-can/?subject=demo-ben",
    "/admin/access/compare/?subject=demo-ada&other=demo-ben",
    "/admin/give/role/",
    "/admin/give/membership/",
    "/admin/give/permission/",
    "/admin/changes/",
    "/admin/changes/?about=role:demo-approver",
    "/admin/lists/assignments/",
    "/admin/lists/memberships/?when=active",
    "/admin/lists/role-grants/",
    "/admin/tokens/",
    "/admin/tokens/create/",
    "/admin/password_change/",
    "/admin/sign-out-everywhere/",
]
ROWS = [
    "/admin/authentik_core/user/?q=demo-ada",
    "/admin/authentik_core/group/?q=Demo+sales",
    "/admin/authentik_rbac/role/?q=Demo+clerk",
]
SCREENS = {"a desk by day": (1440, "light"), "a phone by night": (390, "dark")}


def lists_of(hands):
    """Links of the navigation to lists."""
    links = hands.page.locator("#nav-sidebar-apps a")
    return sorted({link.get_attribute("href") for link in links.all()})


def pages_of_rows(hands):
    """A user's page, a group's and a role's, and every page that a button there leads to."""
    links = set()
    for path in ROWS:
        hands.open(path)
        hands.open(hands.page.locator("#result_list tbody a").first.get_attribute("href"))
        links.add(hands.page.url)
        buttons = hands.page.locator("main a.button")
        links |= {link.get_attribute("href") for link in buttons.all()}
    return sorted(link for link in links if link.startswith("/admin/"))


@pytest.mark.parametrize("screen", SCREENS)
def test_everybody_can_use_every_page(hands_of, axe, screen):
    """Nothing goes wrong in the browser, no page is wider than the screen, and axe finds nothing
    that would keep people out.
    """
    width, scheme = SCREENS[screen]
    hands = hands_of(width=width, scheme=scheme)
    barriers = {}

    for path in [*PAGES, *lists_of(hands), *pages_of_rows(hands)]:
        hands.open(path)
        is_wide = hands.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        found = [*barriers_on(hands.page, axe), *(["wider than the screen"] if is_wide else [])]
        if found or hands.faults:
            barriers[path] = [*found, *hands.faults]

    assert barriers == {}


def barriers_on(page, axe):
    page.evaluate(axe)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert result["passes"], "axe looked at something"
    return [
        f"{found['id']}: {found['nodes'][0]['html']}"
        for found in result["violations"]
        if found["impact"] in ("serious", "critical")
    ]


def test_one_row_of_every_list_is_shown_without_a_fault(hands_of):
    hands = hands_of()

    for path in lists_of(hands):
        hands.open(path)
        first = hands.page.locator("#result_list tbody th a, #result_list tbody td a").first
        if first.count():
            first.click()
            hands.page.wait_for_load_state("load")
    assert hands.faults == []


@pytest.mark.parametrize("path", ["/api/v3/", "/api/v3/redoc/"])
def test_the_documents_of_the_api_are_shown_and_lead_back(hands_of, path):
    hands = hands_of()
    hands.open(path)
    hands.page.get_by_text("RBAC service").first.wait_for()

    hands.click("Console", "link")

    hands.page.wait_for_url("**/admin/")


def test_without_javascript_a_question_is_answered_too(chromium, console):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{console.url}/admin/login/")
    page.get_by_label("Username").fill("akadmin")
    page.get_by_label("Password").fill(console.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Ask").fill("demo-ada approve north-1-01")
    page.keyboard.press("Enter")

    assert "Allowed" in page.locator(".verdict").inner_text()
    context.close()
