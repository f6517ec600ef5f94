"""User groups. Groups of other kinds, departments, are not shown; groups above a group neither."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

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
    find,
    find_each,
    identifier,
    identifiers,
    repeated,
    texts,
    valid,
)
from api.aria.errors import no_such
from api.aria.role_permissions import (
    PrincipalSerializer,
    describe_permissions,
    roles_to_hold,
    shown_assignments,
)
from api.aria.sources import LOCAL_ID
from api.aria.users import MOST_IDS, containing, noted
from api.aria.wire import display_name, listing, optional_text, without_none
from api.errors import MissingParameter
from api.wire import IdentifierField
from audit.errors import Conflict, InvalidInput
from permissions.operations import delete_groups, save_group


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
    permissions = describe_permissions(group.shown_assignments)
    return {
        "id": str(group.pk),
        "name": group.name,
        "displayName": display_name(group),
        "description": group.description,
        "userIds": [str(row.user.uuid) for row in group.shown_memberships],
        "role-permissions": permissions,
        "roleNames": [item["roleName"] for item in permissions],
        **without_none({"externalId": noted(group, "externalId")}),
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
    def post(self, request: Request) -> Response:
        body = valid(UserGroupSerializer, request)
        if "id" in body:
            raise InvalidInput(fields={"id": ["The service makes the id."]})
        _require_local(body)
        if Group.objects.filter(name=body["name"]).exists():
            raise Conflict(f"A group named {body['name']} exists already.")
        group = self.save(None, {"name": body["name"], **_fields(body, {})}, body)
        return Response(describe_group(group_rows().get(pk=group.pk)), status=201)

    @extend_schema(
        operation_id="modifyUserGroup", request=UserGroupSerializer, responses={200: None}
    )
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
        fields = {
            name: value
            for name, value in _fields(body, group.attributes).items()
            if getattr(group, name) != value
        }
        if fields:
            self.require("change_group", group)
        self.save(group, fields, body)
        return Response(status=200)

    def save(self, group: Any, fields: dict[str, Any], body: Mapping[str, Any]) -> Group:
        """With members and role permissions, if the body speaks of them.

        Whoever is a member already is named without being viewed: it was shown with the group.
        """
        members: list[User] | None = None
        needs: list[str] = []
        if "user_ids" in body:
            ids = set(body["user_ids"])
            shown = {row.user.uuid: row.user for row in group.shown_memberships} if group else {}
            members = [user for key, user in shown.items() if key in ids]
            if shown.keys() - ids:
                needs.append("remove_user_from_group")
            if new := ids - shown.keys():
                needs.append("add_user_to_group")
                visible = self.visible(User.objects.all())
                members += find_each(visible, "User", new, by="uuid").values()
        return save_group(
            group=group,
            actor=self.caller,
            users=members,
            needs=needs,
            roles=roles_to_hold(self, body, group.shown_assignments if group else ()),
            **fields,
        )

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
        visible = self.visible(Group.objects.filter(kind=GroupKind.GROUP))
        groups = find_each(visible, "UserGroup", ids).values()
        self.require_each("delete_group", groups)
        delete_groups(groups=groups, actor=self.caller)
        return Response(status=204)


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
    return find(view.visible(group_rows()), "UserGroup", key)


def _require_local(body: Mapping[str, Any]) -> None:
    if body.get("auth_source_id", LOCAL_ID) != LOCAL_ID:
        raise no_such("AuthSource", body["auth_source_id"])


def _fields(body: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a group that a body speaks of."""
    fields = without_none({name: body.get(name) for name in ("display_name", "description")})
    if "external_id" in body:
        fields["attributes"] = {**attributes, "externalId": body["external_id"]}
    return fields
