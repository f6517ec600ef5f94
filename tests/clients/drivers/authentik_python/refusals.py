"""What is refused, as the client's exception classes tell it."""

import uuid

from authentik_client import GroupRequest, PermissionAssignRequest, RoleRequest, UserRequest
from authentik_client.exceptions import BadRequestException, ForbiddenException, NotFoundException
from world import refused

SENTENCE = "You do not have permission to perform this action."


def assigning(world, **members):
    return refused(
        BadRequestException,
        world.rbac.rbac_permissions_assigned_by_roles_assign,
        str(world.keeper.pk),
        PermissionAssignRequest(**members),
    )


def bad_input_is_400_and_names_the_field(world):
    group = "authentik_core.group"

    assert "username" in refused(
        BadRequestException,
        world.core.core_users_create,
        UserRequest(username=world.ann.username, name="Another"),
    )
    assert "name" in refused(
        BadRequestException, world.core.core_groups_create, GroupRequest(name=world.staff.name)
    )
    assert "permissions" in assigning(world, permissions=["authentik_core.fly_user"])
    assert "permissions" in assigning(world, permissions=["view_user"])
    assert "non_field_errors" in assigning(world, permissions=["view_group"], model=group)
    assert "object_pk" in assigning(
        world, permissions=["view_group"], model=group, object_pk=str(uuid.uuid4())
    )
    assert "object_pk" in assigning(
        world, permissions=["view_group"], model=group, object_pk="no uuid"
    )
    assert "permissions" in assigning(
        world, permissions=["view_user"], model=group, object_pk=str(world.staff.pk)
    )


def what_was_refused_has_not_happened(world):
    held = world.rbac.rbac_permissions_list(role=str(world.keeper.pk)).results
    rows = world.rbac.rbac_permissions_roles_list(uuid=str(world.keeper.pk)).results

    assert held == []
    assert [row.codename for row in rows] == ["view_flow"]


def a_caller_with_nothing_gets_403(world):
    from tokens import key_of

    nobody = world.core.core_users_create(UserRequest(username=world.named("nobody"), name=""))
    acting = world.acting(key_of(world, nobody))

    for call in (acting.core.core_users_list, acting.core.core_groups_list):
        assert refused(ForbiddenException, call) == {"detail": SENTENCE}
    assert refused(ForbiddenException, acting.rbac.rbac_roles_list) == {"detail": SENTENCE}
    refused(ForbiddenException, acting.rbac.rbac_roles_create, RoleRequest(name="mine"))
    refused(ForbiddenException, acting.core.core_users_retrieve, world.ann.pk)
    assert acting.core.core_users_me_retrieve().user.pk == nobody.pk


def a_wrong_key_gets_403(world):
    body = refused(ForbiddenException, world.acting("no such key").core.core_users_me_retrieve)

    assert body["detail"] == "Token invalid/expired"


def unknown_things_are_404(world):
    core, rbac, nobody = world.core, world.rbac, str(uuid.uuid4())

    refused(NotFoundException, core.core_users_retrieve, 2_000_000_000)
    refused(NotFoundException, core.core_groups_retrieve, nobody)
    refused(NotFoundException, core.core_tokens_retrieve, world.named("no-such-token"))
    refused(NotFoundException, rbac.rbac_roles_retrieve, nobody)
    refused(NotFoundException, rbac.rbac_permissions_retrieve, 2_000_000_000)
    refused(
        NotFoundException,
        rbac.rbac_permissions_assigned_by_roles_assign,
        nobody,
        PermissionAssignRequest(permissions=[]),
    )


def a_page_beyond_the_last_is_404(world):
    body = refused(NotFoundException, world.rbac.rbac_roles_list, page=10_000)

    assert body["detail"] == "Invalid page."


STEPS = [
    bad_input_is_400_and_names_the_field,
    what_was_refused_has_not_happened,
    a_caller_with_nothing_gets_403,
    a_wrong_key_gets_403,
    unknown_things_are_404,
    a_page_beyond_the_last_is_404,
]
