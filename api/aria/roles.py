"""Roles and the privileges they carry. A role is known by its name, which never changes here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.aria import paging
from api.aria.base import IN_VIEW, OperationView, find, repeated, texts, valid
from api.aria.privileges import (
    PrivilegeKeysSerializer,
    PrivilegeListSerializer,
    describe_privilege,
    known_privileges,
    privilege_key,
)
from api.aria.traversal import OBJECT_TYPE
from api.aria.wire import display_name, listing, optional_text, without_none
from api.wire import WireSerializer
from audit.errors import Conflict, InvalidInput
from permissions.models import RoleGlobalGrant
from permissions.operations import (
    ActionChange,
    change_role_actions,
    delete_roles,
    save_role,
)
from roles.models import Role

# Published clients put names into paths without encoding these.
UNSAFE = frozenset("/?#%")
UNSAFE_NAME = "Role names must not hold / ? # % or control characters."


class UserRoleSerializer(WireSerializer):
    """``name`` is the key. Without ``privilege-keys`` the privileges stay as they are."""

    hyphenated = ("privilege_keys", "system_created")

    name = serializers.CharField(max_length=150)
    display_name = optional_text(max_length=255)
    description = optional_text(max_length=512)
    privilege_keys = serializers.ListField(child=privilege_key(), required=False, max_length=1_000)
    system_created = serializers.BooleanField(read_only=True, required=False)


UserRoleListSerializer = listing("user_roles", UserRoleSerializer)


def role_rows() -> QuerySet[Role]:
    """The roles this door shows, with their privileges: two statements for any number."""
    grants = (
        RoleGlobalGrant.objects.active()
        .filter(permission__in=known_privileges().order_by())
        .select_related("permission")
        .order_by("permission__codename")
    )
    return (
        Role.objects.shareable()
        .prefetch_related(Prefetch("global_grants", queryset=grants, to_attr="privileges"))
        .order_by("name")
    )


def describe_role(role: Any) -> dict[str, Any]:
    return {
        "name": role.name,
        "displayName": display_name(role),
        "description": role.description,
        "privilege-keys": keys_of(role),
        "system-created": role.built_in,
    }


def keys_of(role: Any) -> list[str]:
    return [grant.permission.codename for grant in role.privileges]


class Roles(OperationView):
    access = {"GET": IN_VIEW, "POST": "authentik_rbac.add_role", "PUT": IN_VIEW}

    @extend_schema(
        operation_id="getRoles", parameters=[repeated("roleName")], responses=UserRoleListSerializer
    )
    def get(self, request: Request) -> Response:
        rows = self.visible(role_rows())
        if (names := texts(request, "roleName")) is not None:
            rows = rows.filter(name__in=names)
        return Response(paging.listed(request, "userRoles", rows, describe_role))

    @extend_schema(
        operation_id="createUserRole",
        request=UserRoleSerializer,
        responses={201: UserRoleSerializer},
    )
    def post(self, request: Request) -> Response:
        body = valid(UserRoleSerializer, request)
        name = body["name"]
        if not UNSAFE.isdisjoint(name) or not name.isprintable():
            raise InvalidInput(fields={"name": [UNSAFE_NAME]})
        if Role.objects.filter(name=name).exists():
            raise Conflict(f"A role named {name} exists already.")
        actions = ActionChange(type=OBJECT_TYPE, added=body.get("privilege_keys", ()))
        role = save_role(role=None, actor=self.caller, name=name, actions=actions, **_texts(body))
        return Response(describe_role(role_rows().get(pk=role.pk)), status=201)

    @extend_schema(
        operation_id="updateUserRole", request=UserRoleSerializer, responses=UserRoleSerializer
    )
    def put(self, request: Request) -> Response:
        body = valid(UserRoleSerializer, request)
        role = find_role(self, body["name"])
        self.require("change_role", role)
        if body.get("display_name") == display_name(role):
            del body["display_name"]
        actions = _change(keys_of(role), body.get("privilege_keys", keys_of(role)))
        save_role(role=role, actor=self.caller, actions=actions, **_texts(body))
        return Response(describe_role(role_rows().get(pk=role.pk)))


class RoleByName(OperationView):
    access = {"GET": IN_VIEW, "DELETE": IN_VIEW}

    @extend_schema(operation_id="getRoleByName", responses=UserRoleSerializer)
    def get(self, request: Request, role_name: str) -> Response:
        return Response(describe_role(find_role(self, role_name)))

    @extend_schema(operation_id="deleteUserRole", responses={204: None})
    def delete(self, request: Request, role_name: str) -> Response:
        role = find_role(self, role_name)
        self.require("delete_role", role)
        delete_roles(roles=[role], actor=self.caller)
        return Response(status=204)


def _writes_keys(operation_id: str) -> Any:
    return extend_schema(
        operation_id=operation_id,
        request=PrivilegeKeysSerializer,
        responses=PrivilegeKeysSerializer,
    )


class RolePrivileges(OperationView):
    """Reading answers privileges; writing takes and answers keys."""

    access = {"GET": IN_VIEW, "POST": IN_VIEW, "PUT": IN_VIEW, "DELETE": IN_VIEW}

    @extend_schema(operation_id="getRolePrivileges", responses=PrivilegeListSerializer)
    def get(self, request: Request, role_name: str) -> Response:
        rows = [grant.permission for grant in find_role(self, role_name).privileges]
        return Response(paging.listed(request, "privileges", rows, describe_privilege))

    @_writes_keys("addRolePrivileges")
    def post(self, request: Request, role_name: str) -> Response:
        return self.write(role_name, lambda held, sent: [*held, *sent])

    @_writes_keys("setRolePrivileges")
    def put(self, request: Request, role_name: str) -> Response:
        return self.write(role_name, lambda _, sent: sent)

    @_writes_keys("removeRolePrivileges")
    def delete(self, request: Request, role_name: str) -> Response:
        return self.write(role_name, lambda held, sent: [key for key in held if key not in sent])

    def write(
        self, role_name: str, change: Callable[[list[str], list[str]], list[str]]
    ) -> Response:
        body = valid(PrivilegeKeysSerializer, self.request)
        role = find_role(self, role_name)
        held = keys_of(role)
        change_role_actions(
            role=role, change=_change(held, change(held, body["privilege_key"])), actor=self.caller
        )
        return Response({"privilege-key": keys_of(role_rows().get(pk=role.pk))})


def find_role(view: OperationView, name: str) -> Any:
    """The role with this name among those the caller may view, with its privileges."""
    return find(view.visible(role_rows()), "Role", name, by="name")


def _change(before: Iterable[str], after: Iterable[str]) -> ActionChange:
    """Keys that stay are left alone: somebody may have given them for a time."""
    before, after = set(before), set(after)
    return ActionChange(type=OBJECT_TYPE, added=after - before, removed=before - after)


def _texts(body: Mapping[str, Any]) -> dict[str, Any]:
    return without_none({name: body.get(name) for name in ("display_name", "description")})
