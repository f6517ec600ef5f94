"""Assigning permissions to a user or a role and taking them away: the part both share."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from permissions.engine import MOST_PERMISSIONS, TOGETHER
from permissions.operations import assign_permissions, unassign_permissions
from roles.models import Role

ASSIGN = (
    "Grant permissions to the {}: on one object with `model` and `object_pk`, everywhere without. "
    "All or none; what is granted already gets the times given now."
)
UNASSIGN = (
    "Take permissions from the {}: on one object with `model` and `object_pk`, everywhere "
    "without. What is not granted is no error."
)


class PermissionAssignSerializer(serializers.Serializer):
    """What is assigned, and on what: without ``model`` and ``object_pk``, on everything."""

    permissions = serializers.ListField(child=serializers.CharField(), max_length=MOST_PERMISSIONS)
    model = serializers.CharField(required=False)
    object_pk = serializers.CharField(required=False, trim_whitespace=False)
    valid_from = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Counts from then on; absent: at once."
    )
    valid_until = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Counts until then; absent: without end."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("model" in attrs) != ("object_pk" in attrs):
            raise serializers.ValidationError(TOGETHER)
        return attrs


class PermissionAssignResultSerializer(serializers.Serializer):
    id = serializers.CharField()


def assign(request: Request, principal: User | Role) -> Response:
    body = _body(request)
    ids = assign_permissions(
        principal=principal,
        actor=_actor(request),
        valid_from=body.get("valid_from"),
        valid_until=body.get("valid_until"),
        **_words(body),
    )
    return Response([{"id": str(pk)} for pk in ids])


def unassign(request: Request, principal: User | Role) -> Response:
    unassign_permissions(principal=principal, actor=_actor(request), **_words(_body(request)))
    return Response(status=204)


def _body(request: Request) -> dict[str, Any]:
    """PATCH or not, ``permissions`` has to be there."""
    body = PermissionAssignSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    return body.validated_data


def _words(words: dict[str, Any]) -> dict[str, Any]:
    return {
        "names": words["permissions"],
        "model": words.get("model"),
        "object_pk": words.get("object_pk"),
    }


def _actor(request: Request) -> User:
    assert isinstance(request.user, User), "only authenticated callers get here"
    return request.user
