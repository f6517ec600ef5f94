"""The least a server of this kind could do for a request: who is asking, and one trivial SELECT."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.secrets import digests
from audit.models import Event, EventKind
from permissions.engine.running import rows
from permissions.models import UserObjectPermission

WHOSE = """
    SELECT t.user_id FROM authentik_core_token t JOIN authentik_core_user u ON u.id = t.user_id
    WHERE t.key_digest = %(digest)s AND t.intent = 'api' AND u.is_active
      AND (NOT t.expiring OR t.expires IS NULL OR t.expires > statement_timestamp())"""


@csrf_exempt
def decision(request: HttpRequest) -> HttpResponse:
    """Beside ``/access/v1/evaluation``: same middleware, same token, an answer of the same form."""
    _ = request.body  # left unread, it would end the connection
    key = request.META["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    found = rows(WHOSE, {"digest": digests(key)[0]}, using=DEFAULT_DB_ALIAS)
    [(one,)] = rows("SELECT 1", {}, using=DEFAULT_DB_ALIAS)
    allowed = b"true" if found and one else b"false"
    return HttpResponse(b'{"decision":' + allowed + b"}", content_type="application/json")


class Listing(APIView):
    """Beside the lists of ``/api/v3``: DRF's authentication and rendering, ``size`` bytes out."""

    def get(self, request: Request) -> Response:
        rows("SELECT 1", {}, using=DEFAULT_DB_ALIAS)
        return Response(_FILLING[: int(request.query_params["size"]) - 2])


class Granting(APIView):
    """Beside the assignments of ``/api/v3``: one grant and one event, in one transaction."""

    def post(self, request: Request) -> Response:
        body: Any = request.data
        with transaction.atomic():
            grant = UserObjectPermission.objects.create(
                user_id=body["user"],
                permission_id=body["permission"],
                content_type_id=body["content_type"],
                object_pk=body["object_pk"],
                granted_by_id=request.user.pk,
            )
            Event.objects.create(
                kind=EventKind.GRANT_CREATED,
                actor_pk=request.user.pk,
                actor_name=request.user.username,
                target_type="authentik_core.user",
                target_pk=str(body["user"]),
                after={"object_pk": body["object_pk"]},
                door="v3",
            )
        return Response([{"id": str(grant.pk)}])


class BareGranting(APIView):
    """The same without the ORM: statements as short as they can be."""

    def post(self, request: Request) -> Response:
        body: Any = request.data
        words = {**body, "caller": request.user.pk, "name": request.user.username}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(GRANT, words)
            [(pk,)] = cursor.fetchall()
            cursor.execute(EVENT, words)
        return Response([{"id": str(pk)}])


GRANT = """
    INSERT INTO permissions_userobjectpermission
        (user_id, permission_id, content_type_id, object_pk, granted_by_id, created)
    VALUES (%(user)s, %(permission)s, %(content_type)s, %(object_pk)s, %(caller)s, now())
    RETURNING id"""
EVENT = """
    INSERT INTO audit_event (created, kind, actor_pk, actor_name, target_type, target_pk,
        target_name, after, door, request_id, reason)
    VALUES (now(), 'grant_created', %(caller)s, %(name)s, 'authentik_core.user', %(user)s, 'x',
        '{}', 'v3', '', '')"""

_FILLING = "x" * min(settings.RBAC_MAX_BODY, 1 << 20)
