"""A browser before the real server: Debian's Chromium, moved by Playwright.

Playwright keeps an event loop in this thread, in which Django's ORM refuses to work: nothing here
asks the database. What there is comes from ``load_demo``, and from the console itself.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.environments import node_environment
from tests.server import Server, start

AXE = "axe-core@4.14.1"
PASSWORD = "correct horse battery staple"
# Who may only look; who administers one tenant: its people, and what its people may do.
PEOPLE = {
    "auditor": ["check_access", "view_user", "view_group", "view_role", "view_event"],
    "tenant": [
        "check_access", "view_user", "view_group", "view_role", "add_roleassignment",
        "assign_user_permissions",
    ],
}  # fmt: skip
PREPARE = """
from accounts.models import User
from permissions.operations import assign_permissions, create_user
apps = {{"view_user": "authentik_core", "view_group": "authentik_core", "view_event": "audit",
        "assign_user_permissions": "authentik_core"}}
for name, codenames in {people!r}.items():
    user = create_user(actor=None, username=name, password={password!r})
    names = [f"{{apps.get(one, 'authentik_rbac')}}.{{one}}" for one in codenames]
    names.append("authentik_rbac.access_admin_interface")
    assign_permissions(principal=user, names=names, model=None, object_pk=None, actor=None)
tenant = User.objects.get(username="tenant")
assign_permissions(
    principal=tenant, names=["demo.approve_invoice"], model=None, object_pk=None, actor=None
)
"""


@pytest.fixture(scope="package")
def console() -> Iterator[Server]:
    """A server of its own, with a small company to look at."""
    server = start()
    server.manage("load_demo")
    server.manage("shell", "-v", "0", "-c", PREPARE.format(people=PEOPLE, password=PASSWORD))
    yield server
    server.discard()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


class Hands:
    """One person before a page, whose every click, entry and key counts as an interaction."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self.server = page, server
        self.interactions = 0
        self.faults: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self._requested)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text}")

    def _requested(self, request: Any) -> None:
        ours = (self.server.url, "data:", f"blob:{self.server.url}")
        if not request.url.startswith(ours):
            self.faults.append(f"foreign: {request.url}")

    def open(self, path: str) -> None:
        self.page.goto(f"{self.server.url}{path}")

    def click(self, name: str, role: Any = "button") -> None:
        self.interactions += 1
        self.page.get_by_role(role, name=re.compile(name)).first.click()

    def type(self, label: str, text: str) -> None:
        self.interactions += 1
        self.page.get_by_label(re.compile(label)).first.fill(text)

    def press(self, key: str) -> None:
        self.interactions += 1
        self.page.keyboard.press(key)

    @property
    def verdict(self) -> str:
        return self.page.locator(".verdict").inner_text()


@pytest.fixture
def hands_of(chromium: Browser, console: Server) -> Iterator[Callable[..., Hands]]:
    """Somebody who is signed in; afterwards nothing may have gone wrong in the browser."""
    opened: list[Hands] = []

    def make(name: str = "akadmin", *, width: int = 1440, scheme: Any = "light") -> Hands:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(10_000)
        hands = Hands(context.new_page(), console)
        opened.append(hands)
        hands.open("/admin/login/")
        password = console.password if name == "akadmin" else PASSWORD
        hands.page.get_by_label("Username").fill(name)
        hands.page.get_by_label("Password").fill(password)
        hands.page.get_by_role("button", name="Log in").click()
        hands.page.wait_for_url("**/admin/")
        return hands

    yield make
    for hands in opened:
        hands.page.context.close()
    assert [fault for hands in opened for fault in hands.faults] == []


@pytest.fixture(scope="package")
def axe() -> str:
    """The script that looks for what keeps people from using a page."""
    folder: Path = node_environment("axe", [AXE])
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()
