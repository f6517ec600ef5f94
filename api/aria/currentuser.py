"""What the caller is and may do, for every caller."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.aria import paging
from api.aria.base import SIGNED_IN, OperationView
from api.aria.errors import no_such
from api.aria.privileges import PrivilegeListSerializer, describe_privilege
from api.aria.roles import role_rows
from api.aria.users import UserSerializer, describe_user, user_rows
from permissions.engine import searchable
from permissions.queries import roles_held_at_all


class CurrentUser(OperationView):
    access = {"GET": SIGNED_IN}

    @extend_schema(operation_id="getCurrentUser", responses=UserSerializer)
    def get(self, request: Request) -> Response:
        return Response(describe_user(user_rows().get(pk=self.caller.pk)))


class OwnRolePrivileges(OperationView):
    """Of any role the caller holds now: directly, through groups or other roles, in any scope."""

    access = {"GET": SIGNED_IN}

    @extend_schema(operation_id="getCurrentUserRolePrivileges", responses=PrivilegeListSerializer)
    def get(self, request: Request, role_name: str) -> Response:
        if searchable(role_name) is None:
            raise no_such("Role", role_name)
        role: Any = (
            role_rows()
            .filter(pk__in=roles_held_at_all(self.caller).values("pk"), name=role_name)
            .first()
        )
        if role is None:
            raise no_such("Role", role_name)
        rows = [grant.permission for grant in role.privileges]
        return Response(paging.listed(request, "privileges", rows, describe_privilege))
