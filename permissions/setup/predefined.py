"""What a door wants to be there before anybody writes: a type of resources, roles, and a scope.

Loaded after every ``migrate``, like the catalogue of types; what is there already stays as it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction

from permissions.models import ResourceMode, ResourceType
from roles.models import DEFAULT_NAMESPACE, Namespace, Role, Scope, ScopeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Predefined:
    """One open type, roles by name with what they are for, and a scope of every resource."""

    type: str
    type_names: tuple[str, str, str]  # of the app, of one resource, of several
    roles: Mapping[str, str]
    scope_id: uuid.UUID
    scope_name: str
    scope_description: str

    def load_after_migrate(self, *, app_config: Any, using: str, **_: Any) -> None:
        """Once per ``migrate``, when the last app is done and the tables are there."""
        with_models = [config for config in apps.get_app_configs() if config.models_module]
        tables = connections[using].introspection.table_names()
        if app_config is with_models[-1] and "authentik_rbac_scope" in tables:
            self.load(using)

    def load(self, using: str) -> None:
        app_label, _, model = self.type.partition(".")
        app_name, name, plural = self.type_names
        scope = Scope(
            id=self.scope_id,
            name=self.scope_name,
            description=self.scope_description,
            kind=ScopeKind.ALL,
            built_in=True,
        )
        with transaction.atomic(using=using):
            types = ContentType.objects.db_manager(using)
            content_type, _ = types.get_or_create(app_label=app_label, model=model)
            ResourceType.objects.db_manager(using).get_or_create(
                content_type=content_type,
                defaults={
                    "app_verbose_name": app_name,
                    "verbose_name": name,
                    "verbose_name_plural": plural,
                    "mode": ResourceMode.OPEN,
                    "built_in": True,
                },
            )
            namespace = Namespace.objects.using(using).get(code=DEFAULT_NAMESPACE)
            Role.objects.db_manager(using).bulk_create(
                [
                    Role(
                        name=name,
                        namespace=namespace,
                        code=name,
                        display_name=name,
                        description=description,
                        built_in=True,
                    )
                    for name, description in self.roles.items()
                ],
                # A role of that name which somebody made before keeps it.
                ignore_conflicts=True,
            )
            Scope.objects.db_manager(using).bulk_create([scope], ignore_conflicts=True)
