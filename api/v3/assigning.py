"""Assigning permissions to a user or a role and taking them away: the part both share."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from api.access import caller_of
from api.moments import MomentField
from api.v3.fields import window_of
from api.v3.native import AuthentikSerializer
from permissions.operations import MOST_PERMISSIONS, assign_permissions, unassign_permissions
from roles.models import Role

ASSIGN = (
    "Grant permissions to the {}: on one object with `model` and `object_pk`, everywhere without. "
    "All or none; what is granted already gets the times given now."
)
UNASSIGN = (
    "Take permissions from the {}: on one object with `model` and `object_pk`, everywhere "
    "without. What is not granted is no error."
)


class PermissionUnassignSerializer(AuthentikSerializer):
    """What is taken away; described by the model below, as authentik describes both by one."""

    permissions = serializers.ListField(child=serializers.CharField(), max_length=MOST_PERMISSIONS)
    model = serializers.CharField(required=False)
    object_pk = serializers.CharField(required=False, trim_whitespace=False)


class PermissionAssignSerializer(PermissionUnassignSerializer):
    """What is assigned, and on what: without ``model`` and ``object_pk``, on everything."""

    valid_from = MomentField(
        required=False, allow_null=True, help_text="Counts from then on; absent: at once."
    )
    valid_until = MomentField(
        required=False, allow_null=True, help_text="Counts until then; absent: without end."
    )


# One for all requests: to make its fields takes longer than to use them.
_GIVEN, _TAKEN = PermissionAssignSerializer(), PermissionUnassignSerializer()


class PermissionAssignResultSerializer(serializers.Serializer):
    id = serializers.CharField()


def assign(request: Request, principal: User | Role) -> Response:
    assignment = _GIVEN.run_validation(request.data)
    ids = assign_permissions(
        principal=principal,
        names=assignment["permissions"],
        model=assignment.get("model"),
        object_pk=assignment.get("object_pk"),
        actor=caller_of(request),
        window=window_of(assignment),
    )
    return Response([{"id": str(pk)} for pk in ids])


def unassign(request: Request, principal: User | Role) -> Response:
    # Not partial, PATCH or not: ``permissions`` has to be there.
    assignment = _TAKEN.run_validation(request.data)
    unassign_permissions(
        principal=principal,
        names=assignment["permissions"],
        model=assignment.get("model"),
        object_pk=assignment.get("object_pk"),
        actor=caller_of(request),
    )
    return Response(status=204)
