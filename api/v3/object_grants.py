"""Single grants on objects, by their keys: what the views by role and by user share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import State
from api.access import ModelAccessViewSet
from api.etags import TaggedFactView
from api.moments import MomentField
from api.v3.descriptions import descriptions, registered_text
from api.v3.grants import ObjectGrantSerializer
from api.v3.lists.filters import STATE_PARAMETER
from api.v3.lists.listing import ColumnsViewSet, Row
from api.v3.lists.ordering import FILTER_BACKENDS
from api.v3.native import AuthentikSerializer
from permissions.models import python_model
from permissions.models.fact_tables import ObjectGrantRow
from permissions.operations import delete_object_grant, update_object_grant
from permissions.queries import may_be_named


class ExtraObjectGrantSerializer(AuthentikSerializer, ObjectGrantSerializer):
    """A grant on an object, and what people call both. The object and the times can be changed."""

    object_pk = serializers.CharField(trim_whitespace=False)
    app_label_verbose = serializers.CharField(read_only=True)
    model_verbose = serializers.CharField(read_only=True)
    object_description = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="null when the object is unknown, gone or hidden.",
    )
    valid_from = MomentField(
        required=False, allow_null=True, help_text="Counts from then on; null: at once."
    )
    valid_until = MomentField(
        required=False, allow_null=True, help_text="Counts until then; null: without end."
    )


class ObjectGrantViewSet(
    TaggedFactView,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    ColumnsViewSet,
    ModelAccessViewSet,
):
    """Who may view a grantee may view its grants. A list shows what counts now unless it is asked
    for something else; by its key a grant is found also when it is over or still to begin.
    """

    takes_state = True
    asks_in_between = True
    serializer_class = ExtraObjectGrantSerializer
    filter_backends = FILTER_BACKENDS
    columns = {
        "id": "pk",
        "codename": "permission__codename",
        "model": "permission__content_type__model",
        "app_label": "permission__content_type__app_label",
        "name": "permission__name",
        "app_label_verbose": "permission__content_type__resource_type__app_verbose_name",
        "model_verbose": "permission__content_type__resource_type__verbose_name",
        "object_pk": "object_pk",
        "object_description": registered_text("permission__content_type_id", "object_pk"),
        "valid_from": "valid_from",
        "valid_until": "valid_until",
    }
    # The unique index's order after the holder: a page is read from it without sorting.
    ordering_ties = ("permission_id", "object_pk", "pk")

    @extend_schema(parameters=[STATE_PARAMETER])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @classmethod
    def narrowed(cls, queryset: Any, state: State, **_: Any) -> QuerySet[Any]:
        found: QuerySet[Any] = queryset.in_state(state)
        return found

    def completed(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The registry describes its resources; rows of our own tables describe themselves. What
        the caller may not view is described by its key alone.
        """
        by_type: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in rows:
            by_type[row["app_label"], row["model"]].append(row)
        own = {
            label: grants
            for (app_label, model), grants in by_type.items()
            if python_model(label := f"{app_label}.{model}") is not None
        }
        texts = descriptions(
            {label: {row["object_pk"] for row in grants} for label, grants in own.items()}
        )
        for label, grants in own.items():
            for row in grants:
                row["object_description"] = texts.get((label, row["object_pk"]))
        things: dict[tuple[str, str], set[str]] = defaultdict(set)
        for row in rows:
            if row["object_description"] is not None:
                things[_thing(row)].add(row["codename"])
        named = may_be_named(self.caller, things) if things else set()
        for row in rows:
            if _thing(row) not in named:
                row["object_description"] = None
        return rows

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        grant = self._target = self.get_object()
        return Response(self._row(grant))

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with self.unchanged():
            grant = self.get_object()
            partial = bool(kwargs.get("partial", False))
            body = self.get_serializer(grant, data=request.data, partial=partial)
            body.is_valid(raise_exception=True)
            grant = self._target = update_object_grant(
                grant=grant,
                actor=self.caller,
                precondition=self.require_unchanged,
                **body.validated_data,
            )
        return Response(self._row(grant))

    def shown(self, response: Response) -> Any:
        return self._target

    def perform_destroy(self, instance: ObjectGrantRow) -> None:
        delete_object_grant(grant=instance, actor=self.caller)

    def _row(self, grant: ObjectGrantRow) -> Row:
        found = type(grant).objects.filter(pk=grant.pk).values_list(*self.columns.values())
        return self.completed([dict(zip(self.columns, found.get(), strict=True))])[0]


def _thing(row: Row) -> tuple[str, str]:
    return f"{row['app_label']}.{row['model']}", row["object_pk"]
