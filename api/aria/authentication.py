"""Who calls: the key that ``token/acquire`` gave, under either name the product's clients use."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import SignIn, User
from accounts.signins import authenticate_sign_in

SCHEME = "OpsToken"
SCHEMES = {name.lower(): name for name in (SCHEME, "vRealizeOpsToken")}


class OpsTokenAuthentication(authentication.BaseAuthentication):
    """Missing, foreign and invalid credentials are 401 alike; no other scheme is offered."""

    def authenticate(self, request: Request) -> tuple[User, SignIn] | None:
        header = authentication.get_authorization_header(request)
        if not header:
            return None
        scheme, _, key = header.decode("utf-8", "replace").partition(" ")
        if scheme.lower() not in SCHEMES:
            raise AuthenticationFailed(refusal(SCHEME))
        sign_in = authenticate_sign_in(key.strip())
        if sign_in is None:
            raise AuthenticationFailed(refusal(SCHEMES[scheme.lower()]))
        return sign_in.user, sign_in

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


def refusal(scheme: str) -> str:
    return f'The token given for the authentication scheme "{scheme}" is not valid or has expired.'


class OpsTokenScheme(OpenApiAuthenticationExtension):
    target_class = "api.aria.authentication.OpsTokenAuthentication"
    name = "opsToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`OpsToken <token>` or `vRealizeOpsToken <token>`, from token/acquire.",
        }
