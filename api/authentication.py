"""Who is calling: a bearer token first, then the browser's session (authentik contract, D).

Every refusal is 403, never 401: no class here names a challenge.
"""

from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import Token, User
from permissions.engine import authenticate_key


class BearerAuthentication(authentication.BaseAuthentication):
    """A bad token fails the request even if a valid session comes with it."""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        scheme, _, key = authentication.get_authorization_header(request).partition(b" ")
        if not key:
            return None
        if scheme.lower() != b"bearer":
            raise AuthenticationFailed("Unsupported authentication type")
        # Bytes that are no UTF-8 become characters that no key has.
        token = authenticate_key(key.decode("utf-8", "replace"))
        if token is None:
            raise AuthenticationFailed("Token invalid/expired")
        return token.user, token


class SessionAuthentication(authentication.SessionAuthentication):
    """Django's session; unsafe methods need the CSRF cookie and header."""
