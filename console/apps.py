from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = "Console"


class SiteConfig(SimpleAdminConfig):
    """Django's admin with our site. Nothing is discovered: packages would bring pages that write
    past the operations.
    """

    default_site = "console.site.ConsoleSite"

    def ready(self) -> None:
        super().ready()
        from console import tables  # noqa: F401  registers the lists
