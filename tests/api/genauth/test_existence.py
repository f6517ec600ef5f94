"""What a caller may not know of is missing: no answer tells one from the other."""

import pytest

from permissions.operations import create_group, create_type
from permissions.operations.types import ActionSpec
from roles.models import Namespace
from tests import facts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hidden():
    return Namespace.objects.create(code="hidden", name="Hidden")


@pytest.mark.parametrize(
    ("verb", "operation", "words"),
    [
        ("ask", "list-roles", {}),
        ("ask", "get-role", {"code": "x"}),
        ("ask", "list-resources", {}),
        ("ask", "get-resource", {"code": "x"}),
        ("ask", "get-role-authorized-resources", {"code": "x"}),
        ("call", "get-resource-authorized-targets", {"resource": "x"}),
        ("call", "create-role", {"code": "x"}),
        ("call", "create-resource", {"code": "x", "type": "DATA", "actions": []}),
        ("call", "assign-role", {"code": "x", "targets": []}),
        ("call", "delete-resource", {"code": "x"}),
    ],
)
def test_a_hidden_namespace_is_as_one_that_is_not_there(caller_of, alice, verb, operation, words):
    """alice may add, and views one role elsewhere."""
    role = facts.role("seen")
    facts.grant(alice, "authentik_rbac.view_role", on=role)
    for name in ("authentik_rbac.add_role", "permissions.add_resourcetype"):
        facts.grant(alice, name)
    caller = caller_of(alice)
    ask = getattr(caller, verb)

    there, absent = (ask(operation, namespace=code, **words) for code in ("hidden", "absent"))

    for answer in (there, absent):
        answer.pop("requestId")
    assert there == absent
    assert there["statusCode"] != 200


def test_everybody_learns_what_it_may_do_itself_in_any_namespace(caller_of, alice):
    caller, asked = caller_of(alice), {"action": "go", "resource": "x:1"}

    for code in ("hidden", "absent"):
        answer = caller.call("is-action-allowed", userId=alice.hex_id, namespace=code, **asked)
        assert answer["data"] == {"allowed": False}


def test_a_namespace_is_known_by_itself_by_a_role_or_by_a_type(caller_of, alice, bob, hidden):
    role = facts.role("hidden:r", code="r", namespace=hidden)
    ask = caller_of(alice).ask

    assert ask("list-roles", namespace="hidden")["statusCode"] == 404
    facts.grant(alice, "authentik_rbac.view_role", on=role)
    assert ask("list-roles", namespace="hidden")["data"]["totalCount"] == 1
    facts.grant(bob, "authentik_rbac.view_namespace", on=hidden)
    assert caller_of(bob).ask("list-roles", namespace="hidden")["statusCode"] == 403
    create_type(actor=None, label="hidden.x")
    assert caller_of(bob).ask("list-resources", namespace="hidden")["statusCode"] == 403


def test_authorizing_does_not_tell_which_resources_there_are(caller_of, alice, bob):
    Namespace.objects.create(code="shop", name="Shop")
    create_type(actor=None, label="shop.bill", actions=[ActionSpec(name="pay")])
    facts.resource("shop.bill", "there")
    for verb in ("assign", "unassign"):
        facts.grant(alice, f"authentik_core.{verb}_user_permissions", on=bob)
    facts.grant(alice, "authentik_core.view_user", on=bob)

    def answer(key, *actions):
        resource = {"code": f"bill:{key}", "resourceType": "DATA", "actions": list(actions)}
        target = {"targetType": "USER", "targetIdentifiers": [bob.hex_id]}
        one = {**target, "resources": [resource]}
        said = caller_of(alice).call("authorize-resources", namespace="shop", list=[one])
        return said["statusCode"], said["message"].replace(key, "key")

    assert answer("there", "pay") == answer("absent", "pay")
    assert answer("there", "pay")[0] == 403
    assert answer("there") == answer("absent")
    facts.grant(alice, "shop.pay")
    assert answer("there", "pay")[0] == 200
    assert answer("absent", "pay")[0] == 400


def test_a_department_below_another_needs_the_right_to_add_to_that(caller_of, alice, admin):
    made = admin.call("create-organization", organizationName="O", organizationCode="o")
    assert made["statusCode"] == 200
    for verb in ("view", "add"):
        facts.grant(alice, f"authentik_core.{verb}_group")
    caller = caller_of(alice)
    new = {"organizationCode": "o", "name": "D", "parentDepartmentId": "root"}

    assert caller.call("create-department", **new)["statusCode"] == 403
    facts.grant(alice, "authentik_core.add_user_to_group")
    assert caller.call("create-department", **new)["statusCode"] == 200


def test_and_meets_the_ceiling(caller_of, alice, admin):
    top = create_group(actor=None, name="o:o", code="o", organization="o", kind="department")
    role = facts.role("boss")
    facts.grant(role, "authentik_rbac.delete_role")
    facts.hold(role, top)
    for name in ("view_group", "add_group", "add_user_to_group"):
        facts.grant(alice, f"authentik_core.{name}")
    new = {"organizationCode": "o", "name": "D", "parentDepartmentId": "root"}

    assert caller_of(alice).call("create-department", **new)["statusCode"] == 403
    assert admin.call("create-department", **new)["statusCode"] == 200
