"""The paths as the OpenAPI document names them, below the server ``/suite-api``."""

from django.urls import include, path

from api.aria.operations import operations

urlpatterns = [path("api/auth/", include(operations))]
