"""Keys at rest: found by digest, sealed so that their owner can see them again.

Both use keys derived from ``RBAC_SECRET_KEY``; rows written under an older key stay readable while
that key is listed in ``RBAC_SECRET_KEY_FALLBACKS``.
"""

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

KEY_LENGTH = 60
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def generate_key() -> str:
    """A fresh token key: 60 letters and digits, about 357 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


def generate_hex_id() -> str:
    """24 hexadecimal digits, the form GenAuth's clients know ids in."""
    return secrets.token_hex(12)


def digest(key: str) -> str:
    """The form a new key is stored and searched by."""
    return digests(key)[0]


def digests(key: str) -> list[str]:
    """Every form the key may have been stored by, newest secret first."""
    # A quick hash is enough: nobody guesses a key of 357 bits, and every request computes this.
    # Keyed, so that a stolen table does not even tell whether a key that is known is in it.
    return [
        hmac.new(_derived(secret, "token-digest"), key.encode(), hashlib.sha256).hexdigest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def seal(key: str) -> str:
    # Beside the digest, because authentik's clients may read a key again (``view_key``).
    return _fernet().encrypt(key.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises cryptography.fernet.InvalidToken when the secret it was sealed with is gone."""
    return _fernet().decrypt(sealed.encode()).decode()


@lru_cache(maxsize=16)
def _derived(secret: str, purpose: str) -> bytes:
    # A key for each purpose: who learns the one that finds tokens cannot unseal them.
    return hmac.digest(secret.encode(), f"rbac.{purpose}".encode(), hashlib.sha256)


def _fernet() -> MultiFernet:
    return _fernet_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _fernet_of(all_secrets: tuple[str, ...]) -> MultiFernet:
    # The first seals, all unseal: in this order secrets are changed without losing a key.
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(_derived(secret, "token-seal"))) for secret in all_secrets]
    )
