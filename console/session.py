"""Signing in, one's own password, and signing out wherever one is signed in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import logout
from django.contrib.auth.hashers import make_password
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from accounts.models import User
from accounts.signins import sign_out_everywhere
from audit.errors import InvalidInput
from console.pages import ConsolePage
from permissions.operations import set_password

WRONG = "The user name or the password is wrong."
DEACTIVATED = "This account is deactivated."
NO_RIGHT = "You may not enter the console. It takes the permission access_admin_interface."


class SignInForm(AuthenticationForm):
    """Says more than that something was wrong only to whoever knows the password."""

    def get_invalid_login_error(self) -> ValidationError:
        name, password = (self.cleaned_data.get(field) or "" for field in ("username", "password"))
        user = User.objects.filter(username=name, is_active=False).first()
        if user is None:
            # The same work as for somebody deactivated, so that the time tells nothing either.
            make_password(password)
        elif user.check_password(password):
            return ValidationError(DEACTIVATED)
        return ValidationError(WRONG)

    def confirm_login_allowed(self, user: Any) -> None:
        if not user.is_staff:
            raise ValidationError(NO_RIGHT)


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Writes through the operation, which records the change."""

    def save(self, commit: bool = True) -> User:
        user: User = self.user
        set_password(user=user, password=self.cleaned_data["new_password1"], actor=user)
        return user


class OwnPassword(PasswordChangeView):
    """The session in which the password is changed stays; others of the user end."""

    form_class = OwnPasswordForm
    template_name = "console/password.html"
    success_url = reverse_lazy("admin:index")

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            answer = super().form_valid(form)
        except InvalidInput as refusal:
            form.add_error("new_password1", refusal.message)
            return self.form_invalid(form)
        messages.success(self.request, "Your password is changed; your other sessions have ended.")
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        site = admin.site.each_context(self.request)
        return {**super().get_context_data(**kwargs), **site, "title": "Change password"}


class SignOutEverywhere(ConsolePage):
    title = "Sign out everywhere"
    template_name = "console/sign_out_everywhere.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        sign_out_everywhere(user=self.caller)
        logout(request)
        messages.success(request, "You are signed out everywhere.")
        return redirect("admin:login")
