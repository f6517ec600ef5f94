"""Privileges: what roles allow. Their keys are opaque, and come to be by being used."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.aria import paging
from api.aria.base import SIGNED_IN, OperationView, repeated, texts
from api.aria.traversal import OBJECT_TYPE
from api.aria.wire import listing, optional_text
from api.wire import WireSerializer

LONGEST_KEY = 100


def privilege_key() -> serializers.CharField:
    """Case and spaces are part of a key; it is stored as the codename of a permission."""
    return serializers.CharField(max_length=LONGEST_KEY, trim_whitespace=False)


class PrivilegeSerializer(WireSerializer):
    key = privilege_key()
    name = optional_text()
    description = optional_text()


class PrivilegeGroupSerializer(PrivilegeSerializer):
    """Privileges whose keys share what stands before the first dot."""


class PrivilegeKeysSerializer(WireSerializer):
    """A list, although its name is singular."""

    hyphenated = ("privilege_key",)

    privilege_key = serializers.ListField(child=privilege_key(), max_length=1_000)


PrivilegeListSerializer = listing("privileges", PrivilegeSerializer)
PrivilegeGroupListSerializer = listing("privilege_groups", PrivilegeGroupSerializer)


def known_privileges() -> QuerySet[Permission]:
    app_label, _, model = OBJECT_TYPE.partition(".")
    of_type = {"content_type__app_label": app_label, "content_type__model": model}
    return Permission.objects.filter(**of_type).order_by("codename")


def describe_privilege(permission: Permission) -> dict[str, Any]:
    return {"key": permission.codename, "name": permission.name, "description": ""}


class Privileges(OperationView):
    access = {"GET": SIGNED_IN}

    @extend_schema(
        operation_id="getAvailablePrivileges",
        parameters=[repeated("key")],
        responses=PrivilegeListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = known_privileges()
        if (keys := texts(request, "key")) is not None:
            rows = rows.filter(codename__in=keys)
        return Response(paging.listed(request, "privileges", rows, describe_privilege))


class PrivilegeGroups(OperationView):
    access = {"GET": SIGNED_IN}

    @extend_schema(
        operation_id="getAvailablePrivilegeGroups",
        parameters=[repeated("key")],
        responses=PrivilegeGroupListSerializer,
    )
    def get(self, request: Request) -> Response:
        codenames = known_privileges().values_list("codename", flat=True)
        keys = {name.partition(".")[0] for name in codenames if "." in name}
        if (asked := texts(request, "key")) is not None:
            keys &= set(asked)
        rows = [{"key": key, "name": key, "description": ""} for key in sorted(keys)]
        return Response(paging.listed(request, "privilegeGroups", rows, dict))
