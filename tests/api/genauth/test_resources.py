"""Resource types by the codes of this protocol."""

import pytest

from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import ResourceType, UserObjectPermission
from permissions.operations.types import ActionSpec, create_type

pytestmark = pytest.mark.django_db
ACTIONS = [{"name": "ecs:Start", "description": "Start it"}, {"name": "ecs:Stop"}]


def status(answer):
    return answer["statusCode"]


@pytest.fixture
def ecs(admin):
    return admin.call(
        "create-resource",
        code="ecs",
        type="API",
        name="Machines",
        description="d",
        actions=ACTIONS,
        apiIdentifier="https://ecs.example.com",
    )


def test_a_resource_is_created_and_read_back(admin, ecs):
    assert ecs["data"] == {
        "code": "ecs",
        "type": "API",
        "name": "Machines",
        "description": "d",
        "actions": [
            {"name": "ecs:Start", "description": "Start it"},
            {"name": "ecs:Stop", "description": "ecs:Stop"},
        ],
        "apiIdentifier": "https://ecs.example.com",
        "namespace": "default",
        "linkedToTenant": False,
    }
    assert admin.ask("get-resource", code="ecs")["data"] == ecs["data"]
    assert ResourceType.objects.labelled("default.ecs").exists()


@pytest.mark.parametrize("code", ["", "a b", "a:b", "资源", "x" * 65, "x" * 100])
def test_a_bad_code_is_refused(admin, code):
    assert status(admin.call("create-resource", code=code, type="DATA")) == 400


def test_a_code_may_begin_with_a_digit_and_keeps_its_case(admin):
    admin.call("create-namespace", code="64b0aa")
    made = admin.call("create-resource", code="Ecs-1", type="DATA", namespace="64b0aa")

    assert made["data"]["code"] == "Ecs-1"
    assert ResourceType.objects.labelled("64b0aa.Ecs-1").exists()


@pytest.mark.parametrize("action", ["other:Start", "ecs:", "ecs:a b", "x" * 101])
def test_a_bad_action_is_refused(admin, action):
    body = {"code": "ecs", "type": "DATA", "actions": [{"name": action}]}

    assert status(admin.call("create-resource", **body)) == 400
    assert not ResourceType.objects.labelled("default.ecs").exists()


def test_what_a_resource_needs(admin, ecs):
    assert status(admin.call("create-resource", code="x")) == 400
    assert status(admin.call("create-resource", code="x", type="OTHER")) == 400
    assert status(admin.call("create-resource", code="x", type="DATA", namespace="x")) == 404
    assert status(admin.call("create-resource", code="x", type="DATA", namespace="system")) == 403
    assert status(admin.call("create-resource", code="ecs", type="DATA")) == 409


def test_a_batch_is_created_wholly_or_not_at_all(admin, ecs):
    def create(*codes):
        rows = [{"code": code, "type": "DATA"} for code in codes]
        return status(admin.call("create-resources-batch", list=rows))

    assert create("a", "b") == 200
    assert create("c", "ecs") == 409
    assert create("d", "d") == 409
    assert create() == 400
    codes = admin.ask("list-resources", limit=50)["data"]["list"]
    assert [one["code"] for one in codes] == ["ecs", "a", "b"]


def test_resources_are_listed_by_namespace_and_type(admin, ecs):
    create_type(actor=None, label="default.other", actions=[ActionSpec(name="view_other")])

    listed = admin.ask("list-resources", type="API")["data"]
    assert [one["code"] for one in listed["list"]] == ["ecs"]
    other = admin.ask("list-resources", type="DATA")["data"]
    assert other["list"][0]["actions"][0]["name"] == "other:view"
    assert status(admin.ask("list-resources", namespace="x")) == 404


def test_several_are_read_at_once(admin, ecs):
    assert len(admin.ask("get-resources-batch", codeList="ecs,x")["data"]) == 1
    assert len(admin.ask("get-resources-batch", codeList=["ecs", "x"])["data"]) == 1
    assert status(admin.ask("get-resources-batch")) == 400


def test_a_resource_is_changed(admin, ecs, bob):
    UserObjectPermission.objects.create(
        user=bob,
        permission=ResourceType.objects.labelled("default.ecs")
        .get()
        .content_type.permission_set.get(codename="Stop"),
        object_pk="1",
    )
    changed = admin.call(
        "update-resource", code="ecs", name="Servers", actions=[{"name": "Start"}], type="DATA"
    )["data"]

    assert (changed["name"], changed["type"], changed["description"]) == ("Servers", "DATA", "d")
    assert [one["name"] for one in changed["actions"]] == ["ecs:Start"]
    assert not UserObjectPermission.objects.exists()
    assert status(admin.call("update-resource", code="x", name="x")) == 404


def test_what_is_not_given_stays(admin, ecs):
    assert admin.call("update-resource", code="ecs", description="new")["data"] == {
        **ecs["data"],
        "description": "new",
    }


def test_deleting_what_does_not_exist_is_no_error(admin, ecs):
    assert status(admin.call("delete-resource", code="x")) == 200
    assert status(admin.call("delete-resources-batch", codeList=["x", "ecs"])) == 200
    assert status(admin.call("delete-resources-batch", codeList=[])) == 400
    assert not ResourceType.objects.labelled("default.ecs").exists()


def test_a_deleted_code_comes_back_empty(admin, ecs, bob):
    one = {"targetType": "USER", "targetIdentifiers": [bob.hex_id]}
    grant = {
        **one,
        "resources": [{"code": "ecs:1", "resourceType": "API", "actions": ["ecs:Start"]}],
    }
    admin.call("authorize-resources", list=[grant])
    admin.call("delete-resource", code="ecs")
    admin.call("create-resource", code="ecs", type="API", actions=ACTIONS)

    assert not engine.check(bob, "Start", ResourceRef("default.ecs", "1")).allowed


def test_a_namespace_goes_with_its_resources(admin):
    admin.call("create-namespace", code="shop")
    admin.call("create-resource", code="ecs", type="DATA", namespace="shop")
    admin.call("update-namespace", code="shop", newCode="store")
    assert status(admin.ask("get-resource", code="ecs", namespace="store")) == 200

    assert status(admin.call("delete-namespace", code="store")) == 200
    assert not ResourceType.objects.filter(content_type__model="ecs").exists()


def test_a_stranger_sees_and_changes_nothing(caller_of, charlie, ecs):
    caller = caller_of(charlie)

    assert status(caller.ask("get-resource", code="ecs")) == 403
    assert status(caller.ask("list-resources")) == 403
    assert status(caller.call("create-resource", code="x", type="DATA")) == 403
    assert status(caller.call("update-resource", code="ecs", name="x")) == 403
    assert status(caller.call("delete-resource", code="ecs")) == 403
