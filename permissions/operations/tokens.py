"""Tokens act as their user: whatever would let somebody act as somebody else meets the ceiling."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction

from accounts import tokens as keys
from accounts.facts import ALWAYS
from accounts.models import Token, User
from audit.models import EventKind
from permissions.engine import require_covers
from permissions.operations.changes import change, differing
from permissions.operations.grants import Grant, write_grants
from permissions.operations.initial_permissions import fire

TOKEN = "authentik_core.token"  # noqa: S105  the name of a type


@transaction.atomic
def create_user_token(*, actor: User | None, user: User, **fields: Any) -> Token:
    """See ``accounts.tokens.create_token``. The creator may view the key it made."""
    _require_acting_as(user, actor)
    token = keys.create_token(user=user, actor=actor, **fields)
    if actor is not None:
        view_key = Permission.objects.select_related("content_type").get(
            codename="view_token_key",
            content_type__app_label="authentik_core",
            content_type__model="token",
        )
        write_grants([Grant(actor, view_key, str(token.pk))], window=ALWAYS, actor=actor)
        fire(actor=actor, label=TOKEN, keys=[str(token.pk)])
    return token


@transaction.atomic
def update_token(*, token: Token, actor: User | None, **fields: Any) -> Token:
    """Only what is given changes, never the owner. A longer life of a foreign key is access."""
    if fields.get("expiring", token.expiring) and fields.get("expires", token.expires) is None:
        fields["expires"] = keys.default_expiry()
    if differing(token, fields):
        _require_acting_as(token.user, actor)
        facts = keys.token_facts
        change(token, fields, EventKind.TOKEN_CHANGED, facts=facts, actor=actor)
    return token


def view_token_key(*, token: Token, actor: User | None) -> str:
    """The key in clear, with an event. Raises GrantCeiling for somebody else's."""
    _require_acting_as(token.user, actor)
    return keys.view_key(token=token, actor=actor)


def set_token_key(*, token: Token, key: str, actor: User | None) -> None:
    """Raises GrantCeiling for somebody else's."""
    _require_acting_as(token.user, actor)
    keys.set_key(token=token, key=key, actor=actor)


def _require_acting_as(user: User, actor: User | None) -> None:
    if actor is not None and actor.pk != user.pk:
        require_covers(actor=actor, users=[user])
