"""Resource types: the kinds of things access is decided about. A native part of this door."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Prefetch, QuerySet, Value
from django.db.models.functions import Concat
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import ModelAccessViewSet, find, may_view
from api.etags import TaggedView, row_state
from api.v3.lists.filters import BooleanFilter
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import NativeSerializer, NativeView
from permissions.models import ResourceMode, ResourceType
from permissions.operations import (
    LABEL,
    LONGEST_CODENAME,
    MOST_ACTIONS,
    ActionSpec,
    create_type,
    delete_type,
    update_type,
)

LABEL_PARAMETER = OpenApiParameter(
    "label", OpenApiTypes.STR, "path", description="The type, as `app_label.model`."
)
WORD = rf"\A{LABEL.pattern}\Z"
ACTION = r"\A[A-Za-z0-9][A-Za-z0-9_-]*\Z"


def labelled() -> QuerySet[ResourceType]:
    """Types with their label as a column, so that a path can name them by it."""
    label = Concat("content_type__app_label", Value("."), "content_type__model")
    permissions = Permission.objects.order_by("codename")
    return (
        ResourceType.objects.select_related("content_type", "parent__content_type")
        .prefetch_related(Prefetch("content_type__permission_set", permissions))
        .annotate(full_label=label)
    )


@extend_schema_field({"type": "string", "nullable": True})
class ParentTypeField(serializers.CharField):
    """Another type by its label; one the caller may not view does not exist for it."""

    def to_internal_value(self, data: Any) -> Any:
        label = super().to_internal_value(data)
        found = find(labelled(), full_label=label)
        if not may_view(self.context["request"].user, found):
            raise serializers.ValidationError(f'There is no resource type "{label[:200]}".')
        return found


class TypePermissionSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    codename = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


@extend_schema_serializer(component_name="RegisteredType")
class ResourceTypeSerializer(NativeSerializer):
    """What is left out of a change stays as it was. Label and built-in flag never change."""

    label = serializers.CharField(read_only=True)  # type: ignore[assignment]  # a field, no text
    app_label = serializers.CharField(read_only=True)
    model = serializers.CharField(read_only=True)
    app_verbose_name = serializers.CharField(max_length=255, required=False)
    verbose_name = serializers.CharField(max_length=255, required=False)
    verbose_name_plural = serializers.CharField(max_length=255, required=False, allow_blank=True)
    mode = serializers.ChoiceField(choices=ResourceMode.choices, required=False)
    parent = ParentTypeField(required=False, allow_null=True)  # type: ignore[assignment]  # a field too
    built_in = serializers.BooleanField(read_only=True)
    created = serializers.DateTimeField(read_only=True)
    actions = serializers.ListField(
        child=serializers.RegexField(ACTION, max_length=LONGEST_CODENAME),
        max_length=MOST_ACTIONS,
        required=False,
        write_only=True,
        help_text="`approve` on `shop.invoice` becomes the permission `approve_invoice`.",
    )
    permissions = TypePermissionSerializer(many=True, read_only=True)

    def to_representation(self, instance: ResourceType) -> dict[str, Any]:
        content_type = instance.content_type
        return {
            "label": instance.label,
            "app_label": content_type.app_label,
            "model": content_type.model,
            "app_verbose_name": instance.app_verbose_name,
            "verbose_name": instance.verbose_name,
            "verbose_name_plural": instance.verbose_name_plural,
            "mode": instance.mode,
            "parent": instance.parent.label if instance.parent else None,
            "built_in": instance.built_in,
            "created": instance.created,
            "permissions": [
                {"id": permission.pk, "codename": permission.codename, "name": permission.name}
                for permission in content_type.permission_set.all()
            ],
        }


@extend_schema_serializer(component_name="NewRegisteredType")
class NewResourceTypeSerializer(ResourceTypeSerializer):
    app_label = serializers.RegexField(WORD)
    model = serializers.RegexField(WORD)


class ResourceTypeFilter(filters.FilterSet):
    app_label = filters.CharFilter(
        field_name="content_type__app_label", help_text="Only of this namespace."
    )
    model = filters.CharFilter(
        field_name="content_type__model", help_text="Only with this name within their namespace."
    )
    mode = filters.ChoiceFilter(
        choices=ResourceMode.choices,
        help_text="Only `strict` types, which refuse unknown keys, or only `open` ones.",
    )
    built_in = BooleanFilter(help_text="Only those the service brings, or only the others.")
    parent = filters.CharFilter(method="below", help_text="Types directly below this one.")

    class Meta:
        model = ResourceType
        fields: list[str] = []

    def below(
        self, queryset: QuerySet[ResourceType], name: str, value: str
    ) -> QuerySet[ResourceType]:
        app_label, _, model = value.partition(".")
        return queryset.filter(
            parent__content_type__app_label=app_label, parent__content_type__model=model
        )


class ResourceTypeViewSet(
    NativeView,
    TaggedView,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    ModelAccessViewSet,
):
    called = ("a resource type", "resource types")
    path_parameters = {"label": "The type as `app_label.model`."}
    queryset = labelled()
    serializer_class = ResourceTypeSerializer
    lookup_field = "full_label"
    lookup_url_kwarg = "label"
    lookup_value_regex = "[^/]+"
    filterset_class = ResourceTypeFilter
    filter_backends = FILTER_BACKENDS
    ordering = ("full_label",)
    ordering_fields = {
        "label": "full_label",
        "app_label": "content_type__app_label",
        "model": "content_type__model",
        "verbose_name": "verbose_name",
        "mode": "mode",
        "created": "created",
    }
    search_fields = (
        "content_type__app_label",
        "content_type__model",
        "verbose_name",
        "app_verbose_name",
    )

    def state_of(self, row: ResourceType) -> Any:
        permissions = row.content_type.permission_set.all()
        actions = [[one.codename, one.name] for one in permissions]
        return {**row_state(row), "label": row.label, "actions": actions}

    @extend_schema(request=NewResourceTypeSerializer)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        body = NewResourceTypeSerializer(data=request.data, context={"request": request})
        body.is_valid(raise_exception=True)
        words = dict(body.validated_data)
        app_label, model = words.pop("app_label"), words.pop("model")
        actions = _specs(words.pop("actions", []), model, words.get("verbose_name") or model)
        label = f"{app_label}.{model}"
        kind = create_type(actor=self.caller, label=label, actions=actions, **words)
        return Response(self.get_serializer(self.read(kind)).data, status=201)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        kind = serializer.instance
        assert isinstance(kind, ResourceType), "an update has something to update"
        words = dict(serializer.validated_data)
        if "actions" in words:
            name = words.get("verbose_name", kind.verbose_name)
            words["actions"] = _specs(words["actions"], kind.content_type.model, name)
        update_type(type=kind, actor=self.caller, **words)
        serializer.instance = self.read(kind)

    def perform_destroy(self, instance: ResourceType) -> None:
        delete_type(type=instance, actor=self.caller)


def _specs(actions: list[str], model: str, verbose_name: str) -> list[ActionSpec]:
    """``view`` is ``view_invoice``, as Django names permissions; a full name stays as it is."""
    specs = []
    for action in actions:
        bare = action.removesuffix(f"_{model}")
        text = f"Can {bare.replace('_', ' ')} {verbose_name}"
        specs.append(ActionSpec(name=f"{bare}_{model}", verbose_name=text[:255]))
    return specs
