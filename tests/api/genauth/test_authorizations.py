"""What targets may do on resources: replaced, read back from every side, and decided."""

import pytest

from accounts.models import User
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import ResourceType, UserObjectPermission
from permissions.operations import grants_by_name
from permissions.operations.types import ActionSpec, create_type
from roles.models import Role, Scope, ScopeEntry, ScopeKind
from tests import facts
from tests.api.genauth.conftest import user
from tests.statements import counted

pytestmark = pytest.mark.django_db


def status(answer):
    return answer["statusCode"]


@pytest.fixture
def ecs(admin):
    actions = [{"name": f"ecs:{verb}"} for verb in ("Start", "Stop")]
    admin.call("create-resource", code="ecs", type="API", actions=actions)


def authorize(admin, kind, identifier, resource, *actions, **more):
    item = {
        "targetType": kind,
        "targetIdentifiers": [identifier],
        "resources": [{"code": resource, "resourceType": "API", "actions": list(actions)}],
    }
    return admin.call("authorize-resources", list=[item], **more)


def allowed(admin, who, action, resource, **more):
    answer = admin.call(
        "is-action-allowed", userId=who.hex_id, action=action, resource=resource, **more
    )
    return answer["data"]["allowed"]


def test_one_resource_is_granted_and_no_other(admin, ecs, bob):
    assert authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Start")["data"] == {"success": True}

    assert allowed(admin, bob, "ecs:Start", "ecs:1")
    assert not allowed(admin, bob, "ecs:Start", "ecs:2")
    assert not allowed(admin, bob, "ecs:Stop", "ecs:1")
    assert not allowed(admin, bob, "ecs:Start", "ecs:*")
    assert engine.check(bob, "Start", ResourceRef("default.ecs", "1")).allowed


@pytest.mark.parametrize("whole", ["ecs", "ecs:*"])
def test_the_whole_code_is_granted(admin, ecs, bob, whole):
    authorize(admin, "USER", bob.hex_id, whole, "Start")

    for resource in ("ecs:1", "ecs:2", "ecs", "ecs:*"):
        assert allowed(admin, bob, "ecs:Start", resource)


@pytest.mark.parametrize("every", ["*", "ecs:*"])
def test_every_action_is_granted(admin, ecs, bob, every):
    authorize(admin, "USER", bob.hex_id, "ecs:1", every)

    assert allowed(admin, bob, "ecs:Stop", "ecs:1")
    assert allowed(admin, bob, "ecs:*", "ecs:1")
    assert not allowed(admin, bob, "ecs:*", "ecs:2")


def test_authorizing_replaces_and_an_empty_list_takes_away(admin, ecs, bob):
    authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Start")
    authorize(admin, "USER", bob.hex_id, "ecs:2", "ecs:Start")
    authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Stop")
    assert not allowed(admin, bob, "ecs:Start", "ecs:1")
    assert allowed(admin, bob, "ecs:Stop", "ecs:1")

    authorize(admin, "USER", bob.hex_id, "ecs:1")
    assert not allowed(admin, bob, "ecs:Stop", "ecs:1")
    assert allowed(admin, bob, "ecs:Start", "ecs:2")


def test_the_same_resource_twice_in_one_call_adds_up(admin, ecs, bob):
    item = {
        "targetType": "USER",
        "targetIdentifiers": [bob.hex_id, bob.hex_id],
        "resources": [
            {"code": "ecs:1", "resourceType": "API", "actions": ["ecs:Start"]},
            {"code": "ecs:1", "resourceType": "API", "actions": ["ecs:Stop"]},
        ],
    }

    assert status(admin.call("authorize-resources", list=[item])) == 200
    assert UserObjectPermission.objects.count() == 2


def test_all_four_kinds_of_targets(admin, ecs, alice, bob):
    admin.call("create-role", code="manager")
    admin.call("assign-role", code="manager", targets=[user(alice)])
    admin.call("create-group", code="devs")
    admin.call("add-group-members", code="devs", userIds=[bob.hex_id])
    admin.call("create-organization", organizationCode="acme", organizationName="Acme")
    made = admin.call(
        "create-department", organizationCode="acme", name="S", parentDepartmentId="root"
    )["data"]
    admin.call(
        "add-department-members",
        organizationCode="acme",
        departmentId=made["departmentId"],
        userIds=[bob.hex_id],
    )
    root = made["parentDepartmentId"]

    authorize(admin, "ROLE", "manager", "ecs:1", "ecs:Start")
    authorize(admin, "GROUP", "devs", "ecs:2", "ecs:Start")
    authorize(admin, "DEPARTMENT", root, "ecs:3", "ecs:Start")

    assert [allowed(admin, alice, "ecs:Start", f"ecs:{n}") for n in (1, 2, 3)] == [
        True,
        False,
        False,
    ]
    assert [allowed(admin, bob, "ecs:Start", f"ecs:{n}") for n in (1, 2, 3)] == [False, True, True]
    assert [one["code"] for one in admin.ask("list-roles")["data"]["list"]] == ["manager"]


def test_what_was_granted_to_a_group_goes_with_it(admin, ecs, bob):
    admin.call("create-group", code="devs")
    admin.call("add-group-members", code="devs", userIds=[bob.hex_id])
    authorize(admin, "GROUP", "devs", "ecs:2", "ecs:Start")
    assert Role.objects.filter(managed__isnull=False).count() == 1

    admin.call("delete-groups-batch", codeList=["devs"])
    assert not Role.objects.filter(managed__isnull=False).exists()
    assert not allowed(admin, bob, "ecs:Start", "ecs:2")


def test_an_unknown_code_is_registered_with_its_actions(admin, bob):
    assert status(authorize(admin, "USER", bob.hex_id, "new:1", "new:Read")) == 200

    assert allowed(admin, bob, "new:Read", "new:1")
    assert admin.ask("get-resource", code="new")["data"]["type"] == "API"


def test_an_unknown_action_is_registered(admin, ecs, bob):
    authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Reboot")

    assert allowed(admin, bob, "ecs:Reboot", "ecs:1")
    names = [one["name"] for one in admin.ask("get-resource", code="ecs")["data"]["actions"]]
    assert names == ["ecs:Start", "ecs:Stop", "ecs:Reboot"]


def test_an_action_of_another_protocol_is_known_by_its_short_form(admin, bob):
    create_type(
        actor=None, label="default.invoice", actions=[ActionSpec(name="view_invoice")], mode="open"
    )
    authorize(admin, "USER", bob.hex_id, "invoice:7", "invoice:view")

    assert allowed(admin, bob, "invoice:view", "invoice:7")
    assert (
        ResourceType.objects.labelled("default.invoice").get().content_type.permission_set.count()
        == 1
    )


def test_a_strict_type_has_only_its_resources(admin, bob):
    create_type(actor=None, label="default.invoice", actions=[ActionSpec(name="view_invoice")])
    facts.resource("default.invoice", "7")

    assert status(authorize(admin, "USER", bob.hex_id, "invoice:7", "view")) == 200
    assert status(authorize(admin, "USER", bob.hex_id, "invoice:8", "view")) == 400


@pytest.mark.parametrize("code", ["", "a b", "a b:1", ":1", "ecs:" + "x" * 252, "a\0b"])
def test_a_bad_resource_is_refused(admin, ecs, bob, code):
    assert status(authorize(admin, "USER", bob.hex_id, code, "Start")) == 400


def test_what_is_unknown_is_404(admin, ecs, bob):
    assert status(authorize(admin, "USER", bob.hex_id, "ecs", "Start", namespace="x")) == 404
    assert status(authorize(admin, "USER", "x", "ecs", "Start")) == 404
    assert status(authorize(admin, "GROUP", "x", "ecs", "Start")) == 404


def test_a_call_succeeds_wholly_or_not_at_all(admin, ecs, bob):
    good = {
        "targetType": "USER",
        "targetIdentifiers": [bob.hex_id],
        "resources": [{"code": "ecs:1", "resourceType": "API", "actions": ["Start"]}],
    }
    bad = {**good, "targetIdentifiers": ["x"]}

    assert status(admin.call("authorize-resources", list=[good, bad])) == 404
    assert status(admin.call("authorize-resources", list=[good] * 11)) == 400
    assert status(admin.call("authorize-resources", list=[])) == 400
    assert not UserObjectPermission.objects.exists()


def test_more_targets_and_resources_cost_no_more_statements(admin, ecs):
    people = [facts.make_superuser(User.objects.create(username=f"u{n}")) for n in range(5)]

    def cost(users, keys):
        item = {
            "targetType": "USER",
            "targetIdentifiers": [one.hex_id for one in users],
            "resources": [
                {"code": f"ecs:{key}", "resourceType": "API", "actions": ["Start", "Stop"]}
                for key in keys
            ],
        }
        with counted() as statements:
            admin.call("authorize-resources", list=[item])
        return len(statements)

    assert cost(people[:1], "a") == cost(people[1:], "bcde")


def test_what_a_target_was_authorized_to_is_read_back(admin, ecs, bob):
    admin.call("create-role", code="manager")
    authorize(admin, "ROLE", "manager", "ecs:*", "ecs:Start")
    authorize(admin, "ROLE", "manager", "ecs:1", "ecs:Stop")

    rows = admin.ask("get-role-authorized-resources", code="manager")["data"]
    assert rows["totalCount"] == 2
    assert rows["list"][0] == {
        "resourceCode": "ecs:*",
        "resourceType": "API",
        "actions": ["ecs:Start"],
        "apiIdentifier": "",
        "effect": "ALLOW",
        "description": "",
        "condition": [],
    }
    same = admin.ask(
        "get-authorized-resources",
        targetType="ROLE",
        targetIdentifier="manager",
        resourceList="ecs:1,x",
        withDenied="True",
    )["data"]["list"]
    assert [row["resourceCode"] for row in same] == ["ecs:1"]
    none = admin.ask("get-role-authorized-resources", code="manager", resourceType="MENU")
    assert none["data"]["totalCount"] == 0
    assert status(admin.ask("get-role-authorized-resources", code="x")) == 404
    assert status(admin.ask("get-role-authorized-resources", code="manager", namespace="x")) == 404


def test_what_a_group_was_authorized_to_is_a_plain_list(admin, ecs):
    admin.call("create-group", code="devs")
    assert admin.ask("get-group-authorized-resources", code="devs")["data"] == []
    authorize(admin, "GROUP", "devs", "ecs:2", "ecs:Start")

    [row] = admin.ask("get-group-authorized-resources", code="devs")["data"]
    assert (row["resourceCode"], row["actions"]) == ("ecs:2", ["ecs:Start"])
    answer = admin.ask("get-group-authorized-resources", code="x")
    assert (status(answer), answer["message"]) == (404, "group not exists with code: x")


def test_what_a_user_is_authorized_to_comes_from_everywhere(admin, ecs, bob):
    admin.call("create-role", code="manager")
    admin.call("assign-role", code="manager", targets=[user(bob)])
    admin.call("create-group", code="devs")
    admin.call("add-group-members", code="devs", userIds=[bob.hex_id])
    authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Start")
    authorize(admin, "ROLE", "manager", "ecs:1", "ecs:Stop")
    authorize(admin, "GROUP", "devs", "ecs:2", "ecs:Start")

    rows = admin.ask("get-user-authorized-resources", userId="bob", userIdType="username")["data"]
    assert [(row["resourceCode"], row["actions"]) for row in rows["list"]] == [
        ("ecs:1", ["ecs:Start", "ecs:Stop"]),
        ("ecs:2", ["ecs:Start"]),
    ]


def test_what_scopes_limit_is_listed_as_far_as_they_reach(admin, ecs, bob):
    role = facts.role("manager")
    authorize(admin, "ROLE", "manager", "ecs:*", "ecs:Start")
    authorize(admin, "ROLE", "manager", "ecs:9", "ecs:Stop")
    kind = ResourceType.objects.labelled("default.ecs").get()
    scope = Scope.objects.create(kind=ScopeKind.SELECTED)
    for key in ("1", "2"):
        ScopeEntry.objects.create(scope=scope, content_type=kind.content_type, object_pk=key)
    facts.hold(role, bob, scope=scope)

    rows = admin.ask("get-user-authorized-resources", userId=bob.hex_id)["data"]["list"]
    assert [row["resourceCode"] for row in rows] == ["ecs:1", "ecs:2"]
    assert all(allowed(admin, bob, row["actions"][0], row["resourceCode"]) for row in rows)


def test_who_was_authorized_to_a_resource(admin, ecs, bob):
    admin.call("create-role", code="manager")
    admin.call("create-group", code="devs")
    authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Start")
    authorize(admin, "ROLE", "manager", "ecs:*", "ecs:Stop")
    authorize(admin, "GROUP", "devs", "ecs:2", "ecs:Start")

    def targets(resource, **more):
        answer = admin.call("get-resource-authorized-targets", resource=resource, **more)
        return [(row["targetType"], row["targetIdentifier"]) for row in answer["data"]["list"]]

    assert targets("ecs:1") == [("ROLE", "manager"), ("USER", bob.hex_id)]
    assert targets("ecs") == [("GROUP", "devs"), ("ROLE", "manager"), ("USER", bob.hex_id)]
    assert targets("ecs:2", targetType="GROUP") == [("GROUP", "devs")]
    assert targets("unknown") == []


def test_a_role_of_another_namespace_is_called_by_its_code_alone(admin, ecs):
    admin.call("create-namespace", code="shop", name="Shop")
    admin.call("create-role", code="clerk", namespace="shop")
    authorize(admin, "ROLE", "shop:clerk", "ecs:1", "ecs:Start")

    answer = admin.call("get-resource-authorized-targets", resource="ecs:1")

    [row] = answer["data"]["list"]
    assert (row["targetType"], row["targetIdentifier"]) == ("ROLE", "clerk")


def test_an_action_of_another_resource_is_not_allowed(admin, ecs, bob):
    authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Start")

    assert not allowed(admin, bob, "other:Start", "ecs:1")
    assert not allowed(admin, bob, "ecs:Unknown", "ecs:1")
    assert not allowed(admin, bob, "ecs:Start", "other:1")


def test_an_unknown_user_has_its_code(admin, ecs):
    answer = admin.call("is-action-allowed", userId="0" * 24, action="ecs:Start", resource="ecs:1")

    assert (status(answer), answer["apiCode"]) == (404, 2004)


def test_several_resources_are_checked_at_once(admin, ecs, bob):
    authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Start")
    answer = admin.call(
        "check-permission",
        namespaceCode="default",
        userId=bob.hex_id,
        action="Start",
        resources=["ecs:1", "/ecs/1", "ecs:2", "unknown"],
        judgeConditionEnabled=False,
    )

    results = answer["data"]["checkResultList"]
    assert [row["enabled"] for row in results] == [True, True, False, False]
    assert results[1] == {
        "namespaceCode": "default",
        "action": "Start",
        "resource": "/ecs/1",
        "enabled": True,
    }


def test_a_decision_costs_few_statements(admin, ecs, bob):
    with counted() as statements:
        allowed(admin, bob, "ecs:Start", "ecs:1")

    assert len(statements) <= 5, statements


def test_everybody_may_ask_about_themselves_and_only_few_about_others(
    caller_of, ecs, admin, alice, bob
):
    authorize(admin, "USER", alice.hex_id, "ecs:1", "ecs:Start")
    caller = caller_of(alice)
    body = {"action": "ecs:Start", "resource": "ecs:1"}

    assert caller.call("is-action-allowed", userId=alice.hex_id, **body)["data"]["allowed"]
    assert status(caller.call("is-action-allowed", userId=bob.hex_id, **body)) == 403
    assert status(caller.call("is-action-allowed", userId="0" * 24, **body)) == 403
    facts.grant(alice, "authentik_rbac.check_access")
    assert status(caller.call("is-action-allowed", userId=bob.hex_id, **body)) == 200


def test_nobody_authorizes_beyond_what_they_hold(caller_of, admin, ecs, alice, bob):
    for name in ("view_user", "assign_user_permissions", "unassign_user_permissions"):
        facts.grant(alice, f"authentik_core.{name}")
    caller = caller_of(alice)

    assert status(authorize(caller, "USER", bob.hex_id, "ecs:1", "ecs:Start")) == 403
    authorize(admin, "USER", alice.hex_id, "ecs:1", "ecs:Start")
    assert status(authorize(caller, "USER", bob.hex_id, "ecs:1", "ecs:Start")) == 200
    assert status(authorize(caller, "USER", bob.hex_id, "ecs:2", "ecs:Start")) == 403
    assert status(authorize(caller, "USER", bob.hex_id, "new:2", "new:Start")) == 403
    assert not ResourceType.objects.labelled("default.new").exists()


def test_a_stranger_authorizes_and_reads_nothing(caller_of, ecs, charlie):
    caller = caller_of(charlie)

    assert status(authorize(caller, "USER", charlie.hex_id, "ecs:1", "ecs:Start")) == 403
    assert status(caller.ask("get-user-authorized-resources", userId=charlie.hex_id)) == 403
    asked = caller.call("get-resource-authorized-targets", resource="ecs")
    assert asked["data"] == {"totalCount": 0, "list": []}


@pytest.mark.parametrize("reads", [1, 2, 3])
def test_actions_named_at_the_same_time_stay_with_their_grants(admin, ecs, bob, monkeypatch, reads):
    """Another call names an action of its own right after this one has read, for whatever time."""
    left = [grants_by_name._permissions] * reads

    def with_another(types):
        found = list(left.pop()(types))
        if not left:
            monkeypatch.undo()
            assert status(authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Ping")) == 200
        return found

    monkeypatch.setattr(grants_by_name, "_permissions", with_another)

    assert status(authorize(admin, "USER", bob.hex_id, "ecs:2", "ecs:Trace")) == 200
    assert allowed(admin, bob, "ecs:Ping", "ecs:1")
    assert allowed(admin, bob, "ecs:Trace", "ecs:2")


def test_a_resource_code_has_no_more_actions_than_a_type_may(admin, ecs, bob, monkeypatch):
    monkeypatch.setattr(grants_by_name, "MOST_ACTIONS", 3)
    actions = ResourceType.objects.labelled("default.ecs").get().content_type.permission_set

    assert status(authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Ping")) == 200
    assert status(authorize(admin, "USER", bob.hex_id, "ecs:1", "ecs:Trace")) == 400
    assert actions.count() == 3
