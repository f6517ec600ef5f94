"""Permissions: the catalogue, grants to roles and users, global and on one object."""

import uuid

from authentik_client import PatchedPermissionAssignRequest, PermissionAssignRequest
from world import walk

GROUP, FLOW = "authentik_core.group", "authentik_flows.flow"
GLOBALLY = ["authentik_core.view_user", "authentik_core.view_group"]


def walks_the_catalogue(world):
    permissions = walk(world.rbac.rbac_permissions_list, page_size=100)

    assert len({permission.id for permission in permissions}) == len(permissions) > 490


def finds_a_permission(world):
    page = world.rbac.rbac_permissions_list(
        codename="view_user",
        content_type__app_label="authentik_core",
        content_type__model="user",
    )
    (found,) = page.results
    permission = world.rbac.rbac_permissions_retrieve(found.id)

    assert (permission.app_label, permission.model) == ("authentik_core", "user")
    assert permission.name == "Can view User"
    searched = world.rbac.rbac_permissions_list(search="view_flow")
    assert "view_flow" in [each.codename for each in searched.results]


def assigns_to_a_role_globally(world):
    given = world.rbac.rbac_permissions_assigned_by_roles_assign(
        str(world.auditor.pk), PermissionAssignRequest(permissions=GLOBALLY)
    )
    held = world.rbac.rbac_permissions_list(role=str(world.auditor.pk)).results

    assert len(given) == len(GLOBALLY)
    assert sorted(each.codename for each in held) == ["view_group", "view_user"]


def a_member_of_the_group_may_do_what_its_role_may(world):
    from tokens import key_of

    world.ann_key = key_of(world, world.ann)
    page = world.acting(world.ann_key).core.core_users_list(search=world.prefix)

    assert world.ben.username in [user.username for user in page.results]


def assigns_to_a_role_on_a_group(world):
    pk = str(world.company.pk)
    body = PermissionAssignRequest(
        permissions=["change_group", f"{GROUP.split('.', maxsplit=1)[0]}.delete_group"],
        model=GROUP,
        object_pk=pk,
    )
    given = world.rbac.rbac_permissions_assigned_by_roles_assign(str(world.auditor.pk), body)
    again = world.rbac.rbac_permissions_assigned_by_roles_assign(str(world.auditor.pk), body)

    assert [each.id for each in given] == [each.id for each in again]
    rows = world.rbac.rbac_permissions_roles_list(uuid=str(world.auditor.pk)).results
    assert sorted(str(row.id) for row in rows) == sorted(each.id for each in given)
    assert {row.object_pk for row in rows} == {pk}
    assert all(world.company.name in row.object_description for row in rows)


def assigns_to_a_role_on_a_flow(world):
    world.flow = str(uuid.uuid4())
    world.post(
        f"rbac/resource_types/{FLOW}/resources/",
        {"object_pk": world.flow, "name": world.named("login")},
    )
    body = PermissionAssignRequest(permissions=["view_flow"], model=FLOW, object_pk=world.flow)
    (given,) = world.rbac.rbac_permissions_assigned_by_roles_assign(str(world.keeper.pk), body)

    (row,) = world.rbac.rbac_permissions_roles_list(uuid=str(world.keeper.pk)).results
    assert (str(row.id), row.object_pk, row.codename) == (given.id, world.flow, "view_flow")
    assert world.named("login") in row.object_description


def lists_the_roles_with_a_grant_on_an_object(world):
    page = world.rbac.rbac_permissions_assigned_by_roles_list(
        model=GROUP, object_pk=str(world.company.pk)
    )
    (role,) = [each for each in page.results if each.role_pk == str(world.auditor.pk)]

    on_object = getattr(role, "permissions", None) or role.object_permissions
    assert sorted(row.codename for row in on_object) == ["change_group", "delete_group"]
    if hasattr(role, "model_permissions"):
        held = [row.codename for row in role.model_permissions]
        assert sorted(held) == ["view_group", "view_user"]


def lists_the_roles_with_a_grant_of_a_type(world):
    everybody = walk(world.rbac.rbac_permissions_assigned_by_roles_list, model=FLOW, page_size=100)

    assert str(world.keeper.pk) in [role.role_pk for role in everybody]


def retrieves_moves_and_deletes_a_grant_of_a_role(world):
    if not world.has("rbac_permissions_roles_retrieve"):
        return
    from authentik_client.models import (
        ExtraRoleObjectPermissionRequest,
        PatchedExtraRoleObjectPermissionRequest,
    )

    body = PermissionAssignRequest(
        permissions=["view_group"], model=GROUP, object_pk=str(world.company.pk)
    )
    role = str(world.keeper.pk)
    (given,) = world.rbac.rbac_permissions_assigned_by_roles_assign(role, body)
    pk = int(given.id)
    assert world.rbac.rbac_permissions_roles_retrieve(pk).object_pk == str(world.company.pk)

    moved = PatchedExtraRoleObjectPermissionRequest(object_pk=str(world.staff.pk))
    row = world.rbac.rbac_permissions_roles_partial_update(pk, moved)
    assert (row.id, row.object_pk) == (pk, str(world.staff.pk))
    back = ExtraRoleObjectPermissionRequest(object_pk=str(world.company.pk))
    assert world.rbac.rbac_permissions_roles_update(pk, back).object_pk == str(world.company.pk)

    assert world.rbac.rbac_permissions_roles_destroy(pk) is None
    rows = world.rbac.rbac_permissions_roles_list(uuid=role).results
    assert [each.codename for each in rows] == ["view_flow"]


def unassigns_from_a_role(world):
    role, unassign = (
        str(world.auditor.pk),
        world.rbac.rbac_permissions_assigned_by_roles_unassign_partial_update,
    )
    body = PatchedPermissionAssignRequest(
        permissions=["delete_group"], model=GROUP, object_pk=str(world.company.pk)
    )

    assert unassign(role, body) is None
    rows = world.rbac.rbac_permissions_roles_list(uuid=role).results
    assert [each.codename for each in rows] == ["change_group"]
    unassign(role, PatchedPermissionAssignRequest(permissions=GLOBALLY[:1]))
    held = world.rbac.rbac_permissions_list(role=role).results
    assert [each.codename for each in held] == ["view_group"]


def what_is_taken_counts_no_longer(world):
    from authentik_client.exceptions import ForbiddenException
    from world import refused

    refused(ForbiddenException, world.acting(world.ann_key).core.core_users_list)


def assigns_to_a_user(world):
    if not world.has("rbac_permissions_assigned_by_users_assign"):
        return
    assign = world.rbac.rbac_permissions_assigned_by_users_assign
    given = assign(world.ben.pk, PermissionAssignRequest(permissions=GLOBALLY))
    body = PermissionAssignRequest(
        permissions=["authentik_core.change_group"], model=GROUP, object_pk=str(world.company.pk)
    )
    (on_group,) = assign(world.ben.pk, body)
    held = world.rbac.rbac_permissions_list(user=world.ben.pk).results

    assert sorted(str(each.id) for each in held) == sorted(each.id for each in given)
    (row,) = world.rbac.rbac_permissions_users_list(user_id=world.ben.pk).results
    assert (str(row.id), row.codename) == (on_group.id, "change_group")
    assert world.company.name in row.object_description


def lists_the_users_with_a_grant_on_an_object(world):
    if not world.has("rbac_permissions_assigned_by_users_list"):
        return
    users = walk(
        world.rbac.rbac_permissions_assigned_by_users_list,
        page_size=2,
        model=GROUP,
        object_pk=str(world.company.pk),
        ordering="pk",
    )
    by_pk = {user.pk: user for user in users}

    assert [row.codename for row in by_pk[world.ben.pk].permissions] == ["change_group"]
    assert not by_pk[world.ben.pk].is_superuser
    assert any(user.is_superuser for user in users), "superusers may do everything"


def retrieves_moves_and_deletes_a_grant_of_a_user(world):
    if not world.has("rbac_permissions_users_retrieve"):
        return
    from authentik_client.models import (
        ExtraUserObjectPermissionRequest,
        PatchedExtraUserObjectPermissionRequest,
    )

    (row,) = world.rbac.rbac_permissions_users_list(user_id=world.ben.pk).results
    assert world.rbac.rbac_permissions_users_retrieve(row.id) == row

    moved = PatchedExtraUserObjectPermissionRequest(object_pk=str(world.staff.pk))
    after = world.rbac.rbac_permissions_users_partial_update(row.id, moved)
    assert (after.id, after.object_pk) == (row.id, str(world.staff.pk))
    back = ExtraUserObjectPermissionRequest(object_pk=row.object_pk)
    assert world.rbac.rbac_permissions_users_update(row.id, back).object_pk == row.object_pk

    assert world.rbac.rbac_permissions_users_destroy(row.id) is None
    assert world.rbac.rbac_permissions_users_list(user_id=world.ben.pk).results == []


def unassigns_from_a_user(world):
    if not world.has("rbac_permissions_assigned_by_users_unassign_partial_update"):
        return
    body = PatchedPermissionAssignRequest(permissions=GLOBALLY)
    unassign = world.rbac.rbac_permissions_assigned_by_users_unassign_partial_update

    assert unassign(world.ben.pk, body) is None
    assert world.rbac.rbac_permissions_list(user=world.ben.pk).results == []


STEPS = [
    walks_the_catalogue,
    finds_a_permission,
    assigns_to_a_role_globally,
    a_member_of_the_group_may_do_what_its_role_may,
    assigns_to_a_role_on_a_group,
    assigns_to_a_role_on_a_flow,
    lists_the_roles_with_a_grant_on_an_object,
    lists_the_roles_with_a_grant_of_a_type,
    retrieves_moves_and_deletes_a_grant_of_a_role,
    unassigns_from_a_role,
    what_is_taken_counts_no_longer,
    assigns_to_a_user,
    lists_the_users_with_a_grant_on_an_object,
    retrieves_moves_and_deletes_a_grant_of_a_user,
    unassigns_from_a_user,
]
