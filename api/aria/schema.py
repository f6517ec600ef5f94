"""The OpenAPI document of this door; authentik's clients are generated from another one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularJSONAPIView

from api.aria.paging import PAGE_SIZE

_ERROR = {
    "type": "object",
    "description": "Why the request was refused",
    "properties": {
        "type": {"type": "string"},
        "message": {"type": "string"},
        "httpStatusCode": {"type": "integer"},
        "apiErrorCode": {"type": "integer"},
        "validationFailures": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "failureMessage": {"type": "string"},
                    "violationPath": {"type": "string"},
                },
            },
        },
    },
    "required": ["message"],
}


def add_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Whatever an operation refuses has this body."""
    result["components"]["schemas"]["Error"] = _ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["default"] = {"content": content, "description": "Refused"}
    return result


def _paging(name: str, least: int, default: int, description: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": least, "default": default}
    return {"name": name, "in": "query", "schema": schema, "description": description}


_PAGING = [
    _paging("page", 0, 0, "The number of the page, the first is 0. Without both, everything."),
    _paging("pageSize", 1, PAGE_SIZE, f"Rows in a page, at most {PAGE_SIZE}."),
]


def add_paging(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Lists can be asked for in pages; they are what has ``pageInfo``."""
    schemas = result["components"]["schemas"]
    lists = {name for name, schema in schemas.items() if "pageInfo" in schema.get("properties", {})}
    for path in result["paths"].values():
        content = path.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        answer = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        if answer.rpartition("/")[2] in lists:
            path["get"].setdefault("parameters", []).extend(_PAGING)
    return result


SETTINGS: dict[str, Any] = {
    "TITLE": "RBAC service, Aria Operations door",
    "DESCRIPTION": "Users, groups, roles, privileges, scopes and role permissions.",
    "SCHEMA_PATH_PREFIX": "/api/auth",
    "SCHEMA_PATH_PREFIX_TRIM": False,
    "TAGS": [],
    "SERVERS": [{"url": "/suite-api"}],
    "ENUM_NAME_OVERRIDES": {},
    "PREPROCESSING_HOOKS": [],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.aria.schema.add_errors",
        "api.aria.schema.add_paging",
    ],
}


class Document(SpectacularJSONAPIView):
    urlconf = "api.aria.schema_urls"
    custom_settings = SETTINGS
