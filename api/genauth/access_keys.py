"""Access keys: making, listing and deleting them. The secret is told once."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.models import Token
from api.genauth.base import IN_OPERATION, Command, Query
from api.genauth.errors import Missing
from api.genauth.lookups import users_by_id
from api.genauth.tokens import pool_id
from api.genauth.wire import WireSerializer, iso, optional, text
from permissions.operations import (
    PREFIX,
    all_access_keys,
    create_access_key,
    delete_tokens,
    id_of,
)


class NewAccessKeySerializer(WireSerializer):
    """Without ``user_id`` a service account is made for the key; it may do nothing yet."""

    user_id = text(required=False)


class AccessKeyNameSerializer(WireSerializer):
    access_key_id = text()


class AccessKeyFilterSerializer(WireSerializer):
    user_id = optional()


class AccessKeySerializer(WireSerializer):
    access_key_id = serializers.CharField()
    user_id = serializers.CharField()
    user_pool_id = serializers.CharField()
    status = serializers.CharField(help_text="Always `activated`.")
    created_at = serializers.CharField()


class NewAccessKeyAnswerSerializer(AccessKeySerializer):
    access_key_secret = serializers.CharField(help_text="Told this once.")


class CreateAccessKey(Command):
    needs = IN_OPERATION
    accepts = NewAccessKeySerializer
    answers = NewAccessKeyAnswerSerializer

    def run(self, given: dict[str, Any]) -> Any:
        user = None
        if "user_id" in given:
            self.require_globally("authentik_core.add_token")
            [user] = users_by_id(self, [given["user_id"]])
        else:
            self.require_globally("authentik_core.add_token", "authentik_core.add_user")
        made = create_access_key(actor=self.caller, user=user)
        return {**described(made.token), "accessKeySecret": made.access_key_secret}


class ListAccessKey(Query):
    needs = IN_OPERATION
    accepts = AccessKeyFilterSerializer
    answers = AccessKeySerializer
    paged = True

    def run(self, given: dict[str, Any]) -> Any:
        rows = self.visible(all_access_keys().order_by("created", "pk"))
        if given.get("user_id"):
            rows = rows.filter(user__hex_id=given["user_id"])
        return self.whole(rows)

    def describe(self, row: Token) -> Any:
        return described(row)


class GetAccessKey(Query):
    needs = IN_OPERATION
    accepts = AccessKeyNameSerializer
    answers = AccessKeySerializer

    def run(self, given: dict[str, Any]) -> Any:
        identifier = f"{PREFIX}{given['access_key_id']}"
        found = self.visible(all_access_keys()).filter(identifier=identifier).first()
        if found is None:
            raise Missing("access key does not exist")
        return described(found)


class DeleteAccessKey(Command):
    """Its tokens end with it; the account stays."""

    needs = IN_OPERATION
    accepts = AccessKeyNameSerializer

    def run(self, given: dict[str, Any]) -> None:
        identifier = f"{PREFIX}{given['access_key_id']}"
        found = list(self.visible(all_access_keys()).filter(identifier=identifier))
        if not found:
            raise Missing("access key does not exist")
        self.require("delete_token", found)
        delete_tokens(tokens=found, actor=self.caller)


def described(token: Token) -> dict[str, Any]:
    return {
        "accessKeyId": id_of(token),
        "userId": token.user.hex_id,
        "userPoolId": pool_id(),
        "status": "activated",
        "createdAt": iso(token.created),
    }
