"""Users, groups, and where the package knows them, departments."""

from world import target


def a_user_lives(world):
    name = world.name("eve")
    made = world.call(
        "create_user",
        username=name,
        email=f"{name}@example.com",
        external_id=name,
        password="long enough",
    )
    read = world.call("get_user", user_id=name, user_id_type="external_id", with_custom_data=False)
    assert read == made
    assert world.call("list_users", keywords=name)["totalCount"] == 1
    assert world.call("list_users_legacy", page=1, limit=1)["list"]
    world.call("delete_users_batch", user_ids=[made["userId"]])
    assert world.status(404, "get_user", user_id=made["userId"])["apiCode"] == 2004


def a_group_lives(world):
    code, user_id = world.name("band"), world.user("fay")
    made = world.call("create_group", type="static", description="d", name="Band", code=code)
    assert world.call("get_group", code=code) == made
    world.call("add_group_members", user_ids=[user_id], code=code)
    members = world.call("list_group_members", code=code, page=1, limit=10)
    assert [one["userId"] for one in members["list"]] == [user_id]
    world.call("remove_group_members", user_ids=[user_id], code=code)
    world.call("delete_groups_batch", code_list=[code])


def a_department_passes_its_roles_on(world):
    if not world.has("create_department"):
        return
    organization, role, user_id = world.name("org"), world.role("dept-role"), world.user("gus")
    where = {"organization_code": organization}
    top = world.call("create_organization", metadata=None, organization_name="O", **where)
    made = world.call(
        "create_department", name="Sales", parent_department_id="root", metadata=None, **where
    )
    below = {**where, "department_id": made["departmentId"]}
    world.call("add_department_members", user_ids=[user_id], **below)
    department = target("DEPARTMENT", top["departmentId"])
    world.call("assign_role", targets=[department], code=role)
    assert holds(world, user_id, role)
    listed = world.call("list_role_departments", code=role)["list"]
    assert [one["id"] for one in listed] == [top["departmentId"]]
    assert world.call("list_department_members", **below)["totalCount"] == 1
    assert world.call("get_department", **below)["parentDepartmentId"] == top["departmentId"]
    world.call("revoke_role", targets=[department], code=role)
    assert not holds(world, user_id, role)
    world.call("remove_department_members", user_ids=[user_id], **below)
    world.call("delete_department", **below)
    world.call("delete_organization", **where)


def holds(world, user_id, code):
    return world.call("has_any_role", roles=[{"code": code}], user_id=user_id)["hasAnyRole"]


STEPS = [a_user_lives, a_group_lives, a_department_passes_its_roles_on]
