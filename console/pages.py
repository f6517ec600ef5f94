"""How a page of the console is made. Three bases; pick one, name it, say who may open it:

* ``ConsolePage``: shows something. ``title``; ``needs``, the permission without which the page is
  refused ("" is for everybody who may enter); ``parents``, the crumbs before the title; a template
  that extends ``console/base.html``. ``self.caller`` and ``self.rights`` say who is asking.
* ``QuestionPage``: a form sent by GET, so that every question is a URL; ``answer`` is called when
  the form is there and valid, and what it returns is in the template's context.
* ``FormPage``: a form sent by POST. ``perform`` calls operations and returns the sentence that is
  shown afterwards. What they refuse stands at the form's field; ``told_at`` says which, where the
  operation has another name for it. The form is filled in from the URL's query, and ``next`` in
  the query leads back to where the caller came from. A field ``reason`` is that of the events.

Offer a way to a page only to those whom it will not refuse: ``rights.may`` answers for pages, and
``FormPage.offer`` for what a form would do.

    class RoleHistory(ConsolePage):
        title = "History"
        needs = "audit.view_event"
        template_name = "console/role_history.html"

    path("roles/<uuid:pk>/history/", RoleHistory.as_view(), name="role-history")

Each page has ``self.page_of(rows)`` for paging, ``console/pages.html`` for the ways to the others,
``console/table.html`` for tables, and ``exporting.answer`` for CSV and JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode, urlsplit

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import classonlymethod
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import FormView, TemplateView

from accounts.models import User
from audit import context
from audit.errors import DomainError
from console.rights import Rights

ROWS_PER_PAGE = 50


class Crumb(NamedTuple):
    title: str
    url: str


class Cell(NamedTuple):
    """Of a table, where it leads somewhere; ``note`` stands below, on the pages of rows."""

    text: str
    url: str = ""
    note: str = ""


class ConsolePage(TemplateView):
    title: ClassVar[str] = ""
    needs: ClassVar[str] = ""
    # (title, name of the URL) of the pages above.
    parents: ClassVar[Sequence[tuple[str, str]]] = ()

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Any:  # noqa: N805  a class method, to those who look
        """The view with the site around it, which sends strangers to the sign-in page."""
        return admin.site.admin_view(super().as_view(**initkwargs))

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        assert isinstance(request.user, User), "the site lets nobody else in"
        self.caller = request.user
        self.rights = Rights.of(request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.is_allowed():
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def is_allowed(self) -> bool:
        return not self.needs or self.rights.may(self.needs)

    def get_title(self) -> str:
        return self.title

    def crumbs(self) -> list[Crumb]:
        return [Crumb(title, reverse(name)) for title, name in self.parents]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **admin.site.each_context(self.request),
            "title": self.get_title(),
            "crumbs": self.crumbs(),
            "rights": self.rights,
            **super().get_context_data(**kwargs),
        }

    def page_of(self, rows: Any, *, per_page: int = ROWS_PER_PAGE) -> Page[Any]:
        """The page that the query's ``page`` names, the nearest there is. Two statements."""
        return Paginator(rows, per_page).get_page(self.request.GET.get("page"))

    def here(self, **changed: Any) -> str:
        """This page's URL with other words in its query; None leaves a word out."""
        query = self.request.GET.copy()
        for name, value in changed.items():
            query.pop(name, None)
            if value is not None:
                query[name] = str(value)
        return f"{self.request.path}?{query.urlencode()}" if query else self.request.path


class QuestionPage(ConsolePage):
    """``form_class`` takes the query as its data, and stays empty as long as there is none;
    ``always_asked`` answers without a query too.
    """

    form_class: ClassVar[type[forms.Form]]
    always_asked: ClassVar[bool] = False

    def get(  # type: ignore[override]  # files are streamed
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        asked = [name for name in self.form_class.base_fields if name in request.GET]
        form_class: Any = self.form_class
        form = form_class(request.GET if asked or self.always_asked else None, rights=self.rights)
        answer: Mapping[str, Any] | HttpResponseBase = {}
        if form.is_valid():
            try:
                answer = self.answer(form)
            except DomainError as refusal:
                tell(form, refusal)
        if isinstance(answer, HttpResponseBase):
            return answer
        context = self.get_context_data(form=form, **{"is_answered": bool(answer), **answer})
        return self.render_to_response(context)

    def answer(self, form: forms.Form) -> Mapping[str, Any] | HttpResponseBase:
        """What the template shows, or a whole response, such as an export."""
        raise NotImplementedError


class FormPage(ConsolePage, FormView):
    """``name`` is that of its URL."""

    template_name = "console/form.html"
    name: ClassVar[str] = ""
    success_url = reverse_lazy("admin:index")
    # What the button says.
    button: ClassVar[str] = "Save"
    told_at: ClassVar[Mapping[str, str]] = {}

    def perform(self, form: Any) -> str:
        """Call the operations; the sentence that says what became of it."""
        raise NotImplementedError

    @classmethod
    def offer(cls, rights: Rights, words: Mapping[str, str], *, back: str = "") -> str:
        """The way to this page with these words in its fields, or "" if that would be refused.

        It is tried, and taken back: nothing else knows of every ceiling and rule.
        """
        page = cls()
        page.caller, page.rights = rights.caller, rights
        form: Any = cls.form_class(words, rights=rights)  # type: ignore[misc]  # each page has one
        if not (page.is_allowed() and form.is_valid()):
            return ""
        try:
            with transaction.atomic():
                page.perform(form)
                transaction.set_rollback(True)
        except DomainError:
            return ""
        return url_with(cls.name, **words, next=back)

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), **self.request.GET.dict()}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "rights": self.rights}

    def form_valid(self, form: Any) -> HttpResponse:
        audited = context.current()
        reason = form.cleaned_data.get("reason") or audited.reason
        try:
            with (
                context.bind(door=audited.door, request_id=audited.request_id, reason=reason),
                transaction.atomic(),
            ):
                said = self.perform(form)
        except DomainError as refusal:
            tell(form, refusal, told_at=self.told_at)
            return self.form_invalid(form)
        messages.success(self.request, said)
        return redirect(self.get_success_url())

    def get_success_url(self) -> str:
        return self.next or super().get_success_url()

    @property
    def next(self) -> str:
        """Where the caller came from: a page of the console, and nothing else."""
        asked = self.request.POST.get("next") or self.request.GET.get("next") or ""
        is_ours = urlsplit(asked).path.startswith(reverse("admin:index"))
        safe = url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
        return asked if is_ours and safe else ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {"button": self.button, "next": self.next, **kwargs}
        return super().get_context_data(**context)


def url_with(name: str, **words: str) -> str:
    """The page of this name, with these words in its query as far as they say anything."""
    return f"{reverse(name)}?{urlencode({key: word for key, word in words.items() if word})}"


def tell(form: forms.Form, refusal: DomainError, *, told_at: Mapping[str, str] = {}) -> None:
    """What an operation refuses, at the form's field where it is about one, else above all."""
    fields = refusal.fields or {}
    if not fields:
        form.add_error(None, refusal.message)
    for name, value in fields.items():
        field = told_at.get(name, name)
        for message in _sentences(value):
            form.add_error(field if field in form.fields else None, message)


def _sentences(value: Any) -> Iterator[str]:
    """Of one field, at any depth."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        yield str(value)
        return
    for one in value:
        yield from _sentences(one)
