"""Every operation of this door, below ``…/api/auth/``."""

from django.urls import path

from api.aria import (
    currentuser,
    privileges,
    role_permissions,
    roles,
    scopes,
    sources,
    tokens,
    traversalspecs,
    usergroups,
    users,
)

operations = [
    path("token/acquire", tokens.Acquire.as_view()),
    path("token/release", tokens.Release.as_view()),
    path("currentuser", currentuser.CurrentUser.as_view()),
    path("currentuser/permissions", role_permissions.OwnPermissions.as_view()),
    path("currentuser/roles/<path:role_name>/privileges", currentuser.OwnRolePrivileges.as_view()),
    path("users", users.Users.as_view()),
    path("users/passwordchange", users.PasswordChange.as_view()),
    path("users/<str:user_id>", users.UserById.as_view()),
    path("users/<str:user_id>/permissions", role_permissions.UserPermissions.as_view()),
    path(
        "users/<str:user_id>/permissions/<path:role_name>",
        role_permissions.UserPermission.as_view(),
    ),
    path("usergroups", usergroups.UserGroups.as_view()),
    path("usergroups/<str:group_id>", usergroups.UserGroupById.as_view()),
    path("usergroups/<str:group_id>/permissions", role_permissions.GroupPermissions.as_view()),
    path(
        "usergroups/<str:group_id>/permissions/<path:role_name>",
        role_permissions.GroupPermission.as_view(),
    ),
    path("roles", roles.Roles.as_view()),
    path("roles/<path:role_name>/privileges", roles.RolePrivileges.as_view()),
    path("roles/<path:role_name>", roles.RoleByName.as_view()),
    path("privileges", privileges.Privileges.as_view()),
    path("privilegegroups", privileges.PrivilegeGroups.as_view()),
    path("scopes", scopes.Scopes.as_view()),
    path("scopes/<str:scope_id>", scopes.ScopeById.as_view()),
    path("traversalspecs", traversalspecs.TraversalSpecs.as_view()),
    path("sources", sources.Sources.as_view()),
    path("sources/<str:source_id>", sources.SourceById.as_view()),
    path("sources/<str:source_id>/usergroups/synchronize", sources.SynchronizeGroups.as_view()),
    path("sourcetypes", sources.SourceTypes.as_view()),
    path("sourcetypes/<str:type_id>", sources.SourceTypeById.as_view()),
]
