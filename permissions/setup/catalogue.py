"""The built-in resource types: this service's own models and authentik's, loaded as data.

``catalogue.json`` holds authentik's labels and permission names as plain facts. Loading is
idempotent and set-based and runs after every ``migrate``, so changing the list needs no migration.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction

from permissions.models import ResourceType
from roles.models import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, Namespace

CATALOGUE = Path(__file__).with_name("catalogue.json")

# Our own models that access is managed for, beyond those authentik has too.
OWN_MODELS = (
    "audit.event",
    "authentik_rbac.namespace",
    "authentik_rbac.roleassignment",
    "authentik_rbac.scope",
    "permissions.resource",
    "permissions.resourcetype",
)


@dataclass(frozen=True, slots=True)
class BuiltInType:
    app_label: str
    model: str
    app_verbose_name: str
    verbose_name: str
    verbose_name_plural: str
    permissions: tuple[tuple[str, str], ...]


def load_after_migrate(*, app_config: Any, using: str, **_: Any) -> None:
    """Once per ``migrate``, when the last app is done and the tables are there."""
    # Each app sends the signal. Before the last of them, some of the tables are missing.
    with_models = [config for config in apps.get_app_configs() if config.models_module]
    if app_config is not with_models[-1]:
        return
    tables = connections[using].introspection.table_names()
    if {"permissions_resourcetype", "authentik_rbac_namespace"} <= set(tables):
        load(using=using)


@transaction.atomic
def load(*, using: str = "default") -> None:
    """Create or refresh every built-in type, its permissions, and the built-in namespaces."""
    types = list(_types())
    ContentType.objects.db_manager(using).bulk_create(
        [ContentType(app_label=t.app_label, model=t.model) for t in types], ignore_conflicts=True
    )
    ContentType.objects.clear_cache()
    rows = ContentType.objects.using(using).values_list("app_label", "model", "pk")
    keys = {(app_label, model): pk for app_label, model, pk in rows}
    Permission.objects.db_manager(using).bulk_create(
        [
            Permission(content_type_id=keys[t.app_label, t.model], codename=codename, name=name)
            for t in types
            for codename, name in t.permissions
        ],
        update_conflicts=True,
        unique_fields=["content_type", "codename"],
        update_fields=["name"],
    )
    ResourceType.objects.db_manager(using).bulk_create(
        [
            ResourceType(
                content_type_id=keys[t.app_label, t.model],
                app_verbose_name=t.app_verbose_name,
                verbose_name=t.verbose_name,
                verbose_name_plural=t.verbose_name_plural,
                built_in=True,
            )
            for t in types
        ],
        update_conflicts=True,
        unique_fields=["content_type"],
        # The mode is the administrators' choice and stays.
        update_fields=["app_verbose_name", "verbose_name", "verbose_name_plural", "built_in"],
    )
    Namespace.objects.db_manager(using).bulk_create(
        [
            Namespace(code=code, name=code.capitalize(), built_in=True)
            for code in (DEFAULT_NAMESPACE, SYSTEM_NAMESPACE)
        ],
        ignore_conflicts=True,
    )


def _types() -> Iterable[BuiltInType]:
    for entry in json.loads(CATALOGUE.read_text())["types"]:
        app_label, model = entry["label"].split(".")
        yield BuiltInType(
            app_label,
            model,
            entry["app_verbose_name"],
            entry["verbose_name"],
            entry["verbose_name_plural"],
            tuple((codename, name) for codename, name in entry["permissions"]),
        )
    for label in OWN_MODELS:
        meta = apps.get_model(label)._meta
        app_label, model = label.split(".")
        yield BuiltInType(
            app_label,
            model,
            str(meta.app_config.verbose_name),
            str(meta.verbose_name),
            str(meta.verbose_name_plural),
            tuple(
                (f"{action}_{meta.model_name}", f"Can {action} {meta.verbose_name}")
                for action in meta.default_permissions
            ),
        )
