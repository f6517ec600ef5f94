"""Who calls: a management token, with or without the word Bearer before it, or an API token.

Management tokens are what an access key is exchanged for. The clients read the payload themselves,
with standard instead of URL-safe base64: its JSON must be ASCII without ``>``, ``?`` and ``~``. Hex
digits and whole numbers are.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Any

import jwt
from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.models import ACCESS_KEY, Token, User
from api.errors import NotSignedIn
from permissions.engine import authenticate_key

POOL_HEADERS = ("x-genauth-userpool-id", "x-authing-userpool-id")
LIFETIME = 7200
# Clients use a token up to the last second they were told of; it must not end while on its way.
GRACE = 60
ALGORITHM = "HS256"


class ManagementAuthentication(authentication.BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, Token]:
        header = authentication.get_authorization_header(request).decode("utf-8", "replace")
        scheme, _, rest = header.strip().partition(" ")
        key = rest.strip() if scheme.lower() == "bearer" else header.strip()
        if key.count(".") == 2:
            token, pool = redeem(key)
        else:
            token, pool = authenticate_key(key), pool_id()
        if token is None:
            raise NotSignedIn
        if any(request.headers.get(name) not in (None, "", pool) for name in POOL_HEADERS):
            raise PermissionDenied("The token belongs to another user pool.")
        return token.user, token


def pool_id() -> str:
    """The one user pool, in the form of an id: made from the service's address, 24 hex digits."""
    return hashlib.sha256(settings.RBAC_PUBLIC_URL.encode()).hexdigest()[:24]


def issue(access_key: Token) -> str:
    now = int(time.time())
    claims = {
        "sub": access_key.access_key_id,
        "scoped_userpool_id": pool_id(),
        "iat": now,
        "exp": now + LIFETIME + GRACE,
        "jti": secrets.token_hex(16),
    }
    token = jwt.encode(claims, _signing_keys(access_key)[0], algorithm=ALGORITHM)
    assert not set(token.split(".")[1]) & set("-_"), "clients could not read it"
    return token


def redeem(token: str) -> tuple[Token | None, str]:
    """The access key a token was exchanged for, if it counts now, and the pool it was issued for.

    One statement. Deleting the key, a new secret for it, and disabling its account end it.
    """
    # Which key has signed it only its own claims tell: read first, and believed after the proof.
    claims = _decoded(token, "", {"verify_signature": False})
    subject = claims.get("sub")
    if not isinstance(subject, str) or "\0" in subject:
        return None, ""
    keys = Token.objects.access_keys().unexpired().filter(user__is_active=True)
    access_key = keys.filter(identifier=f"{ACCESS_KEY}{subject}").first()
    for signing_key in () if access_key is None else _signing_keys(access_key):
        if proven := _decoded(token, signing_key, {}):
            return access_key, str(proven["scoped_userpool_id"])
    return None, ""


def _decoded(token: str, key: str | bytes, options: Any) -> dict[str, Any]:
    """The claims; none if the token is none, or not signed by the key, or its time has passed."""
    try:
        return jwt.decode(token, key, algorithms=[ALGORITHM], options=options)
    except (jwt.InvalidTokenError, ValueError):
        return {}


def _signing_keys(access_key: Token) -> list[bytes]:
    """Newest first: one for each secret key of the service, and bound to the pair."""
    purpose = f"rbac.management-token {access_key.key_digest}".encode()
    return [
        hmac.digest(secret.encode(), purpose, hashlib.sha256)
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


class ManagementScheme(OpenApiAuthenticationExtension):
    target_class = "api.genauth.authentication.ManagementAuthentication"
    name = "managementToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access_token that get-management-token answers.",
        }
