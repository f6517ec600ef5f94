"""Tokens and access keys: listed, made and revoked. The key is shown once, where it was made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils.timezone import now

from accounts.models import Token, TokenIntent, User
from accounts.secrets import generate_key
from audit.errors import Conflict, Forbidden, InvalidInput
from console import exporting
from console.forms import CLASSES, ConsoleForm, MomentField, UserField
from console.pages import ROWS_PER_PAGE, Cell, FormPage, QuestionPage
from console.record.history import VIEW, history_of
from console.rights import Rights
from permissions.operations import (
    create_access_key,
    create_user_token,
    delete_tokens,
    expiry_unasked,
    longest_life,
    must_expire,
)

ADD, DELETE = "authentik_core.add_token", "authentik_core.delete_token"
SEE_USERS, ADD_USER = "authentik_core.view_user", "authentik_core.add_user"
ACCESS_KEY = "access_key"
KINDS = {
    TokenIntent.API.value: "API token",
    TokenIntent.APP_PASSWORD.value: "app password",
    ACCESS_KEY: "access key: a name and a secret, for programs",
}
STATES = {"": "any", "active": "working", "ended": "ended"}
COLUMNS = ("Identifier", "User", "Kind", "Ends", "Last used", "Description")
PARENTS = (("Tokens", "console:tokens"),)


def visible(rights: Rights) -> QuerySet[Token]:
    """One's own, and those one may view besides."""
    return Token.objects.filter(user=rights.caller) | rights.visible(Token.objects.all())


def may_revoke(rights: Rights, token: Token) -> bool:
    return token.user_id == rights.caller.pk or rights.may_on(DELETE, token)


class TokensForm(ConsoleForm):
    user = UserField(required=False)
    identifier = forms.CharField(
        required=False, max_length=255, label="Called", widget=forms.TextInput({"class": CLASSES})
    )
    state = forms.ChoiceField(
        required=False, choices=list(STATES.items()), widget=forms.Select({"class": CLASSES})
    )


class Tokens(QuestionPage):
    title = "Tokens"
    template_name = "console/tokens.html"
    form_class = TokensForm
    always_asked = True

    def answer(self, form: Any) -> Mapping[str, Any] | HttpResponseBase:
        rows = self._chosen(form.cleaned_data)
        cells = ([cell.text for cell in self._cells(row)] for row in rows.iterator(2_000))
        if (file := exporting.answer(self.request, "tokens", COLUMNS, cells)) is not None:
            return file
        after = self.request.GET.get("after", "").replace("\0", "")
        page = list(rows.filter(identifier__gt=after)[: ROWS_PER_PAGE + 1])
        shown = page[:ROWS_PER_PAGE]
        following = self.here(after=shown[-1].identifier) if len(page) > len(shown) else ""
        lines = [(list(zip(COLUMNS, self._cells(r), strict=True)), self._ways(r)) for r in shown]
        return {"rows": lines, "columns": COLUMNS, "following": following}

    def _chosen(self, words: Mapping[str, Any]) -> QuerySet[Token]:
        rows = visible(self.rights).select_related("user").order_by("identifier")
        if words["user"]:
            rows = rows.filter(user=words["user"])
        if words["identifier"]:
            rows = rows.filter(identifier__icontains=words["identifier"])
        works = Q(expiring=False) | Q(expires__isnull=True) | Q(expires__gt=now())
        if words["state"]:
            rows = rows.filter(works if words["state"] == "active" else ~works)
        return rows

    def _cells(self, token: Token) -> tuple[Cell, ...]:
        ends = f"{token.expires:%Y-%m-%d %H:%M}" if token.expiring and token.expires else "never"
        used = f"{token.last_used:%Y-%m-%d %H:%M}" if token.last_used else "never"
        kind = "access key" if token.access_key_id != token.identifier else str(token.intent)
        return (
            Cell(token.identifier), self._owner(token), Cell(kind.replace("_", " ")), Cell(ends),
            Cell(used), Cell(token.description),
        )  # fmt: skip

    def _owner(self, token: Token) -> Cell:
        """Its name is for those who may view users, and for oneself."""
        if token.user_id != self.caller.pk and not self.rights.may(SEE_USERS):
            return Cell("hidden")
        page = "admin:authentik_core_user_change"
        return Cell(str(token.user), reverse(page, args=[token.user_id]))

    def _ways(self, token: Token) -> list[Cell]:
        """Rights on single tokens are asked on the page that revokes: here for all or one's own."""
        ways = []
        if token.user_id == self.caller.pk or self.rights.may(DELETE):
            revoke = reverse("console:revoke-token", args=[token.pk])
            ways.append(Cell("Revoke", f"{revoke}?next={reverse('console:tokens')}"))
        if self.rights.may(VIEW):
            ways.append(Cell("History", history_of(token)))
        return ways


class CreateTokenForm(ConsoleForm):
    kind = forms.ChoiceField(choices=list(KINDS.items()), widget=forms.Select({"class": CLASSES}))
    user = UserField(
        required=False,
        help_text="Empty: yourself; for an access key, a new account that may do nothing yet.",
    )
    identifier = forms.CharField(
        required=False,
        max_length=255,
        validators=[validate_slug],
        widget=forms.TextInput({"class": CLASSES}),
        help_text="Letters, digits, - and _. Access keys get one of their own.",
    )
    description = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput({"class": CLASSES})
    )
    expires = MomentField(label="Until (UTC)", help_text="Empty: the service's own lifetime.")
    never = forms.BooleanField(required=False, label="Never ends")
    reason = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput({"class": CLASSES})
    )

    def clean(self) -> dict[str, Any]:
        words = super().clean() or {}
        is_access_key = words.get("kind") == ACCESS_KEY
        if not is_access_key and not words.get("identifier") and "identifier" not in self.errors:
            self.add_error("identifier", "A token needs a name.")
        if words.get("never") and words.get("expires"):
            self.add_error("never", "Either an end or none.")
        return words

    def clean_expires(self) -> datetime | None:
        expires: datetime | None = self.cleaned_data["expires"]
        if expires is not None and expires <= now():
            raise ValidationError("The end must not lie in the past.")
        return expires


class CreateToken(FormPage):
    title, button, name = "Make a token", "Make it", "console:create-token"
    parents = PARENTS
    form_class = CreateTokenForm

    def form_valid(self, form: Any) -> HttpResponse:
        """Not led on: the key is on this page alone, and no cache keeps it."""
        answer = super().form_valid(form)
        if form.errors:
            return answer
        context = self.get_context_data(form=form, key=self.key, key_name=self.key_name)
        template = "console/token_made.html"
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(self.request, template, context, headers=headers)

    def perform(self, form: CreateTokenForm) -> str:
        words = form.cleaned_data
        owner = words["user"] or self.caller
        if owner != self.caller and not self.rights.may(ADD):
            raise Forbidden(fields={"user": ["You may make tokens for yourself alone."]})
        if words["kind"] == ACCESS_KEY:
            return self._access_key(words)
        if Token.objects.filter(identifier=words["identifier"]).exists():
            raise Conflict(fields={"identifier": ["There is a token of this name."]})
        key = generate_key()
        token = create_user_token(
            actor=self.caller,
            user=owner,
            identifier=words["identifier"],
            intent=TokenIntent(words["kind"]),
            description=words["description"],
            key=key,
            **self._life(owner, words),
        )
        self.key, self.key_name = key, token.identifier
        return f"The token {token} is made."

    def _access_key(self, words: Mapping[str, Any]) -> str:
        """For a new account it takes the rights to make accounts, and tokens for others."""
        if words["user"] is None and not (self.rights.may(ADD) and self.rights.may(ADD_USER)):
            raise Forbidden(fields={"user": ["You may make no account for it; name a user."]})
        life = self._life(words["user"] or User(), words)
        made = create_access_key(actor=self.caller, user=words["user"], **life)
        self.key, self.key_name = made.access_key_secret, made.access_key_id
        return f"The access key {made.access_key_id} is made."

    def _life(self, owner: User, words: Mapping[str, Any]) -> dict[str, Any]:
        """Only superusers are free of what the owner's attributes say of its tokens' lives."""
        expires, never = words["expires"], words["never"]
        if self.caller.is_superuser:
            return {"expiring": not never, "expires": expires}
        maximum = longest_life(owner)
        if never and must_expire(owner):
            raise InvalidInput(fields={"never": ["Tokens of this user end some day."]})
        if never or maximum is None:
            return {"expiring": not never, "expires": expires}
        if expires is not None and expires > now() + maximum:
            said = f"Tokens of this user live for {maximum} at most."
            raise InvalidInput(fields={"expires": [said]})
        return {"expiring": True, "expires": expires or expiry_unasked(owner)}


class RevokeForm(ConsoleForm):
    reason = forms.CharField(
        required=False, max_length=500, widget=forms.TextInput({"class": CLASSES})
    )


class RevokeToken(FormPage):
    button, name = "Revoke", "console:revoke-token"
    parents = PARENTS
    form_class = RevokeForm
    success_url = reverse_lazy("console:tokens")

    def is_allowed(self) -> bool:
        self.token = visible(self.rights).filter(pk=self.kwargs["pk"]).first()
        if self.token is None:
            raise Http404
        return may_revoke(self.rights, self.token)

    def get_title(self) -> str:
        return f"Revoke {self.token}"

    def perform(self, form: RevokeForm) -> str:
        assert self.token is not None, "else there is no such page"
        delete_tokens(tokens=[self.token], actor=self.caller)
        return f"The token {self.token} works no more."
