"""Roles and who holds them."""

import time

from world import target, user


def a_role_lives(world):
    code = world.name("clerk")
    made = world.call("create_role", code=code, name="Clerk", namespace="default", description="d")
    assert world.call("get_role", code=code) == made
    assert world.call("check_params_namespace", code=code, namespace="default")["isValid"] is False
    changed = world.name("officer")
    world.call(
        "update_role",
        name="Officer",
        new_code=changed,
        code=code,
        namespace="default",
        status="DISABLE",
    )
    assert world.call("get_role", code=changed, namespace="default")["status"] == "DISABLE"
    found = world.call("list_roles", page=1, limit=10, keywords=changed, namespace="default")
    assert found["totalCount"] == 1
    world.call("delete_roles_batch", code_list=[changed], namespace="default")
    assert world.status(404, "get_role", code=changed)["message"] == "role does not exist"


def several_roles_are_made_and_deleted(world):
    codes = [world.name(f"many-{n}") for n in range(3)]
    world.call("create_roles_batch", list=[{"code": code, "name": code} for code in codes])
    roles = [{"code": code, "namespace": "default"} for code in codes]
    world.call("delete_roles", role_list=roles)
    world.status(404, "get_role", code=codes[0])


def bad_input_is_refused(world):
    world.status(400, "create_role", code="a b")
    world.status(400, "create_role", code="x" * 100)
    world.status(400, "create_roles_batch", list=[])
    world.status(400, "list_roles", page=-1)
    world.status(400, "list_roles", limit=10000)
    world.status(404, "list_role_members", code="unknown")


def a_user_is_given_a_role_and_loses_it(world):
    code, user_id = world.role("manager"), world.user("ann")
    end = int(time.time() * 1000) + 3_600_000
    world.call("assign_role", targets=[user(user_id)], code=code, end_time=end, namespace="default")
    members = world.call("list_role_members", code=code, page=1, limit=50, with_identities=True)
    assert [one["userId"] for one in members["list"]] == [user_id]
    rows = world.call("list_role_assignments", role_code=code, target_type=["USER", "ORG"])
    assert rows["data"][0]["endTime"] == end
    assert [one["code"] for one in world.call("get_user_roles", user_id=user_id)["list"]] == [code]
    assert has(world, user_id, code)
    world.call("revoke_role", targets=[user(user_id)], code=code)
    world.call("revoke_role", targets=[user(user_id)], code=code)
    assert not has(world, user_id, code)


def targets_of_all_kinds(world):
    code, holder = world.role("all-kinds"), world.role("holder")
    user_id, group = world.user("cat"), world.name("crew")
    world.call("create_group", type="static", description="d", name="Crew", code=group)
    world.call("add_group_members", user_ids=[user_id], code=group)
    world.call("assign_role", targets=[user(user_id)], code=holder)
    for to in (user(user_id), target("GROUP", group), target("ROLE", holder)):
        world.call("assign_role", targets=[to], code=code)
        assert has(world, user_id, code), to
        world.call("revoke_role", targets=[to], code=code)
        assert not has(world, user_id, code), to


def roles_are_given_in_batches(world):
    codes = [world.role(f"batch-{n}") for n in range(2)]
    people = [user(world.user(f"batch-{n}")) for n in range(2)]
    roles = [{"code": code, "namespace": "default"} for code in codes]
    world.call("assign_role_batch", targets=people, roles=roles)
    assert all(has(world, one["targetIdentifier"], code) for one in people for code in codes)
    world.call("revoke_role_batch", targets=people, roles=roles)
    assert not any(has(world, one["targetIdentifier"], code) for one in people for code in codes)


def bad_targets_are_refused(world):
    code = world.role("refusing")
    world.status(400, "assign_role", targets=[], code=code)
    unknown = world.status(404, "assign_role", targets=[user("0" * 24)], code=code)
    assert unknown["apiCode"] == 2004
    world.status(404, "revoke_role", targets=[user("0" * 24)], code=code)
    world.status(404, "assign_role", targets=[user("0" * 24)], code=code, namespace="unknown")


def has(world, user_id, code):
    roles = [{"namespace": "default", "code": code}]
    return world.call("has_any_role", roles=roles, user_id=user_id)["hasAnyRole"]


STEPS = [
    a_role_lives,
    several_roles_are_made_and_deleted,
    bad_input_is_refused,
    a_user_is_given_a_role_and_loses_it,
    targets_of_all_kinds,
    roles_are_given_in_batches,
    bad_targets_are_refused,
]
