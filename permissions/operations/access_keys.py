"""Access keys: a name and a secret by which a program acts as an account.

The pair is an API token: its identifier carries the name, its key is the secret. So it is kept by
digest, may expire, and is listed and deleted like every other token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts.models import ACCESS_KEY, Group, Token, TokenIntent, User, UserType
from accounts.secrets import generate_hex_id, generate_key
from permissions.engine import authenticate_key
from permissions.operations.groups import ADMINS, create_group
from permissions.operations.membership import add_members
from permissions.operations.tokens import create_user_token, expiry_unasked, must_expire
from permissions.operations.users import create_user

PATH = "access-keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """What is told once. Secrets stay out of logs and tracebacks."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    token: Token


@transaction.atomic
def create_access_key(*, actor: User | None, user: User | None = None, **life: Any) -> AccessKey:
    """For an account, or for a new service account that may do nothing yet.

    Without ``expiring`` and ``expires`` it ends as an API token does for which nobody says when.
    Raises GrantCeiling when the account may do more than the actor.
    """
    access_key_id = generate_hex_id()
    identifier = f"{ACCESS_KEY}{access_key_id}"
    if user is None:
        user = create_user(
            actor=actor,
            username=identifier,
            name=f"Access key {access_key_id}",
            type=UserType.SERVICE_ACCOUNT,
            path=PATH,
        )
    secret = generate_key()
    token = create_user_token(
        actor=actor,
        user=user,
        identifier=identifier,
        intent=TokenIntent.API,
        key=secret,
        description="Access key",
        **{"expiring": must_expire(user), "expires": expiry_unasked(user), **life},
    )
    return AccessKey(access_key_id=access_key_id, access_key_secret=secret, token=token)


@transaction.atomic
def create_administrator_key(**life: Any) -> AccessKey:
    """For a new service account that may do everything; only the operator of the machine may."""
    made = create_access_key(actor=None, **life)
    # Never a group of that name that confers nothing any more: all its members would rise.
    group = Group.objects.filter(name=ADMINS, is_superuser=True).first()
    if group is None:
        group = create_group(actor=None, name=f"{ADMINS} (access keys)", is_superuser=True)
    add_members(group=group, users=[made.token.user], actor=None)
    return made


def authenticate_access_key(access_key_id: str, secret: str) -> Token | None:
    """The pair's token if it counts now; one statement."""
    # The secret alone finds the token; under another's name it must not count.
    token = authenticate_key(secret)
    return token if token is not None and token.access_key_id == access_key_id else None
