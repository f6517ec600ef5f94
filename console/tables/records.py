from django.contrib import admin

from audit.models import Event
from console.tables.base import Table


@admin.register(Event)
class EventTable(Table):
    section, title, icon = "Records", "Change log", "history"
    viewed_by = "audit.view_event"
    list_display = ("created", "kind", "actor_name", "target_type", "target_name", "door")
    list_filter = ("kind",)
    search_fields = ("actor_name", "target_name", "=target_pk", "=request_id")
