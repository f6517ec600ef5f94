"""No path ends in a slash. Role names stand in paths as they are, slashes included."""

from django.urls import path

from api.aria.operations import operations
from api.aria.schema import Document

urlpatterns = [
    *operations,
    path("openapi.json", Document.as_view(), name="aria-openapi"),
]
