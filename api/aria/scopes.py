"""Named scopes: parts of the object trees that role permissions refer to by ``scopeId``."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.aria import paging
from api.aria.base import IN_VIEW, OperationView, find, find_each, identifier, valid
from api.aria.traversal import (
    NOTES,
    TraversalSpecInstanceSerializer,
    entries_of,
    instances_of,
)
from api.aria.wire import listing, optional_text, without_none
from api.wire import IdentifierField, WireSerializer, milliseconds
from audit.errors import Conflict, InvalidInput
from permissions.operations import BuiltInScope, create_scope, delete_scopes, update_scope
from roles.models import Scope, ScopeKind


class ScopeSerializer(WireSerializer):
    """``id`` is the service's when a scope is made, and names the scope when it is changed."""

    id = IdentifierField(required=False)
    name = serializers.CharField(max_length=255)
    description = optional_text(max_length=512)
    traversal_spec_instances = TraversalSpecInstanceSerializer(many=True, required=False)


class ScopeDetailsSerializer(ScopeSerializer):
    """Times in milliseconds since 1970."""

    created_by = IdentifierField(required=False)
    creation_time = serializers.IntegerField(required=False)
    last_modified_by = IdentifierField(required=False)
    last_modified_time = serializers.IntegerField(required=False)


ScopeDetailsListSerializer = listing("scopes_details", ScopeDetailsSerializer)


class UuidValuesSerializer(WireSerializer):
    uuids = serializers.ListField(child=IdentifierField(), max_length=1_000)


def scope_rows() -> QuerySet[Scope]:
    """The shared scopes, with what ``describe_scope_details`` reads: three statements."""
    return (
        Scope.objects.filter(name__isnull=False)
        .select_related("created_by", "last_modified_by")
        .prefetch_related("entries__content_type")
        .order_by("name")
    )


def describe_scope(scope: Scope) -> dict[str, Any]:
    return {
        "id": str(scope.pk),
        "name": scope.name,
        "description": scope.description,
        "traversalSpecInstances": instances_of(scope),
    }


def describe_scope_details(scope: Scope) -> dict[str, Any]:
    by = {"createdBy": scope.created_by, "lastModifiedBy": scope.last_modified_by}
    return {
        **describe_scope(scope),
        "creationTime": milliseconds(scope.created),
        "lastModifiedTime": milliseconds(scope.last_modified),
        **without_none({name: str(user.uuid) if user else None for name, user in by.items()}),
    }


class Scopes(OperationView):
    access = {
        "GET": IN_VIEW,
        "POST": "authentik_rbac.add_scope",
        "PUT": IN_VIEW,
        "DELETE": IN_VIEW,
    }

    @extend_schema(operation_id="getAllObjectScopes", responses=ScopeDetailsListSerializer)
    def get(self, request: Request) -> Response:
        rows = self.visible(scope_rows())
        return Response(paging.listed(request, "scopesDetails", rows, describe_scope_details))

    @extend_schema(
        operation_id="createScope", request=ScopeSerializer, responses={201: ScopeSerializer}
    )
    def post(self, request: Request) -> Response:
        body = valid(ScopeSerializer, request)
        _require_free(body["name"])
        instances = body.get("traversal_spec_instances", [])
        scope = create_scope(
            actor=self.caller,
            name=body["name"],
            description=body.get("description", ""),
            entries=entries_of(instances),
            properties={NOTES: {"instances": instances}},
        )
        return Response(describe_scope(scope), status=201)

    @extend_schema(operation_id="modifyScope", request=ScopeSerializer, responses=ScopeSerializer)
    def put(self, request: Request) -> Response:
        body = valid(ScopeSerializer, request)
        if "id" not in body:
            raise InvalidInput(fields={"id": ["This field is required."]})
        scope = find_scope(self, body["id"])
        self.require("change_scope", scope)
        if scope.built_in:
            raise BuiltInScope
        if body["name"] != scope.name:
            _require_free(body["name"])
        fields = {name: body[name] for name in ("name", "description") if name in body}
        instances = body.get("traversal_spec_instances")
        # Sent as it is shown a scope stays as it is, with the resources of other types, which this
        # door has no words for.
        if instances is not None and instances != instances_of(scope):
            fields["kind"] = ScopeKind.SELECTED
            fields["entries"] = entries_of(instances)
            fields["properties"] = {NOTES: {"instances": instances}}
        update_scope(scope=scope, actor=self.caller, **fields)
        return Response(describe_scope(scope_rows().get(pk=scope.pk)))

    @extend_schema(operation_id="deleteScopes", request=UuidValuesSerializer, responses={200: None})
    def delete(self, request: Request) -> Response:
        """All or none; 200, not 204."""
        ids = valid(UuidValuesSerializer, request)["uuids"]
        scopes = find_each(self.visible(scope_rows()), "Scope", ids).values()
        self.require_each("delete_scope", scopes)
        delete_scopes(scopes=scopes, actor=self.caller)
        return Response(status=200)


class ScopeById(OperationView):
    access = {"GET": IN_VIEW}

    @extend_schema(operation_id="getScope", responses=ScopeDetailsSerializer)
    def get(self, request: Request, scope_id: str) -> Response:
        scope = find_scope(self, identifier(scope_id, name="scopeId"))
        return Response(describe_scope_details(scope))


def find_scope(view: OperationView, key: uuid.UUID) -> Scope:
    return find(view.visible(scope_rows()), "Scope", key)


def _require_free(name: str) -> None:
    if Scope.objects.filter(name=name).exists():
        raise Conflict(f"A scope named {name} exists already.")
