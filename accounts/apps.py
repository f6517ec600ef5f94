from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    # Part of the wire contract: permission names and `model` values carry authentik's label.
    label = "authentik_core"
    verbose_name = "authentik Core"
