"""Resources, what is allowed on them, and decisions."""

from world import user


def a_resource_lives(world):
    code = world.name("disk")
    actions = [{"name": f"{code}:Read", "description": "Read it"}]
    made = world.call("create_resource", type="DATA", code=code, name="Disk", actions=actions)
    assert world.call("get_resource", code=code, namespace="default") == made
    batch = [{"code": world.name(f"disk-{n}"), "type": "API"} for n in range(2)]
    world.call("create_resources_batch", list=batch)
    codes = [one["code"] for one in batch]
    assert len(world.call("get_resources_batch", code_list=codes, namespace="default")) == 2
    changed = world.call("update_resource", code=code, name="Drive", actions=actions)
    assert changed["name"] == "Drive"
    assert world.call("list_resources", namespace="default", type="API", page=1, limit=50)["list"]
    world.call("delete_resource", code=code)
    world.call("delete_resources_batch", namespace="default", code_list=codes)
    world.status(404, "get_resource", code=code)


def what_is_authorized_is_decided_and_told(world):
    code, role, user_id = world.name("ecs"), world.role("operator"), world.user("dan")
    group = world.name("operators")
    world.call("create_group", type="static", description="d", name="Operators", code=group)
    world.call("assign_role", targets=[user(user_id)], code=role)
    resource = {"code": f"{code}:*", "resourceType": "DATA", "actions": [f"{code}:Start"]}
    grants = [
        {"targetType": "ROLE", "targetIdentifiers": [role], "resources": [resource]},
        {"targetType": "GROUP", "targetIdentifiers": [group], "resources": [resource]},
    ]
    world.call("authorize_resources", list=grants, namespace="default")
    asked = {"user_id": user_id, "action": f"{code}:Start", "resource": f"{code}:1"}
    assert world.call("is_action_allowed", **asked) == {"allowed": True}
    of_role = world.call("get_role_authorized_resources", code=role)
    assert [row["resourceCode"] for row in of_role["list"]] == [f"{code}:*"]
    assert world.call("get_group_authorized_resources", code=group)[0]["actions"]
    of_user = world.call("get_user_authorized_resources", user_id=user_id)["list"]
    assert of_user[0]["actions"] == [f"{code}:Start"]
    same = world.call(
        "get_authorized_resources",
        target_type="ROLE",
        target_identifier=role,
        resource_list=[f"{code}:*"],
        with_denied=True,
    )
    assert same["totalCount"] == 1
    targets = world.call("get_resource_authorized_targets", resource=code, page=1, limit=10)
    assert targets["totalCount"] == 2
    checked = world.call(
        "check_permission",
        resources=[f"{code}:1"],
        action="Start",
        user_id=user_id,
        namespace_code="default",
    )
    assert checked["checkResultList"][0]["enabled"] is True
    world.call("revoke_role", targets=[user(user_id)], code=role)
    assert world.call("is_action_allowed", **asked) == {"allowed": False}


STEPS = [a_resource_lives, what_is_authorized_is_decided_and_told]
