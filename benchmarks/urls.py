from django.urls import path

from benchmarks import floor
from rbac_service.urls import (  # noqa: F401  Django finds the handlers here
    handler400,
    handler403,
    handler404,
    handler500,
)
from rbac_service.urls import urlpatterns as service

# Below the doors' own prefixes, so that the same middleware applies.
urlpatterns = [
    path("access/floor", floor.decision),
    path("api/floor", floor.Listing.as_view()),
    path("api/floor/grant", floor.Granting.as_view()),
    path("api/floor/grant/bare", floor.BareGranting.as_view()),
    *service,
]
