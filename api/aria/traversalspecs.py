"""The named object trees that clients choose from. A short list: nothing is decided by it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.aria import paging
from api.aria.base import SIGNED_IN, OperationView, repeated, texts
from api.aria.wire import listing, optional_text
from api.wire import WireSerializer

# Adapter kind, resource kind at the root, name.
TREES = (
    ("VMWARE", "vSphere World", "vSphere Hosts and Clusters"),
    ("VMWARE", "vSphere World", "vSphere Networking"),
    ("VMWARE", "vSphere World", "vSphere Storage"),
    ("Container", "Environment", "Custom Groups"),
)
_KEYS = ("adapterKind", "resourceKind", "name")


class TraversalSpecSerializer(WireSerializer):
    name = serializers.CharField()
    description = optional_text()
    root_adapter_kind_key = optional_text()
    root_resource_kind_key = optional_text()
    adapter_instance_association = serializers.BooleanField(required=False)


TraversalSpecListSerializer = listing("specs", TraversalSpecSerializer)


class TraversalSpecs(OperationView):
    access = {"GET": SIGNED_IN}

    @extend_schema(
        operation_id="getTraversalSpecs",
        parameters=[repeated(key) for key in _KEYS],
        responses=TraversalSpecListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = list(TREES)
        for position, key in enumerate(_KEYS):
            wanted = texts(request, key)
            rows = [row for row in rows if wanted is None or row[position] in wanted]
        return Response(paging.listed(request, "specs", rows, _describe))


def _describe(tree: tuple[str, str, str]) -> dict[str, Any]:
    adapter_kind, resource_kind, name = tree
    return {
        "name": name,
        "description": "",
        "rootAdapterKindKey": adapter_kind,
        "rootResourceKindKey": resource_kind,
        "adapterInstanceAssociation": False,
    }
