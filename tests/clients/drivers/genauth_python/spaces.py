"""Namespaces, in both families."""


def the_older_family(world):
    code, other = world.name("old"), world.name("elder")
    made = world.call("create_namespace", code=code, name="Old", description="d")
    assert world.call("get_namespace", code=code) == made
    world.call("create_namespaces_batch", list=[{"code": other, "name": "Older"}])
    assert len(world.call("get_namespaces_batch", code_list=[code, other])) == 2
    world.call("update_namespace", code=code, description="new", name="New")
    found = world.call("list_namespaces", page=1, limit=50, keywords=code)["list"]
    assert found == [{"code": code, "name": "New", "description": "new", "status": 1}]
    world.call("create_role", code="clerk", namespace=code)
    assert world.call("list_namespace_roles", code=code)["totalCount"] == 1
    world.call("delete_namespace", code=other)
    world.call("delete_namespaces_batch", code_list=[code, "unknown"])
    world.status(404, "get_namespace", code=code)


def the_newer_family(world):
    code, other = world.name("new"), world.name("newer")
    made = world.call("create_permission_namespace", name="New", code=code)
    assert world.call("get_permission_namespace", code=code) == made
    world.call("create_permission_namespaces_batch", list=[{"code": other, "name": "Newer"}])
    assert len(world.call("get_permission_namespaces_batch", codes=[code, other])) == 2
    assert not world.call("check_permission_namespace_exists", code=code)["isValid"]
    world.call("update_permission_namespace", code=code, name="Newest", description="d")
    found = world.call("list_permission_namespaces", page=1, limit=50, query=code)
    assert found["list"][0]["name"] == "Newest"
    assert world.call("list_permission_namespace_roles", code=code)["totalCount"] == 0
    world.call("delete_permission_namespace", code=code)
    world.status(404, "delete_permission_namespaces_batch", codes=[other, "unknown"])
    world.call("delete_permission_namespaces_batch", codes=[other])


def reserved_codes(world):
    world.status(403, "create_permission_namespace", name="x", code="default")
    world.status(409, "create_permission_namespaces_batch", list=[{"code": "system", "name": "x"}])
    world.status(400, "create_namespace", code="a b")


STEPS = [the_older_family, the_newer_family, reserved_codes]
