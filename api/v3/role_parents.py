"""Roles that the holders of a role hold too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import ModelAccessViewSet, find, require, resource_of, visible_or_404
from api.etags import etag_of, names_a_state, require_match
from api.v3.fields import KeysField
from api.v3.native import NativeSerializer, NativeView
from permissions import engine
from permissions.operations import assign_role, hold, set_roles, unassign_role
from roles.models import Role, RoleAssignment

ROLE_PARAMETER = OpenApiParameter(
    "role",
    OpenApiTypes.UUID,
    OpenApiParameter.PATH,
    description="Only what is granted everywhere to the role with this uuid.",
)


class RoleParentsSerializer(NativeSerializer):
    parents = KeysField(queryset=Role.objects.public(), read=lambda _: [])


class HeldRoleSerializer(serializers.Serializer):
    """``name`` is null when the caller may not view the role."""

    pk = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)


class RoleParentSerializer(NativeSerializer):
    pk = serializers.UUIDField()


@extend_schema(parameters=[ROLE_PARAMETER])
class RoleParentViewSet(NativeView, ModelAccessViewSet):
    """Unscoped inheritance that counts now; one limited by scope or time is a role assignment.

    Viewing needs to view the role; changing needs ``change_role`` on it, and meets the grant
    ceiling for what its holders gain.
    """

    path_parameters = {"parent": "The uuid of the other role."}
    queryset = Role.objects.public()
    serializer_class = HeldRoleSerializer
    pagination_class = None
    filter_backends = ()
    etags_answered = frozenset({"list", "replace"})
    etags_honoured = frozenset({"replace", "add", "remove"})

    @extend_schema(responses=HeldRoleSerializer(many=True))
    def list(self, request: Request, role: str) -> Response:
        """List the roles that holders of the role hold too, without limits."""
        return self._answer(self._role(role))

    @extend_schema(request=RoleParentsSerializer, responses=HeldRoleSerializer(many=True))
    def replace(self, request: Request, role: str) -> Response:
        """Let holders of the role hold exactly these roles too."""
        child = self._changed(role)
        body = RoleParentsSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        with self._unchanged(child):
            set_roles(principal=child, roles=body.validated_data["parents"], actor=self.caller)
        return self._answer(child)

    @extend_schema(request=RoleParentSerializer, responses={204: None})
    def add(self, request: Request, role: str) -> Response:
        """Let holders of the role hold another role too."""
        child = self._changed(role)
        body = RoleParentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        parents = Role.objects.public()
        parent = visible_or_404(parents, caller=self.caller, pk=body.validated_data["pk"])
        with self._unchanged(child):
            assign_role(role=parent, principal=child, actor=self.caller)
        return Response(status=204)

    @extend_schema(responses={204: None})
    def remove(self, request: Request, role: str, parent: str) -> Response:
        """Let holders of the role no longer hold the other role."""
        child = self._changed(role)
        found = find(self._parents(child), pk=parent)
        if found is None:
            raise NotFound
        with self._unchanged(child):
            unassign_role(role=found, principal=child, actor=self.caller, scope=None)
        return Response(status=204)

    def _role(self, key: str) -> Role:
        return visible_or_404(Role.objects.public(), caller=self.caller, pk=key)

    def _changed(self, key: str) -> Role:
        role = self._role(key)
        require(self.caller, "change_role", resource_of(role))
        return role

    @contextmanager
    def _unchanged(self, role: Role) -> Iterator[None]:
        """As for an object of its own: the parents are what the client names, if it names a state,
        and nobody changes them before what happens within is done.
        """
        if not names_a_state(self.request):
            yield
            return
        with transaction.atomic():
            hold(role, for_good=False)
            links = self._links(role).order_by("pk").select_for_update()
            require_match(self.request, _state(links.values_list("role", flat=True)))
            yield

    def _links(self, role: Role) -> Any:
        links = RoleAssignment.objects.active().unscoped()
        return links.filter(holder_role=role, role__in=Role.objects.public())

    def _parents(self, role: Role) -> Any:
        return Role.objects.filter(pk__in=self._links(role).values("role")).order_by("name")

    def _answer(self, role: Role) -> Response:
        parents = list(self._parents(role))
        own = Role.objects.filter(pk__in=[row.pk for row in parents])
        seen = set(engine.visible(own, user=self.caller).rows)
        shown = [{"pk": row.pk, "name": row.name if row in seen else None} for row in parents]
        etag = etag_of(_state(row.pk for row in parents))
        return Response(HeldRoleSerializer(shown, many=True).data, headers={"ETag": etag})


def _state(parents: Iterable[Any]) -> list[str]:
    return sorted(map(str, parents))
