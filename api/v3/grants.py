"""Grants as rows of an answer: what the lists by grantee and by object share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.facts import FactQuerySet
from permissions.resolving import canonical_pk, require_type

# So many grants of the holders of one page are embedded; a page that would need more is refused,
# because a list cut short would pass for the truth.
MOST_GRANTS = 50_000

Row = dict[str, Any]


class GlobalGrantSerializer(serializers.Serializer):
    """A permission on everything of its type."""

    id = serializers.IntegerField(read_only=True)
    codename = serializers.CharField(read_only=True)
    model = serializers.CharField(read_only=True)
    app_label = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)


class ObjectGrantSerializer(GlobalGrantSerializer):
    """A permission on one object."""

    object_pk = serializers.CharField(read_only=True)


class ObjectQuerySerializer(serializers.Serializer):
    """The parameters of the lists of grantees."""

    model = serializers.CharField(help_text="The type, as app_label.model.")
    object_pk = serializers.CharField(required=False, trim_whitespace=False)


MODEL_PARAMETER = OpenApiParameter(
    "model", str, required=True, description="The type, as `app_label.model`."
)
OBJECT_PARAMETER = OpenApiParameter(
    "object_pk", str, description="Only holders of a grant on this object, or on all of the type."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which grants a list of grantees is about: those of a type, or on one object of it."""

    label: str
    object_pk: str | None
    permissions: dict[int, Row]  # the type's, as the start of each answer row


def asked(request: Request) -> Asked:
    """Raises ValidationError and InvalidInput for an unknown type or a malformed key."""
    query = ObjectQuerySerializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    label, object_pk = query.validated_data["model"], query.validated_data.get("object_pk")
    if object_pk is not None:
        object_pk = canonical_pk(label, object_pk)
    return Asked(label=label, object_pk=object_pk, permissions=_permissions_of(label))


def _permissions_of(label: str) -> dict[int, Row]:
    app_label, _, model = label.partition(".")
    found = Permission.objects.filter(
        content_type__resource_type__isnull=False,
        content_type__app_label=app_label,
        content_type__model=model,
    ).values_list("pk", "codename", "name")
    rows = {
        pk: {"codename": codename, "model": model, "app_label": app_label, "name": name}
        for pk, codename, name in found
    }
    if not rows:
        require_type(label)
    return rows


def object_grants(rows: FactQuerySet, holder: str, asked: Asked) -> dict[Any, list[Row]]:
    """By holder, ordered by permission and object; one statement."""
    rows = rows.active().filter(permission__in=asked.permissions)
    if asked.object_pk is not None:
        rows = rows.filter(object_pk=asked.object_pk)
    # In the order of the index; the few permissions are put in theirs afterwards.
    ordered = rows.order_by(holder, "permission_id", "object_pk")
    by_holder: dict[Any, list[Row]] = defaultdict(list)
    columns = ordered.values_list(holder, "pk", "permission_id", "object_pk")
    for key, pk, permission, object_pk in _bounded(columns):
        row = {"id": pk, **asked.permissions[permission], "object_pk": object_pk}
        by_holder[key].append(row)
    for found in by_holder.values():
        found.sort(key=itemgetter("codename"))
    return by_holder


def global_grants(rows: FactQuerySet, holder: str) -> dict[Any, list[Row]]:
    """By holder, of every type; one statement."""
    ordered = rows.active().order_by(holder, "permission")
    by_holder: dict[Any, list[Row]] = defaultdict(list)
    columns = ordered.values_list(
        holder,
        "pk",
        "permission__codename",
        "permission__name",
        "permission__content_type__model",
        "permission__content_type__app_label",
    )
    for key, pk, codename, name, model, app_label in _bounded(columns):
        by_holder[key].append(
            {"id": pk, "codename": codename, "model": model, "app_label": app_label, "name": name}
        )
    return by_holder


def keys(holders: Iterable[Any]) -> list[Any]:
    return [holder.pk for holder in holders]


def _bounded(rows: QuerySet[Any]) -> Sequence[Any]:
    found = list(rows[: MOST_GRANTS + 1])
    if len(found) > MOST_GRANTS:
        message = f"This page would hold more than {MOST_GRANTS} grants; ask for fewer holders."
        raise ValidationError({"page_size": [message]})
    return found
