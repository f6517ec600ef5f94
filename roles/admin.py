from django.contrib import admin

from audit.admin import ReadOnlyAdmin
from roles.models import InitialPermissions, Namespace, Role, RoleAssignment, Scope, ScopeEntry


@admin.register(Namespace)
class NamespaceAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "is_enabled", "built_in")
    search_fields = ("code", "name")
    ordering = ("code",)


@admin.register(Role)
class RoleAdmin(ReadOnlyAdmin):
    list_display = ("name", "display_name", "namespace", "code", "is_enabled", "disabled_from")
    list_filter = ("is_enabled",)
    list_select_related = ("namespace",)
    search_fields = ("name", "display_name", "code", "description")
    ordering = ("name",)


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(ReadOnlyAdmin):
    list_display = ("role", "user", "group", "holder_role", "scope", "valid_from", "valid_until")
    list_select_related = ("role", "user", "group", "holder_role", "scope")
    search_fields = ("role__name", "user__username", "group__name", "holder_role__name")


@admin.register(Scope)
class ScopeAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "built_in", "created", "last_modified")
    list_filter = ("kind",)
    search_fields = ("name", "description")


@admin.register(ScopeEntry)
class ScopeEntryAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_rbac.view_scope"
    list_display = ("scope", "content_type", "object_pk", "with_descendants")
    list_select_related = ("scope", "content_type")
    search_fields = ("scope__name", "=object_pk")


@admin.register(InitialPermissions)
class InitialPermissionsAdmin(ReadOnlyAdmin):
    list_display = ("name", "role", "mode")
    list_select_related = ("role",)
    search_fields = ("name", "role__name")
    ordering = ("name",)
