from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API"

    def ready(self) -> None:
        from api import schema  # noqa: F401  registers the security scheme
        from api.aria.predefined import PREDEFINED

        # A bound method lives no longer than whoever holds it.
        post_migrate.connect(
            PREDEFINED.load_after_migrate, weak=False, dispatch_uid="api.aria.predefined"
        )
