"""Django's way to the evaluator: passwords, sessions, and ``user.has_perm``."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db import models
from django.http import HttpRequest

from accounts.models import User
from permissions import engine
from permissions.engine import ResourceRef


class EngineBackend(BaseBackend):
    """Signs active users in by password and leaves every permission question to the engine."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User | None:
        # PostgreSQL refuses NUL: that would be an error where a refusal is due.
        if username is None or password is None or "\0" in username:
            return None
        user = User.objects.filter(username=username).first()
        if user is None:
            User().set_password(password)  # the same work as for a user who exists
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """Asked for every request with a session: a deactivated user's ends here."""
        return User.objects.filter(pk=user_id, is_active=True).first()

    def has_perm(self, user_obj: Any, perm: str, obj: models.Model | None = None) -> bool:
        if not isinstance(user_obj, User) or not user_obj.is_active:
            return False
        if obj is None:
            return engine.check(user_obj, perm).allowed
        resource = ResourceRef(obj._meta.label_lower, str(obj.pk))
        return engine.check(user_obj, perm, resource).allowed

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether the console shows an app at all; its pages ask for themselves."""
        return isinstance(user_obj, User) and user_obj.is_active and user_obj.is_staff
