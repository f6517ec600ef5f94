"""The registered resources of one type."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import ModelAccessViewSet
from api.etags import TaggedView
from api.v3.fields import AttributesField
from api.v3.lists.filters import BooleanFilter
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import NativeSerializer, NativeView
from api.v3.resource_types import LABEL_PARAMETER
from audit.errors import InvalidInput
from permissions.engine import ResourceRef, find_types
from permissions.models import Resource, ResourceType
from permissions.operations import (
    MOST_RESOURCES,
    ResourceSpec,
    delete_resources,
    register_resource,
    register_resources,
    update_resource,
)

PARENT_HELP = "The key of the parent, a resource of this type unless `parent_type` names another."


@extend_schema_serializer(component_name="RegisteredResource")
class ResourceSerializer(NativeSerializer):
    """What is left out of a change stays as it was; ``parent: null`` makes a resource a root."""

    pk = serializers.IntegerField(read_only=True)
    object_pk = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=255, required=False, allow_blank=True)
    parent = serializers.CharField(  # type: ignore[assignment]  # a field, not the one above
        max_length=255,
        required=False,
        allow_null=True,
        trim_whitespace=False,
        help_text=PARENT_HELP,
    )
    parent_type = serializers.CharField(
        max_length=255, required=False, allow_null=True, help_text="This type or its parent type."
    )
    properties = AttributesField(required=False)
    created = serializers.DateTimeField(read_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("parent_type") is not None and attrs.get("parent") is None:
            message = "It says of which type the parent is: name the parent too."
            raise serializers.ValidationError({"parent_type": [message]})
        return attrs

    def to_representation(self, instance: Resource) -> dict[str, Any]:
        parent = instance.parent
        return {
            "pk": instance.pk,
            "object_pk": instance.object_pk,
            "name": instance.name,
            "parent": parent.object_pk if parent else None,
            "parent_type": parent.type.label if parent else None,
            "properties": instance.properties,
            "created": instance.created,
        }


@extend_schema_serializer(component_name="NewRegisteredResource")
class NewResourceSerializer(ResourceSerializer):
    object_pk = serializers.CharField(max_length=255, trim_whitespace=False)


class BulkSerializer(NativeSerializer):
    resources = NewResourceSerializer(many=True)


class BulkResultSerializer(serializers.Serializer):
    """How many resources were new, how many changed, and how many were as given already."""

    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()


OBJECT_PK = "The key of the resource, unique within its type."


class ResourceFilter(filters.FilterSet):
    object_pk = filters.CharFilter(help_text=OBJECT_PK)
    name = filters.CharFilter(help_text="Only with exactly this name.")
    parent = filters.CharFilter(field_name="parent__object_pk", help_text="The parent's key.")
    parent__isnull = BooleanFilter(
        "parent", "isnull", help_text="Only those at the top, or only those below another one."
    )

    class Meta:
        model = Resource
        fields: list[str] = []


@extend_schema(parameters=[LABEL_PARAMETER])
class ResourceViewSet(
    NativeView,
    TaggedView,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    ModelAccessViewSet,
):
    """The type's path names it; the rules of access are those of ``permissions.resource``."""

    called = ("a resource of the type", "resources of the type")
    path_parameters = {"object_pk": OBJECT_PK}
    queryset = Resource.objects.select_related("type__content_type", "parent__type__content_type")
    serializer_class = ResourceSerializer
    lookup_field = "object_pk"
    lookup_value_regex = "[^/]+"
    filterset_class = ResourceFilter
    filter_backends = FILTER_BACKENDS
    ordering = ("object_pk",)
    ordering_fields = {"pk": "pk", "object_pk": "object_pk", "name": "name", "created": "created"}
    search_fields = ("object_pk", "name")

    @cached_property
    def type(self) -> ResourceType:
        label = self.kwargs["label"]
        found = find_types([label]).get(label)
        if found is None:
            raise NotFound
        return found

    def visible(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return super().visible(queryset).filter(type=self.type)

    @extend_schema(request=NewResourceSerializer)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if self.reach == "none":
            # The answer would tell which keys are there.
            raise PermissionDenied("This needs the permission permissions.view_resource.")
        body = NewResourceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        words = body.validated_data
        row = register_resource(actor=self.caller, type=self.type, item=self._spec(words))
        return Response(self.get_serializer(self.read(row)).data, status=201)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        row = serializer.instance
        assert isinstance(row, Resource), "an update has something to update"
        changes = self._changes(serializer.validated_data)
        serializer.instance = self.read(update_resource(resource=row, actor=self.caller, **changes))

    def perform_destroy(self, instance: Resource) -> None:
        delete_resources(resources=[instance], actor=self.caller)

    @extend_schema(request=BulkSerializer, responses=BulkResultSerializer, filters=False)
    @action(
        detail=False,
        methods=["post"],
        pagination_class=None,
        global_permissions=("permissions.add_resource", "permissions.change_resource"),
    )
    def bulk(self, request: Request, label: str) -> Response:
        """Register up to 10,000 resources in one transaction; those that are there are changed."""
        items = request.data.get("resources") if isinstance(request.data, dict) else None
        if isinstance(items, list) and len(items) > MOST_RESOURCES:
            message = f"At most {MOST_RESOURCES} resources are allowed in one request."
            raise InvalidInput(fields={"resources": [message]})
        body = BulkSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        specs = [self._spec(words) for words in body.validated_data["resources"]]
        result = register_resources(actor=self.caller, type=self.type, items=specs)
        return Response(BulkResultSerializer(result).data)

    def _spec(self, words: dict[str, Any]) -> ResourceSpec:
        return ResourceSpec(object_pk=words["object_pk"], **self._changes(words))

    def _changes(self, words: dict[str, Any]) -> dict[str, Any]:
        changes: dict[str, Any] = {
            name: words[name] for name in ("name", "properties") if name in words
        }
        if "parent" in words:
            key = words["parent"]
            label = words.get("parent_type") or self.type.label
            if label != self.type.label and (above := find_types([label]).get(label)):
                label = above.label
            changes["parent"] = None if key is None else ResourceRef(label, key)
        return changes
