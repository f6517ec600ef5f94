"""Who gets into the console, and the ways from page to page that each caller has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, reverse
from unfold.dataclasses import Favicon
from unfold.sites import UnfoldAdminSite

from console.rights import CHECK_ACCESS, ENTER, Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """An entry of the navigation. ``needs`` names a permission, "" is for everybody."""

    title: str
    icon: str
    page: str
    needs: str = ""


# The lists of models follow behind the pages of the same section: see ``tables``.
PAGES: dict[str, tuple[Way, ...]] = {
    "": (Way(title="Home", icon="home", page="admin:index"),),
    "Access": (
        Way(title="Explain", icon="help", page="console:explain", needs=CHECK_ACCESS),
        Way(title="Who can", icon="group", page="console:who-can", needs=CHECK_ACCESS),
        Way(title="What can", icon="checklist", page="console:what-can"),
        Way(title="Compare", icon="compare_arrows", page="console:compare", needs=CHECK_ACCESS),
    ),
    "Giving": (
        Way(
            title="Give a role",
            icon="badge",
            page="console:give-role",
            needs="authentik_rbac.add_roleassignment",
        ),
        Way(
            title="Add to a group",
            icon="group_add",
            page="console:add-to-group",
            needs="authentik_core.add_user_to_group",
        ),
        Way(
            title="Grant a permission",
            icon="add_moderator",
            page="console:grant",
            needs="authentik_core.assign_user_permissions",
        ),
    ),
    "People": (Way(title="Tokens", icon="key", page="console:tokens"),),
    "Roles": (),
    "Resources": (),
    "Grants": (),
    "Records": (
        Way(title="Change log", icon="history", page="console:changes", needs="audit.view_event"),
    ),
}


class ConsoleSite(UnfoldAdminSite):
    """Django's admin site, which the lists of models need, without its reading and writing of
    permissions: those are the engine's.
    """

    site_header = site_title = "Access console"
    index_title = "Home"
    site_url = None
    enable_nav_sidebar = True
    login_template = "console/login.html"
    index_template = "console/home.html"

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated and Rights.of(request).may(ENTER)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "site_icon": static("console/favicon.svg"),
            "site_favicons": [
                Favicon(href=static("console/favicon.svg"), rel="icon", type="image/svg+xml")
            ],
            "styles": [static("console/console.css")],
            "scripts": [static("console/console.js")],
            # Django's own log, which nothing writes to; the audit events are the history.
            "show_history": False,
            # The stylesheet has them: as an element of the page they would be refused as inline.
            "colors": None,
        }

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        from console.record.attention import context_of

        context = {**context_of(Rights.of(request)), **(extra_context or {})}
        page: TemplateResponse = super().index(request, context)
        return page

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from console.session import SignInForm

        self.login_form = SignInForm
        page: HttpResponse = super().login(request, extra_context)
        return page

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        from console.session import OwnPassword

        page = OwnPassword.as_view()(request)
        assert isinstance(page, HttpResponse)
        return page

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        rights = Rights.of(request)
        sections = []
        for title, pages in PAGES.items():
            ways = [way for way in pages if not way.needs or rights.may(way.needs)]
            ways += self._lists(title, rights)
            ways += _facts(title, rights)
            if ways:
                items = [_item(way, request) for way in ways]
                sections.append({"title": title, "items": items})
        return sections

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The navigation above takes its place; Django would ask every list for its permissions."""
        return []

    def get_urls(self) -> list[URLPattern]:
        """Without unfold's search over models, which keeps what it found for whoever asks next."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "search"]

    def _lists(self, section: str, rights: Rights) -> Iterator[Way]:
        for model, table in self._registry.items():
            # Tables without a section are behind pages that have a way of their own.
            if section and getattr(table, "section", None) == section and table.is_seen(rights):
                page = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
                yield Way(title=table.title, icon=table.icon, page=page)


def _facts(section: str, rights: Rights) -> Iterator[Way]:
    from console.lists.kinds import KINDS

    for kind in KINDS:
        if kind.section == section and kind.is_seen(rights):
            yield Way(title=kind.title, icon=kind.icon, page=kind.page)


def _item(way: Way, request: HttpRequest) -> dict[str, Any]:
    link = reverse(way.page)
    is_home = way.page == "admin:index"
    is_here = request.path == link if is_home else request.path.startswith(link)
    return {
        "title": way.title,
        "icon": way.icon,
        "link": link,
        "active": is_here,
        "has_permission": True,
    }
