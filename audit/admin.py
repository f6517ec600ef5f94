"""Plain pages over the tables. They show; whoever wants to change something uses a door, which
applies the grant ceiling and writes the audit event.
"""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from audit.models import Event


class ReadOnlyAdmin(admin.ModelAdmin):
    """Lists and shows rows to those who hold the model's view permission globally."""

    # ``app.codename`` that opens the page if the model has no permissions of its own.
    viewed_by = ""
    # A second count of the whole table would only print a number beside the filtered one.
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        own = f"{self.opts.app_label}.view_{self.opts.model_name}"
        return request.user.has_perm(self.viewed_by or own)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The filters beside the list and no others: with `?password__startswith=` whoever sees the
        list could guess a secret that no page shows, letter by letter.
        """
        shown = lookup.partition("__")[0] in self.list_filter
        return shown and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("created", "kind", "actor_name", "target_type", "target_name", "door")
    list_filter = ("kind", "door")
    search_fields = ("actor_name", "target_name", "=target_pk", "=request_id")
