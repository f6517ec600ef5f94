from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PermissionsConfig(AppConfig):
    name = "permissions"
    verbose_name = "Permissions"

    def ready(self) -> None:
        from permissions import checks  # noqa: F401  registers the system checks
        from permissions.setup import load_after_migrate

        post_migrate.connect(load_after_migrate, dispatch_uid="permissions.catalogue")
