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
    label: str
    app_verbose_name: str
    verbose_name: str
    verbose_name_plural: str
    permissions: tuple[tuple[str, str], ...]

    @property
    def key(self) -> tuple[str, str]:
        app_label, _, model = self.label.partition(".")
        return app_label, model


def load_after_migrate(*, app_config: Any, using: str, **_: Any) -> None:
    """Once per ``migrate``, when the last app is done and the tables are there."""
    with_models = [config for config in apps.get_app_configs() if config.models_module]
    if app_config is not with_models[-1]:
        return
    tables = connections[using].introspection.table_names()
    if "permissions_resourcetype" in tables and "authentik_rbac_namespace" in tables:
        load(using=using)


@transaction.atomic
def load(*, using: str = "default") -> None:
    """Create or refresh every built-in type, its permissions, and the built-in namespaces."""
    types = [*_from_file(), *_own()]
    content_types = _content_types(types, using)
    _permissions(types, content_types, using)
    _resource_types(types, content_types, using)
    _namespaces(using)


def _from_file() -> Iterable[BuiltInType]:
    for entry in json.loads(CATALOGUE.read_text())["types"]:
        yield BuiltInType(
            entry["label"],
            entry["app_verbose_name"],
            entry["verbose_name"],
            entry["verbose_name_plural"],
            tuple((codename, name) for codename, name in entry["permissions"]),
        )


def _own() -> Iterable[BuiltInType]:
    for label in OWN_MODELS:
        meta = apps.get_model(label)._meta
        yield BuiltInType(
            label,
            str(meta.app_config.verbose_name),
            str(meta.verbose_name),
            str(meta.verbose_name_plural),
            tuple(
                (f"{action}_{meta.model_name}", f"Can {action} {meta.verbose_name}")
                for action in meta.default_permissions
            ),
        )


def _content_types(types: list[BuiltInType], using: str) -> dict[tuple[str, str], int]:
    ContentType.objects.db_manager(using).bulk_create(
        [ContentType(app_label=app, model=model) for app, model in (t.key for t in types)],
        ignore_conflicts=True,
    )
    ContentType.objects.clear_cache()
    rows = ContentType.objects.using(using).values_list("app_label", "model", "pk")
    return {(app, model): pk for app, model, pk in rows}


def _permissions(
    types: list[BuiltInType], content_types: dict[tuple[str, str], int], using: str
) -> None:
    Permission.objects.db_manager(using).bulk_create(
        [
            Permission(content_type_id=content_types[t.key], codename=codename, name=name)
            for t in types
            for codename, name in t.permissions
        ],
        update_conflicts=True,
        unique_fields=["content_type", "codename"],
        update_fields=["name"],
    )


def _resource_types(
    types: list[BuiltInType], content_types: dict[tuple[str, str], int], using: str
) -> None:
    from permissions.models import ResourceType

    ResourceType.objects.db_manager(using).bulk_create(
        [
            ResourceType(
                content_type_id=content_types[t.key],
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


def _namespaces(using: str) -> None:
    from roles.models import DEFAULT_NAMESPACE, SYSTEM_NAMESPACE, Namespace

    Namespace.objects.db_manager(using).bulk_create(
        [
            Namespace(code=code, name=code.capitalize(), built_in=True)
            for code in (DEFAULT_NAMESPACE, SYSTEM_NAMESPACE)
        ],
        ignore_conflicts=True,
    )
