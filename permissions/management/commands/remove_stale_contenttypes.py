from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.contenttypes.management.commands import remove_stale_contenttypes
from django.contrib.contenttypes.models import ContentType


class Command(remove_stale_contenttypes.Command):
    """Django's command takes every type without a Python class for stale, with all its grants."""

    help = "Deletes stale content types, but never one that is a registered resource type."

    def handle(self, **options: Any) -> None:
        ContentType.objects.clear_cache()
        unregistered = ContentType.objects.using(options["database"]).filter(resource_type=None)
        stale = [
            content_type
            for content_type in unregistered.order_by("app_label", "model")
            if content_type.model_class() is None
            and (options["include_stale_apps"] or content_type.app_label in apps.app_configs)
        ]
        if stale and options["interactive"]:
            names = "\n".join(f"    - {_name(content_type)}" for content_type in stale)
            self.stdout.write(f"These content types and what depends on them go:\n{names}")
            if input("Type 'yes' to continue, or 'no' to cancel: ") != "yes":
                return
        for content_type in stale:
            if options["verbosity"] >= 2:
                self.stdout.write(f"Deleting stale content type '{_name(content_type)}'")
            content_type.delete()


def _name(content_type: ContentType) -> str:
    return f"{content_type.app_label} | {content_type.model}"
