"""Users, groups, organizations and departments, as far as roles need them."""

import pytest
from django.utils import timezone

from accounts.models import Group, GroupMembership, User
from permissions import engine
from permissions.operations.membership import add_members
from tests import facts

pytestmark = pytest.mark.django_db


def status(answer):
    return answer["statusCode"]


def test_a_user_is_created_and_read_back(admin):
    made = admin.call(
        "create-user",
        username="dave",
        name="Dave",
        email="d@example.com",
        externalId="e-1",
        nickname="D",
        phone="123",
        password="long enough",
        status="Activated",
        gender="M",
        customData={"team": "x"},
    )["data"]

    user = User.objects.get(username="dave")
    assert made["userId"] == user.hex_id
    assert user.check_password("long enough")
    assert (made["status"], made["workStatus"], made["gender"]) == ("Activated", "Active", "U")
    assert made["createdAt"].endswith("Z")
    assert (made["nickname"], made["phone"], made["externalId"]) == ("D", "123", "e-1")
    read = admin.ask("get-user", userId="dave", userIdType="username", withDepartmentIds="True")
    assert read["data"] == {**made, "departmentIds": []}


def test_a_user_needs_no_name(admin):
    assert admin.call("create-user", email="d@example.com")["data"]["username"] == "d@example.com"
    assert admin.call("create-user")["data"]["username"].startswith("user-")


def test_a_name_that_is_taken_is_refused(admin, bob):
    assert status(admin.call("create-user", username="bob")) == 409
    assert status(admin.call("create-user", username="b b")) == 400
    assert status(admin.call("create-user", username="x", email="no address")) == 400
    assert status(admin.call("create-user", username="x", status="Gone")) == 400


def test_a_suspended_user_is_inactive(admin):
    admin.call("create-user", username="dave", status="Suspended")

    assert not User.objects.get(username="dave").is_active


def test_users_are_listed_both_ways(admin, alice, bob):
    posted = admin.call(
        "list-users", keywords="bo", options={"pagination": {"page": 1, "limit": 5}}
    )
    asked = admin.ask("list-users", page=2, limit=1)

    assert [one["username"] for one in posted["data"]["list"]] == ["bob"]
    assert asked["data"]["totalCount"] == User.objects.count()
    assert status(admin.call("list-users", options={"pagination": {"limit": 51}})) == 400


def test_users_are_deleted_wholly_or_not_at_all(admin, alice, bob):
    assert status(admin.call("delete-users-batch", userIds=[bob.hex_id, "0" * 24])) == 404
    assert User.objects.filter(pk=bob.pk).exists()
    options = {"userIdType": "username"}
    assert (
        status(admin.call("delete-users-batch", userIds=["alice", "bob"], options=options)) == 200
    )
    assert not User.objects.filter(pk__in=[alice.pk, bob.pk]).exists()


def test_a_group_is_created_filled_and_deleted(admin, bob):
    made = admin.call(
        "create-group", code="devs", name="Developers", description="d", type="static"
    )
    assert made["data"]["code"] == "devs"
    assert admin.ask("get-group", code="devs")["data"] == made["data"]

    assert status(admin.call("add-group-members", code="devs", userIds=[bob.hex_id])) == 200
    members = admin.ask("list-group-members", code="devs")["data"]["list"]
    assert [one["userId"] for one in members] == [bob.hex_id]
    assert status(admin.call("remove-group-members", code="devs", userIds=[bob.hex_id])) == 200
    assert status(admin.call("delete-groups-batch", codeList=["devs", "x"])) == 404
    assert status(admin.call("delete-groups-batch", codeList=["devs"])) == 200
    assert not Group.objects.filter(code="devs").exists()


def test_a_group_code_that_is_taken_is_refused(admin):
    facts.group("devs")

    assert status(admin.call("create-group", code="devs")) == 409
    assert status(admin.call("create-group", code="a b")) == 400


def test_nobody_adds_members_to_what_gives_more_than_they_hold(caller_of, alice, bob):
    group = facts.group("admins", code="admins", is_superuser=True)
    for name in ("view_group", "view_user", "add_user_to_group"):
        facts.grant(alice, f"authentik_core.{name}")
    answer = caller_of(alice).call("add-group-members", code="admins", userIds=[bob.hex_id])

    assert status(answer) == 403
    assert not group.memberships.exists()


@pytest.fixture
def sales(admin):
    admin.call("create-organization", organizationCode="acme", organizationName="Acme")
    return admin.call(
        "create-department",
        organizationCode="acme",
        name="Sales",
        parentDepartmentId="root",
        code="sales",
        departmentIdType="department_id",
        metadata=None,
    )["data"]


def test_a_department_lies_below_its_parent(admin, sales):
    root = admin.ask("get-department", organizationCode="acme", departmentId="root")["data"]

    assert root["parentDepartmentId"] == "root"
    assert sales["parentDepartmentId"] == root["departmentId"]
    assert Group.objects.get(hex_id=sales["departmentId"]).name == "acme:sales"


def test_codes_of_departments_are_unique_within_the_organization(admin, sales):
    again = {"organizationCode": "acme", "name": "Sales", "parentDepartmentId": "root"}

    assert status(admin.call("create-department", **again, code="sales")) == 409
    assert status(admin.call("create-department", **again)) == 200
    assert (
        status(admin.call("create-organization", organizationCode="acme", organizationName="A"))
        == 409
    )
    assert status(admin.call("create-department", **{**again, "parentDepartmentId": "x"})) == 404
    assert status(admin.call("create-department", **{**again, "organizationCode": "x"})) == 404


def test_members_of_a_department_are_listed_with_those_below(admin, sales, bob):
    where = {"organizationCode": "acme"}
    below = {**where, "departmentId": sales["departmentId"]}
    assert status(admin.call("add-department-members", **below, userIds=[bob.hex_id])) == 200

    def count(**query):
        return admin.ask("list-department-members", **where, **query)["data"]["totalCount"]

    assert count(departmentId=sales["departmentId"]) == 1
    assert count(departmentId="root") == 0
    assert count(departmentId="root", includeChildrenDepartments="True") == 1
    assert status(admin.call("remove-department-members", **below, userIds=[bob.hex_id])) == 200
    assert count(departmentId=sales["departmentId"]) == 0


def test_a_user_tells_its_departments(admin, sales, bob):
    admin.call(
        "add-department-members",
        organizationCode="acme",
        departmentId=sales["departmentId"],
        userIds=[bob.hex_id],
    )

    asked = admin.ask("get-user", userId=bob.hex_id, withDepartmentIds="True")["data"]
    assert asked["departmentIds"] == [sales["departmentId"]]


LISTS = [
    ("list-users", {"keywords": "dave"}),
    ("list-group-members", {"code": "devs"}),
    ("list-department-members", {"organizationCode": "acme", "departmentId": "root"}),
    ("list-role-members", {"code": "manager"}),
]


@pytest.mark.parametrize(("operation", "query"), LISTS)
def test_lists_of_users_tell_what_is_asked_for(admin, sales, operation, query):
    user_id = admin.call("create-user", username="dave", phone="1", customData={"team": "x"})
    dave = User.objects.get(hex_id=user_id["data"]["userId"])
    facts.group("devs", dave)
    facts.hold(facts.role("manager"), dave)
    root = Group.objects.get(name="acme:acme")
    add_members(group=root, users=[dave], actor=None)
    asked = dict.fromkeys(("withCustomData", "withIdentities", "withDepartmentIds"), True)

    [told] = admin.ask(operation, **query, **asked)["data"]["list"]

    assert told["customData"] == {"team": "x"}
    assert (told["identities"], told["departmentIds"]) == ([], [root.hex_id])
    [plain] = admin.ask(operation, **query)["data"]["list"]
    assert not {"customData", "identities", "departmentIds"} & plain.keys()


def test_details_are_asked_for_among_the_options_too(admin, sales):
    admin.call("create-user", username="dave", customData={"team": "x"})
    options = {"withCustomData": True, "withDepartmentIds": True}

    [told] = admin.call("list-users", keywords="dave", options=options)["data"]["list"]

    assert (told["customData"], told["departmentIds"]) == ({"team": "x"}, [])


def test_a_membership_that_is_over_is_listed_nowhere(admin, sales, bob):
    root = Group.objects.get(name="acme:acme")
    facts.group("devs", bob)
    add_members(group=root, users=[bob], actor=None)
    GroupMembership.objects.filter(user=bob).update(valid_until=timezone.now())
    where = {"organizationCode": "acme", "departmentId": "root"}

    assert admin.ask("list-group-members", code="devs")["data"]["totalCount"] == 0
    for children in (True, False):
        found = admin.ask("list-department-members", **where, includeChildrenDepartments=children)
        assert found["data"]["totalCount"] == 0
    asked = admin.ask("get-user", userId=bob.hex_id, withDepartmentIds=True)["data"]
    assert asked["departmentIds"] == []


def test_the_columns_that_are_searched_can_be_chosen(admin, alice, bob):
    User.objects.filter(pk=alice.pk).update(email="bob@example.com")

    def names(*columns):
        options = {"fuzzySearchOn": columns}
        found = admin.call("list-users", keywords="bob", options=options)["data"]["list"]
        return [one["username"] for one in found]

    assert names("email") == ["alice"]
    assert names("username", "name") == ["bob"]
    assert names() == ["alice", "bob"]
    assert status(admin.call("list-users", options={"fuzzySearchOn": ["address"]})) == 400


def test_the_older_list_of_users_filters_by_status_and_change(admin, alice, bob):
    User.objects.filter(pk=bob.pk).update(is_active=False)
    now = int(timezone.now().timestamp())

    def names(**query):
        found = admin.ask("list-users", keywords="b", **query)["data"]["list"]
        return [one["username"] for one in found]

    assert names(status="Suspended") == names(updatedAtStart=now - 60) == ["bob"]
    assert names(status="Activated") == names(status="Archived") == []
    assert names(updatedAtStart=now + 60) == names(updatedAtEnd=now - 60) == []
    assert status(admin.ask("list-users", status="Gone")) == 400
    assert status(admin.ask("list-users", updatedAtEnd=10**30)) == 400


def test_a_search_that_is_not_offered_is_refused_not_ignored(admin):
    wanted = [{"field": "username", "operator": "EQUAL", "value": "bob"}]

    assert status(admin.call("list-users", advancedFilter=wanted)) == 501
    assert status(admin.call("list-users", searchQuery={"match": "bob"})) == 501
    assert status(admin.call("list-users", advancedFilter=[], searchQuery=None)) == 200


def test_an_organization_goes_with_its_departments(admin, sales, bob):
    role = facts.role("manager")
    facts.grant(role, "authentik_core.view_user")
    admin.call(
        "add-department-members",
        organizationCode="acme",
        departmentId=sales["departmentId"],
        userIds=[bob.hex_id],
    )
    facts.hold(role, Group.objects.get(name="acme:acme"))
    assert engine.holds(bob, "authentik_core.view_user")

    assert status(admin.call("delete-organization", organizationCode="acme")) == 200
    assert not engine.holds(bob, "authentik_core.view_user")
    assert not Group.objects.filter(organization="acme").exists()


def test_a_department_is_deleted(admin, sales):
    body = {"organizationCode": "acme", "departmentId": sales["departmentId"]}

    assert status(admin.call("delete-department", **body)) == 200
    assert status(admin.call("delete-department", **body)) == 404


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("create-user", {"username": "x"}),
        ("list-users", {}),
        ("delete-users-batch", {"userIds": ["x"]}),
        ("create-group", {"code": "x"}),
        ("add-group-members", {"code": "x", "userIds": ["x"]}),
        ("create-organization", {"organizationCode": "x", "organizationName": "x"}),
        ("create-department", {"organizationCode": "x", "name": "x", "parentDepartmentId": "x"}),
    ],
)
def test_a_stranger_is_refused(caller_of, charlie, operation, body):
    assert status(caller_of(charlie).call(operation, **body)) == 403


def test_a_membership_that_has_ended_is_not_listed(admin, sales, bob):
    department = Group.objects.get(hex_id=sales["departmentId"])
    admin.call("create-group", code="staff")
    for group in (department, Group.objects.get(code="staff")):
        facts.was_in(group, bob)
    below = {"organizationCode": "acme", "includeChildrenDepartments": "True"}

    for operation, query in (
        ("list-group-members", {"code": "staff"}),
        ("list-department-members", {**below, "departmentId": "root"}),
        ("list-department-members", {**below, "departmentId": sales["departmentId"]}),
    ):
        assert admin.ask(operation, **query)["data"]["totalCount"] == 0
    asked = admin.ask("get-user", userId=bob.hex_id, withDepartmentIds="True")["data"]
    assert asked["departmentIds"] == []


def test_a_code_that_two_groups_answer_to_names_none(admin, bob):
    """Another protocol renamed the group of the code, and called its own like it."""
    admin.call("create-group", code="ops")
    Group.objects.filter(code="ops").update(name="others")
    facts.group("ops")

    answer = admin.call("add-group-members", code="ops", userIds=[bob.hex_id])

    assert (status(answer), answer["message"]) == (404, "group not exists with code: ops")
    assert not Group.objects.joined_by(bob).exists()
