"""The console's own pages, as ``console:…``; the lists of models behind them are ``admin:…``."""

from django.urls import path

from console.choices import Choices
from console.session import SignOutEverywhere

app_name = "console"

urlpatterns = [
    path("choices/<slug:kind>/", Choices.as_view(), name="choices"),
    path("sign-out-everywhere/", SignOutEverywhere.as_view(), name="sign-out-everywhere"),
]
