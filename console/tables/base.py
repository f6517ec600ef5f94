"""What every list has in common: who sees it, what it is called, and that it changes nothing."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Permission
from django.db.models import JSONField, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from console.parts import RowPage
from console.record.history import VIEW, history_of
from console.rights import Rights
from permissions.engine import short


class Table(ModelAdmin):
    """Shows the rows that the caller may view.

    ``section``, ``title`` and ``icon`` are its place in the navigation. ``seen_by`` names a foreign
    key: rows are seen by whoever may view the row it leads to; ``viewed_by`` a permission that is
    needed instead, where a model has none of its own. ``page`` is a row's own page, else unfold
    shows its fields.
    """

    section: ClassVar[str] = ""
    title: ClassVar[str] = ""
    icon: ClassVar[str] = "table_rows"
    seen_by: ClassVar[str] = "pk"
    viewed_by: ClassVar[str] = ""
    page: ClassVar[type[RowPage] | None] = None

    # To count a million rows takes longer than to show fifty of them.
    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None
    # Without it unfold styles the list by an element of the page, which is refused as inline.
    actions_on_top = True

    def __init__(self, model: type[Model], admin_site: AdminSite) -> None:
        """JSON is shown as plain text: unfold colours it by style attributes, which are refused."""
        super().__init__(model, admin_site)
        names = [f.name for f in model._meta.concrete_fields if isinstance(f, JSONField)]
        self.exclude: Any = (*(self.exclude or ()), *names)
        self.readonly_fields: Any = (*self.readonly_fields, *map(_written, names))

    def is_seen(self, rights: Rights) -> bool:
        if self.viewed_by:
            return rights.may(self.viewed_by)
        if self.seen_by == "pk":
            return rights.sees(self.model)
        related = self.opts.get_field(self.seen_by).related_model
        assert isinstance(related, type), "a foreign key"
        return rights.sees(related)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if self.viewed_by else Rights.of(request).visible(rows, by=self.seen_by)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A row that was found is one the caller may view."""
        return self.is_seen(Rights.of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The filters beside the list and no others: with `?password__startswith=` whoever sees the
        list could guess a secret that no page shows, letter by letter.
        """
        shown = lookup.partition("__")[0] in self.list_filter
        return shown and super().lookup_allowed(lookup, value, request)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return super().changelist_view(request, {"title": self.title, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if self.page is None:
            return super().change_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, unquote(object_id))
        if row is None:
            # Says so, and leads to the home page.
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self.page.as_view(row=row)(request)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        context = {
            "table_title": self.title,
            "table_url": reverse(page),
            "show_history": Rights.of(request).may(VIEW),
            **(extra_context or {}),
        }
        return super().changeform_view(request, object_id, form_url, context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit events are the history; Django's own log entries nobody writes."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return redirect(history_of(row))


def _written(name: str) -> Any:
    @display(description=name.capitalize())
    def written(row: Any) -> str:
        text = json.dumps(getattr(row, name), ensure_ascii=False, indent=2, sort_keys=True)
        return format_html('<pre class="written">{}</pre>', text)

    return written


def spoken(permission: Permission) -> str:
    """``approve · shop.invoice``: two different permissions never look alike."""
    return f"{short(permission.codename, permission.content_type.model)} · {type_of(permission)}"


def type_of(permission: Permission) -> str:
    """``shop.invoice``"""
    kind = permission.content_type
    return f"{kind.app_label}.{kind.model}"
