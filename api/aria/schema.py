"""The OpenAPI document of this door; authentik's clients are generated from another one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularJSONAPIView

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


SETTINGS: dict[str, Any] = {
    "TITLE": "RBAC service, Aria Operations door",
    "DESCRIPTION": "Users, groups, roles, privileges, scopes and role permissions.",
    "SCHEMA_PATH_PREFIX": "/api/auth",
    "SCHEMA_PATH_PREFIX_TRIM": False,
    "SERVERS": [{"url": "/suite-api"}],
    "ENUM_NAME_OVERRIDES": {},
    "PREPROCESSING_HOOKS": [],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.aria.schema.add_errors",
    ],
}


class Document(SpectacularJSONAPIView):
    urlconf = "api.aria.schema_urls"
    custom_settings = SETTINGS
