"""Where the decision calls are, for clients that know the service's address alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

ENDPOINTS = {
    "access_evaluation_endpoint": "authzen-evaluation",
    "access_evaluations_endpoint": "authzen-evaluations",
    "search_subject_endpoint": "authzen-search-subject",
    "search_resource_endpoint": "authzen-search-resource",
    "search_action_endpoint": "authzen-search-action",
}


@csrf_exempt
def configuration(request: HttpRequest, tenant: str = "") -> HttpResponse:
    """Open to everybody. The path of the public address follows the well-known name.

    Every address comes from RBAC_PUBLIC_URL: with the Host header a stranger could send clients,
    and their tokens, elsewhere.
    """
    if request.method not in ("GET", "HEAD"):
        return _refused(405, f'Method "{request.method}" not allowed.', Allow="GET, HEAD")
    base = settings.RBAC_PUBLIC_URL.rstrip("/")
    if tenant and tenant != urlsplit(base).path.strip("/"):
        return _refused(404, "Not found.")
    addresses = {name: f"{base}{reverse(route)}" for name, route in ENDPOINTS.items()}
    return JsonResponse({"policy_decision_point": base, **addresses})


def _refused(status: int, detail: str, **headers: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status, headers=headers)
