from django.urls import path
from rest_framework.routers import SimpleRouter

from api.v3.assigned_by_roles import RoleAssignedPermissionViewSet
from api.v3.assigned_by_users import UserAssignedPermissionViewSet
from api.v3.bulk_grants import BulkGrantViewSet
from api.v3.decisions import AccessViewSet
from api.v3.documents import RedocView, SwaggerView
from api.v3.groups import GroupViewSet
from api.v3.initial_permissions import InitialPermissionsViewSet
from api.v3.memberships import MembershipViewSet
from api.v3.permissions import PermissionViewSet
from api.v3.resource_types import IN_PATH, ResourceTypeViewSet
from api.v3.resources import ResourceViewSet
from api.v3.role_assignments import RoleAssignmentViewSet
from api.v3.role_object_permissions import RoleObjectPermissionViewSet
from api.v3.role_parents import RoleParentViewSet
from api.v3.roles import RoleViewSet
from api.v3.root import ConfigView
from api.v3.schema import SchemaView
from api.v3.scopes import ScopeViewSet
from api.v3.tokens import TokenViewSet
from api.v3.user_object_permissions import UserObjectPermissionViewSet
from api.v3.users import UserViewSet

router = SimpleRouter()
router.register("core/groups", GroupViewSet)
router.register("core/tokens", TokenViewSet)
router.register("core/users", UserViewSet)
router.register("rbac/initial_permissions", InitialPermissionsViewSet)
router.register("rbac/memberships", MembershipViewSet)
router.register("rbac/resource_types", ResourceTypeViewSet)
router.register(rf"rbac/resource_types/(?P<label>{IN_PATH})/resources", ResourceViewSet)
router.register("rbac/role_assignments", RoleAssignmentViewSet)
router.register("rbac/roles", RoleViewSet)
router.register("rbac/scopes", ScopeViewSet)
router.register("rbac/bulk", BulkGrantViewSet, basename="bulk")
router.register("rbac/permissions/assigned_by_roles", RoleAssignedPermissionViewSet, "by-role")
router.register("rbac/permissions/assigned_by_users", UserAssignedPermissionViewSet, "by-user")
router.register("rbac/permissions/roles", RoleObjectPermissionViewSet)
router.register("rbac/permissions/users", UserObjectPermissionViewSet)
# Behind the longer paths, or it would take their last word for a key.
router.register("rbac/permissions", PermissionViewSet)
router.register("rbac/access", AccessViewSet, basename="access")

urlpatterns = [
    *router.urls,
    path(
        "rbac/roles/<str:role>/parents/",
        RoleParentViewSet.as_view({"get": "list", "put": "replace", "post": "add"}, acts_as="list"),
    ),
    path(
        "rbac/roles/<str:role>/parents/<str:parent>/",
        RoleParentViewSet.as_view({"delete": "remove"}, acts_as="list"),
    ),
    path("root/config/", ConfigView.as_view()),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("", SwaggerView.as_view(), name="swagger"),
    path("redoc/", RedocView.as_view(), name="redoc"),
]
