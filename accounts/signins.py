"""Signing in by password, for clients without an API token: keys that slide while in use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import SignIn, User
from accounts.secrets import digest, digests, generate_key
from audit.models import EventKind
from audit.operations import record

LIFETIME = timedelta(hours=6)
# How exactly the end slides: a write for every request would cost more than a minute is worth.
SLIDES_EVERY = timedelta(minutes=1)


@transaction.atomic
def sign_in(*, user: User) -> tuple[str, datetime]:
    """The key of a new sign-in, which is nowhere else, and when it ends unless it is used.

    The user's sign-ins that have ended are removed on the way.
    """
    now = timezone.now()
    key, expires = generate_key(), now + LIFETIME
    user.sign_ins.filter(expires__lte=now).delete()
    user.sign_ins.create(key_digest=digest(key), expires=expires, password_proved=now)
    _note(user, now)
    return key, expires


@transaction.atomic
def note_session(*, user: User, **_: Any) -> None:
    """A browser session has begun; connected in the place of Django's own ``update_last_login``."""
    _note(user, timezone.now())


def _note(user: User, now: datetime) -> None:
    user.last_login = now
    user.save(update_fields=["last_login"])
    record(EventKind.LOGGED_IN, target=user, actor=user)


def authenticate_sign_in(key: str) -> SignIn | None:
    """The sign-in with this key if it counts now; slides its end. One statement, rarely two.

    It counts while its user is active, and no longer than the password it was made with.
    """
    if not key or "\0" in key:
        return None
    now = timezone.now()
    current = SignIn.objects.filter(
        key_digest__in=digests(key), expires__gt=now, user__is_active=True
    )
    signed_in = current.select_related("user").first()
    if signed_in is None or signed_in.password_proved < signed_in.user.password_change_date:
        return None
    # Once a minute at most, or every request would write.
    if signed_in.expires < now + LIFETIME - SLIDES_EVERY:
        SignIn.objects.filter(pk=signed_in.pk).update(expires=now + LIFETIME)
    return signed_in


def end_sessions(*, user: User) -> None:
    """Sign-ins and browser sessions of the user end, for good: reviving the user revives none."""
    user.sessions_ended = timezone.now()
    user.save(update_fields=["sessions_ended"])
    user.sign_ins.all().delete()


@transaction.atomic
def sign_out_everywhere(*, user: User) -> None:
    """Whoever asks for it: the user itself, in one of the sessions that end."""
    end_sessions(user=user)
    record(EventKind.LOGGED_OUT, target=user, actor=user, after={"everywhere": True})


@transaction.atomic
def sign_out(*, signed_in: SignIn) -> None:
    ended, _ = SignIn.objects.filter(pk=signed_in.pk).delete()
    if ended:
        record(EventKind.LOGGED_OUT, target=signed_in.user, actor=signed_in.user)


def keep_after_password_change(*, signed_in: SignIn) -> None:
    """The sign-in through which its user gave a new password outlives the old one."""
    SignIn.objects.filter(pk=signed_in.pk).update(password_proved=timezone.now())
