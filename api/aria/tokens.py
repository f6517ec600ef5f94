"""Trading a password for a token, and giving the token back."""

from __future__ import annotations

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import SignIn, User
from accounts.signins import sign_in, sign_out
from api.aria.authentication import SCHEME
from api.aria.base import ANYBODY, SIGNED_IN, OperationView, valid
from api.aria.role_permissions import shown_assignments
from api.aria.sources import LOCAL
from api.aria.wire import optional_text
from api.headers import NO_STORE
from api.wire import WireSerializer, milliseconds

WRONG = "The user name, the password or the authentication source is not right."


class CredentialsSerializer(WireSerializer):
    username = serializers.CharField(trim_whitespace=False)
    password = serializers.CharField(trim_whitespace=False)
    auth_source = optional_text()


class TokenSerializer(WireSerializer):
    """``validity``: when the token ends unless it is used, in milliseconds since 1970."""

    token = serializers.CharField()
    validity = serializers.IntegerField()
    expires_at = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class Acquire(OperationView):
    access = {"POST": ANYBODY}
    # Clients send along whatever token they held before.
    authentication_classes = ()

    @extend_schema(
        operation_id="acquireToken", request=CredentialsSerializer, responses=TokenSerializer
    )
    def post(self, request: Request) -> Response:
        body = valid(CredentialsSerializer, request)
        # Somebody of a source that is not here is nobody.
        local = body.get("auth_source", LOCAL).upper() in ("", LOCAL)
        credentials = {name: body[name] for name in ("username", "password")}
        user = authenticate(request._request, **credentials) if local else None
        if not isinstance(user, User):
            raise AuthenticationFailed(WRONG)
        key, expires = sign_in(user=user)
        held = shown_assignments().filter(user=user).values_list("role__name", flat=True)
        return Response(
            {
                "token": key,
                "validity": milliseconds(expires),
                "expiresAt": f"{expires:%A, %B %d, %Y %I:%M:%S %p} UTC",
                "roles": list(dict.fromkeys(held)),
            },
            headers=NO_STORE,
        )

    def get_authenticate_header(self, request: Request) -> str:
        return SCHEME


class Release(OperationView):
    access = {"POST": SIGNED_IN}

    @extend_schema(operation_id="releaseToken", request=None, responses={200: None})
    def post(self, request: Request) -> Response:
        if isinstance(request.auth, SignIn):
            sign_out(signed_in=request.auth)
        return Response(status=200)
