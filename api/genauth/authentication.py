"""Who calls: a management token, with or without the word Bearer before it, or an API token."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts.models import Token, User
from api.genauth.errors import MESSAGES, NOT_SIGNED_IN
from api.genauth.tokens import pool_id, redeem
from permissions.engine import authenticate_key

POOL_HEADERS = ("x-genauth-userpool-id", "x-authing-userpool-id")


class NotSignedIn(AuthenticationFailed):
    api_code = NOT_SIGNED_IN
    default_detail = MESSAGES[401]


class ManagementAuthentication(authentication.BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, Token]:
        header = authentication.get_authorization_header(request).decode("utf-8", "replace")
        scheme, _, rest = header.strip().partition(" ")
        key = rest.strip() if scheme.lower() == "bearer" else header.strip()
        token, pool = _holder(key)
        if any(request.headers.get(name) not in (None, "", pool) for name in POOL_HEADERS):
            raise PermissionDenied("The token belongs to another user pool.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Makes refusals 401 instead of 403."""
        return "Bearer"


def _holder(key: str) -> tuple[Token, str]:
    """The token's row and the user pool it is for."""
    if key.count(".") == 2:
        found = redeem(key)
    else:
        token = authenticate_key(key)
        found = None if token is None else (token, pool_id())
    if found is None:
        raise NotSignedIn
    return found


class ManagementScheme(OpenApiAuthenticationExtension):
    target_class = "api.genauth.authentication.ManagementAuthentication"
    name = "managementToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access_token that get-management-token answers.",
        }
