"""Exchanging an access key for a management token."""

from __future__ import annotations

from msgspec import Struct

from api.errors import BadAccessKey
from api.genauth.authentication import LIFETIME, issue
from api.genauth.base import ANYBODY, Command
from api.genauth.wire import Shape, Text
from permissions.operations import authenticate_access_key


class KeyPair(Shape):
    access_key_id: Text
    access_key_secret: Text


class ManagementToken(Struct, frozen=True):
    """``expires_in`` is in seconds. The one shape of the protocol in snake case."""

    access_token: str
    expires_in: int


class GetManagementToken(Command):
    """Exchange an access key for a token that later calls carry."""

    needs = ANYBODY
    tells_secret = True
    authentication_classes = ()

    def run(self, request: KeyPair) -> ManagementToken:
        key = authenticate_access_key(request.access_key_id, request.access_key_secret)
        if key is None:
            raise BadAccessKey
        return ManagementToken(access_token=issue(key), expires_in=LIFETIME)
