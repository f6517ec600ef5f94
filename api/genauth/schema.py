"""The OpenAPI document of this door: read from what each operation accepts and answers."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from api.genauth.wire import Page, Success, field_of, serializer_of
from api.schema import add_etags

TAGS = {
    "management_token": "authentication",
    "access_keys": "authentication",
}
SETTINGS: dict[str, object] = {
    "TITLE": "RBAC service, GenAuth API",
    "SCHEMA_PATH_PREFIX": "",
    "TAGS": [],
    "SERVERS": [{"url": "/genauth/api/v3"}, {"url": "/api/v3"}],
    "PREPROCESSING_HOOKS": [],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums"],
    "ENUM_NAME_OVERRIDES": {
        "ResourceTypeEnum": ["DATA", "API", "MENU", "BUTTON", "UI"],
        "TargetTypeEnum": ["USER", "ROLE", "GROUP", "DEPARTMENT"],
        "AssignedTargetTypeEnum": ["USER", "GROUP", "ORG", "ROLE"],
        "EnableStatusEnum": ["ENABLE", "DISABLE"],
        "UserStatusEnum": ["Activated", "Suspended", "Deactivated", "Resigned", "Archived"],
    },
}


class OperationSchema(AutoSchema):
    def get_operation_id(self) -> str:
        name = self.path.rpartition("/")[2]
        return f"{name}-legacy" if (name, self.method) == ("list-users", "GET") else name

    def get_operation(self, *args: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*args)
        if operation:
            view = self._operation
            add_etags(operation, answered=view.answers_etag, honoured=view.honours_etag)
            if view.honours_etag:
                operation["responses"]["412"] = {"description": "It is in another state by now."}
        return operation

    def get_tags(self) -> list[str]:
        module = type(self.view).__module__.rpartition(".")[2]
        return [TAGS.get(module, module).replace("_", " ")]

    def get_auth(self) -> list[dict[str, Any]]:
        return super().get_auth() if self.view.authentication_classes else [{}]

    def get_override_parameters(self) -> list[Any]:
        return [self._operation.accepts] if self.method == "GET" else []

    def get_request_serializer(self) -> Any:
        return None if self.method == "GET" else self._operation.accepts

    def get_response_serializers(self) -> Any:
        name = "".join(word.capitalize() for word in self.get_operation_id().split("-"))
        answer = self._operation.answers
        data: serializers.Field
        if get_origin(answer) is Page:
            rows = serializer_of(*get_args(answer))(many=True)
            members = {"totalCount": serializers.IntegerField(), "list": rows}
            data = inline_serializer(f"{name}Page", members, required=False)
        else:
            data = field_of(Success if answer is type(None) else answer, required=False)
        return inline_serializer(
            f"{name}Answer",
            {
                "statusCode": serializers.IntegerField(),
                "message": serializers.CharField(),
                "apiCode": serializers.IntegerField(required=False),
                "requestId": serializers.CharField(),
                "data": data,
            },
        )

    def map_parsers(self) -> list[str]:
        return ["application/json"]

    def get_filter_backends(self) -> list[Any]:
        return []

    @property
    def _operation(self) -> Any:
        return self.view
