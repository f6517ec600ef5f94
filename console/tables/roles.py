from django.contrib import admin

from console.resources import ScopePage
from console.roles import RolePage
from console.tables.base import Table
from roles.models import InitialPermissions, Namespace, Role, Scope


@admin.register(Role)
class RoleTable(Table):
    section, title, icon, page = "Roles", "Roles", "badge", RolePage
    list_display = ("name", "display_name", "namespace", "code", "is_enabled", "disabled_from")
    list_filter = ("is_enabled",)
    list_select_related = ("namespace",)
    search_fields = ("name", "display_name", "code", "description")
    ordering = ("name",)


@admin.register(Scope)
class ScopeTable(Table):
    section, title, icon, page = "Roles", "Scopes", "select_all", ScopePage
    list_display = ("name", "kind", "built_in", "created", "last_modified")
    list_filter = ("kind",)
    search_fields = ("name", "description")


@admin.register(Namespace)
class NamespaceTable(Table):
    section, title, icon = "Roles", "Namespaces", "domain"
    list_display = ("code", "name", "is_enabled", "built_in")
    search_fields = ("code", "name")
    ordering = ("code",)


@admin.register(InitialPermissions)
class InitialPermissionsTable(Table):
    section, title, icon = "Roles", "Initial permissions", "auto_awesome"
    list_display = ("name", "role", "mode")
    list_select_related = ("role",)
    search_fields = ("name", "role__name")
    ordering = ("name",)
