"""Many permissions, on many objects, to many users and roles, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from api.access import CallerAccess, caller_of, decisions_on, resource_of
from api.moments import MomentField
from api.v3.fields import LARGEST_INTEGER, window_of
from api.v3.native import NativeSerializer, NativeView
from audit.errors import InvalidInput
from permissions.operations import (
    MOST_FACTS,
    MOST_PERMISSIONS,
    GrantOutcome,
    Outcome,
    assign_many,
    revoke_many,
)
from roles.models import Role


class BulkRevokeSerializer(NativeSerializer):
    """Every permission, on every object, of every user and role named.

    Without ``model`` and ``object_pks``, everywhere; names are then ``app_label.codename``.
    """

    users = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_INTEGER),
        required=False,
        max_length=MOST_FACTS,
    )
    roles = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MOST_FACTS
    )
    permissions = serializers.ListField(
        child=serializers.CharField(), min_length=1, max_length=MOST_PERMISSIONS
    )
    model = serializers.CharField(required=False)
    object_pks = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False),
        required=False,
        min_length=1,
        max_length=MOST_FACTS,
    )


class BulkAssignSerializer(BulkRevokeSerializer):
    valid_from = MomentField(required=False, allow_null=True)
    valid_until = MomentField(required=False, allow_null=True)


class BulkGrantResultSerializer(serializers.Serializer):
    """What became of one permission of one user or role."""

    user = serializers.IntegerField(allow_null=True)
    role = serializers.UUIDField(allow_null=True)
    permission = serializers.CharField()
    object_pk = serializers.CharField(allow_null=True)
    result = serializers.ChoiceField(choices=[(word.value, word.value) for word in Outcome])


class BulkGrantViewSet(NativeView):
    """All or nothing. Needs the permission to assign (or unassign) on every user and role named."""

    permission_classes = (CallerAccess,)
    queryset = User.objects.none()
    serializer_class = BulkAssignSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(
        description=(
            "Grant every permission on every object to every principal: up to 10,000 grants, all "
            "or none. Answers what became of each."
        ),
        request=BulkAssignSerializer,
        responses=BulkGrantResultSerializer(many=True),
    )
    @action(detail=False, methods=["post"])
    def assign(self, request: Request) -> Response:
        body = BulkAssignSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcomes = assign_many(
            principals=_principals(body.validated_data, caller_of(request), "assign"),
            actor=caller_of(request),
            names=body.validated_data["permissions"],
            model=body.validated_data.get("model"),
            object_pks=body.validated_data.get("object_pks"),
            window=window_of(body.validated_data),
        )
        return Response([_described(outcome) for outcome in outcomes])

    @extend_schema(
        description=(
            "Take every permission on every object from every principal: up to 10,000 grants, all "
            "or none. Answers what became of each."
        ),
        request=BulkRevokeSerializer,
        responses=BulkGrantResultSerializer(many=True),
    )
    @action(detail=False, methods=["post"])
    def revoke(self, request: Request) -> Response:
        body = BulkRevokeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcomes = revoke_many(
            principals=_principals(body.validated_data, caller_of(request), "unassign"),
            actor=caller_of(request),
            names=body.validated_data["permissions"],
            model=body.validated_data.get("model"),
            object_pks=body.validated_data.get("object_pks"),
        )
        return Response([_described(outcome) for outcome in outcomes])


def _principals(body: Mapping[str, Any], caller: User, verb: str) -> list[User | Role]:
    """Users and roles on whom the caller may do this. Four statements.

    Who holds the permission globally learns that somebody is missing; others are refused alike.
    """
    principals: list[User | Role] = []
    for name, rows in (("users", User.objects.all()), ("roles", Role.objects.public())):
        keys = list(dict.fromkeys(body.get(name, ())))
        if keys:
            principals += _allowed(caller, rows, keys, name, f"{verb}_{name[:-1]}_permissions")
    if not principals:
        raise InvalidInput(fields={"users": ["Name at least one user or role."]})
    return principals


def _allowed(
    caller: User, rows: QuerySet[Any], keys: list[Any], name: str, permission: str
) -> Iterable[Any]:
    existing = rows.in_bulk(keys)
    everywhere, *each = decisions_on(
        caller,
        [
            (f"{rows.model._meta.app_label}.{permission}", None),
            *((permission, resource_of(row)) for row in existing.values()),
        ],
    )
    all_allowed = len(existing) == len(keys) and all(decision.allowed for decision in each)
    if not everywhere.allowed and not all_allowed:
        raise PermissionDenied
    missing = {
        str(n): ["Object does not exist."] for n, key in enumerate(keys) if key not in existing
    }
    if missing:
        raise InvalidInput(fields={name: missing})
    return [existing[key] for key in keys]


def _described(outcome: GrantOutcome) -> dict[str, Any]:
    principal, permission, object_pk = outcome.grant
    is_user = isinstance(principal, User)
    return {
        "user": principal.pk if is_user else None,
        "role": None if is_user else str(principal.pk),
        "permission": f"{permission.content_type.app_label}.{permission.codename}",
        "object_pk": object_pk,
        "result": outcome.outcome.value,
    }
