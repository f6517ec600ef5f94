"""Grants as rows of an answer: what the lists by grantee and by object share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.contrib.auth.models import Permission
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from permissions import holders_sql
from permissions.compiled import Parameter, Statement, compiled
from permissions.holders_sql import Grantees
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

    type_id: int
    object_pk: str | None
    permissions: dict[int, Row]  # the type's, as the start of each answer row

    @property
    def narrowing(self) -> dict[str, Any]:
        """What the grantees listed are found by."""
        found: dict[str, Any] = {"type_id": self.type_id}
        return found if self.object_pk is None else {**found, "object_pk": self.object_pk}


def asked(request: Request) -> Asked:
    """Raises ValidationError and InvalidInput for an unknown type or a malformed key."""
    query = ObjectQuerySerializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    label, object_pk = query.validated_data["model"], query.validated_data.get("object_pk")
    if object_pk is not None:
        object_pk = canonical_pk(label, object_pk)
    app_label, _, model = label.partition(".")
    found = _permissions_of_type().rows(app_label=app_label, model=model)
    return Asked(
        type_id=found[0][0] if found else require_type(label).content_type_id,
        object_pk=object_pk,
        permissions={
            pk: {"codename": codename, "model": model, "app_label": app_label, "name": name}
            for _, pk, codename, name in found
        },
    )


@cache
def _permissions_of_type() -> Statement:
    found = Permission.objects.filter(
        content_type__resource_type__isnull=False,
        content_type__app_label=Parameter("app_label"),
        content_type__model=Parameter("model"),
    )
    return compiled(found.order_by().values_list("content_type_id", "pk", "codename", "name"))


def grants_of(
    grantees: Grantees, keys: Sequence[Any], asked: Asked
) -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    """On objects as asked and on types, each by the grantee's key as text; two statements."""
    return _on_objects(grantees, keys, asked), _on_types(grantees, keys)


def _on_objects(grantees: Grantees, keys: Sequence[Any], asked: Asked) -> dict[str, list[Row]]:
    found = _bounded(
        holders_sql.object_grants(
            grantees,
            keys,
            type_id=asked.type_id,
            object_pk=asked.object_pk,
            limit=MOST_GRANTS + 1,
        )
    )
    by_grantee: dict[str, list[list[Row]]] = defaultdict(list)
    for (key, permission), rows in groupby(found, itemgetter(0, 2)):
        # One that was made since is not among them.
        if permission in asked.permissions:
            by_grantee[str(key)].append(_of_permission(rows, **asked.permissions[permission]))
    # They come in the order of the index; the few permissions are put in theirs here.
    return {
        key: [row for rows in sorted(parts, key=_codename) for row in rows]
        for key, parts in by_grantee.items()
    }


def _of_permission(
    rows: Iterable[Any], *, codename: str, model: str, app_label: str, name: str
) -> list[Row]:
    """Written out: there may be thousands, and to merge two dicts takes twice as long."""
    return [
        {
            "id": pk,
            "codename": codename,
            "model": model,
            "app_label": app_label,
            "name": name,
            "object_pk": object_pk,
        }
        for _, pk, _, object_pk in rows
    ]


def _codename(rows: list[Row]) -> str:
    codename: str = rows[0]["codename"]
    return codename


def _on_types(grantees: Grantees, keys: Sequence[Any]) -> dict[str, list[Row]]:
    found = _bounded(holders_sql.global_grants(grantees, keys, limit=MOST_GRANTS + 1))
    return {
        str(key): [
            {"id": pk, "codename": codename, "model": model, "app_label": app_label, "name": name}
            for _, pk, codename, name, model, app_label in rows
        ]
        for key, rows in groupby(found, itemgetter(0))
    }


def _bounded(rows: list[Any]) -> list[Any]:
    if len(rows) > MOST_GRANTS:
        message = f"This page would hold more than {MOST_GRANTS} grants; ask for fewer holders."
        raise ValidationError({"page_size": [message]})
    return rows
