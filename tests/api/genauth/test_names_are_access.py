"""Namespaces give roles and types the names by which decisions are asked."""

import pytest

from audit.models import Event, EventKind
from permissions import engine
from permissions.engine import ResourceRef
from permissions.models import ResourceType
from permissions.operations import create_type
from permissions.operations.types import ActionSpec
from roles.models import Namespace
from tests import facts

pytestmark = pytest.mark.django_db

APPROVE = ResourceRef("shop.invoice", "42")


def invoices(label):
    actions = [ActionSpec(name="approve_invoice")]
    return create_type(actor=None, label=label, mode="open", actions=actions)


def namespace(code):
    return Namespace.objects.create(code=code, name=code)


@pytest.fixture
def shop(bob):
    invoices("shop.invoice")
    facts.grant(bob, "shop.approve_invoice")
    return namespace("shop")


@pytest.fixture
def mine(alice):
    invoices("mine.invoice")
    facts.grant(alice, "mine.approve_invoice")
    for verb in ("add", "view", "change"):
        facts.grant(alice, f"authentik_rbac.{verb}_namespace")
    return namespace("mine")


@pytest.fixture(params=["update-namespace", "update-permission-namespace"])
def update(request):
    return request.param


def test_a_namespace_is_renamed_by_whoever_holds_what_is_held_there(
    caller_of, alice, shop, mine, update
):
    caller = caller_of(alice)

    refused = caller.call(update, code="shop", newCode="away")
    renamed = caller.call(update, code="mine", newCode="ours")

    assert refused["statusCode"] == 403
    assert "shop.approve_invoice" in refused["message"]
    assert renamed["statusCode"] == 200
    assert engine.check(alice, "approve", ResourceRef("ours.invoice", "42")).allowed


def test_types_do_not_move_into_a_label_that_is_in_use(caller_of, admin, alice, mine, update):
    """Also where no namespace has it, and in another case."""
    invoices("shop.invoice")

    for code in ("shop", "Shop"):
        assert caller_of(alice).call(update, code="mine", newCode=code)["statusCode"] == 409
        assert admin.call(update, code="mine", newCode=code)["statusCode"] == 409
        assert admin.call("create-namespace", code=code, name="x")["statusCode"] == 409
    assert not engine.check(alice, "approve", APPROVE).allowed


def test_nor_into_one_whose_types_are_gone_or_have_another(
    caller_of, admin, alice, shop, mine, update
):
    assert admin.call(update, code="shop", newCode="away")["statusCode"] == 200
    assert caller_of(alice).call(update, code="mine", newCode="shop")["statusCode"] == 403
    assert admin.call("delete-namespace", code="away")["statusCode"] == 200

    assert caller_of(alice).call(update, code="mine", newCode="away")["statusCode"] == 403
    assert caller_of(alice).call(update, code="mine", newCode="shop")["statusCode"] == 403
    assert not engine.check(alice, "approve", APPROVE).allowed
    assert admin.call(update, code="mine", newCode="shop")["statusCode"] == 200


def test_types_may_have_their_own_label_back(caller_of, alice, mine, update):
    caller = caller_of(alice)

    assert caller.call(update, code="mine", newCode="ours")["statusCode"] == 200
    assert caller.call(update, code="ours", newCode="mine")["statusCode"] == 200
    assert engine.check(alice, "approve", ResourceRef("mine.invoice", "42")).allowed


def test_what_is_renamed_along_has_its_events(admin, mine, update):
    facts.role("mine:boss", code="boss", namespace=mine)

    assert admin.call(update, code="mine", newCode="ours")["statusCode"] == 200
    told = {event.kind: (event.before, event.after) for event in Event.objects.all()}
    assert told[EventKind.ROLE_CHANGED] == ({"name": "mine:boss"}, {"name": "ours:boss"})
    assert told[EventKind.RESOURCE_TYPE_CHANGED] == (
        {"label": "mine.invoice"},
        {"label": "ours.invoice"},
    )


def test_the_roles_in_it_count_as_well(caller_of, alice, mine, update):
    role = facts.role("mine:boss", code="boss", namespace=mine)
    facts.grant(role, "authentik_rbac.delete_role")

    assert caller_of(alice).call(update, code="mine", newCode="ours")["statusCode"] == 403
    facts.grant(alice, "authentik_rbac.delete_role")
    assert caller_of(alice).call(update, code="mine", newCode="ours")["statusCode"] == 200


def test_a_name_and_a_description_are_free_but_for_the_services_own(caller_of, alice, shop, mine):
    change = caller_of(alice).call

    assert change("update-namespace", code="shop", name="Shop")["statusCode"] == 200
    assert change("update-namespace", code="system", name="Mine")["statusCode"] == 403


def test_nobody_makes_types_in_the_services_own_namespace(admin, bob):
    one = {
        "targetType": "USER",
        "targetIdentifiers": [bob.hex_id],
        "resources": [{"code": "x", "resourceType": "DATA", "actions": ["x:go"]}],
    }
    resource = {"code": "x", "type": "DATA", "actions": [{"name": "x:go"}]}

    for answer in (
        admin.call("authorize-resources", namespace="system", list=[one]),
        admin.call("create-resource", namespace="system", **resource),
        admin.call("create-resources-batch", namespace="system", list=[resource]),
    ):
        assert answer["statusCode"] in (400, 403)
    assert not ResourceType.objects.filter(content_type__app_label="system").exists()


def test_a_role_gets_another_code_by_whoever_holds_what_it_gives(caller_of, alice, mine):
    boss = facts.role("boss")
    facts.grant(boss, "mine.approve_invoice")
    for verb in ("view", "change"):
        facts.grant(alice, f"authentik_rbac.{verb}_role")
    other = facts.role("other")
    facts.grant(other, "authentik_rbac.delete_role")
    update = caller_of(alice).call

    assert update("update-role", code="other", newCode="free")["statusCode"] == 403
    assert update("update-role", code="other", description="d")["statusCode"] == 200
    assert update("update-role", code="boss", newCode="chief")["statusCode"] == 200
