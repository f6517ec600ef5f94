"""Management tokens: what an access key is exchanged for.

The clients read the payload themselves, with standard instead of URL-safe base64: its JSON must be
ASCII without ``>``, ``?`` and ``~``. Hex digits and whole numbers are.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Any

import jwt
from django.conf import settings

from accounts.models import Token
from permissions.operations import find_access_key, id_of

LIFETIME = 7200
# Clients use a token up to the last second they were told of; it must not end while on its way.
GRACE = 60
ALGORITHM = "HS256"


def pool_id() -> str:
    """The one user pool, in the form of an id: made from the service's address, 24 hex digits."""
    return hashlib.sha256(settings.RBAC_PUBLIC_URL.encode()).hexdigest()[:24]


def issue(access_key: Token) -> str:
    now = int(time.time())
    claims = {
        "sub": id_of(access_key),
        "scoped_userpool_id": pool_id(),
        "iat": now,
        "exp": now + LIFETIME + GRACE,
        "jti": secrets.token_hex(16),
    }
    token = jwt.encode(claims, _keys(access_key)[0], algorithm=ALGORITHM)
    assert not set(token.split(".")[1]) & set("-_"), "clients could not read it"
    return token


def redeem(token: str) -> tuple[Token, str] | None:
    """The access key behind a token that counts now, and the pool it was issued for.

    One statement. Deleting the key, a new secret for it, and disabling its account end it.
    """
    claims = _decoded(token, "", {"verify_signature": False})
    subject = claims.get("sub") if claims else None
    if not isinstance(subject, str) or "\0" in subject:
        return None
    access_key = find_access_key(subject)
    if access_key is None:
        return None
    for key in _keys(access_key):
        if (proven := _decoded(token, key, {})) is not None:
            return access_key, str(proven["scoped_userpool_id"])
    return None


def _decoded(token: str, key: Any, options: Any) -> dict[str, Any] | None:
    try:
        return jwt.decode(token, key, algorithms=[ALGORITHM], options=options)
    except (jwt.InvalidTokenError, ValueError):
        return None


def _keys(access_key: Token) -> list[bytes]:
    """Signing keys, newest first: one for each secret key of the service, and bound to the pair."""
    purpose = f"rbac.management-token {access_key.key_digest}".encode()
    return [
        hmac.digest(secret.encode(), purpose, hashlib.sha256)
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
