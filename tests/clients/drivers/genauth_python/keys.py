"""Access keys, and tokens as the packages handle them."""

import requests


def a_wrong_secret_is_refused(world):
    host = world.client.host
    wrong = world.module.ManagementClient("0" * 24, "wrong", host=host)
    told = ""
    try:
        wrong.get_role(code="x")
    except Exception as error:  # noqa: BLE001  each package has a class of its own
        told = f"{error} {vars(error)}"
    assert "401" in told, told


def one_token_serves_many_calls(world):
    asked = []
    original = requests.post
    requests.post = lambda *a, **k: asked.append(a) or original(*a, **k)
    try:
        world.call("list_roles")
        world.call("list_roles")
    finally:
        requests.post = original
    assert not asked, asked


def a_key_is_made_listed_and_deleted(world):
    made = world.call("create_access_key", type="userpool")
    listed = world.call("get_access_key_list")["list"]
    assert made["accessKeyId"] in [one["accessKeyId"] for one in listed]
    found = world.call("get_access_key", user_id=made["userId"], access_key_id=made["accessKeyId"])
    assert "accessKeySecret" not in found
    other = world.module.ManagementClient(
        made["accessKeyId"], made["accessKeySecret"], host=world.client.host
    )
    assert other.list_roles()["statusCode"] == 403
    world.call("delete_access_key", access_key_id=made["accessKeyId"])
    assert other.list_roles()["statusCode"] == 401


STEPS = [
    a_wrong_secret_is_refused,
    one_token_serves_many_calls,
    a_key_is_made_listed_and_deleted,
]
