"""Grants as rows of an answer: what the lists by grantee and by object share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from orjson import Fragment
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.facts import State
from api.access import ModelAccessViewSet
from api.v3.lists.filters import STATE_PARAMETER
from api.v3.lists.listing import ColumnsViewSet
from audit.errors import InvalidInput
from permissions.engine import canonical_pk, require_type
from permissions.queries import Grantees, grants_to

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
    valid_from = serializers.DateTimeField(read_only=True, allow_null=True)
    valid_until = serializers.DateTimeField(read_only=True, allow_null=True)


class ObjectGrantSerializer(GlobalGrantSerializer):
    """A permission on one object."""

    object_pk = serializers.CharField(read_only=True)


class ObjectQuerySerializer(serializers.Serializer):
    """The parameters of the lists of grantees."""

    model = serializers.CharField(help_text="The type, as app_label.model.")
    object_pk = serializers.CharField(required=False, trim_whitespace=False)


# One for all requests: to make its fields takes longer than to use them.
_QUERY = ObjectQuerySerializer()

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

    @property
    def type(self) -> dict[str, str]:
        app_label, _, model = self.label.partition(".")
        return {"app_label": app_label, "model": model}

    @property
    def narrowing(self) -> dict[str, Any]:
        """What the grantees listed are found by."""
        return self.type if self.object_pk is None else {**self.type, "object_pk": self.object_pk}


class CalledOtherwise(Exception):
    """What was asked about is a free name; nobody has grants under anything but the label."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


class GranteesViewSet(ColumnsViewSet, ModelAccessViewSet):
    """Who has been granted something of a type, ``asked`` for by the request.

    ``grantees`` are of the kind whose key is the member ``key`` of a row.
    """

    grantees: ClassVar[Grantees]
    key: ClassVar[str]
    asked: Asked
    takes_state = True

    @extend_schema(parameters=[MODEL_PARAMETER, OBJECT_PARAMETER, STATE_PARAMETER])
    def list(self, request: Request) -> Response:
        # Who may view no grantee is told so first, then whoever names a type there is not.
        try:
            self.asked = asked(request)
        except (ValidationError, InvalidInput):
            self.get_queryset()
            raise
        try:
            return self.answer(self.rows(**self.asked.narrowing))
        except CalledOtherwise as otherwise:
            self.asked = replace(self.asked, label=otherwise.label)
            return self.answer(self.rows(**self.asked.narrowing))
        except (ValidationError, NotFound):
            self.get_queryset()
            require_type(self.asked.label)
            raise

    def completed(self, rows: Sequence[Row]) -> Sequence[Row]:
        if not rows:
            # Of a type that does not exist nobody has anything either.
            kind = require_type(self.asked.label)
            if kind.label != self.asked.label:
                raise CalledOtherwise(kind.label)
            return rows
        keys = [row[self.key] for row in rows]
        on_objects, on_types = grants_of(self.grantees, keys, self.asked, self.state)
        return [
            {
                **row,
                "permissions": on_objects.get(str(key), []),
                "object_permissions": on_objects.get(str(key), []),
                "model_permissions": on_types.get(str(key), []),
            }
            for key, row in zip(keys, rows, strict=True)
        ]


def asked(request: Request) -> Asked:
    """Raises ValidationError and InvalidInput for what is no type, or a malformed key."""
    query = _QUERY.run_validation(request.query_params)
    label, object_pk = query["model"], query.get("object_pk")
    if object_pk is not None:
        object_pk = canonical_pk(label, object_pk)
    return Asked(label=label, object_pk=object_pk)


def grants_of(
    grantees: Grantees, keys: Sequence[Any], asked: Asked, state: State
) -> tuple[dict[str, Fragment], dict[str, Fragment]]:
    """On objects as asked and on types, each by the grantee's key as text; one statement.

    They come by permission; those on objects in the order of the objects.
    """
    granted = grants_to(
        grantees,
        keys,
        **asked.type,
        object_pk=asked.object_pk,
        state=state,
        limit=MOST_GRANTS + 1,
    )
    texts: dict[bool, dict[str, list[str]]] = {True: defaultdict(list), False: defaultdict(list)}
    counted = {True: 0, False: 0}
    for some in sorted(granted, key=attrgetter("app_label", "model", "codename")):
        counted[some.on_objects] += some.grants
        texts[some.on_objects][str(some.grantee)].append(some.json)
    if max(counted.values()) > MOST_GRANTS:
        message = f"This page would hold more than {MOST_GRANTS} grants; ask for fewer holders."
        raise ValidationError({"page_size": [message]})
    on_objects, on_types = (
        {key: Fragment(f"[{','.join(some)}]") for key, some in texts[kind].items()}
        for kind in (True, False)
    )
    return on_objects, on_types
