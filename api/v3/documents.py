"""The pages that show the API to people: everything they load is ours, and no script is inline."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from csp.decorators import csp_update
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.urls import reverse
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView

REDOC = "drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"


class SwaggerView(SpectacularSwaggerSplitView):
    template_name = "api/swagger.html"


# Redoc makes its styles, and the worker that searches, while it runs.
@method_decorator(
    csp_update({"style-src": ["'self'", "'unsafe-inline'"], "worker-src": ["'self'", "blob:"]}),
    name="dispatch",
)
class RedocView(SpectacularRedocView):
    """``?script`` is the script, which would fetch a logo from elsewhere as it is packaged."""

    template_name = "api/redoc.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "script" in request.GET:
            return HttpResponse(_redoc(), content_type="text/javascript; charset=utf-8")
        return super().dispatch(request, *args, **kwargs)

    @staticmethod
    def _redoc_standalone() -> str:
        return f"{reverse('redoc')}?script"


@cache
def _redoc() -> str:
    path = finders.find(REDOC)
    assert isinstance(path, str), "the sidecar is installed"
    return Path(path).read_text().replace(LOGO, static("console/favicon.svg"))
