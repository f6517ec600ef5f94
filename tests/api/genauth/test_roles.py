"""Roles by their codes."""

import pytest

from audit.models import Event, EventKind
from permissions import engine
from roles.models import Role
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db


def status(answer):
    return answer["statusCode"]


@pytest.fixture
def shop(admin):
    admin.call("create-permission-namespace", code="shop", name="Shop")


def test_a_role_is_created_and_read_back(admin):
    made = admin.call("create-role", code="manager", name="Manager", description="Manages")

    assert made["data"] == {
        "id": Role.objects.get(code="manager").hex_id,
        "code": "manager",
        "name": "Manager",
        "description": "Manages",
        "namespace": "default",
        "namespaceName": "Default",
        "status": "ENABLE",
        "disableTime": None,
    }
    assert admin.ask("get-role", code="manager")["data"] == made["data"]
    event = Event.objects.get(kind=EventKind.ROLE_CREATED)
    assert event.door == "genauth"


def test_without_a_name_the_code_is_the_name(admin):
    assert admin.call("create-role", code="manager")["data"]["name"] == "manager"


def test_the_same_code_in_two_namespaces_is_two_roles(admin, shop):
    admin.call("create-role", code="manager")
    admin.call("create-role", code="manager", namespace="shop")

    assert set(Role.objects.public().values_list("name", flat=True)) == {"manager", "shop:manager"}


@pytest.mark.parametrize("code", ["", " ", "a b", "a!", "经理", "x" * 65, "x" * 100, "a.b", "a:b"])
def test_a_bad_code_is_refused(admin, code):
    assert status(admin.call("create-role", code=code)) == 400
    assert not Role.objects.public().exists()


def test_the_refusal_names_the_code(admin):
    assert admin.call("create-role", code="a b")["message"] == "invalid role code: a b"
    batch = admin.call("create-roles-batch", list=[{"code": ""}])
    assert batch["message"] == "role code must not empty"


def test_a_code_that_is_taken_is_refused(admin):
    admin.call("create-role", code="manager")

    assert status(admin.call("create-role", code="manager")) == 409


def test_nothing_is_created_in_the_services_own_namespace(admin):
    assert status(admin.call("create-role", code="manager", namespace="system")) == 403
    assert status(admin.call("create-role", code="manager", namespace="unknown")) == 404


def test_a_batch_is_created_wholly_or_not_at_all(admin):
    two = [{"code": "a", "name": "A"}, {"code": "b", "namespace": "default"}]
    assert status(admin.call("create-roles-batch", list=two)) == 200

    assert status(admin.call("create-roles-batch", list=[{"code": "c"}, {"code": "a"}])) == 409
    assert status(admin.call("create-roles-batch", list=[{"code": "d"}, {"code": "d"}])) == 409
    assert status(admin.call("create-roles-batch", list=[])) == 400
    assert set(Role.objects.public().values_list("code", flat=True)) == {"a", "b"}


def test_a_batch_of_fifty_costs_as_many_statements_as_one(admin):
    def create(*codes):
        with counted() as statements:
            admin.call("create-roles-batch", list=[{"code": code} for code in codes])
        return len(statements)

    assert create("a") == create(*(f"r{n}" for n in range(50)))
    assert (
        status(admin.call("create-roles-batch", list=[{"code": f"{n}"} for n in range(51)])) == 400
    )


def test_roles_are_listed_in_pages(admin, shop):
    admin.call("create-roles-batch", list=[{"code": f"r{n}"} for n in range(12)])
    admin.call("create-role", code="elsewhere", namespace="shop")

    first, second = admin.ask("list-roles"), admin.ask("list-roles", page=2, limit=10)
    assert [role["code"] for role in first["data"]["list"]] == [f"r{n}" for n in range(10)]
    assert [role["code"] for role in second["data"]["list"]] == ["r10", "r11"]
    assert second["data"]["totalCount"] == 12
    assert admin.ask("list-roles", keywords="R1")["data"]["totalCount"] == 3
    assert admin.ask("list-roles", namespace="shop")["data"]["totalCount"] == 1


@pytest.mark.parametrize(
    "query",
    [
        {"page": 0},
        {"page": -1},
        {"limit": 0},
        {"limit": -1},
        {"limit": 51},
        {"limit": 10000},
        {"page": "x"},
        {"page": "9" * 30},
    ],
)
def test_a_page_out_of_range_is_refused(admin, query):
    assert status(admin.ask("list-roles", **query)) == 400


def test_a_list_of_roles_costs_six_statements(admin):
    admin.call("create-roles-batch", list=[{"code": f"r{n}"} for n in range(12)])

    with counted() as statements:
        admin.ask("list-roles", limit=50)

    assert len(statements) <= 6, statements


def test_a_role_is_changed(admin):
    admin.call("create-role", code="manager")
    answer = admin.call(
        "update-role",
        code="manager",
        newCode="boss",
        name="Boss",
        description="d",
        status="DISABLE",
        disableTime="1767225600000",
    )

    assert answer["data"] == {"success": True}
    role = admin.ask("get-role", code="boss")["data"]
    assert (role["name"], role["status"], role["disableTime"]) == ("Boss", "DISABLE", 1767225600000)
    assert Role.objects.public().get().name == "boss"


def test_a_disable_time_is_a_number_or_digits_and_null_takes_it_away(admin):
    admin.call("create-role", code="manager", disableTime=4102444800000)
    assert admin.ask("get-role", code="manager")["data"]["disableTime"] == 4102444800000

    admin.call("update-role", code="manager", disableTime=None)
    assert admin.ask("get-role", code="manager")["data"]["disableTime"] is None
    assert status(admin.call("update-role", code="manager", disableTime="soon")) == 400


def test_an_empty_new_code_changes_nothing(admin):
    admin.call("create-role", code="manager")

    assert status(admin.call("update-role", code="manager", newCode="", name="M")) == 200
    assert status(admin.call("update-role", code="manager", newCode="a b")) == 400
    assert Role.objects.public().get().code == "manager"


def test_a_new_code_that_is_taken_is_refused(admin):
    admin.call("create-roles-batch", list=[{"code": "a"}, {"code": "b"}])

    assert status(admin.call("update-role", code="a", newCode="b")) == 409


def test_a_name_given_elsewhere_survives_a_new_code(admin):
    facts.role("Auditors of the north", code="auditors")
    admin.call("update-role", code="auditors", newCode="north")

    assert Role.objects.get(code="north").name == "Auditors of the north"


def test_a_disabled_role_gives_nothing_and_can_be_enabled_again(admin, bob):
    role = facts.role("manager")
    facts.grant(role, "authentik_core.view_user")
    facts.hold(role, bob)

    admin.call("update-role", code="manager", status="DISABLE")
    assert not engine.holds(bob, "authentik_core.view_user")
    admin.call("update-role", code="manager", status="ENABLE")
    assert engine.holds(bob, "authentik_core.view_user")


def test_roles_are_deleted_wholly_or_not_at_all(admin):
    admin.call("create-roles-batch", list=[{"code": "a"}, {"code": "b"}])

    assert status(admin.call("delete-roles-batch", codeList=["a", "unknown"])) == 404
    assert status(admin.call("delete-roles-batch", codeList=["a"], namespace="unknown")) == 404
    assert status(admin.call("delete-roles-batch", codeList=[])) == 400
    assert Role.objects.public().count() == 2
    assert status(admin.call("delete-roles-batch", codeList=["a", "a", "b"])) == 200
    assert not Role.objects.public().exists()


def test_roles_of_several_namespaces_are_deleted_at_once(admin, shop):
    admin.call("create-role", code="a")
    admin.call("create-role", code="a", namespace="shop")
    both = [{"code": "a", "namespace": "default"}, {"code": "a", "namespace": "shop"}]

    assert status(admin.call("multiple-namespace-delete-roles-batch", roleList=both)) == 200
    assert not Role.objects.public().exists()


def test_parameters_are_checked_before_anything_is_created(admin):
    admin.call("create-role", code="manager")

    def check(**fields):
        body = {"namespace": "default", **fields}
        return admin.call("check-role-params", **body)["data"]["isValid"]

    facts.role("Director", code="director")

    assert check(code="boss", name="Boss")
    assert not check(code="manager")
    assert not check(code="a b")
    assert not check(code="Director")
    assert status(admin.call("create-role", code="Director")) == 409
    assert not check(namespace="system", code="boss")


def test_roles_that_stand_in_for_something_else_are_hidden(admin):
    facts.role("group/1", code="hidden", managed="group/1")

    assert status(admin.ask("get-role", code="hidden")) == 404
    assert admin.ask("list-roles")["data"]["totalCount"] == 0


def test_a_role_of_another_protocol_is_known_by_its_code(admin):
    facts.role("Auditors of the north", code="auditors")

    assert admin.ask("get-role", code="auditors")["data"]["name"] == "Auditors of the north"


def test_a_stranger_sees_and_changes_nothing(caller_of, charlie):
    facts.role("manager")
    caller = caller_of(charlie)

    assert status(caller.ask("get-role", code="manager")) == 403
    assert status(caller.ask("list-roles")) == 403
    assert status(caller.call("create-role", code="x")) == 403
    assert status(caller.call("update-role", code="manager", name="x")) == 403
    assert status(caller.call("delete-roles-batch", codeList=["manager"])) == 403
    assert Role.objects.public().get().display_name == ""


def test_what_may_not_be_viewed_does_not_exist(caller_of, alice):
    seen, hidden = facts.role("seen"), facts.role("hidden")
    facts.grant(alice, "authentik_rbac.view_role", seen)
    facts.grant(alice, "authentik_rbac.delete_role", hidden)
    caller = caller_of(alice)

    assert status(caller.ask("get-role", code="hidden")) == 404
    assert status(caller.call("delete-roles-batch", codeList=["hidden"])) == 404
    assert status(caller.call("delete-roles-batch", codeList=["seen"])) == 403
    assert [role["code"] for role in caller.ask("list-roles")["data"]["list"]] == ["seen"]


def test_the_right_on_one_role_is_enough_to_change_it(caller_of, alice):
    role = facts.role("manager")
    facts.grant(alice, "authentik_rbac.view_role", role)
    facts.grant(alice, "authentik_rbac.change_role", role)

    assert status(caller_of(alice).call("update-role", code="manager", name="M")) == 200
