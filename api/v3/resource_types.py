"""Resource types: the kinds of things access is decided about. A native part of this door."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Prefetch, QuerySet, Value
from django.db.models.functions import Concat
from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import ModelAccessViewSet, may_view, require, resource_of
from api.etags import TaggedView, row_state
from api.v3.fields import flag
from api.v3.lists.filters import BooleanFilter
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import NativeSerializer, NativeView
from permissions.engine import find_types, short
from permissions.models import ResourceMode, ResourceType
from permissions.operations import (
    LABEL,
    LONGEST_CODENAME,
    LONGEST_NAME,
    MOST_ACTIONS,
    add_action,
    create_type,
    delete_type,
    is_action,
    label_from,
    plain_action,
    remove_action,
    update_type,
)

LABEL_PARAMETER = OpenApiParameter(
    "label", OpenApiTypes.STR, "path", description="The type by its label or its name."
)
# Slashes are part of a label, except before what a path says of the type's contents.
IN_PATH = r"[^/]+(?:/(?!resources/|actions/)[^/]+)*"
WORD = rf"\A{LABEL.pattern}\Z"
NAME_HELP = "What else the type is called by questions and grants, such as `urn:example:order`."


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
        found = find_types([label]).get(label)
        if not may_view(self.context["request"].user, found):
            raise serializers.ValidationError(f'There is no resource type "{label[:200]}".')
        return found


class ActionField(serializers.CharField):
    """Printable text without spaces."""

    default_error_messages = {"not_a_word": "Printable characters without spaces, and not *."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_CODENAME, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name: str = super().to_internal_value(data)
        if len(name) <= LONGEST_CODENAME and not is_action(name):
            self.fail("not_a_word")
        return name


class TypePermissionSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    codename = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


@extend_schema_serializer(component_name="RegisteredType")
class ResourceTypeSerializer(NativeSerializer):
    """What is left out of a change stays as it was. Label and built-in flag never change; a type
    without a name may get one.

    ``actions`` are named as questions name them.
    """

    label = serializers.CharField(read_only=True)  # type: ignore[assignment]  # a field, no text
    app_label = serializers.CharField(read_only=True)
    model = serializers.CharField(read_only=True)
    name = serializers.CharField(
        max_length=LONGEST_NAME, required=False, trim_whitespace=False, help_text=NAME_HELP
    )
    app_verbose_name = serializers.CharField(max_length=255, required=False)
    verbose_name = serializers.CharField(max_length=255, required=False)
    verbose_name_plural = serializers.CharField(max_length=255, required=False, allow_blank=True)
    mode = serializers.ChoiceField(choices=ResourceMode.choices, required=False)
    parent = ParentTypeField(required=False, allow_null=True)  # type: ignore[assignment]  # a field too
    built_in = serializers.BooleanField(read_only=True)
    created = serializers.DateTimeField(read_only=True)
    actions = serializers.ListField(
        child=ActionField(),
        max_length=MOST_ACTIONS,
        required=False,
        help_text="`approve` on `shop.invoice` becomes the permission `approve_invoice`.",
    )
    drop_grants = serializers.BooleanField(
        default=False,
        write_only=True,
        help_text="Whether actions that are left out may take grants with them; else 409.",
    )
    permissions = TypePermissionSerializer(many=True, read_only=True)

    def to_representation(self, instance: ResourceType) -> dict[str, Any]:
        content_type = instance.content_type
        permissions = content_type.permission_set.all()
        shortened = {one.codename: short(one.codename, content_type.model) for one in permissions}
        return {
            "label": instance.label,
            "app_label": content_type.app_label,
            "model": content_type.model,
            "name": instance.name or instance.label,
            "app_verbose_name": instance.app_verbose_name,
            "verbose_name": instance.verbose_name,
            "verbose_name_plural": instance.verbose_name_plural,
            "mode": instance.mode,
            "parent": instance.parent.label if instance.parent else None,
            "built_in": instance.built_in,
            "created": instance.created,
            # The shortest names that questions find these by.
            "actions": [one if name in shortened else name for one, name in shortened.items()],
            "permissions": [
                {"id": permission.pk, "codename": permission.codename, "name": permission.name}
                for permission in permissions
            ],
        }


@extend_schema_serializer(component_name="NewRegisteredType")
class NewResourceTypeSerializer(ResourceTypeSerializer):
    """Of label and name one is enough: a label is made from the name."""

    app_label = serializers.RegexField(WORD, required=False)
    model = serializers.CharField(required=False, trim_whitespace=False)
    name = serializers.CharField(
        max_length=LONGEST_NAME,
        required=False,
        allow_null=True,
        trim_whitespace=False,
        help_text=NAME_HELP,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {"app_label", "model"} & attrs.keys()
        if len(given) == 1 or (not given and attrs.get("name") is None):
            missing = {"app_label", "model"} - given
            raise serializers.ValidationError(
                {field: [self.error_messages["required"]] for field in sorted(missing)}
            )
        if given:
            attrs["label"] = f"{attrs.pop('app_label')}.{attrs.pop('model')}"
        else:
            attrs["label"] = label_from(attrs["name"])
        return attrs


class NewActionSerializer(NativeSerializer):
    """An action of a type; ``verbose_name`` is what people read."""

    name = ActionField()
    verbose_name = serializers.CharField(max_length=255, required=False)


class DroppingSerializer(NativeSerializer):
    drop_grants = serializers.BooleanField(default=False)


class ResourceTypeFilter(filters.FilterSet):
    app_label = filters.CharFilter(
        field_name="content_type__app_label", help_text="Only of this namespace."
    )
    model = filters.CharFilter(
        field_name="content_type__model", help_text="Only with this name within their namespace."
    )
    name = filters.CharFilter(help_text="Only the one with this free name.")
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
    path_parameters = {
        "label": "The type by its label or its name.",
        "name": "The action, as a question names it.",
    }
    parameters = {"remove_action": ("drop_grants",)}
    queryset = labelled()
    serializer_class = ResourceTypeSerializer
    lookup_field = "full_label"
    lookup_url_kwarg = "label"
    lookup_value_regex = IN_PATH
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
        "name",
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
        del words["drop_grants"]
        model = words["label"].partition(".")[2]
        called = words.get("verbose_name") or model
        actions = [
            plain_action(name=name, model=model, verbose_name=called)
            for name in words.pop("actions", [])
        ]
        kind = create_type(actor=self.caller, actions=actions, **words)
        return Response(self.get_serializer(self.read(kind)).data, status=201)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        kind = serializer.instance
        assert isinstance(kind, ResourceType), "an update has something to update"
        words = dict(serializer.validated_data)
        if words.get("name") == kind.label:
            del words["name"]  # as it is shown without one
        if "actions" in words:
            model = kind.content_type.model
            called = words.get("verbose_name", kind.verbose_name)
            words["actions"] = [
                plain_action(name=name, model=model, verbose_name=called)
                for name in words["actions"]
            ]
        update_type(type=kind, actor=self.caller, **words)
        serializer.instance = self.read(kind)

    def perform_destroy(self, instance: ResourceType) -> None:
        delete_type(type=instance, actor=self.caller)

    def get_object(self) -> ResourceType:
        try:
            kind: ResourceType = super().get_object()
        except Http404:
            called = self.kwargs["label"]
            found = find_types([called]).get(called)
            if found is None or found.label == called:
                raise
            self.kwargs["label"] = found.label
            kind = super().get_object()
        return kind

    def _to_change(self) -> ResourceType:
        kind = self.get_object()
        require(self.caller, "change_resourcetype", resource_of(kind))
        return kind

    @extend_schema(request=NewActionSerializer, responses={201: TypePermissionSerializer})
    @action(detail=True, methods=["post"], url_path="actions", acts_as="retrieve")
    def add_action(self, request: Request, label: str) -> Response:
        """Add an action. One that is there is answered 200 and stays as it is."""
        kind = self._to_change()
        body = NewActionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        spec = plain_action(
            name=body.validated_data["name"],
            model=kind.content_type.model,
            verbose_name=kind.verbose_name,
        )
        if "verbose_name" in body.validated_data:
            spec = replace(spec, verbose_name=body.validated_data["verbose_name"])
        permission, is_new = add_action(type=kind, action=spec, actor=self.caller)
        return Response(TypePermissionSerializer(permission).data, status=201 if is_new else 200)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "drop_grants", bool, description="Take its grants away too, instead of 409."
            )
        ],
        responses={204: None},
    )
    @action(detail=True, methods=["delete"], url_path="actions/(?P<name>.+)", acts_as="retrieve")
    def remove_action(self, request: Request, label: str, name: str) -> Response:
        """Remove an action, and its grants when told so; in the body or in the query."""
        kind = self._to_change()
        body = DroppingSerializer(data=request.data or {})
        body.is_valid(raise_exception=True)
        drop = body.validated_data["drop_grants"] or flag(request, "drop_grants", default=False)
        remove_action(type=kind, name=name, actor=self.caller, drop_grants=drop)
        return Response(status=204)
