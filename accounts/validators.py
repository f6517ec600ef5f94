"""Rules for the words people choose; each raises django.core.exceptions.ValidationError."""

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError

# authentik's typed clients refuse to read any other user name (authentik contract, A.2).
validate_username = UnicodeUsernameValidator()


def validate_path(value: str) -> None:
    """Slash-separated words (authentik contract, C.1)."""
    if value.startswith("/") or value.endswith("/"):
        raise ValidationError("No leading or trailing slashes allowed.")
    if "" in value.split("/"):
        raise ValidationError("No empty segments in user path allowed.")
