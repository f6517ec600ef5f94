"""User groups. Groups of other kinds, departments, are not shown; groups above a group neither."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Group, GroupKind, GroupMembership, User
from api.aria import paging
from api.aria.base import (
    IN_VIEW,
    OperationView,
    identifier,
    identifiers,
    repeated,
    texts,
    valid,
)
from api.aria.errors import MissingParameter, no_such
from api.aria.role_permissions import (
    PrincipalSerializer,
    described,
    set_permissions,
    shown_assignments,
)
from api.aria.sources import LOCAL_ID
from api.aria.users import MOST_IDS, containing, noted, permission_items
from api.aria.wire import IdentifierField, display_name, given, listing, optional_text
from audit.errors import Conflict, InvalidInput
from permissions.operations import create_group, delete_groups, set_members, update_group


class UserGroupSerializer(PrincipalSerializer):
    """``authSourceId`` absent means local."""

    id = IdentifierField(required=False)
    name = serializers.CharField(max_length=255)
    display_name = optional_text(max_length=255)
    description = optional_text(max_length=512)
    auth_source_id = IdentifierField(required=False)
    user_ids = serializers.ListField(child=IdentifierField(), required=False, max_length=MOST_IDS)
    external_id = optional_text(max_length=255)


UserGroupListSerializer = listing("user_groups", UserGroupSerializer)


def group_rows() -> QuerySet[Group]:
    """With what ``describe_group`` reads; a fixed number of statements for any number of groups."""
    members = GroupMembership.objects.active().select_related("user").order_by("pk")
    return (
        Group.objects.filter(kind=GroupKind.GROUP)
        .prefetch_related(
            Prefetch("memberships", queryset=members, to_attr="shown_memberships"),
            Prefetch("role_assignments", queryset=shown_assignments(), to_attr="shown_assignments"),
        )
        .order_by("name")
    )


def describe_group(group: Any) -> dict[str, Any]:
    permissions = described(group.shown_assignments)
    return {
        "id": str(group.pk),
        "name": group.name,
        "displayName": display_name(group),
        "description": group.description,
        "userIds": [str(row.user.uuid) for row in group.shown_memberships],
        "role-permissions": permissions,
        "roleNames": [item["roleName"] for item in permissions],
        **given({"externalId": noted(group, "externalId")}),
    }


class UserGroups(OperationView):
    access = {
        "GET": IN_VIEW,
        "POST": "authentik_core.add_group",
        "PUT": IN_VIEW,
        "DELETE": IN_VIEW,
    }

    @extend_schema(
        operation_id="getUserGroups",
        parameters=[repeated("id"), repeated("name")],
        responses=UserGroupListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = self.visible(group_rows())
        if (ids := identifiers(request, "id")) is not None:
            rows = rows.filter(pk__in=ids)
        if (parts := texts(request, "name")) is not None:
            rows = rows.filter(containing("name", parts))
        return Response(paging.listed(request, "userGroups", rows, describe_group))

    @extend_schema(
        operation_id="createUserGroup",
        request=UserGroupSerializer,
        responses={201: UserGroupSerializer},
    )
    @transaction.atomic
    def post(self, request: Request) -> Response:
        body = valid(UserGroupSerializer, request)
        if "id" in body:
            raise InvalidInput(fields={"id": ["The service makes the id."]})
        _require_local(body)
        if Group.objects.filter(name=body["name"]).exists():
            raise Conflict(f"A group named {body['name']} exists already.")
        group = create_group(actor=self.caller, name=body["name"], **_fields(body, {}))
        self.connect(group, body)
        return Response(describe_group(group_rows().get(pk=group.pk)), status=201)

    @extend_schema(
        operation_id="modifyUserGroup", request=UserGroupSerializer, responses={200: None}
    )
    @transaction.atomic
    def put(self, request: Request) -> Response:
        body = valid(UserGroupSerializer, request)
        if "id" not in body:
            raise InvalidInput(fields={"id": ["This field is required."]})
        group = find_group(self, body["id"])
        _require_local(body)
        if body["name"] != group.name:
            raise InvalidInput(fields={"name": ["The name of a group cannot change."]})
        if body.get("display_name") == display_name(group):
            del body["display_name"]
        fields = _fields(body, group.attributes)
        if any(getattr(group, name) != value for name, value in fields.items()):
            self.require("change_group", group)
            update_group(group=group, actor=self.caller, **fields)
        self.connect(group, body)
        return Response(status=200)

    @extend_schema(
        operation_id="deleteUserGroups",
        parameters=[repeated("id", required=True)],
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        ids = identifiers(request, "id")
        if ids is None:
            raise MissingParameter("id")
        return self.remove(ids)

    def remove(self, ids: list[uuid.UUID]) -> Response:
        """All or none."""
        groups = Group.objects.filter(kind=GroupKind.GROUP, pk__in=ids)
        rows = {group.pk: group for group in self.visible(groups)}
        for key in ids:
            if key not in rows:
                raise no_such("UserGroup", key)
        self.require_each("delete_group", rows.values())
        delete_groups(groups=rows.values(), actor=self.caller)
        return Response(status=204)

    def connect(self, group: Group, body: Mapping[str, Any]) -> None:
        """Members and role permissions, where the body speaks of them."""
        if "user_ids" in body:
            _set_members(self, group, list(body["user_ids"]))
        items = permission_items(body)
        if items is not None:
            set_permissions(self, group, items)


class UserGroupById(UserGroups):
    access = {"GET": IN_VIEW, "DELETE": IN_VIEW}
    http_method_names = ["get", "delete"]

    @extend_schema(operation_id="getUserGroup", responses=UserGroupSerializer)
    def get(self, request: Request, group_id: str) -> Response:  # type: ignore[override]  # names one
        return Response(describe_group(find_group(self, identifier(group_id, name="id"))))

    @extend_schema(operation_id="deleteUserGroup", responses={204: None})
    def delete(self, request: Request, group_id: str) -> Response:  # type: ignore[override]  # names one
        return self.remove([identifier(group_id, name="id")])


def find_group(view: OperationView, key: uuid.UUID) -> Any:
    found = view.visible(group_rows()).filter(pk=key).first()
    if found is None:
        raise no_such("UserGroup", key)
    return found


def _set_members(view: OperationView, group: Group, ids: Iterable[uuid.UUID]) -> None:
    current = {user.uuid: user for user in User.objects.members_of([group])}
    wanted = {key: user for key, user in current.items() if key in set(ids)}
    new = [key for key in ids if key not in current]
    if new:
        view.require("add_user_to_group", group)
        joined = view.visible(User.objects.filter(uuid__in=new))
        wanted |= {user.uuid: user for user in joined}
    for key in ids:
        if key not in wanted:
            raise no_such("User", key)
    if current.keys() - wanted.keys():
        view.require("remove_user_from_group", group)
    set_members(group=group, users=wanted.values(), actor=view.caller)


def _require_local(body: Mapping[str, Any]) -> None:
    if body.get("auth_source_id", LOCAL_ID) != LOCAL_ID:
        raise no_such("AuthSource", body["auth_source_id"])


def _fields(body: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a group that a body speaks of."""
    fields = given({name: body.get(name) for name in ("display_name", "description")})
    if "external_id" in body:
        fields["attributes"] = {**attributes, "externalId": body["external_id"]}
    return fields
