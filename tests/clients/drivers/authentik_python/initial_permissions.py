"""Initial permissions, in the generations that have them."""

from authentik_client import GroupRequest, RoleRequest, UserRequest
from authentik_client.exceptions import NotFoundException
from world import refused, walk


def permission(world, codename):
    (found,) = world.rbac.rbac_permissions_list(
        codename=codename, content_type__app_label="authentik_core"
    ).results
    return found.id


def request(world, **members):
    from authentik_client.models import InitialPermissionsRequest

    wanted = {"name": world.named("initial"), "role": str(world.creator.pk), **members}
    return InitialPermissionsRequest(**wanted)


def lives_a_whole_life(world):
    if not world.has("rbac_initial_permissions_create"):
        return
    from authentik_client.models import PatchedInitialPermissionsRequest

    view, change = permission(world, "view_group"), permission(world, "change_group")
    world.creator = world.rbac.rbac_roles_create(RoleRequest(name=world.named("creator")))
    made = world.rbac.rbac_initial_permissions_create(request(world, permissions=[view]))
    assert (made.permissions, str(made.role)) == ([view], str(world.creator.pk))
    assert [each.codename for each in made.permissions_obj] == ["view_group"]

    assert world.rbac.rbac_initial_permissions_retrieve(made.pk).name == made.name
    body = request(world, permissions=[view, change])
    updated = world.rbac.rbac_initial_permissions_update(made.pk, body)
    assert sorted(updated.permissions) == sorted([view, change])
    renamed = world.rbac.rbac_initial_permissions_partial_update(
        made.pk, PatchedInitialPermissionsRequest(name=world.named("renamed"))
    )
    assert (renamed.name, sorted(renamed.permissions)) == (
        world.named("renamed"),
        sorted([view, change]),
    )
    world.initial = renamed


def lists_them(world):
    if not world.has("rbac_initial_permissions_create"):
        return
    listed = world.rbac.rbac_initial_permissions_list
    named = listed(name=world.initial.name).results

    assert [each.pk for each in named] == [world.initial.pk]
    assert [each.pk for each in walk(listed, page_size=1, search=world.prefix)] == [
        world.initial.pk
    ]
    assert isinstance(world.rbac.rbac_initial_permissions_used_by_list(world.initial.pk), list)


def a_creator_is_granted_what_they_say(world):
    if not world.has("rbac_initial_permissions_create"):
        return
    from authentik_client import PermissionAssignRequest
    from tokens import key_of

    role = str(world.creator.pk)
    world.rbac.rbac_permissions_assigned_by_roles_assign(
        role,
        PermissionAssignRequest(
            permissions=["authentik_core.add_group", "authentik_core.view_group"]
        ),
    )
    user = world.core.core_users_create(
        UserRequest(username=world.named("founder"), name="Founder", roles=[role])
    )
    acting = world.acting(key_of(world, user))
    group = acting.core.core_groups_create(GroupRequest(name=world.named("founded")))

    rows = world.rbac.rbac_permissions_roles_list(uuid=role).results
    assert sorted(row.codename for row in rows) == ["change_group", "view_group"]
    assert {row.object_pk for row in rows} == {str(group.pk)}


def deletes_them(world):
    if not world.has("rbac_initial_permissions_create"):
        return
    pk = world.initial.pk

    assert world.rbac.rbac_initial_permissions_destroy(pk) is None
    refused(NotFoundException, world.rbac.rbac_initial_permissions_retrieve, pk)


STEPS = [lives_a_whole_life, lists_them, a_creator_is_granted_what_they_say, deletes_them]
