"""Operations of the client that this service does not have: sign-in flows, mail, exports."""

import json
import uuid

from authentik_client import models
from authentik_client.exceptions import ApiException


def _body(name, **members):
    """A request model of this generation; generations before it had no body."""
    model = getattr(models, name, None)
    return [model(**members)] if model else []


# By operation: how to call it. None of them touches what a user may do.
CALLS = {
    "core_users_account_lockdown_create": lambda call: call(*_body("UserAccountLockdownRequest")),
    "core_users_export_create": lambda call: call(),
    "core_users_impersonate_create": lambda call: call(
        1, *_body("ImpersonationRequest", reason="to see")
    ),
    "core_users_impersonate_end_retrieve": lambda call: call(),
    "core_users_metrics_retrieve": lambda call: call(1),
    "core_users_recovery_create": lambda call: call(1),
    "core_users_recovery_email_create": lambda call: _mail(call),
    "core_users_set_password_hash_create": lambda call: call(
        1, *_body("UserPasswordHashSetRequest", password="pbkdf2_sha256$1$a$b")
    ),
    "core_users_switch_create": lambda call: call(),
}


def _mail(call):
    stage = str(uuid.uuid4())
    if hasattr(models, "UserRecoveryEmailRequest"):
        return call(1, *_body("UserRecoveryEmailRequest", email_stage=stage))
    return call(email_stage=stage, id=1)


def refused_by(world):
    """The operations outside, as this generation names them."""
    return sorted(name for name in CALLS if world.has(name))


def they_are_not_found(world):
    """404, or 405 where the last word of the path could be a key of another route."""
    for name in refused_by(world):
        body, status = refusal(CALLS[name], getattr(world.core, name))
        assert status in (404, 405), name
        assert "detail" in json.loads(body), name


def refusal(call, operation):
    try:
        call(operation)
    except ApiException as error:
        return error.body, error.status
    raise AssertionError(f"{operation} was accepted")


STEPS = [they_are_not_found]
