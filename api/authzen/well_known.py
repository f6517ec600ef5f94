from django.urls import path

from api.authzen.discovery import configuration

urlpatterns = [
    path("authzen-configuration", configuration),
    path("authzen-configuration/<path:tenant>", configuration),
]
