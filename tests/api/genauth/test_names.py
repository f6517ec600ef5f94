"""Types and actions whose names other doors made: with colons, slashes and dots."""

import pytest

from permissions.operations.types import ActionSpec, create_type
from tests import facts

pytestmark = pytest.mark.django_db
TYPES = ["pods/log", "urn:example:order", "v1.pods"]
ACTIONS = ["s3:GetObject", "document:read", "portal.bookings.self", "Start"]


@pytest.fixture(params=TYPES)
def code(request):
    actions = [ActionSpec(name=name) for name in ACTIONS]
    create_type(actor=None, label=f"default.{request.param}", actions=actions, mode="open")
    return request.param


def authorize(caller, user, resource, *actions):
    return caller.call(
        "authorize-resources",
        namespace="default",
        list=[
            {
                "targetType": "USER",
                "targetIdentifiers": [user.hex_id],
                "resources": [{"code": resource, "resourceType": "DATA", "actions": list(actions)}],
            }
        ],
    )


def allowed(caller, user, action, resource):
    body = caller.call("is-action-allowed", userId=user.hex_id, action=action, resource=resource)
    return body["data"]["allowed"]


@pytest.mark.parametrize("action", ACTIONS)
def test_what_other_doors_named_can_be_authorized_and_asked_about(admin, bob, code, action):
    assert authorize(admin, bob, f"{code}:4:2", action)["statusCode"] == 200

    for name in (action, f"{code}:{action}"):
        assert allowed(admin, bob, name, f"{code}:4:2")
        assert not allowed(admin, bob, name, f"{code}:4")
    for other in ACTIONS:
        assert allowed(admin, bob, other, f"{code}:4:2") == (other == action)
    checked = admin.call(
        "check-permission",
        userId=bob.hex_id,
        namespaceCode="default",
        action=action,
        resources=[f"/{code}/4:2", f"{code}:4:2"],
    )
    assert [one["enabled"] for one in checked["data"]["checkResultList"]] == [True, True]
    targets = admin.call("get-resource-authorized-targets", resource=f"{code}:4:2")["data"]["list"]
    assert [one["actions"] for one in targets] == [[f"{code}:{action}"]]


def test_every_action_of_such_a_type(admin, bob, code):
    assert authorize(admin, bob, code, "*")["statusCode"] == 200

    assert bob.global_grants.count() == len(ACTIONS)
    for every in ("*", f"{code}:*"):
        assert allowed(admin, bob, every, f"{code}:1")
        assert allowed(admin, bob, every, code)


def test_the_first_colon_divides_where_a_type_goes_by_what_is_before_it(admin, bob, code):
    admin.call("create-resource", code="ecs", type="DATA", actions=[{"name": "ecs:Start"}])
    create_type(actor=None, label="default.ecs:1", actions=[ActionSpec(name="Start")], mode="open")
    authorize(admin, bob, "ecs:1:2", "ecs:Start")

    assert bob.object_grants.get().object_pk == "1:2"
    assert allowed(admin, bob, "ecs:Start", "ecs:1:2")


def test_an_action_of_another_resource_is_refused_unless_the_type_has_it(admin, bob):
    admin.call("create-resource", code="ecs", type="DATA", actions=[{"name": "ecs:Start"}])

    assert authorize(admin, bob, "ecs:1", "oss:Start")["statusCode"] == 400
    assert not allowed(admin, bob, "oss:Start", "ecs:1")
    assert authorize(admin, bob, "ecs:1", "ecs:oss:Start")["statusCode"] == 200
    assert authorize(admin, bob, "ecs:1", "oss:Start")["statusCode"] == 200
    assert allowed(admin, bob, "oss:Start", "ecs:1")


def test_an_update_keeps_the_actions_that_other_doors_named(admin, bob):
    create_type(
        actor=None, label="default.bill", actions=[ActionSpec(name="view_bill")], mode="open"
    )
    facts.grant(bob, "default.view_bill")
    data = admin.ask("get-resource", code="bill")["data"]

    answer = admin.call("update-resource", code="bill", actions=data["actions"])

    assert answer["data"]["actions"] == data["actions"]
    assert bob.global_grants.exists()
