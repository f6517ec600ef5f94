"""One line per door."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from api.genauth.base import UnknownURL
from rbac_service import errors, health

urlpatterns = [
    path("api/v3/", include("api.v3.urls")),
    # Clients of GenAuth know only this prefix; none of its paths ends with a slash, all of v3's do.
    path("api/v3/", include("api.genauth.urls")),
    path("access/v1/", include("api.authzen.urls")),
    path(".well-known/", include("api.authzen.well_known")),
    path("suite-api/api/auth/", include("api.aria.urls")),
    path("api/auth/", include("api.aria.urls")),
    path("genauth/api/v3/", include("api.genauth.urls")),
    re_path(r"^genauth(?:/|$)", UnknownURL.as_view()),
    path("api/v3", RedirectView.as_view(url="/api/v3/")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", include("console.urls")),
    path("admin/", admin.site.urls),
    path("-/health/live/", health.live),
    path("-/health/ready/", health.ready),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}console/favicon.svg")),
    path("", RedirectView.as_view(url="/admin/")),
    re_path(r"^(?:api|access|suite-api|genauth|\.well-known|-)(?:/|$)", errors.unknown),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
handler500 = errors.server_error
