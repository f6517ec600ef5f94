"""Tokens: keys that work, keys that no longer do."""

import datetime

from authentik_client import TokenRequest, TokenSetKeyRequest
from authentik_client.exceptions import BadRequestException, ForbiddenException, NotFoundException
from authentik_client.models import PatchedTokenRequest
from world import refused, walk


def key_of(world, user):
    """The key of a new token of somebody."""
    identifier = f"{user.username}-key"
    body = TokenRequest(identifier=identifier, user=user.pk, intent="api", expiring=False)
    world.core.core_tokens_create(body)
    return world.core.core_tokens_view_key_retrieve(identifier).key


def creates_a_token(world):
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3)
    token = world.core.core_tokens_create(
        TokenRequest(
            identifier=world.named("deploy"),
            user=world.ben.pk,
            description="for deployments",
            expires=expires,
        )
    )

    assert (token.identifier, token.intent, token.user) == (
        world.named("deploy"),
        "api",
        world.ben.pk,
    )
    assert token.expiring
    assert abs(token.expires - expires) < datetime.timedelta(seconds=1)
    assert token.user_obj.username == world.ben.username
    world.deploy = token


def its_key_works(world):
    key = world.core.core_tokens_view_key_retrieve(world.deploy.identifier).key

    me = world.acting(key).core.core_users_me_retrieve()
    assert me.user.pk == world.ben.pk


def a_key_that_is_set_replaces_the_old_one(world):
    identifier = world.deploy.identifier
    old = world.core.core_tokens_view_key_retrieve(identifier).key
    new = f"{identifier}-a-key-of-my-own-choice"

    assert world.core.core_tokens_set_key_create(identifier, TokenSetKeyRequest(key=new)) is None
    assert world.acting(new).core.core_users_me_retrieve().user.pk == world.ben.pk
    body = refused(ForbiddenException, world.acting(old).core.core_users_me_retrieve)
    assert body["detail"] == "Token invalid/expired"


def retrieves_and_changes_a_token(world):
    identifier = world.deploy.identifier
    assert world.core.core_tokens_retrieve(identifier).pk == world.deploy.pk

    body = TokenRequest(identifier=identifier, user=world.ben.pk, description="renewed")
    assert world.core.core_tokens_update(identifier, body).description == "renewed"
    changed = world.core.core_tokens_partial_update(
        identifier, PatchedTokenRequest(description="for deployments")
    )
    assert (changed.description, changed.user) == ("for deployments", world.ben.pk)


def the_owner_stays(world):
    body = PatchedTokenRequest(user=world.ann.pk)
    update = world.core.core_tokens_partial_update

    assert "user" in refused(BadRequestException, update, world.deploy.identifier, body)


def lists_tokens_by_every_filter(world):
    def listed(**filters):
        page = world.core.core_tokens_list(search=world.prefix, **filters)
        return [token.identifier for token in page.results]

    deploy = world.deploy.identifier
    assert deploy in listed()
    assert listed(identifier=deploy) == [deploy]
    assert deploy in listed(user__username=world.ben.username)
    assert listed(description="for deployments") == [deploy]
    assert deploy in listed(intent="api", expiring=True)
    assert deploy not in listed(intent="app_password")
    assert deploy not in listed(expiring=False)
    assert listed(managed="nobody") == []
    assert listed(ordering="identifier") == listed(ordering="-identifier")[::-1]


def walks_the_pages(world):
    tokens = walk(world.core.core_tokens_list, page_size=1, search=world.prefix)

    assert world.deploy.pk in [token.pk for token in tokens]


def lists_what_uses_a_token(world):
    assert isinstance(world.core.core_tokens_used_by_list(world.deploy.identifier), list)


def deletes_a_token(world):
    identifier = world.deploy.identifier
    key = world.core.core_tokens_view_key_retrieve(identifier).key

    assert world.core.core_tokens_destroy(identifier) is None
    refused(NotFoundException, world.core.core_tokens_retrieve, identifier)
    refused(ForbiddenException, world.acting(key).core.core_users_me_retrieve)


STEPS = [
    creates_a_token,
    its_key_works,
    a_key_that_is_set_replaces_the_old_one,
    retrieves_and_changes_a_token,
    the_owner_stays,
    lists_tokens_by_every_filter,
    walks_the_pages,
    lists_what_uses_a_token,
    deletes_a_token,
]
