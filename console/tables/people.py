from django.contrib import admin

from accounts.models import Group, GroupParent, SignIn, Token, User
from console.groups import GroupPage
from console.tables.base import Table
from console.users import UserPage


@admin.register(User)
class UserTable(Table):
    section, title, icon, page = "People", "Users", "person", UserPage
    list_display = ("username", "name", "email", "type", "is_active", "path", "last_login")
    list_filter = ("is_active", "type")
    search_fields = ("username", "name", "email", "=uuid")
    ordering = ("username",)


@admin.register(Group)
class GroupTable(Table):
    section, title, icon, page = "People", "Groups", "groups", GroupPage
    list_display = ("name", "display_name", "kind", "organization", "is_superuser")
    list_filter = ("kind", "is_superuser")
    search_fields = ("name", "display_name", "code")
    ordering = ("name",)


@admin.register(GroupParent)
class GroupParentTable(Table):
    section, title, icon = "People", "Groups below groups", "account_tree"
    seen_by = "child"
    list_display = ("child", "parent")
    list_select_related = ("child", "parent")
    search_fields = ("child__name", "parent__name")


@admin.register(Token)
class TokenTable(Table):
    """Shows whose keys there are and how long they work, never a key. The ways lead to the page
    that makes and revokes them.
    """

    title, icon = "Tokens", "key"
    list_display = ("identifier", "user", "intent", "expiring", "expires", "last_used")
    list_filter = ("intent", "expiring")
    list_select_related = ("user",)
    search_fields = ("identifier", "description", "user__username")
    ordering = ("identifier",)


@admin.register(SignIn)
class SignInTable(Table):
    """Who is signed in through the Aria Operations door, never by which key."""

    section, title, icon = "People", "Sign-ins", "login"
    seen_by = "user"
    list_display = ("user", "created", "expires")
    list_select_related = ("user",)
    search_fields = ("user__username",)
