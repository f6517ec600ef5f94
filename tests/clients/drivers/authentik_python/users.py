"""Users: the whole life of one, lists with every filter, service accounts."""

import inspect
import json

from authentik_client import UserPasswordSetRequest, UserRequest, UserServiceAccountRequest
from authentik_client.exceptions import ForbiddenException, NotFoundException
from authentik_client.models import PatchedUserRequest
from world import refused, walk


def usernames(page):
    return [user.username for user in page.results]


def creates_users(world):
    for name in ("ann", "ben", "cat"):
        user = world.core.core_users_create(
            UserRequest(
                username=world.named(name),
                name=name.capitalize(),
                email=f"{name}@{world.prefix}.example.com",
                path=f"{world.prefix}/{'eu' if name == 'ann' else 'us'}",
                attributes={"nick": world.named(name)},
            )
        )
        assert user.username == world.named(name)
        assert user.is_active
        assert not user.is_superuser
        assert user.type == "internal"
        assert user.groups == []
        setattr(world, name, user)


def retrieves_a_user(world):
    user = world.core.core_users_retrieve(world.ann.pk)

    assert user == world.ann
    assert user.attributes == {"nick": world.named("ann")}


def updates_a_user(world):
    body = UserRequest(username=world.named("ben"), name="Benjamin", groups=[], type="external")
    user = world.core.core_users_update(world.ben.pk, body)

    assert (user.name, user.type) == ("Benjamin", "external")
    assert user.email == world.ben.email, "what a PUT does not name stays"


def changes_one_member_of_a_user(world):
    changed = PatchedUserRequest(is_active=False)
    user = world.core.core_users_partial_update(world.cat.pk, changed)

    assert not user.is_active
    assert user.name == "Cat"


def lists_users_by_every_filter(world):
    def listed(**filters):
        return usernames(world.core.core_users_list(search=world.prefix, **filters))

    ann, ben, cat = (world.named(name) for name in ("ann", "ben", "cat"))
    assert listed() == [ann, ben, cat]
    assert listed(ordering="-username") == [cat, ben, ann]
    assert listed(username=ann) == [ann]
    assert listed(email=world.ben.email) == [ben]
    assert listed(name="Ann") == [ann]
    assert listed(is_active=False) == [cat]
    assert listed(is_superuser=True) == []
    assert listed(path=f"{world.prefix}/eu") == [ann]
    assert listed(path_startswith=f"{world.prefix}/u") == [ben, cat]
    assert listed(type=["external"]) == [ben]
    assert listed(attributes=json.dumps({"nick": cat})) == [cat]
    if hasattr(world.ann, "uuid"):
        assert listed(uuid=str(world.ann.uuid)) == [ann]


def lists_users_by_dates(world):
    if not hasattr(world.ann, "last_updated"):
        return

    def listed(**filters):
        return usernames(world.core.core_users_list(search=world.prefix, **filters))

    assert listed(date_joined__gt=world.ann.date_joined)[-2:] == [
        world.named("ben"),
        world.named("cat"),
    ]
    assert listed(date_joined__lt=world.ann.date_joined) == []
    if "last_login__isnull" in inspect.signature(world.core.core_users_list).parameters:
        assert listed(last_login__isnull=True)
    assert listed(last_updated__gt=world.ann.last_updated)


def leaves_the_groups_out_on_request(world):
    page = world.core.core_users_list(username=world.named("ann"), include_groups=False)

    assert [user.groups_obj for user in page.results] == [None]


def walks_the_pages(world):
    users = walk(world.core.core_users_list, page_size=2, search=world.prefix)

    assert len({user.pk for user in users}) == 3


def lists_the_paths(world):
    paths = world.core.core_users_paths_retrieve().paths

    assert {f"{world.prefix}/eu", f"{world.prefix}/us"} <= set(paths)


def sets_a_password(world):
    body = UserPasswordSetRequest(password="a long enough passphrase")

    assert world.core.core_users_set_password_create(world.ann.pk, body) is None


def lists_what_uses_a_user(world):
    assert isinstance(world.core.core_users_used_by_list(world.ann.pk), list)


def creates_a_service_account(world):
    body = UserServiceAccountRequest(name=world.named("robot"), create_group=True)
    account = world.core.core_users_service_account_create(body)

    user = world.core.core_users_retrieve(account.user_pk)
    assert (user.username, user.type) == (world.named("robot"), "service_account")
    assert [str(group) for group in user.groups] == [account.group_pk]
    assert user.uid == account.user_uid
    # An application password is not a key to this API.
    refused(ForbiddenException, world.acting(account.token).core.core_users_me_retrieve)
    world.core.core_groups_destroy(account.group_pk)
    world.core.core_users_destroy(account.user_pk)


def deletes_a_user(world):
    world.core.core_users_destroy(world.cat.pk)

    refused(NotFoundException, world.core.core_users_retrieve, world.cat.pk)


STEPS = [
    creates_users,
    retrieves_a_user,
    updates_a_user,
    changes_one_member_of_a_user,
    lists_users_by_every_filter,
    lists_users_by_dates,
    leaves_the_groups_out_on_request,
    walks_the_pages,
    lists_the_paths,
    sets_a_password,
    lists_what_uses_a_user,
    creates_a_service_account,
    deletes_a_user,
]
