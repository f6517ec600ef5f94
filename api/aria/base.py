"""What every operation of this door has in common: credentials, access, JSON, and its errors."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotAcceptable, NotAuthenticated, PermissionDenied
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.mediatypes import media_type_matches

from api import access
from api.aria import errors
from api.aria.authentication import OpsTokenAuthentication, refusal
from api.errors import MalformedParameter
from api.json import EmptyOrJSONParser
from api.wire import WireSerializer
from audit.errors import InvalidInput
from permissions.engine import UUID_TEXT, searchable

# In one parameter of the query.
MOST_VALUES = 200
ROW = TypeVar("ROW", bound=Model)


class OperationAccess(BasePermission):
    """Each method names who may call it; one that names nothing is refused to everybody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method not in view.allowed_methods:
            return True  # 405, whoever asks
        needed = view.access.get(request.method)
        if needed == ANYBODY:
            return True
        if not request.user.is_authenticated:
            raise NotAuthenticated(refusal("OpsToken"))
        if needed in (SIGNED_IN, IN_VIEW):
            return True
        return needed is not None and access.allowed(request.user, needed)


class LenientNegotiation(DefaultContentNegotiation):
    """JSON in, JSON out: a body without a content type is JSON, ``?format=`` means nothing."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        if not request.content_type:
            return next(iter(parsers))
        return super().select_parser(request, parsers)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        [renderer] = renderers
        accepted = request.META.get("HTTP_ACCEPT") or "*/*"
        if any(media_type_matches(renderer.media_type, one.strip()) for one in accepted.split(",")):
            return renderer, renderer.media_type
        raise NotAcceptable(available_renderers=[renderer])


ANYBODY = "anybody"
SIGNED_IN = "signed in"
# The view asks itself, because what is needed depends on the object or the body.
IN_VIEW = "in view"


class OperationView(access.CallerView):
    """``access``: for each method ANYBODY, SIGNED_IN, IN_VIEW, or a permission held globally."""

    access: Mapping[str, str] = {}
    refusal = errors.MESSAGES[403]
    authentication_classes: Sequence[Any] = (OpsTokenAuthentication,)
    permission_classes = (OperationAccess,)
    parser_classes = (EmptyOrJSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = LenientNegotiation
    http_method_names = ["get", "post", "put", "delete"]

    def get_exception_handler(self) -> Callable[..., Response]:
        return errors.exception_handler

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> Any:
        raise PermissionDenied(errors.MESSAGES[403])

    def require(self, permission: str, row: Model) -> None:
        """``permission`` is a codename, held globally or on the row."""
        access.require(self.caller, permission, access.resource_of(row))


def find(rows: QuerySet[ROW], kind: str, key: object, *, by: str = "pk") -> ROW:
    """The row with this key among those the caller may view."""
    unsearchable = isinstance(key, str) and searchable(key) is None
    row = None if unsearchable else rows.filter(**{by: key}).first()
    if row is None:
        raise errors.no_such(kind, key)
    return row


def find_each(
    rows: QuerySet[ROW], kind: str, keys: Iterable[Any], *, by: str = "pk"
) -> dict[Any, ROW]:
    """By key; all of them, or the first that is missing or hidden is said to be."""
    keys = list(keys)
    fit = [key for key in keys if not isinstance(key, str) or searchable(key) is not None]
    by_key = {getattr(row, by): row for row in rows.filter(**{f"{by}__in": fit})}
    for key in keys:
        if key not in by_key:
            raise errors.no_such(kind, key)
    return by_key


def identifier(text: str, *, name: str) -> uuid.UUID:
    """A UUID from the path or the query; ``name`` is the parameter's."""
    if not UUID_TEXT.fullmatch(text):
        raise MalformedParameter(name)
    return uuid.UUID(text)


def identifiers(request: Request, name: str) -> list[uuid.UUID] | None:
    """Repeated keys, and comma lists; None when nothing was sent."""
    sent = [part for value in _sent(request, name) for part in value.split(",")]
    return list(dict.fromkeys(identifier(text.strip(), name=name) for text in sent if text)) or None


def texts(request: Request, name: str) -> list[str] | None:
    """The values of a repeated key that rows can hold; None when nothing was sent."""
    sent = _sent(request, name)
    return [text for text in sent if searchable(text) is not None] if sent else None


def _sent(request: Request, name: str) -> list[str]:
    sent = [value for value in request.query_params.getlist(name) if value]
    if sum(value.count(",") + 1 for value in sent) > MOST_VALUES:
        raise InvalidInput(fields={name: [f"At most {MOST_VALUES} values are allowed."]})
    return sent


def repeated(name: str, *, required: bool = False) -> OpenApiParameter:
    """A query key that may be sent several times, for the OpenAPI document."""
    return OpenApiParameter(name, str, many=True, required=required)


def valid(serializer: type[WireSerializer], request: Request) -> Any:
    """The body, validated."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return body.validated_data
