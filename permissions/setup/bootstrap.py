"""The first administrator of an empty database."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from accounts.secrets import generate_key
from audit.models import Event, EventKind
from audit.operations import record
from permissions.operations import ADMINS, create_group, create_user, create_user_token

ADMIN = "akadmin"
TOKEN = "bootstrap"  # noqa: S105  an identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    password: str
    token: str

    def __repr__(self) -> str:
        return "Bootstrap(…)"  # secrets stay out of logs and tracebacks


@transaction.atomic
def bootstrap_admin(*, password: str | None = None, token: str | None = None) -> Bootstrap | None:
    """Create ``akadmin`` with a superuser group and a token that does not expire.

    Secrets not given are made. Does nothing, and answers None, if a user exists or this ran
    before: deleting the administrator must not reopen the door (GHSA-rjvp-29xq-f62w).
    """
    if User.objects.exists() or Event.objects.filter(kind=EventKind.BOOTSTRAPPED).exists():
        return None
    password = password or secrets.token_urlsafe(18)
    token = token or generate_key()
    admin = create_user(
        actor=None, username=ADMIN, name="authentik Default Admin", password=password
    )
    create_group(actor=None, name=ADMINS, users=[admin], is_superuser=True)
    create_user_token(
        actor=None,
        user=admin,
        identifier=TOKEN,
        key=token,
        expiring=False,
        description="Made when the database was empty.",
    )
    record(EventKind.BOOTSTRAPPED, target=admin, actor=None)
    return Bootstrap(password=password, token=token)
