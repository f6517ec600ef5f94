"""Tokens act as their user: whatever would let somebody act as somebody else meets the ceiling, for
as long as the token lives.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils import timezone

from accounts import tokens as keys
from accounts.facts import Window
from accounts.models import Token, User
from audit.models import EventKind
from permissions.engine import require_covers
from permissions.operations.changes import change, differing
from permissions.operations.grant_rows import Grant
from permissions.operations.grants import write_grants
from permissions.operations.initial_permissions import fire

TOKEN = "authentik_core.token"  # noqa: S105  the name of a type


# Attributes of a user by which administrators bind its tokens (authentik contract, C.3).
EXPIRES_ATTRIBUTE = "goauthentik.io/user/token-expires"
MAXIMUM_ATTRIBUTE = "goauthentik.io/user/token-maximum-lifetime"
A_CENTURY = timedelta(days=36_500)


class _Life(NamedTuple):
    expiring: bool
    expires: datetime | None

    @property
    def window(self) -> Window:
        return Window(None, self.expires if self.expiring else None)


def must_expire(owner: User) -> bool:
    """Whether the tokens of a user end some day, unless a superuser says otherwise."""
    return bool(owner.attributes.get(EXPIRES_ATTRIBUTE, True))


def longest_life(owner: User) -> timedelta | None:
    """How long its tokens may live, from text such as ``days=1;hours=12``; None is as long as they
    are asked to. What cannot be read is the service's own lifetime.
    """
    text = owner.attributes.get(MAXIMUM_ATTRIBUTE)
    if text is None:
        return None
    try:
        parts = (part.split("=") for part in text.split(";") if part)
        life = timedelta(**{unit.strip(): float(number) for unit, number in parts})
    except (AttributeError, TypeError, ValueError, OverflowError):
        life = settings.RBAC_TOKEN_LIFETIME
    return min(life, A_CENTURY)


def expiry_unasked(owner: User) -> datetime:
    """When a token ends for which nobody said so."""
    maximum = longest_life(owner) or A_CENTURY
    return timezone.now() + min(maximum, settings.RBAC_TOKEN_LIFETIME)


@transaction.atomic
def create_user_token(*, actor: User | None, user: User, **fields: Any) -> Token:
    """See ``accounts.tokens.create_token``. The creator may view the key it made.

    Raises GrantCeiling for somebody else's, unless the actor holds all that somebody holds for as
    long as the token lives.
    """
    fields["expiring"], fields["expires"] = life = _life(
        fields.get("expiring", True), fields.get("expires")
    )
    _require_acting_as(user, actor, life)
    token = keys.create_token(user=user, actor=actor, **fields)
    if actor is not None:
        view_key = Permission.objects.select_related("content_type").get(
            codename="view_token_key",
            content_type__app_label="authentik_core",
            content_type__model="token",
        )
        write_grants([Grant(actor, view_key, str(token.pk))], actor=actor)
        fire(actor=actor, label=TOKEN, keys=[str(token.pk)])
    return token


@transaction.atomic
def update_token(*, token: Token, actor: User | None, **fields: Any) -> Token:
    """Only what is given changes, never the owner. A longer life of a foreign key is access."""
    life = _life(fields.get("expiring", token.expiring), fields.get("expires", token.expires))
    if life.expiring:
        fields["expires"] = life.expires
    if differing(token, fields):
        _require_acting_as(token.user, actor, life)
        facts = keys.token_facts
        change(token, fields, EventKind.TOKEN_CHANGED, facts=facts, actor=actor)
    return token


def view_token_key(*, token: Token, actor: User | None) -> str:
    """The key in clear, with an event. Raises GrantCeiling for somebody else's."""
    _require_acting_as(token.user, actor, _Life(token.expiring, token.expires))
    return keys.view_key(token=token, actor=actor)


def set_token_key(*, token: Token, key: str, actor: User | None) -> None:
    """Raises GrantCeiling for somebody else's."""
    _require_acting_as(token.user, actor, _Life(token.expiring, token.expires))
    keys.set_key(token=token, key=key, actor=actor)


def _life(expiring: bool, expires: datetime | None) -> _Life:
    """Of a token that ends some day without anybody having said when: the service's own."""
    if expiring and expires is None:
        expires = keys.default_expiry()
    return _Life(expiring, expires)


def _require_acting_as(user: User, actor: User | None, life: _Life) -> None:
    # With its own token nobody can do more than without it.
    if actor is not None and actor.pk != user.pk:
        require_covers(actor=actor, users=[user], window=life.window)
