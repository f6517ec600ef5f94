"""``/root/config/``: what programs written for authentik ask for before anything else."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class ErrorReportingConfigSerializer(serializers.Serializer):
    enabled = serializers.BooleanField(read_only=True)
    sentry_dsn = serializers.CharField(read_only=True)
    environment = serializers.CharField(read_only=True)
    send_pii = serializers.BooleanField(read_only=True)
    traces_sample_rate = serializers.FloatField(read_only=True)


class ConfigSerializer(serializers.Serializer):
    """Nothing is reported anywhere, and there is nothing to configure."""

    error_reporting = ErrorReportingConfigSerializer(read_only=True)
    capabilities = serializers.ListField(child=serializers.CharField(), read_only=True)
    cache_timeout = serializers.IntegerField(read_only=True)
    cache_timeout_flows = serializers.IntegerField(read_only=True)
    cache_timeout_policies = serializers.IntegerField(read_only=True)
    # Required by clients of 2024.8, gone since.
    cache_timeout_reputation = serializers.IntegerField(read_only=True)


CONFIG: dict[str, Any] = {
    "error_reporting": {
        "enabled": False,
        "sentry_dsn": "",
        "environment": "",
        "send_pii": False,
        "traces_sample_rate": 0.0,
    },
    "capabilities": [],
    "cache_timeout": 0,
    "cache_timeout_flows": 0,
    "cache_timeout_policies": 0,
    "cache_timeout_reputation": 0,
}


class ConfigView(APIView):
    """The answer is the same for everybody."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(responses=ConfigSerializer, operation_id="root_config_retrieve")
    def get(self, request: Request) -> Response:
        """Read what programs ask first. The same for everybody."""
        return Response(CONFIG)
