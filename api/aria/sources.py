"""Where users come from: from here. There is one source, and it cannot be changed."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.aria import paging
from api.aria.base import ANYBODY, SIGNED_IN, OperationView, identifier
from api.aria.errors import no_such
from api.aria.wire import listing, optional_text
from api.wire import IdentifierField, WireSerializer

LOCAL = "LOCAL"
LOCAL_ID = uuid.UUID("4b9f6d6e-6a5e-5d0b-9e0a-10ca10ca10ca")

# The kinds of sources that clients know by id.
TYPES = {
    "LOCAL": "Local users",
    "VC": "vCenter",
    "OPEN_LDAP": "Open LDAP",
    "ACTIVE_DIRECTORY": "Active Directory",
    "SSO_SAML": "SSO SAML",
    "VIDM": "VMware Identity Manager",
    "VCD": "Cloud Director",
    "VIDB": "VMware Identity Broker",
    "OTHER": "Other",
}


class PropertySerializer(WireSerializer):
    name = serializers.CharField()
    value = serializers.CharField()


class AuthSourceTypeSerializer(WireSerializer):
    id = serializers.CharField()
    name = serializers.CharField()
    description = optional_text()


class AuthSourceSerializer(WireSerializer):
    """Callers without a token are not told ``property``."""

    id = IdentifierField(required=False)
    name = serializers.CharField()
    source_type = AuthSourceTypeSerializer()
    property = PropertySerializer(many=True, required=False)


AuthSourceListSerializer = listing("sources", AuthSourceSerializer)
AuthSourceTypeListSerializer = listing("source_types", AuthSourceTypeSerializer)


class Sources(OperationView):
    access = {"GET": ANYBODY}

    @extend_schema(operation_id="getAuthSources", responses=AuthSourceListSerializer)
    def get(self, request: Request) -> Response:
        rows = [_local(to_caller=request.user.is_authenticated)]
        return Response(paging.listed(request, "sources", rows, dict))


class SourceById(OperationView):
    access = {"GET": SIGNED_IN}

    @extend_schema(operation_id="getAuthSource", responses=AuthSourceSerializer)
    def get(self, request: Request, source_id: str) -> Response:
        _require_local(source_id)
        return Response(_local(to_caller=True))


class SynchronizeGroups(OperationView):
    """Groups of the local source are here already: nothing is fetched, nothing changes."""

    access = {"PUT": "authentik_core.change_group"}

    @extend_schema(operation_id="synchronizeUserGroups", request=None, responses={200: None})
    def put(self, request: Request, source_id: str) -> Response:
        _require_local(source_id)
        return Response(status=200)


class SourceTypes(OperationView):
    access = {"GET": SIGNED_IN}

    @extend_schema(operation_id="getAuthSourceTypes", responses=AuthSourceTypeListSerializer)
    def get(self, request: Request) -> Response:
        return Response(paging.listed(request, "sourceTypes", list(TYPES), _type))


class SourceTypeById(OperationView):
    access = {"GET": SIGNED_IN}

    @extend_schema(operation_id="getAuthSourceType", responses=AuthSourceTypeSerializer)
    def get(self, request: Request, type_id: str) -> Response:
        if type_id not in TYPES:
            raise no_such("AuthSourceType", type_id)
        return Response(_type(type_id))


def _local(*, to_caller: bool) -> dict[str, Any]:
    source = {"id": str(LOCAL_ID), "name": LOCAL, "sourceType": _type(LOCAL)}
    return {**source, "property": []} if to_caller else source


def _type(key: str) -> dict[str, str]:
    return {"id": key, "name": TYPES[key], "description": ""}


def _require_local(source_id: str) -> None:
    if identifier(source_id, name="sourceId") != LOCAL_ID:
        raise no_such("AuthSource", source_id)
