"""Operations of the protocol that the service knows and does not offer: statusCode 501."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from api.errors import NotSupported
from api.genauth.base import ANYBODY, Operation

NAMES = (
    "associate-tenant-resource",
    "authorize-data-policies",
    "check-data-policy-exists",
    "check-data-resource-exists",
    "check-external-user-permission",
    "check-user-same-level-permission",
    "create-admin-role",
    "create-array-data-resource",
    "create-data-policy",
    "create-data-resource",
    "create-string-data-resource",
    "create-tree-data-resource",
    "delete-admin-roles",
    "delete-common-resources-batch",
    "delete-data-policy",
    "delete-data-resource",
    "get-data-policy",
    "get-data-resource",
    "get-external-user-resource-struct",
    "get-user-permission-list",
    "get-user-resource-permission-list",
    "get-user-resource-struct",
    "list-common-resource",
    "list-data-policies",
    "list-data-policy-targets",
    "list-data-resources",
    "list-permission-view/data",
    "list-resource-targets",
    "list-simple-data-policies",
    "revoke-data-policy",
    "update-access-key",
    "update-data-policy",
    "update-data-resource",
)


class Unsupported(Operation):
    schema = None
    needs = ANYBODY

    def refuse(self, request: Request) -> Any:
        raise NotSupported

    get = post = refuse
