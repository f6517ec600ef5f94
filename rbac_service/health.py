"""Probes for orchestrators: no credentials, no body when all is well."""

import logging
from functools import cache

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

logger = logging.getLogger(__name__)


@csrf_exempt
def live(request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing about the database."""
    return HttpResponse(status=204)


@csrf_exempt
def ready(request: HttpRequest) -> HttpResponse:
    """One statement."""
    try:
        applied = MigrationRecorder(connections[DEFAULT_DB_ALIAS]).applied_migrations()
    except DatabaseError as error:
        logger.warning("not ready: %s", error)
        return JsonResponse({"detail": "The database does not answer."}, status=503)
    if pending := len(_known_migrations() - applied.keys()):
        detail = f"{pending} migrations are not applied; run manage.py migrate."
        return JsonResponse({"detail": detail}, status=503)
    return HttpResponse(status=204)


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """What this release brings."""
    # Read from disk once: it cannot change while the process runs.
    return frozenset(MigrationLoader(None).graph.nodes)
