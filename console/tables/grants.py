from typing import Any

from django.contrib import admin
from unfold.decorators import display

from console.tables.base import FactTable, permission
from permissions.models import (
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from roles.models import Role

TIMES = ("state", "valid_from", "valid_until", "created")


class GrantTable(FactTable):
    section, icon = "Grants", "verified_user"
    exclude: tuple[str, ...] = ("content_type", "permission")
    readonly_fields: tuple[Any, ...] = (permission,)


@admin.register(UserGlobalGrant)
class UserGlobalGrantTable(GrantTable):
    title, seen_by = "To users, everywhere", "user"
    list_display = ("user", permission, *TIMES)
    list_select_related = ("user", "permission__content_type")
    search_fields = ("user__username", "permission__codename")


@admin.register(RoleGlobalGrant)
class RoleGlobalGrantTable(GrantTable):
    title, seen_by = "To roles, everywhere", "role"
    list_display = ("role", permission, *TIMES)
    list_select_related = ("role", "permission__content_type")
    search_fields = ("role__name", "permission__codename")


@admin.register(UserObjectPermission)
class UserObjectPermissionTable(GrantTable):
    title, seen_by = "To users, on resources", "user"
    list_display = ("user", permission, "object_pk", *TIMES)
    list_select_related = ("user", "permission__content_type")
    search_fields = ("user__username", "permission__codename", "=object_pk")


@admin.register(RoleObjectPermission)
class RoleObjectPermissionTable(GrantTable):
    title, seen_by = "To roles, on resources", "group"
    # guardian's name for the column is "group"; what stands there is the role.
    exclude = (*GrantTable.exclude, "group")
    readonly_fields = ("role", permission)
    list_display = ("role", permission, "object_pk", *TIMES)
    list_select_related = ("group", "permission__content_type")
    search_fields = ("group__name", "permission__codename", "=object_pk")

    @display(description="Role", ordering="group__name")
    def role(self, row: RoleObjectPermission) -> Role:
        return row.group
