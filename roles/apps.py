from django.apps import AppConfig


class RolesConfig(AppConfig):
    name = "roles"
    # Part of the wire contract: permission names and `model` values carry authentik's label.
    label = "authentik_rbac"
    verbose_name = "authentik RBAC"
