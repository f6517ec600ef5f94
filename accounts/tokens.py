"""Tokens: making them, changing their keys, and noting their use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Token, TokenIntent, User
from accounts.secrets import digest, digests, generate_key, seal, unseal
from audit.errors import Conflict
from audit.models import EventKind
from audit.operations import record

# How exactly ``last_used`` is kept: a write for every request would cost more than it tells.
LAST_USED_EVERY = timedelta(hours=1)


def note_use(*key_digests: str) -> None:
    Token.objects.filter(key_digest__in=key_digests).update(last_used=timezone.now())


def default_expiry() -> datetime:
    return timezone.now() + settings.RBAC_TOKEN_LIFETIME


@transaction.atomic
def create_token(
    *,
    user: User,
    identifier: str,
    actor: User | None,
    intent: TokenIntent = TokenIntent.API,
    key: str | None = None,
    description: str = "",
    expiring: bool = True,
    expires: datetime | None = None,
    managed: str | None = None,
) -> Token:
    """An expiring token without a date lives for ``RBAC_TOKEN_LIFETIME``."""
    key = key or generate_key()
    if expiring and expires is None:
        expires = default_expiry()
    token = Token.objects.create(
        user=user,
        identifier=identifier,
        intent=intent,
        key_digest=digest(key),
        key_sealed=seal(key),
        description=description,
        expiring=expiring,
        expires=expires,
        managed=managed,
    )
    record(EventKind.TOKEN_CREATED, target=token, actor=actor, after=token_facts(token))
    return token


@transaction.atomic
def set_key(*, token: Token, key: str, actor: User | None) -> None:
    """The old key stops working with this transaction. Raises Conflict for a key that is taken."""
    # Under older secrets too: a digest of the newest alone would let two tokens share a key.
    if Token.objects.exclude(pk=token.pk).filter(key_digest__in=digests(key)).exists():
        raise Conflict(fields={"key": ["This key is in use."]})
    token.key_digest, token.key_sealed = digest(key), seal(key)
    token.save(update_fields=["key_digest", "key_sealed"])
    record(EventKind.TOKEN_KEY_SET, target=token, actor=actor)


@transaction.atomic
def view_key(*, token: Token, actor: User | None) -> str:
    record(EventKind.TOKEN_KEY_VIEWED, target=token, actor=actor)
    return unseal(token.key_sealed)


def token_facts(token: Token) -> dict[str, Any]:
    """What an audit event says of a token: everything but the key."""
    return {
        "identifier": token.identifier,
        "user": token.user_id,
        "intent": str(token.intent),
        "description": token.description,
        "expiring": token.expiring,
        "expires": token.expires.isoformat() if token.expires else None,
    }
