"""Exchanging an access key for a management token."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.genauth.base import ANYBODY, Command
from api.genauth.errors import BadAccessKey
from api.genauth.tokens import LIFETIME, issue
from api.genauth.wire import WireSerializer, text
from permissions.operations import authenticate_access_key


class KeyPairSerializer(WireSerializer):
    access_key_id = text()
    access_key_secret = text()


class ManagementTokenSerializer(serializers.Serializer):
    """``expires_in`` is in seconds."""

    access_token = serializers.CharField()
    expires_in = serializers.IntegerField()


class GetManagementToken(Command):
    needs = ANYBODY
    authentication_classes = ()
    accepts = KeyPairSerializer
    answers = ManagementTokenSerializer  # type: ignore[assignment]  # the one shape in snake case

    def run(self, given: dict[str, Any]) -> Any:
        """Exchange an access key for a token that later calls carry."""
        key = authenticate_access_key(given["access_key_id"], given["access_key_secret"])
        if key is None:
            raise BadAccessKey
        return {"access_token": issue(key), "expires_in": LIFETIME}
