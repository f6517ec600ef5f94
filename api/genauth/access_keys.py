"""Access keys: making, listing and deleting them. The secret is told once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, structs

from accounts.models import ACCESS_KEY, Token
from api.genauth.authentication import pool_id
from api.genauth.base import IN_OPERATION, Command, Operation, Query, whole
from api.genauth.lookups import users_by_id
from api.genauth.wire import Page, Shape, Text, iso
from audit.errors import NotFound
from permissions.operations import create_access_key, delete_tokens


class NewAccessKey(Shape):
    """Without ``user_id`` a service account is made for the key; it may do nothing yet."""

    user_id: Annotated[Text, Meta(min_length=1)] | None = None


class AccessKeyName(Shape):
    access_key_id: Text


class AccessKeyFilter(Shape):
    user_id: Text = ""


class AccessKey(Shape):
    access_key_id: str
    user_id: str
    user_pool_id: str
    status: Annotated[str, Meta(description="Always `activated`.")]
    created_at: str
    expires_at: Annotated[str | None, Meta(description="Null: it works until it is deleted.")]


class NewAccessKeyAnswer(AccessKey):
    access_key_secret: Annotated[str, Meta(description="Told this once.")]


class CreateAccessKey(Command):
    """Make an access key; its secret is told this once."""

    needs = IN_OPERATION
    tells_secret = True

    def run(self, request: NewAccessKey) -> NewAccessKeyAnswer:
        user = None
        if request.user_id is None:
            self.require_globally("authentik_core.add_token", "authentik_core.add_user")
        else:
            self.require_globally("authentik_core.add_token")
            [user] = users_by_id(self, [request.user_id])
        made = create_access_key(actor=self.caller, user=user)
        key = structs.asdict(access_key(made.token))
        return NewAccessKeyAnswer(**key, access_key_secret=made.access_key_secret)


class ListAccessKey(Query):
    """Access keys, oldest first: all, or those of one user."""

    needs = IN_OPERATION

    def run(self, request: AccessKeyFilter) -> Page[AccessKey]:
        rows = self.visible(Token.objects.access_keys().order_by("created", "pk"))
        if request.user_id:
            rows = rows.filter(user__hex_id=request.user_id)
        return whole(access_key(token) for token in rows)


class GetAccessKey(Query):
    """One access key, without its secret."""

    needs = IN_OPERATION

    def run(self, request: AccessKeyName) -> AccessKey:
        return access_key(visible_token(self, request.access_key_id))


class DeleteAccessKey(Command):
    """Its tokens end with it; the account stays."""

    needs = IN_OPERATION

    def run(self, request: AccessKeyName) -> None:
        token = visible_token(self, request.access_key_id)
        self.require_each("delete_token", [token])
        delete_tokens(tokens=[token], actor=self.caller)


def visible_token(operation: Operation, access_key_id: str) -> Token:
    rows = operation.visible(Token.objects.access_keys())
    token = rows.filter(identifier=f"{ACCESS_KEY}{access_key_id}").first()
    if token is None:
        raise NotFound("access key does not exist")
    return token


def access_key(token: Token) -> AccessKey:
    return AccessKey(
        access_key_id=token.access_key_id,
        user_id=token.user.hex_id,
        user_pool_id=pool_id(),
        status="activated",
        created_at=iso(token.created),
        expires_at=iso(token.expires) if token.expiring and token.expires else None,
    )
