"""What every operation of this door has in common: credentials, access, JSON, and the envelope.

An operation is a path without parameters and one method: ``Query`` is GET, ``Command`` is POST.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import PermissionDenied
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from api import access
from api.genauth import errors
from api.genauth.authentication import ManagementAuthentication
from api.genauth.schema import OperationSchema
from api.genauth.wire import Nothing, Success, WireSerializer
from api.parsers import EmptyOrJSONParser
from audit import context
from permissions import engine
from permissions.engine import Question, SubjectRef

ROW = TypeVar("ROW", bound=Model)
ANYBODY = "anybody"
# The operation asks by itself, because what is needed depends on what it is about.
IN_OPERATION = "in operation"
DEFAULT_LIMIT = 10


class OperationAccess(BasePermission):
    """Each operation names what it needs; one that names nothing is refused to everybody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.needs in (ANYBODY, IN_OPERATION):
            return True
        return bool(view.needs) and access.allowed(request.user, view.needs)


class OnlyJSON(DefaultContentNegotiation):
    """The protocol has one format, whatever a client says about it."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next(iter(parsers))

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class Operation(APIView):
    """``needs``: ANYBODY, IN_OPERATION, or a permission held globally.

    ``accepts`` and ``answers`` describe the request and ``data``; ``many`` says that it is a list,
    ``paged`` that it is one in pages, under the key ``rows_key``.
    """

    needs: str = ""
    accepts: type[WireSerializer] = Nothing
    answers: type[WireSerializer] = Success
    many = False
    paged = False
    rows_key = "list"

    authentication_classes: Sequence[Any] = (ManagementAuthentication,)
    permission_classes = (OperationAccess,)
    parser_classes = (EmptyOrJSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = OnlyJSON
    schema: Any = OperationSchema()
    http_method_names = ["get", "post"]

    def run(self, given: dict[str, Any]) -> Any:
        """Do it, and answer what goes into ``data``; None where that is only success."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        bound = context.current()
        # Below /api/v3/ the path alone does not tell whose operation it is.
        with context.bind(door="genauth", request_id=bound.request_id, reason=bound.reason):
            return super().dispatch(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[..., Response]:
        return errors.exception_handler

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> Any:
        raise PermissionDenied(message or "You may not do this.")

    def perform(self, request: Request, data: Any) -> Response:
        given = self.accepts(data=data)
        given.is_valid(raise_exception=True)
        answer = self.run(given.validated_data)
        return Response(errors.success({"success": True} if answer is None else answer))

    @property
    def caller(self) -> User:
        assert isinstance(self.request.user, User), "only authenticated callers get here"
        return self.request.user

    def visible(self, rows: QuerySet[ROW]) -> QuerySet[ROW]:
        """Those the caller may view; one who may view none is refused. One statement at once."""
        return access.visible_or_403(rows, caller=self.caller)

    def require(self, permission: str, rows: Iterable[Model]) -> None:
        """``permission`` is a codename, held globally or on each of the rows. One statement."""
        subject = SubjectRef.of(self.caller)
        questions = [
            Question(subject=subject, action=permission, resource=access.resource_of(row))
            for row in rows
        ]
        if not all(decision.allowed for decision in engine.check_many(questions)):
            raise PermissionDenied(f"This needs the permission {permission}.")

    def require_globally(self, *permissions: str) -> None:
        """``app.codename`` each. One statement."""
        subject = SubjectRef.of(self.caller)
        questions = [Question(subject=subject, action=name) for name in permissions]
        for name, decision in zip(permissions, engine.check_many(questions), strict=True):
            if not decision.allowed:
                raise PermissionDenied(f"This needs the permission {name}.")

    def page(self, rows: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        """The page of a queryset or list that was asked for. Two statements for a queryset."""
        page, limit = given.get("page", 1), given.get("limit", DEFAULT_LIMIT)
        total = rows.count() if isinstance(rows, QuerySet) else len(rows)
        part = rows[(page - 1) * limit : page * limit]
        return {"totalCount": total, self.rows_key: self.described(part)}

    def whole(self, rows: Iterable[Any]) -> dict[str, Any]:
        """A list in the form of a page, where the clients have no parameter for others."""
        described = self.described(rows)
        return {"totalCount": len(described), self.rows_key: described}

    def described(self, rows: Iterable[Any]) -> list[Any]:
        return [self.describe(row) for row in rows]

    def describe(self, row: Any) -> Any:
        """A row in the shape of ``answers``."""
        raise NotImplementedError


class Query(Operation):
    def get(self, request: Request) -> Response:
        return self.perform(request, request.query_params)


class Command(Operation):
    def post(self, request: Request) -> Response:
        return self.perform(request, request.data)


class UnknownURL(Operation):
    """The last route below the prefix."""

    schema = None
    authentication_classes = ()
    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options", "trace"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        pass

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return errors.plain(404)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return errors.plain(404)
