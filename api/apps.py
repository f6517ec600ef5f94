from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API"

    def ready(self) -> None:
        from api import schema  # noqa: F401  registers the security scheme
        from api.aria.predefined import load_after_migrate

        post_migrate.connect(load_after_migrate, dispatch_uid="api.aria.predefined")
