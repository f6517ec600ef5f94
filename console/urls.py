"""The console's own pages, as ``console:…``; the lists of models behind them are ``admin:…``."""

from django.urls import path

from console.access.asking import Ask
from console.access.comparing import Compare
from console.access.explaining import Explain
from console.access.what_can import WhatCan
from console.access.who_can import WhoCan
from console.choices import Choices
from console.facts import ChangeFact, EndFact
from console.giving import Activate, AddToGroup, Deactivate, GiveRole, Grant
from console.lists.urls import urlpatterns as lists
from console.matrix import RolePermissions
from console.record.changes import Changes
from console.roles import ChangeRole
from console.session import SignOutEverywhere
from console.tokens import CreateToken, RevokeToken, Tokens

app_name = "console"

urlpatterns = [
    path("choices/<slug:kind>/", Choices.as_view(), name="choices"),
    path("ask/", Ask.as_view(), name="ask"),
    path("access/explain/", Explain.as_view(), name="explain"),
    path("access/who-can/", WhoCan.as_view(), name="who-can"),
    path("access/what-can/", WhatCan.as_view(), name="what-can"),
    path("access/compare/", Compare.as_view(), name="compare"),
    path("give/role/", GiveRole.as_view(), name="give-role"),
    path("give/membership/", AddToGroup.as_view(), name="add-to-group"),
    path("give/permission/", Grant.as_view(), name="grant"),
    path("give/activity/", Activate.as_view(), name="activate"),
    path("changes/", Changes.as_view(), name="changes"),
    path("end/activity/", Deactivate.as_view(), name="deactivate"),
    path("end/<slug:kind>/<int:pk>/", EndFact.as_view(), name="end-fact"),
    path("change/<slug:kind>/<int:pk>/", ChangeFact.as_view(), name="change-fact"),
    path("roles/<uuid:pk>/", ChangeRole.as_view(), name="change-role"),
    path("roles/<uuid:pk>/permissions/", RolePermissions.as_view(), name="role-permissions"),
    *lists,
    path("tokens/", Tokens.as_view(), name="tokens"),
    path("tokens/create/", CreateToken.as_view(), name="create-token"),
    path("tokens/<uuid:pk>/revoke/", RevokeToken.as_view(), name="revoke-token"),
    path("sign-out-everywhere/", SignOutEverywhere.as_view(), name="sign-out-everywhere"),
]
