"""The named object trees that clients choose from. A short list: nothing is decided by it."""

from __future__ import annotations

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
SPECS = [
    {
        "name": name,
        "description": "",
        "rootAdapterKindKey": adapter_kind,
        "rootResourceKindKey": resource_kind,
        "adapterInstanceAssociation": False,
    }
    for adapter_kind, resource_kind, name in TREES
]
# The query keys, and the field of a spec that each is about.
KEYS = {
    "adapterKind": "rootAdapterKindKey",
    "resourceKind": "rootResourceKindKey",
    "name": "name",
}


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
        parameters=[repeated(key) for key in KEYS],
        responses=TraversalSpecListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = SPECS
        for key, name in KEYS.items():
            if (values := texts(request, key)) is not None:
                rows = [row for row in rows if row[name] in values]
        return Response(paging.listed(request, "specs", rows, dict))
