"""What is there before anybody writes: the object type, the product's own roles, and one scope.

Loaded after every ``migrate``, like the catalogue of types; what is there already stays as it is.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction

from api.aria.traversal import OBJECT_TYPE
from permissions.models import ResourceMode, ResourceType
from roles.models import DEFAULT_NAMESPACE, Namespace, Role, Scope, ScopeKind

ALL_OBJECTS_ID = uuid.UUID("a110b1ec-75a1-5c09-8e5c-0a110b1ec750")
ALL_OBJECTS = "All Objects"

# The privileges each role has in the product are not published: administrators choose them.
ROLES = {
    "Administrator": "Everything, on the objects it is given for",
    "PowerUser": "Everything but users and cluster management",
    "PowerUserMinusRemediation": "As PowerUser, without actions on objects",
    "ContentAdmin": "Dashboards, views, reports and other content",
    "AgentManager": "Deploying and configuring agents",
    "GeneralUser-1": "Predefined for ordinary users",
    "GeneralUser-2": "Predefined for ordinary users",
    "GeneralUser-3": "Predefined for ordinary users",
    "GeneralUser-4": "Predefined for ordinary users",
    "ReadOnly": "Looking at everything, changing nothing",
}


def load_after_migrate(*, app_config: Any, using: str, **_: Any) -> None:
    """Once per ``migrate``, when the last app is done and the tables are there."""
    if app_config is not [config for config in apps.get_app_configs() if config.models_module][-1]:
        return
    if "authentik_rbac_scope" in connections[using].introspection.table_names():
        load(using=using)


@transaction.atomic
def load(*, using: str = "default") -> None:
    _object_type(using)
    _roles(using)
    Scope.objects.db_manager(using).bulk_create(
        [
            Scope(
                id=ALL_OBJECTS_ID,
                name=ALL_OBJECTS,
                description="Every resource of every type",
                kind=ScopeKind.ALL,
                built_in=True,
            )
        ],
        ignore_conflicts=True,
    )


def _object_type(using: str) -> None:
    app_label, _, model = OBJECT_TYPE.partition(".")
    types = ContentType.objects.db_manager(using)
    content_type, _ = types.get_or_create(app_label=app_label, model=model)
    ResourceType.objects.db_manager(using).get_or_create(
        content_type=content_type,
        defaults={
            "app_verbose_name": "Aria Operations",
            "verbose_name": "Aria Operations object",
            "verbose_name_plural": "Aria Operations objects",
            "mode": ResourceMode.OPEN,
            "built_in": True,
        },
    )


def _roles(using: str) -> None:
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
            for name, description in ROLES.items()
        ],
        # A role of that name which somebody made before keeps it.
        ignore_conflicts=True,
    )
