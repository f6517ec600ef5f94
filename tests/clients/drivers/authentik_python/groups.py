"""Groups: nesting, members, superusers through ancestors, the filters."""

import json

from authentik_client import GroupRequest, UserAccountRequest
from authentik_client.exceptions import NotFoundException
from authentik_client.models import PatchedGroupRequest
from world import refused, walk


def below(parent):
    """The members of a request that put a group below another, as this generation says it."""
    pk = str(parent.pk)
    return {"parents": [pk]} if "parents" in GroupRequest.model_fields else {"parent": pk}


def parents_of(group):
    if hasattr(group, "parents"):
        return [str(pk) for pk in group.parents]
    return [str(group.parent)] if group.parent else []


def creates_nested_groups(world):
    create = world.core.core_groups_create
    world.company = create(GroupRequest(name=world.named("company"), attributes={"floor": 1}))
    world.staff = create(
        GroupRequest(name=world.named("staff"), users=[world.ann.pk], **below(world.company))
    )
    world.night = create(GroupRequest(name=world.named("night"), **below(world.staff)))

    assert parents_of(world.company) == []
    assert parents_of(world.staff) == [str(world.company.pk)]
    assert world.staff.users == [world.ann.pk]
    assert [user.username for user in world.staff.users_obj] == [world.ann.username]
    assert world.company.num_pk > 0


def retrieves_a_group(world):
    group = world.core.core_groups_retrieve(str(world.staff.pk))

    assert (group.name, group.users) == (world.staff.name, [world.ann.pk])
    without = world.core.core_groups_retrieve(str(world.staff.pk), include_users=False)
    assert without.users_obj is None


def shows_relatives_on_request(world):
    if not hasattr(world.staff, "parents"):
        return
    group = world.core.core_groups_retrieve(
        str(world.staff.pk), include_children=True, include_parents=True
    )

    assert [child.name for child in group.children_obj] == [world.night.name]
    assert [parent.name for parent in group.parents_obj] == [world.company.name]
    assert group.children == [world.night.pk]


def adds_and_removes_a_member(world):
    pk, body = str(world.night.pk), UserAccountRequest(pk=world.ben.pk)

    assert world.core.core_groups_add_user_create(pk, body) is None
    assert world.core.core_groups_retrieve(pk).users == [world.ben.pk]
    assert world.core.core_groups_remove_user_create(pk, body) is None
    assert world.core.core_groups_retrieve(pk).users == []


def members_below_a_superuser_group_are_superusers(world):
    root, member = str(world.company.pk), UserAccountRequest(pk=world.ben.pk)
    world.core.core_groups_add_user_create(str(world.night.pk), member)

    world.core.core_groups_partial_update(root, PatchedGroupRequest(is_superuser=True))
    listed = world.core.core_users_list(search=world.prefix, is_superuser=True)
    assert [user.pk for user in listed.results] == [world.ann.pk, world.ben.pk]
    assert world.core.core_users_retrieve(world.ben.pk).is_superuser

    world.core.core_groups_partial_update(root, PatchedGroupRequest(is_superuser=False))
    assert not world.core.core_users_retrieve(world.ben.pk).is_superuser


def updates_a_group(world):
    body = GroupRequest(name=world.staff.name, users=[world.ann.pk], **below(world.company))
    group = world.core.core_groups_update(str(world.staff.pk), body)

    assert parents_of(group) == [str(world.company.pk)]
    assert group.users == [world.ann.pk]


def refuses_a_cycle(world):
    from authentik_client.exceptions import BadRequestException

    body = PatchedGroupRequest(**below(world.night))
    refused(BadRequestException, world.core.core_groups_partial_update, str(world.company.pk), body)

    assert parents_of(world.core.core_groups_retrieve(str(world.company.pk))) == []


def lists_groups_by_every_filter(world):
    def listed(**filters):
        page = world.core.core_groups_list(search=world.prefix, **filters)
        return [group.name for group in page.results]

    company, night, staff = (world.named(name) for name in ("company", "night", "staff"))
    assert listed() == [company, night, staff]
    assert listed(ordering="-name") == [staff, night, company]
    assert listed(name=night) == [night]
    assert listed(is_superuser=True) == []
    assert listed(members_by_username=[world.ann.username]) == [staff]
    assert listed(members_by_pk=[world.ben.pk]) == [night]
    assert listed(attributes=json.dumps({"floor": 1})) == [company]


def leaves_the_members_out_on_request(world):
    page = world.core.core_groups_list(name=world.named("staff"), include_users=False)

    assert [group.users_obj for group in page.results] == [None]


def walks_the_pages(world):
    groups = walk(world.core.core_groups_list, page_size=2, search=world.prefix)

    assert len({group.pk for group in groups}) == 3


def finds_users_by_their_groups(world):
    def listed(**filters):
        return [user.username for user in world.core.core_users_list(**filters).results]

    assert listed(groups_by_name=[world.staff.name]) == [world.ann.username]
    assert listed(groups_by_pk=[str(world.night.pk)]) == [world.ben.username]


def lists_what_uses_a_group(world):
    assert isinstance(world.core.core_groups_used_by_list(str(world.company.pk)), list)


def deletes_a_group(world):
    body = GroupRequest(name=world.named("short-lived"), users=[world.ann.pk])
    pk = str(world.core.core_groups_create(body).pk)

    assert world.core.core_groups_destroy(pk) is None
    refused(NotFoundException, world.core.core_groups_retrieve, pk)


STEPS = [
    creates_nested_groups,
    retrieves_a_group,
    shows_relatives_on_request,
    adds_and_removes_a_member,
    members_below_a_superuser_group_are_superusers,
    updates_a_group,
    refuses_a_cycle,
    lists_groups_by_every_filter,
    leaves_the_members_out_on_request,
    walks_the_pages,
    finds_users_by_their_groups,
    lists_what_uses_a_group,
    deletes_a_group,
]
