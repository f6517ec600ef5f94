"""What every operation of this door has in common: credentials, access, JSON, and the envelope.

An operation is a path without parameters and one method: ``Query`` is GET, ``Command`` is POST.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar, get_type_hints

import msgspec
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import PermissionDenied
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from api.access import CallerView, allowed
from api.genauth import errors
from api.genauth.authentication import ManagementAuthentication
from api.genauth.schema import OperationSchema
from api.genauth.wire import Page, Success, serializer_of
from api.headers import NO_STORE
from api.json import EmptyOrJSONParser
from audit import context
from permissions import engine
from permissions.engine import Question, SubjectRef

ROW = TypeVar("ROW", bound=Model)
DTO = TypeVar("DTO")
ANYBODY = "anybody"
# The operation asks by itself, because what is needed depends on what it is about.
IN_OPERATION = "in operation"


class WhateverJSON(EmptyOrJSONParser):
    """The protocol has one format, whatever a client says about it."""

    media_type = "*/*"


class Operation(CallerView):
    """The types of ``run`` say what the operation accepts, and what it answers as ``data``.

    ``needs``: ANYBODY, IN_OPERATION, or a permission held globally; an operation that names nothing
    is refused to everybody.
    """

    needs: str = ""
    refusal = "This needs the permission {action}."
    tells_secret: bool = False
    accepts: ClassVar[type[Serializer]]
    answers: ClassVar[Any]
    # Of these the ETag is answered, or honoured as ``If-Match``.
    answers_etag = honours_etag = False
    # Headers of the answer.
    told: Mapping[str, str] | None = None

    authentication_classes: Sequence[Any] = (ManagementAuthentication,)
    parser_classes = (WhateverJSON,)
    schema: Any = OperationSchema()
    http_method_names = ["get", "post"]

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        hints = get_type_hints(cls.run)
        if isinstance(hints["request"], msgspec.StructMeta):
            cls.accepts, cls.answers = serializer_of(hints["request"]), hints["return"]

    def run(self, request: Any) -> Any:
        """Do it, and answer what goes into ``data``; None is answered as success alone."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        bound = context.current()
        # Below /api/v3/ the path alone does not tell whose operation it is.
        with context.bind(door="genauth", request_id=bound.request_id, reason=bound.reason):
            return super().dispatch(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Response]:
        return errors.exception_handler

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        return JSONRenderer(), JSONRenderer.media_type

    def check_permissions(self, request: Request) -> None:
        if self.needs in (ANYBODY, IN_OPERATION):
            return
        if not self.needs or not allowed(request.user, self.needs):
            raise PermissionDenied("You may not do this.")

    def perform(self, request: Request) -> Response:
        data = request.query_params if request.method == "GET" else request.data
        serializer = self.accepts(data=data)
        serializer.is_valid(raise_exception=True)
        answer = self.run(serializer.validated_data)
        answer = Success(success=True) if answer is None else answer
        headers = {**(NO_STORE if self.tells_secret else {}), **(self.told or {})}
        envelope = {"statusCode": 200, "message": "Success", "requestId": errors.request_id()}
        return Response({**envelope, "data": msgspec.to_builtins(answer)}, headers=headers)

    def require_globally(self, *permissions: str) -> None:
        """``app.codename`` each. One statement."""
        subject = SubjectRef.of(self.caller)
        questions = [Question(subject=subject, action=name) for name in permissions]
        for name, decision in zip(permissions, engine.check_many(questions), strict=True):
            if not decision.allowed:
                raise PermissionDenied(self.refusal.format(action=name))


class Paged(Protocol):
    """A request that says which page is wanted."""

    @property
    def page(self) -> int: ...
    @property
    def limit(self) -> int: ...


def page_of(rows: QuerySet[ROW], request: Paged, dto: Callable[[ROW], DTO]) -> Page[DTO]:
    """The page that was asked for. Two statements."""
    first = (request.page - 1) * request.limit
    part = rows[first : first + request.limit]
    return Page(total_count=rows.count(), list_=[dto(row) for row in part])


def whole(rows: Iterable[DTO]) -> Page[DTO]:
    """A list in the form of a page, for the lists of which clients cannot ask for others."""
    listed = list(rows)
    return Page(total_count=len(listed), list_=listed)


class Query(Operation):
    get = Operation.perform


class Command(Operation):
    post = Operation.perform


class UnknownURL(Operation):
    """The last route below the prefix."""

    schema = None
    authentication_classes = ()
    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options", "trace"]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        pass

    def http_method_not_allowed(self, request: Any, *args: object, **kwargs: object) -> Any:
        return errors.plain(404)

    def options(self, request: Any, *args: object, **kwargs: object) -> Any:
        return errors.plain(404)
