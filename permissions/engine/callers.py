"""A caller known by the key of a token: looked up, or proven by the statements that answer it.

A door that answers thousands of decisions a second cannot spend a statement on finding out who
asks. The engine runs its statements through ``Caller.run``, which puts the look-up of the token and
the question whether its user may ask before them. One statement does all for a gateway, which was
granted ``check_access`` itself; who may ask for another reason takes a second one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import DateTimeField
from django.utils import timezone

from accounts.models import Token, TokenIntent, User
from accounts.secrets import digests
from accounts.tokens import LAST_USED_EVERY, note_use
from audit.errors import Forbidden, Unauthenticated
from permissions.engine import running, sql
from permissions.engine.running import Parameter, Statement
from permissions.engine.words import moment

REFUSAL = "Asking about others needs the permission authentik_rbac.check_access."


def authenticate_key(key: str) -> Token | None:
    """The API token with this key, if it counts now and its user is active; one statement.

    At most once an hour a second statement notes that the token is in use.
    """
    if not key or "\0" in key:
        return None
    keys, now = digests(key), timezone.now()
    for row in _tokens_with_users(len(keys)).rows(now=now, digest=keys):
        token = Token.from_db(DEFAULT_DB_ALIAS, TOKEN, row[: len(TOKEN)])
        token.user = User.from_db(DEFAULT_DB_ALIAS, USER, row[len(TOKEN) :])
        if token.last_used is None or token.last_used < now - LAST_USED_EVERY:
            note_use(token.key_digest)
        return token
    return None


TOKEN, USER = ([field.attname for field in model._meta.concrete_fields] for model in (Token, User))


@cache
def _tokens_with_users(digests: int) -> Statement:
    """Asked for by every request of most doors, and so compiled once."""
    now: Any = Parameter("now", DateTimeField())
    tokens = Token.objects.unexpired(now).filter(
        key_digest__in=Parameter.several("digest", digests),
        intent=TokenIntent.API,
        user__is_active=True,
    )
    return Statement.of(tokens.values_list(*TOKEN, *(f"user__{name}" for name in USER)))


class Caller:
    """Whoever holds the key. ``user_id`` is None until a statement has proven the key."""

    def __init__(self, key: str) -> None:
        self._digests = digests(key)
        self._looked_up = False
        self.user_id: int | None = None

    def run(
        self, text: str, parameters: Mapping[str, Any], *, using: str = DEFAULT_DB_ALIAS
    ) -> list[Any]:
        """Rows of a decision statement, as ``running.rows``.

        Raises Unauthenticated when the key counts for nothing, and Forbidden when the parameters
        ask about anybody but the caller, who may not. Once an hour one more statement follows.
        """
        rows = self._proven(text, parameters, using)
        _, to_note, may_ask, *_ = rows[0]
        if to_note:
            note_use(*self._digests)
        if not may_ask:
            about = "one" if "subject" in parameters else "all"
            if "subjects" in parameters:
                about = "many"
            rows = self._proven(text, parameters, using, about=about)
            _, _, may_ask, *_ = rows[0]
        if not may_ask:
            raise Forbidden(REFUSAL)
        # Without an answer there is one row all the same, which says who asks.
        return [row[4:] for row in rows if row[3]]

    def authenticate(self, *, using: str = DEFAULT_DB_ALIAS) -> None:
        """Prove the key when no statement has done so; raises Unauthenticated."""
        # A question that needs no statement proves nobody, and a stranger would be answered.
        if not self._looked_up:
            self._proven("SELECT 0 AS asked", {"at": None}, using)

    def _proven(
        self, text: str, parameters: Mapping[str, Any], using: str, about: str | None = None
    ) -> list[Any]:
        keys = {f"digest_{n}": digest for n, digest in enumerate(self._digests)}
        statement = sql.with_caller(connections[using].vendor, text, about=about, digests=len(keys))
        noted_before = timezone.now() - LAST_USED_EVERY
        more = {**parameters, **keys, "noted_before": moment(noted_before)}
        rows = running.rows(statement, more, using=using)
        self._looked_up = True
        if not rows:
            raise Unauthenticated("The token is invalid or expired.")
        self.user_id = rows[0][0]
        return rows
