"""The pages of what is granted, and the one page of the console that writes."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminPasswordChangeForm

# Imported for its registrations, so that the line below finds what it takes away.
from django.contrib.auth import admin as _stock  # noqa: F401
from django.contrib.auth import models as stock
from django.contrib.auth.views import PasswordChangeView
from django.urls import reverse_lazy

from accounts.models import User
from audit.admin import ReadOnlyAdmin
from permissions.models import (
    Resource,
    ResourceClosure,
    ResourceType,
    RetiredName,
    RoleGlobalGrant,
    RoleObjectPermission,
    UserGlobalGrant,
    UserObjectPermission,
)
from permissions.operations import set_password

# Django's own groups mean nothing here; a page of them beside ours would mislead.
admin.site.unregister(stock.Group)


@admin.register(stock.Permission)
class PermissionAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_rbac.access_admin_interface"
    list_display = ("codename", "name", "content_type")
    list_select_related = ("content_type",)
    search_fields = ("codename", "name", "=content_type__app_label", "=content_type__model")
    ordering = ("content_type__app_label", "codename")


@admin.register(ResourceType)
class ResourceTypeAdmin(ReadOnlyAdmin):
    list_display = ("label", "verbose_name", "app_verbose_name", "mode", "built_in")
    list_filter = ("mode", "built_in")
    list_select_related = ("content_type",)
    search_fields = ("verbose_name", "content_type__app_label", "content_type__model")
    ordering = ("content_type__app_label", "content_type__model")


@admin.register(Resource)
class ResourceAdmin(ReadOnlyAdmin):
    list_display = ("object_pk", "name", "type", "parent")
    list_select_related = ("type__content_type", "parent")
    search_fields = ("name", "=object_pk", "=type__content_type__model")


@admin.register(ResourceClosure)
class ResourceClosureAdmin(ReadOnlyAdmin):
    viewed_by = "permissions.view_resource"
    list_display = ("descendant", "ancestor")
    list_select_related = ("descendant", "ancestor")
    search_fields = ("=descendant__object_pk", "=ancestor__object_pk")


@admin.register(RetiredName)
class RetiredNameAdmin(ReadOnlyAdmin):
    viewed_by = "permissions.view_resource"
    list_display = ("label", "object_pk", "type")
    list_select_related = ("type__content_type",)
    search_fields = ("label", "=object_pk")


@admin.register(UserGlobalGrant)
class UserGlobalGrantAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_core.view_user"
    list_display = ("user", "permission", "valid_from", "valid_until", "created")
    list_select_related = ("user", "permission__content_type")
    search_fields = ("user__username", "permission__codename")


@admin.register(RoleGlobalGrant)
class RoleGlobalGrantAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_rbac.view_role"
    list_display = ("role", "permission", "valid_from", "valid_until", "created")
    list_select_related = ("role", "permission__content_type")
    search_fields = ("role__name", "permission__codename")


@admin.register(UserObjectPermission)
class UserObjectPermissionAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_core.view_user"
    list_display = ("user", "permission", "object_pk", "valid_from", "valid_until", "created")
    list_select_related = ("user", "permission__content_type")
    search_fields = ("user__username", "permission__codename", "=object_pk")


@admin.register(RoleObjectPermission)
class RoleObjectPermissionAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_rbac.view_role"
    list_display = ("group", "permission", "object_pk", "valid_from", "valid_until", "created")
    list_select_related = ("group", "permission__content_type")
    search_fields = ("group__name", "permission__codename", "=object_pk")


class OwnPasswordForm(AdminPasswordChangeForm):
    """Writes through the operation: it records the change."""

    def save(self, commit: bool = True) -> User:
        user: User = self.user
        set_password(user=user, password=self.cleaned_data["new_password1"], actor=user)
        return user


class OwnPassword(PasswordChangeView):
    """In the place of the admin's own page, which saves the user and says nothing."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request)}


own_password = admin.site.admin_view(OwnPassword.as_view(), cacheable=True)
