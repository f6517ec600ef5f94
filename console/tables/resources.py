from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from console.resources import ResourcePage, TypePage
from console.rights import ENTER
from console.tables.base import Table, spoken
from permissions.models import Resource, ResourceType, RetiredName


@admin.register(ResourceType)
class ResourceTypeTable(Table):
    section, title, icon, page = "Resources", "Resource types", "category", TypePage
    list_display = ("label", "verbose_name", "app_verbose_name", "mode", "built_in")
    list_filter = ("mode", "built_in")
    list_select_related = ("content_type",)
    search_fields = ("verbose_name", "content_type__app_label", "content_type__model")
    ordering = ("content_type__app_label", "content_type__model")


@admin.register(Resource)
class ResourceTable(Table):
    section, title, icon, page = "Resources", "Resources", "inventory_2", ResourcePage
    list_display = ("object_pk", "name", "type", "parent")
    list_select_related = ("type__content_type", "parent")
    search_fields = ("name", "=object_pk", "=type__content_type__model")


@admin.register(Permission)
class ActionTable(Table):
    """The catalogue, which anybody may read who is somebody."""

    section, title, icon = "Resources", "Actions", "bolt"
    viewed_by = ENTER
    list_display = ("spoken", "name")
    list_select_related = ("content_type",)
    search_fields = ("codename", "name", "=content_type__app_label", "=content_type__model")
    ordering = ("content_type__app_label", "content_type__model", "codename")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those of registered types: Django's own mean nothing here."""
        return super().get_queryset(request).filter(content_type__resource_type__isnull=False)

    @display(description="Permission", ordering="codename")
    def spoken(self, row: Permission) -> str:
        return spoken(row)


@admin.register(RetiredName)
class RetiredNameTable(Table):
    section, title, icon = "Resources", "Retired names", "history_toggle_off"
    viewed_by = "permissions.view_resource"
    list_display = ("label", "object_pk", "type")
    list_select_related = ("type__content_type",)
    search_fields = ("label", "=object_pk")
