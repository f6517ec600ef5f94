"""What the OpenAPI document says beyond the views: the security scheme and the error bodies."""

from threading import Lock
from typing import Any

from django_filters import Filter
from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

# The doors' documents are made under settings of their own, which are the process's meanwhile.
GENERATING = Lock()

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})

_VALIDATION_ERROR = {
    "type": "object",
    "description": "What is wrong, by field",
    "properties": {
        "non_field_errors": {"type": "array", "items": {"type": "string"}},
        "code": {"type": "string"},
    },
    "additionalProperties": {},
}
_GENERIC_ERROR = {
    "type": "object",
    "description": "Why the request was refused",
    "properties": {"detail": {"type": "string"}, "code": {"type": "string"}},
    "required": ["detail"],
}

_ETAG = {
    "description": "The state of the thing, for `If-Match`.",
    "schema": {"type": "string"},
}
_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "description": "An ETag: 412 if the thing is in another state by now.",
    "schema": {"type": "string"},
}

# What the standard actions of a view do, in the words of its ``called``: one thing, and several.
_STANDARD = {
    "list": "List the {1} the caller may view, in pages.",
    "create": "Create {0}.",
    "retrieve": "Read {0}; what the caller may not view does not exist.",
    "update": "Replace {0}.",
    "partial_update": "Change the members of {0} that are sent, and no others.",
    "destroy": "Delete {0}, with everything it was granted and everything granted on it.",
    "used_by": "List what refers to {0}, as far as the caller may view it.",
}


class DescribedSchema(AutoSchema):
    """A standard action without a docstring has its sentence from ``called`` of the view.

    ``path_parameters`` of a view says what names in its path are.
    """

    def get_description(self) -> str:  # type: ignore[override]  # as theirs
        action = getattr(self.view, "action", "")
        called = getattr(self.view, "called", None)
        if called and action in _STANDARD and not getattr(self.view, action).__doc__:
            return _STANDARD[action].format(*called)
        return super().get_description()

    def get_operation(self, *args: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args)
        if operation:
            action = getattr(self.view, "action", "")
            answered = action in getattr(self.view, "etags_answered", ())
            honoured = action in getattr(self.view, "etags_honoured", ())
            add_etags(operation, answered=answered, honoured=honoured)
            if honoured:
                operation["responses"]["412"] = _response("GenericError")
        return operation

    def _resolve_path_parameters(self, variables: list[str]) -> list[dict[str, Any]]:
        texts = getattr(self.view, "path_parameters", {})
        parameters = super()._resolve_path_parameters(variables)  # type: ignore[no-untyped-call]  # theirs
        return [
            {**one, "description": texts[one["name"]]} if one["name"] in texts else one
            for one in parameters
        ]


class DescribedFilters(DjangoFilterExtension):
    """A filter's ``help_text`` as it stands; drf-spectacular drops it beside a type of our own."""

    priority = 1

    def resolve_filter_field(
        self, auto_schema: Any, model: Any, filterset: Any, name: str, filter_field: Filter
    ) -> list[dict[str, Any]]:
        parameters = super().resolve_filter_field(  # type: ignore[no-untyped-call]  # theirs
            auto_schema, model, filterset, name, filter_field
        )
        text = filter_field.extra.get("help_text")
        return [{**one, "description": text} if text else one for one in parameters]


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "api.authentication.BearerAuthentication"
    # authentik's name for it: generated clients name their configuration after it.
    name = "authentik"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):
    """The console's session works too, but is not offered to clients."""

    target_class = "api.authentication.SessionAuthentication"
    name: list[str] = []  # no names for no definitions

    def get_security_requirement(self, auto_schema: Any) -> None:  # type: ignore[override]  # None leaves it out
        return None

    def get_security_definition(self, auto_schema: Any) -> list[Any]:
        return []


def add_etags(operation: dict[str, Any], *, answered: bool, honoured: bool) -> None:
    """Describe the header of the answer, and that of the request."""
    if answered:
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                response["headers"] = {"ETag": _ETAG}
    if honoured:
        operation.setdefault("parameters", []).append(_IF_MATCH)


def of_this_door(endpoints: list[Any]) -> list[Any]:
    """authentik's door only: clients are generated from this document; others have their own."""
    return [
        endpoint
        for endpoint in endpoints
        if endpoint[0].startswith("/api/v3/") and endpoint[0].endswith("/")
    ]


def add_error_responses(
    result: dict[str, Any], generator: Any, request: Any, public: bool
) -> dict[str, Any]:
    """Every operation may answer 400 and 403 with these bodies, and 404 one that names a thing in
    its path, unless it says otherwise.
    """
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas["ValidationError"] = _VALIDATION_ERROR
    schemas["GenericError"] = _GENERIC_ERROR
    for route, path in result.get("paths", {}).items():
        for method, operation in path.items():
            if method in _METHODS:
                responses = operation["responses"]
                responses.setdefault("400", _response("ValidationError"))
                responses.setdefault("403", _response("GenericError"))
                if "{" in route:
                    responses.setdefault("404", _response("GenericError"))
    return result


def _response(component: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{component}"}
    return {"content": {"application/json": {"schema": reference}}, "description": ""}
