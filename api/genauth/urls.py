"""Every operation by its name. No path has a parameter or a trailing slash."""

from django.urls import path

from api.genauth import (
    access_keys,
    assignments,
    authorizations,
    decisions,
    departments,
    groups,
    management_token,
    namespaces,
    resources,
    roles,
    users,
)
from api.genauth.base import Operation
from api.genauth.document import openapi
from api.genauth.unsupported import NAMES, Unsupported

OPERATIONS: dict[str, type[Operation]] = {
    # authentication
    "get-management-token": management_token.GetManagementToken,
    "create-access-key": access_keys.CreateAccessKey,
    "list-access-key": access_keys.ListAccessKey,
    "get-access-key": access_keys.GetAccessKey,
    "delete-access-key": access_keys.DeleteAccessKey,
    # roles
    "create-role": roles.CreateRole,
    "create-roles-batch": roles.CreateRolesBatch,
    "get-role": roles.GetRole,
    "list-roles": roles.ListRoles,
    "update-role": roles.UpdateRole,
    "delete-roles-batch": roles.DeleteRolesBatch,
    "multiple-namespace-delete-roles-batch": roles.MultipleNamespaceDeleteRolesBatch,
    "check-role-params": roles.CheckRoleParams,
    # who holds them
    "assign-role": assignments.AssignRole,
    "assign-role-batch": assignments.AssignRoleBatch,
    "revoke-role": assignments.RevokeRole,
    "revoke-role-batch": assignments.RevokeRoleBatch,
    "list-role-members": assignments.ListRoleMembers,
    "list-role-departments": assignments.ListRoleDepartments,
    "list-role-assignments": assignments.ListRoleAssignments,
    "get-user-roles": assignments.GetUserRoles,
    "has-any-role": assignments.HasAnyRole,
    # namespaces
    "create-namespace": namespaces.CreateNamespace,
    "create-namespaces-batch": namespaces.CreateNamespacesBatch,
    "get-namespace": namespaces.GetNamespace,
    "get-namespaces-batch": namespaces.GetNamespacesBatch,
    "update-namespace": namespaces.UpdateNamespace,
    "delete-namespace": namespaces.DeleteNamespace,
    "delete-namespaces-batch": namespaces.DeleteNamespacesBatch,
    "list-namespaces": namespaces.ListNamespaces,
    "list-namespace-roles": namespaces.ListNamespaceRoles,
    "create-permission-namespace": namespaces.CreatePermissionNamespace,
    "create-permission-namespaces-batch": namespaces.CreatePermissionNamespacesBatch,
    "get-permission-namespace": namespaces.GetPermissionNamespace,
    "get-permission-namespaces-batch": namespaces.GetPermissionNamespacesBatch,
    "update-permission-namespace": namespaces.UpdatePermissionNamespace,
    "delete-permission-namespace": namespaces.DeletePermissionNamespace,
    "delete-permission-namespaces-batch": namespaces.DeletePermissionNamespacesBatch,
    "list-permission-namespaces": namespaces.ListPermissionNamespaces,
    "list-permission-namespace-roles": namespaces.ListPermissionNamespaceRoles,
    "check-permission-namespace-exists": namespaces.CheckPermissionNamespaceExists,
    # resources and what is allowed on them
    "create-resource": resources.CreateResource,
    "create-resources-batch": resources.CreateResourcesBatch,
    "get-resource": resources.GetResource,
    "get-resources-batch": resources.GetResourcesBatch,
    "list-resources": resources.ListResources,
    "update-resource": resources.UpdateResource,
    "delete-resource": resources.DeleteResource,
    "delete-resources-batch": resources.DeleteResourcesBatch,
    "authorize-resources": authorizations.AuthorizeResources,
    "get-authorized-resources": authorizations.GetAuthorizedResources,
    "get-role-authorized-resources": authorizations.GetRoleAuthorizedResources,
    "get-user-authorized-resources": authorizations.GetUserAuthorizedResources,
    "get-group-authorized-resources": authorizations.GetGroupAuthorizedResources,
    "get-resource-authorized-targets": authorizations.GetResourceAuthorizedTargets,
    "is-action-allowed": decisions.IsActionAllowed,
    "check-permission": decisions.CheckPermission,
    # users, groups, departments
    "create-user": users.CreateUser,
    "get-user": users.GetUser,
    "list-users": users.ListUsers,
    "delete-users-batch": users.DeleteUsersBatch,
    "create-group": groups.CreateGroup,
    "get-group": groups.GetGroup,
    "delete-groups-batch": groups.DeleteGroupsBatch,
    "add-group-members": groups.AddGroupMembers,
    "remove-group-members": groups.RemoveGroupMembers,
    "list-group-members": groups.ListGroupMembers,
    "create-organization": departments.CreateOrganization,
    "delete-organization": departments.DeleteOrganization,
    "create-department": departments.CreateDepartment,
    "get-department": departments.GetDepartment,
    "delete-department": departments.DeleteDepartment,
    "add-department-members": departments.AddDepartmentMembers,
    "remove-department-members": departments.RemoveDepartmentMembers,
    "list-department-members": departments.ListDepartmentMembers,
}


urlpatterns = [
    *(path(name, view.as_view(), name=f"genauth-{name}") for name, view in OPERATIONS.items()),
    *(path(name, Unsupported.as_view()) for name in NAMES),
    path("openapi", openapi),
]
