"""Many permissions, on many objects, to many users and roles, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.models import User
from api.access import CallerAccess, resource_of
from api.v3.fields import LARGEST_INTEGER
from audit.errors import InvalidInput
from permissions import engine
from permissions.engine import MOST_PERMISSIONS, Question, SubjectRef
from permissions.operations import MOST_FACTS, Item, Outcome, assign_many, revoke_many
from roles.models import Role


class BulkRevokeSerializer(serializers.Serializer):
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
    valid_from = serializers.DateTimeField(required=False, allow_null=True)
    valid_until = serializers.DateTimeField(required=False, allow_null=True)


class BulkGrantResultSerializer(serializers.Serializer):
    """What became of one permission of one user or role."""

    user = serializers.IntegerField(allow_null=True)
    role = serializers.UUIDField(allow_null=True)
    permission = serializers.CharField()
    object_pk = serializers.CharField(allow_null=True)
    result = serializers.ChoiceField(choices=[(word.value, word.value) for word in Outcome])


class BulkGrantViewSet(GenericViewSet):
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
        words = body.validated_data
        principals = _principals(request, words, "assign")
        times = {name: words.get(name) for name in ("valid_from", "valid_until")}
        items = assign_many(principals=principals, actor=_caller(request), **_what(words), **times)
        return Response([_described(item) for item in items])

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
        words = body.validated_data
        principals = _principals(request, words, "unassign")
        items = revoke_many(principals=principals, actor=_caller(request), **_what(words))
        return Response([_described(item) for item in items])


def _principals(request: Request, words: dict[str, Any], verb: str) -> list[User | Role]:
    """Users and roles on whom the caller may do this. Four statements.

    Who holds the permission globally learns that somebody is missing; others are refused alike.
    """
    found: list[User | Role] = []
    for name, rows in (("users", User.objects.all()), ("roles", Role.objects.public())):
        keys = list(dict.fromkeys(words.get(name, ())))
        if keys:
            found += _allowed(request, rows, keys, name, f"{verb}_{name[:-1]}_permissions")
    if not found:
        raise InvalidInput(fields={"users": ["Name at least one user or role."]})
    return found


def _allowed(
    request: Request, rows: QuerySet[Any], keys: list[Any], name: str, permission: str
) -> Iterable[Any]:
    known = rows.in_bulk(keys)
    caller = SubjectRef.of(_caller(request))
    label = rows.model._meta.app_label
    questions = [Question(subject=caller, action=f"{label}.{permission}")]
    questions += [
        Question(subject=caller, action=permission, resource=resource_of(row))
        for row in known.values()
    ]
    everywhere, *each = engine.check_many(questions)
    if not everywhere.allowed and (len(known) < len(keys) or not all(d.allowed for d in each)):
        raise PermissionDenied
    missing = {str(n): ["Object does not exist."] for n, k in enumerate(keys) if k not in known}
    if missing:
        raise InvalidInput(fields={name: missing})
    return [known[key] for key in keys]


def _what(words: dict[str, Any]) -> dict[str, Any]:
    return {
        "names": words["permissions"],
        "model": words.get("model"),
        "object_pks": words.get("object_pks"),
    }


def _described(item: Item) -> dict[str, Any]:
    is_user = isinstance(item.principal, User)
    app_label = item.permission.content_type.app_label
    return {
        "user": item.principal.pk if is_user else None,
        "role": None if is_user else str(item.principal.pk),
        "permission": f"{app_label}.{item.permission.codename}",
        "object_pk": item.object_pk,
        "result": item.outcome.value,
    }


def _caller(request: Request) -> User:
    assert isinstance(request.user, User), "only authenticated callers get here"
    return request.user
