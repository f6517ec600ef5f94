"""Accounts for programs: a user without a password, an app password, and perhaps a group."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import Group, Token, TokenIntent, User, UserType
from accounts.secrets import generate_key
from permissions.engine import holds
from permissions.operations import groups
from permissions.operations.tokens import create_user_token
from permissions.operations.users import create_user

# authentik's default (contract, C.1); an API token's own default would end too soon for a program.
LIFETIME = timedelta(days=360)
PATH = "goauthentik.io/service-accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    user: User
    group: Group | None
    key: str


@transaction.atomic
def create_service_account(
    *,
    actor: User,
    name: str,
    create_group: bool = False,
    expiring: bool = True,
    expires: datetime | None = None,
) -> ServiceAccount:
    """The group comes only when the actor may add groups. The key is told this once."""
    user = create_user(
        actor=actor, username=name, name=name, type=UserType.SERVICE_ACCOUNT, path=PATH
    )
    group = None
    if create_group and holds(actor, "authentik_core.add_group"):
        group = groups.create_group(actor=actor, name=name, users=[user])
    identifier = f"service-account-{slugify(name)}-password"
    if Token.objects.filter(identifier=identifier).exists():
        identifier = f"service-account-{slugify(name)}-{secrets.token_hex(6)}-password"
    key = generate_key()
    create_user_token(
        actor=actor,
        user=user,
        identifier=identifier,
        intent=TokenIntent.APP_PASSWORD,
        key=key,
        expiring=expiring,
        expires=(expires or timezone.now() + LIFETIME) if expiring else None,
    )
    return ServiceAccount(user=user, group=group, key=key)
