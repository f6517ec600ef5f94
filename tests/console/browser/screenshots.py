"""Pictures of the pages, at two widths, by day and by night: ``make screenshots``.

They go to ``build/screenshots``; those that the documentation shows, to ``docs/images``.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.console.browser.test_pages import EXPLAIN
from tests.server import ROOT, Server, start

PAGES = {
    "home": "/admin/",
    "explain-allowed": EXPLAIN.format("ada"),
    "explain-denied": EXPLAIN.format("alan"),
    "who-can": "/admin/access/who-can/?action=approve&resource=demo.invoice:north-1-01",
    "what-can": "/admin/access/what-can/?subject=demo-ben",
    "compare": "/admin/access/compare/?subject=demo-ada&other=demo-ben",
    "give-a-role": "/admin/give/role/?to=user:demo-ada",
    "users": "/admin/authentik_core/user/",
    "assignments": "/admin/lists/assignments/",
    "change-log": "/admin/changes/",
    "tokens": "/admin/tokens/",
    "make-a-token": "/admin/tokens/create/",
}
SCREENS: tuple[tuple[int, Any], ...] = (
    (1440, "light"), (1440, "dark"), (390, "light"), (390, "dark"),
)  # fmt: skip
# (page, width, scheme) of those that the documentation shows.
SHOWN = {
    ("home", 1440, "light"),
    ("explain-denied", 1440, "light"),
    ("explain-denied", 390, "dark"),
}


def main() -> None:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sys.exit("Chromium is needed: apt-get install chromium")
    folder, shown = ROOT / "build" / "screenshots", ROOT / "docs" / "images"
    server = start()
    server.manage("load_demo")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        for width, scheme in SCREENS:
            viewport: Any = {"width": width, "height": 900}
            page = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
            sign_in(page, server)
            for name, address in PAGES.items():
                page.goto(f"{server.url}{address}")
                page.wait_for_timeout(300)  # for what fades in
                file = folder / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=file, full_page=True)
                if (name, width, scheme) in SHOWN:
                    keep(file, shown)
        browser.close()
    server.discard()
    print(f"{len(SCREENS) * len(PAGES)} pictures in {folder}")  # noqa: T201  a command


def sign_in(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/admin/login/")
    page.get_by_label("Username").fill("akadmin")
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


def keep(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder / file.name)


if __name__ == "__main__":
    main()
