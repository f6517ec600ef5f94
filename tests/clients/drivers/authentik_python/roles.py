"""Roles: their life, who holds them, what uses them."""

from authentik_client import PatchedGroupRequest, RoleRequest
from authentik_client.exceptions import BadRequestException, NotFoundException
from authentik_client.models import PatchedRoleRequest
from world import refused, walk


def creates_roles(world):
    for name in ("auditor", "keeper"):
        role = world.rbac.rbac_roles_create(RoleRequest(name=world.named(name)))
        assert role.name == world.named(name)
        setattr(world, name, role)


def retrieves_a_role(world):
    assert world.rbac.rbac_roles_retrieve(str(world.auditor.pk)).name == world.auditor.name


def renames_a_role(world):
    pk = str(world.keeper.pk)

    renamed = world.rbac.rbac_roles_update(pk, RoleRequest(name=world.named("warden")))
    assert renamed.name == world.named("warden")
    back = world.rbac.rbac_roles_partial_update(pk, PatchedRoleRequest(name=world.named("keeper")))
    assert back.name == world.named("keeper")


def refuses_a_name_that_is_taken(world):
    body = RoleRequest(name=world.auditor.name)

    assert "name" in refused(BadRequestException, world.rbac.rbac_roles_create, body)


def lists_roles(world):
    by_name = "group__name" if not world.has("rbac_roles_add_user_create") else "name"
    listed = world.rbac.rbac_roles_list(**{by_name: world.auditor.name})
    assert [role.name for role in listed.results] == [world.auditor.name]

    found = world.rbac.rbac_roles_list(search=world.prefix, ordering="-name")
    assert [role.name for role in found.results] == [world.keeper.name, world.auditor.name]


def walks_the_pages(world):
    roles = walk(world.rbac.rbac_roles_list, page_size=1, search=world.prefix)

    assert [role.name for role in roles] == [world.auditor.name, world.keeper.name]


def gives_a_role_to_a_group(world):
    body = PatchedGroupRequest(roles=[str(world.auditor.pk)])
    group = world.core.core_groups_partial_update(str(world.staff.pk), body)

    assert [str(role) for role in group.roles] == [str(world.auditor.pk)]
    assert [role.name for role in group.roles_obj] == [world.auditor.name]


def lists_what_uses_a_role(world):
    uses = world.rbac.rbac_roles_used_by_list(str(world.auditor.pk))

    assert (world.staff.name in uses[0].name, uses[0].model_name) == (True, "group")
    assert uses[0].pk == str(world.staff.pk)


def gives_and_takes_a_role_directly(world):
    if not world.has("rbac_roles_add_user_create"):
        return
    from authentik_client.models import UserAccountSerializerForRoleRequest

    pk, body = str(world.keeper.pk), UserAccountSerializerForRoleRequest(pk=world.ben.pk)
    assert world.rbac.rbac_roles_add_user_create(pk, body) is None
    assert world.core.core_users_retrieve(world.ben.pk).roles == [world.keeper.pk]
    listed = world.core.core_users_list(roles_by_pk=[pk])
    assert [user.pk for user in listed.results] == [world.ben.pk]
    assert world.rbac.rbac_roles_remove_user_create(pk, body) is None
    assert world.core.core_users_retrieve(world.ben.pk).roles == []


def lists_the_roles_somebody_holds(world):
    if not world.has("rbac_roles_add_user_create"):
        return

    def held(**filters):
        return [role.name for role in world.rbac.rbac_roles_list(**filters).results]

    of_groups = "groups" if takes_groups() else "ak_groups"
    assert held(users=world.ann.pk) == []
    assert held(users=world.ann.pk, inherited=True) == [world.auditor.name]
    assert held(**{of_groups: str(world.staff.pk)}) == [world.auditor.name]
    assert held(**{of_groups: str(world.night.pk)}, inherited=True) == [world.auditor.name]
    assert world.auditor.name in held(managed__isnull=True)


def takes_groups():
    import inspect

    from authentik_client import RbacApi

    return "groups" in inspect.signature(RbacApi.rbac_roles_list).parameters


def deletes_a_role(world):
    pk = str(world.rbac.rbac_roles_create(RoleRequest(name=world.named("short-lived"))).pk)

    assert world.rbac.rbac_roles_destroy(pk) is None
    refused(NotFoundException, world.rbac.rbac_roles_retrieve, pk)


STEPS = [
    creates_roles,
    retrieves_a_role,
    renames_a_role,
    refuses_a_name_that_is_taken,
    lists_roles,
    walks_the_pages,
    gives_a_role_to_a_group,
    lists_what_uses_a_role,
    gives_and_takes_a_role_directly,
    lists_the_roles_somebody_holds,
    deletes_a_role,
]
