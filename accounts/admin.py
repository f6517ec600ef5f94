from django.contrib import admin

from accounts.models import (
    Group,
    GroupClosure,
    GroupMembership,
    GroupParent,
    SignIn,
    Token,
    User,
)
from audit.admin import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("username", "name", "email", "type", "is_active", "path", "last_login")
    list_filter = ("is_active", "type")
    search_fields = ("username", "name", "email", "=uuid")
    exclude = ("password",)
    ordering = ("username",)


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    list_display = ("name", "display_name", "kind", "organization", "is_superuser")
    list_filter = ("kind", "is_superuser")
    search_fields = ("name", "display_name", "code")
    ordering = ("name",)


@admin.register(GroupMembership)
class GroupMembershipAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_core.view_group"
    list_display = ("group", "user", "valid_from", "valid_until", "created")
    list_select_related = ("group", "user")
    search_fields = ("group__name", "user__username")


@admin.register(GroupParent)
class GroupParentAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_core.view_group"
    list_display = ("child", "parent")
    list_select_related = ("child", "parent")
    search_fields = ("child__name", "parent__name")


@admin.register(GroupClosure)
class GroupClosureAdmin(ReadOnlyAdmin):
    viewed_by = "authentik_core.view_group"
    list_display = ("descendant", "ancestor")
    list_select_related = ("descendant", "ancestor")
    search_fields = ("descendant__name", "ancestor__name")


@admin.register(Token)
class TokenAdmin(ReadOnlyAdmin):
    """Shows whose keys there are and how long they work, never a key."""

    list_display = ("identifier", "user", "intent", "expiring", "expires", "last_used")
    list_filter = ("intent", "expiring")
    list_select_related = ("user",)
    search_fields = ("identifier", "description", "user__username")
    ordering = ("identifier",)


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    """Who is signed in through the Aria Operations door, never by which key."""

    viewed_by = "authentik_core.view_user"
    list_display = ("user", "created", "expires")
    list_select_related = ("user",)
    search_fields = ("user__username",)
