from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.contenttypes.management.commands import remove_stale_contenttypes
from django.contrib.contenttypes.models import ContentType


class Command(remove_stale_contenttypes.Command):
    """Django's command takes every type without a Python class for stale, with all its grants."""

    help = "Deletes stale content types, but never one that is a registered resource type."

    def handle(self, **options: Any) -> None:
        stale = [
            content_type
            for content_type in self._unregistered(options["database"])
            if content_type.model_class() is None
            and (options["include_stale_apps"] or content_type.app_label in apps.app_configs)
        ]
        if not stale or not self._confirmed(stale, interactive=options["interactive"]):
            return
        for content_type in stale:
            if options["verbosity"] >= 2:
                self.stdout.write(f"Deleting stale content type '{_name(content_type)}'")
            content_type.delete()

    def _unregistered(self, database: str) -> Any:
        ContentType.objects.clear_cache()
        rows = ContentType.objects.using(database).filter(resource_type=None)
        return rows.order_by("app_label", "model")

    def _confirmed(self, stale: list[ContentType], *, interactive: bool) -> bool:
        if not interactive:
            return True
        names = "\n".join(f"    - {_name(content_type)}" for content_type in stale)
        self.stdout.write(f"These content types and what depends on them go:\n{names}")
        return input("Type 'yes' to continue, or 'no' to cancel: ") == "yes"


def _name(content_type: ContentType) -> str:
    return f"{content_type.app_label} | {content_type.model}"
