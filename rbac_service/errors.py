"""Answers to what no view handles: JSON under every API prefix, Django's pages for the console."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.csrf import csrf_failure as csrf_page
from django.views.decorators.csrf import csrf_exempt

from api.aria import errors as aria
from api.genauth import errors as genauth

API_PREFIXES = ("/api/", "/access/", "/suite-api/", "/genauth/", "/.well-known/", "/-/")
NO_DATABASE = "The database does not answer; try again."
ARIA_PREFIXES = ("/suite-api/", "/api/auth/")


def answer(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """In the shape of the door the path belongs to."""
    if f"{request.path_info}/".startswith(ARIA_PREFIXES):
        return aria.plain(status, detail)
    if f"{request.path_info}/".startswith("/genauth/"):
        return genauth.plain(status, detail)
    return JsonResponse({"detail": detail}, status=status)


def _is_api(request: HttpRequest) -> bool:
    return f"{request.path_info}/".startswith(API_PREFIXES)


@csrf_exempt
def unknown(request: HttpRequest, **_: str) -> HttpResponse:
    """The last route under each API prefix, so that also debug mode answers JSON there."""
    return answer(request, 404, "Not found.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return answer(request, 413, "The request body is too large.")
    if _is_api(request):
        return answer(request, 400, "Bad request.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return answer(request, 403, "You do not have permission to perform this action.")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return answer(request, 404, "Not found.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """What went wrong is in the log under the request id; the caller learns only that it did, and
    whether trying again makes sense.
    """
    unavailable = isinstance(sys.exception(), OperationalError)
    if _is_api(request):
        detail = NO_DATABASE if unavailable else "Internal server error."
        return answer(request, 503 if unavailable else 500, detail)
    if unavailable:
        return HttpResponse(NO_DATABASE, status=503, content_type="text/plain")
    return defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if _is_api(request):
        return answer(request, 403, f"CSRF Failed: {reason}")
    return csrf_page(request, reason=reason)
