"""Single grants on objects, by their keys: what the views by role and by user share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Permission
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import ModelAccessViewSet
from api.v3.descriptions import descriptions
from api.v3.grants import ObjectGrantSerializer
from api.v3.ordering import FILTER_BACKENDS
from permissions.grants import ObjectGrant, delete_object_grant, move_object_grant


class ExtraObjectGrantSerializer(ObjectGrantSerializer):
    """A grant on an object, and what people call both. Only the object can be changed."""

    object_pk = serializers.CharField(trim_whitespace=False)
    app_label_verbose = serializers.CharField(read_only=True)
    model_verbose = serializers.CharField(read_only=True)
    object_description = serializers.CharField(
        read_only=True, allow_null=True, help_text="null when the object is unknown or gone."
    )


@dataclass(frozen=True, slots=True)
class Grants:
    """Grants on their way into an answer: two statements, whatever their number and types."""

    columns: Sequence[tuple[int, int, str]]  # key, permission, object

    def rows(self) -> list[dict[str, Any]]:
        permissions = self._permissions()
        labels = [self._label(permissions[permission]) for _, permission, _ in self.columns]
        objects = [object_pk for _, _, object_pk in self.columns]
        texts = descriptions(zip(labels, objects, strict=True))
        return [
            {
                "id": pk,
                **permissions[permission],
                "object_pk": object_pk,
                "object_description": texts.get((label, object_pk)),
            }
            for (pk, permission, object_pk), label in zip(self.columns, labels, strict=True)
        ]

    def _permissions(self) -> dict[int, dict[str, Any]]:
        found = Permission.objects.filter(pk__in={permission for _, permission, _ in self.columns})
        names = {
            "codename": "codename",
            "model": "content_type__model",
            "app_label": "content_type__app_label",
            "name": "name",
            "app_label_verbose": "content_type__resource_type__app_verbose_name",
            "model_verbose": "content_type__resource_type__verbose_name",
        }
        return {
            pk: dict(zip(names, values, strict=True))
            for pk, *values in found.values_list("pk", *names.values())
        }

    @staticmethod
    def _label(permission: dict[str, Any]) -> str:
        return f"{permission['app_label']}.{permission['model']}"


class ObjectGrantViewSet(
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    ModelAccessViewSet,
):
    """Who may view a grantee may view its grants."""

    serializer_class = ExtraObjectGrantSerializer
    filter_backends = FILTER_BACKENDS
    # The unique index's order behind the holder's: a page is read from it without sorting.
    ordering_ties = ("permission_id", "object_pk", "pk")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        columns = self.filter_queryset(self.get_queryset()).values_list(
            "pk", "permission_id", "object_pk"
        )
        page = self.paginate_queryset(columns)
        return self.get_paginated_response(Grants(page or []).rows())

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self._row(self.get_object()))

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        grant = self.get_object()
        partial = bool(kwargs.get("partial", False))
        body = self.get_serializer(grant, data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        object_pk = body.validated_data.get("object_pk", grant.object_pk)
        if object_pk != grant.object_pk:
            grant = move_object_grant(grant=grant, object_pk=object_pk, actor=self.caller)
        return Response(self._row(grant))

    def perform_destroy(self, instance: ObjectGrant) -> None:
        delete_object_grant(grant=instance, actor=self.caller)

    def _row(self, grant: ObjectGrant) -> dict[str, Any]:
        return Grants([(grant.pk, grant.permission_id, grant.object_pk)]).rows()[0]
