"""Shared scopes: on which resources role assignments count."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.validators import UniqueValidator

from api.access import ModelAccessViewSet
from api.etags import TaggedView, row_state
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import NativeSerializer, NativeView
from permissions.operations import (
    EntrySpec,
    create_scope,
    delete_scopes,
    update_scope,
)
from roles.models import Scope, ScopeEntry, ScopeKind


class ScopeEntrySerializer(NativeSerializer):
    """A whole type, one resource of it, or either with all that lies below."""

    type = serializers.CharField(max_length=255, help_text="app_label.model")
    object_pk = serializers.CharField(
        max_length=255, required=False, allow_null=True, trim_whitespace=False
    )
    with_descendants = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Whole entries also where a PATCH makes every member optional."""
        if "type" not in attrs:
            raise serializers.ValidationError({"type": ["This field is required."]})
        return {"with_descendants": False, **attrs}

    def to_representation(self, instance: ScopeEntry) -> dict[str, Any]:
        content_type = instance.content_type
        return {
            "type": f"{content_type.app_label}.{content_type.model}",
            "object_pk": instance.object_pk,
            "with_descendants": instance.with_descendants,
        }


class InlineScopeSerializer(NativeSerializer):
    """``all``: everything; ``nothing``; ``selected``: what the entries name."""

    kind = serializers.ChoiceField(choices=ScopeKind.choices, default=ScopeKind.SELECTED)
    entries = ScopeEntrySerializer(many=True, required=False)


class ScopeSerializer(NativeSerializer):
    pk = serializers.UUIDField(read_only=True)
    name = serializers.CharField(
        max_length=255,
        validators=[UniqueValidator(Scope.objects.all(), "Scope with this name already exists.")],
    )
    description = serializers.CharField(max_length=512, required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=ScopeKind.choices, required=False)
    entries = ScopeEntrySerializer(many=True, required=False)
    built_in = serializers.BooleanField(read_only=True)
    created = serializers.DateTimeField(read_only=True)
    created_by = serializers.IntegerField(source="created_by_id", read_only=True, allow_null=True)
    last_modified = serializers.DateTimeField(read_only=True)
    last_modified_by = serializers.IntegerField(
        source="last_modified_by_id", read_only=True, allow_null=True
    )


class ScopeFilter(filters.FilterSet):
    name = filters.CharFilter(help_text="Only with exactly this name.")
    kind = filters.ChoiceFilter(choices=ScopeKind.choices, help_text="Only scopes of this kind.")

    class Meta:
        model = Scope
        fields: list[str] = []


@extend_schema_view(
    destroy=extend_schema(description="Delete a shared scope. One in use is refused.")
)
class ScopeViewSet(
    NativeView,
    TaggedView,
    mixins.CreateModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    ModelAccessViewSet,
):
    """Inline scopes are not among these: they are shown with, and belong to, one assignment."""

    called = ("a shared scope", "shared scopes")
    queryset = Scope.objects.filter(name__isnull=False).prefetch_related("entries__content_type")
    serializer_class = ScopeSerializer
    filterset_class = ScopeFilter
    filter_backends = FILTER_BACKENDS
    ordering = ("name",)
    ordering_fields = {"name": "name", "created": "created", "last_modified": "last_modified"}
    search_fields = ("name", "description")
    asks_in_between = True  # the resources that entries name

    def state_of(self, row: Scope) -> Any:
        entries = [
            [entry.content_type_id, entry.object_pk, entry.with_descendants]
            for entry in sorted(row.entries.all(), key=attrgetter("pk"))
        ]
        return {**row_state(row), "entries": entries}

    def perform_create(self, serializer: serializers.BaseSerializer) -> None:
        scope = create_scope(actor=self.caller, **with_specs(serializer.validated_data))
        serializer.instance = self.read(scope)

    def perform_update(self, serializer: serializers.BaseSerializer) -> None:
        scope = serializer.instance
        assert isinstance(scope, Scope), "an update has something to update"
        update_scope(
            scope=scope,
            actor=self.caller,
            precondition=self.require_unchanged,
            **with_specs(serializer.validated_data),
        )
        serializer.instance = self.read(scope)

    def perform_destroy(self, instance: Scope) -> None:
        delete_scopes(scopes=[instance], actor=self.caller)


def with_specs(words: dict[str, Any]) -> dict[str, Any]:
    """Validated words with their entries as operations take them."""
    if "entries" not in words:
        return words
    specs = [
        EntrySpec(
            type=entry["type"],
            object_pk=entry.get("object_pk"),
            with_descendants=entry["with_descendants"],
        )
        for entry in words["entries"]
    ]
    return {**words, "entries": specs}
