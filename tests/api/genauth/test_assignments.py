"""Roles given to all four kinds of targets, and taken away."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from audit.models import Event, EventKind
from permissions import engine
from roles.models import Role, RoleAssignment, Scope, ScopeKind
from tests import facts
from tests.api.genauth.conftest import target, user
from tests.statements import counted

pytestmark = pytest.mark.django_db
PERMISSION = "authentik_core.view_user"
# In the January and the September of 2001.
LONG_AGO, LATER = 978_307_200_000, 1_000_000_000_000


@pytest.fixture
def role() -> Role:
    role = facts.role("manager", display_name="Manager")
    facts.grant(role, PERMISSION)
    return role


@pytest.fixture
def sales(admin) -> str:
    """The id of a department two levels below the top of its organization."""
    admin.call("create-organization", organizationCode="acme", organizationName="Acme")
    parent = "root"
    for name in ("Market", "Sales"):
        made = admin.call(
            "create-department", organizationCode="acme", name=name, parentDepartmentId=parent
        )
        parent = made["data"]["departmentId"]
    return parent


def status(answer):
    return answer["statusCode"]


def holds(who) -> bool:
    return engine.holds(who, PERMISSION)


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def assign(admin, *targets, **more):
    return admin.call("assign-role", code="manager", targets=list(targets), **more)


def revoke(admin, *targets, **more):
    return admin.call("revoke-role", code="manager", targets=list(targets), **more)


def test_a_user_is_given_the_role_and_loses_it(admin, role, bob):
    assert assign(admin, user(bob))["data"] == {"success": True}
    assert holds(bob)

    assert revoke(admin, user(bob))["data"] == {"success": True}
    assert not holds(bob)
    kinds = Event.objects.filter(door="genauth").values_list("kind", flat=True)
    assert [k for k in kinds if "assign" in k] == [
        EventKind.ROLE_UNASSIGNED,
        EventKind.ROLE_ASSIGNED,
    ]


def test_the_namespace_may_be_named(admin, role, bob):
    assert status(assign(admin, user(bob), namespace="default")) == 200
    assert holds(bob)


def test_assigning_and_revoking_again_changes_nothing(admin, role, bob):
    assert [status(assign(admin, user(bob))) for _ in range(2)] == [200, 200]
    assert Event.objects.filter(kind=EventKind.ROLE_ASSIGNED).count() == 1

    assert [status(revoke(admin, user(bob))) for _ in range(2)] == [200, 200]
    assert Event.objects.filter(kind=EventKind.ROLE_UNASSIGNED).count() == 1


def test_members_of_a_group_hold_the_role(admin, role, bob, charlie):
    admin.call("create-group", code="devs")
    admin.call("add-group-members", code="devs", userIds=[bob.hex_id])

    assign(admin, target("GROUP", "devs"))
    assert (holds(bob), holds(charlie)) == (True, False)
    revoke(admin, target("GROUP", "devs"))
    assert not holds(bob)


def test_a_group_of_another_protocol_is_known_by_its_name(admin, role, bob):
    facts.group("authentik devs", bob)

    assert status(assign(admin, target("GROUP", "authentik devs"))) == 200
    assert holds(bob)


def test_a_department_passes_the_role_to_departments_below(admin, role, sales, bob):
    root = admin.ask("get-department", organizationCode="acme", departmentId="root")["data"]
    admin.call(
        "add-department-members", organizationCode="acme", departmentId=sales, userIds=[bob.hex_id]
    )

    assign(admin, target("DEPARTMENT", root["departmentId"]))
    assert holds(bob)
    revoke(admin, target("DEPARTMENT", root["departmentId"]))
    assert not holds(bob)


def test_a_department_passes_nothing_upwards(admin, role, sales, bob):
    admin.call(
        "add-department-members", organizationCode="acme", departmentId="root", userIds=[bob.hex_id]
    )
    assign(admin, target("DEPARTMENT", sales))

    assert not holds(bob)


def test_holders_of_a_role_hold_what_it_is_given(admin, role, bob):
    admin.call("create-role", code="director")
    admin.call("assign-role", code="director", targets=[user(bob)])

    assign(admin, target("ROLE", "director"))
    assert holds(bob)
    revoke(admin, target("ROLE", "director"))
    assert not holds(bob)


def test_a_role_of_another_namespace_is_named_with_it(admin, role, bob):
    admin.call("create-namespace", code="shop")
    admin.call("create-role", code="clerk", namespace="shop")
    admin.call("assign-role", code="clerk", namespace="shop", targets=[user(bob)])

    assert status(assign(admin, target("ROLE", "clerk"))) == 404
    assert status(assign(admin, target("ROLE", "shop:clerk"))) == 200
    assert holds(bob)


def test_a_cycle_of_roles_is_refused(admin, role):
    admin.call("create-roles-batch", list=[{"code": "a"}, {"code": "b"}])
    assign(admin, target("ROLE", "a"))
    admin.call("assign-role", code="a", targets=[target("ROLE", "b")])

    assert status(assign(admin, target("ROLE", "manager"))) == 400
    assert status(admin.call("assign-role", code="b", targets=[target("ROLE", "manager")])) == 400
    assert RoleAssignment.objects.count() == 2


def test_one_call_cannot_close_a_cycle_by_itself(admin, role):
    admin.call("create-roles-batch", list=[{"code": "a"}])
    both = [target("ROLE", "a"), target("ROLE", "manager")]

    answer = admin.call(
        "assign-role-batch", targets=both, roles=[{"code": "manager"}, {"code": "a"}]
    )

    assert status(answer) == 400
    assert not RoleAssignment.objects.exists()


def test_one_bad_target_fails_the_call(admin, role, bob):
    for bad in (
        target("USER", "0" * 24),
        target("GROUP", "x"),
        target("DEPARTMENT", "0" * 24),
        target("ROLE", "x"),
        target("ROLE", "x:y"),
    ):
        assert status(assign(admin, user(bob), bad)) == 404
        assert status(revoke(admin, user(bob), bad)) == 404
    assert not holds(bob)


def test_an_unknown_user_has_its_code(admin, role):
    assert assign(admin, target("USER", "0" * 24))["apiCode"] == 2004


@pytest.mark.parametrize(
    "targets",
    [
        [],
        None,
        "x",
        [{}],
        [{"targetType": "USER"}],
        [{"targetType": "X", "targetIdentifier": "y"}],
        [{"targetType": "USER", "targetIdentifier": ""}],
        [{"targetType": ["USER"]}],
        ["x"],
        [{"targetType": "USER", "targetIdentifier": "a\0b"}],
    ],
)
def test_malformed_targets_are_refused(admin, role, targets):
    answer = admin.call("assign-role", code="manager", targets=targets)

    assert status(answer) == 400
    assert "targets" in answer["message"]


def test_fifty_targets_are_many_enough(admin, role, bob):
    assert status(assign(admin, *[user(bob)] * 50)) == 200
    assert status(assign(admin, *[user(bob)] * 51)) == 400
    assert RoleAssignment.objects.count() == 1


def test_an_unknown_role_or_namespace_is_404(admin, role, bob):
    role_missing = admin.call("assign-role", code="x", targets=[user(bob)])
    space_missing = assign(admin, user(bob), namespace="x")

    assert (status(role_missing), role_missing["message"]) == (404, "role does not exist")
    assert (status(space_missing), space_missing["message"]) == (
        404,
        "permission group does not exist",
    )


def test_an_assignment_counts_between_its_times(admin, role, bob):
    start, end = datetime(2126, 1, 1, tzinfo=UTC), datetime(2126, 2, 1, tzinfo=UTC)
    assign(admin, user(bob), enableTime=ms(start), endTime=str(ms(end)))

    day = timedelta(days=1)
    moments = (start - day, start, end - day, end)
    allowed = [engine.check(bob, PERMISSION, at=moment).allowed for moment in moments]
    assert allowed == [False, True, True, False]


def test_assigning_again_makes_times_longer_and_never_shorter(admin, role, bob):
    day = timedelta(days=1)
    end = (timezone.now() + 2 * day).replace(microsecond=0)
    assign(admin, user(bob), endTime=ms(end))

    assign(admin, user(bob))
    assign(admin, user(bob), endTime=ms(end - day))
    assert RoleAssignment.objects.get().valid_until == end
    assign(admin, user(bob), endTime=ms(end + day))

    assert RoleAssignment.objects.get().valid_until == end + day
    assert Event.objects.filter(kind=EventKind.ROLE_ASSIGNMENT_CHANGED).count() == 1


def test_an_end_in_the_past_is_refused(admin, role, bob):
    answer = assign(admin, user(bob), endTime=ms(datetime(2024, 1, 1, tzinfo=UTC)))

    assert status(answer) == 400
    assert answer["message"].startswith("Parameter endTime is malformed: ")
    assert not RoleAssignment.objects.exists()


@pytest.mark.parametrize("end", ["soon", -1, 1.5, True, [], 10**20, "9" * 30])
def test_a_malformed_time_is_refused(admin, role, bob, end):
    assert status(assign(admin, user(bob), endTime=end)) == 400


@pytest.mark.parametrize("name", ["enableTime", "endTime"])
@pytest.mark.parametrize("seconds", [0, 1767225600, "1767225600", 946_684_799_999])
def test_seconds_in_place_of_milliseconds_are_refused(admin, role, bob, name, seconds):
    answer = assign(admin, user(bob), **{name: seconds})

    assert status(answer) == 400
    assert answer["message"].startswith(f"Parameter {name} is malformed: Milliseconds")
    assert not RoleAssignment.objects.exists()


@pytest.mark.parametrize(
    ("member", "near"),
    [
        ("endtime", "endTime"),
        ("end_time", "endTime"),
        ("validUntil", "endTime"),
        ("expiresAt", "endTime"),
        ("startTime", "enableTime"),
        ("nameSpace", "namespace"),
    ],
)
def test_what_is_meant_for_a_known_member_is_not_dropped(admin, role, bob, member, near):
    answer = assign(admin, user(bob), **{member: LATER})

    assert status(answer) == 400
    hint = f"Unknown member. Did you mean {near}?"
    assert answer["message"] == f"Parameter {member} is malformed: {hint}"
    assert not RoleAssignment.objects.exists()


def test_times_are_not_dropped_where_they_are_not_taken(admin, role, bob):
    roles = [{"code": "manager"}]

    answer = admin.call("assign-role-batch", targets=[user(bob)], roles=roles, endTime=LATER)

    assert status(answer) == 400
    assert not RoleAssignment.objects.exists()


def test_what_nobody_knows_is_ignored(admin, role, bob):
    assert status(assign(admin, user(bob), roleId="x", operator="y")) == 200


def test_an_end_before_the_start_is_refused(admin, role, bob):
    answer = assign(admin, user(bob), enableTime=LATER, endTime=LONG_AGO)

    assert status(answer) == 400
    assert answer["message"] == "Parameter endTime is malformed: The end must come after the start."


def test_several_roles_are_given_to_several_targets_at_once(admin, role, bob, charlie):
    admin.call("create-role", code="other")
    roles = [{"code": "manager", "namespace": "default"}, {"code": "other"}]

    assert (
        status(admin.call("assign-role-batch", targets=[user(bob), user(charlie)], roles=roles))
        == 200
    )
    assert RoleAssignment.objects.count() == 4
    assert status(admin.call("revoke-role-batch", targets=[user(bob)], roles=roles)) == 200
    assert RoleAssignment.objects.count() == 2


def test_batches_have_limits_of_their_own(admin, role, bob):
    def batch(operation, targets, roles):
        return status(
            admin.call(
                operation, targets=[user(bob)] * targets, roles=[{"code": "manager"}] * roles
            )
        )

    assert batch("assign-role-batch", 10, 10) == 200
    assert batch("assign-role-batch", 11, 1) == 400
    assert batch("assign-role-batch", 1, 11) == 400
    assert batch("assign-role-batch", 1, 0) == 400
    assert batch("revoke-role-batch", 50, 10) == 200
    assert batch("revoke-role-batch", 51, 1) == 400


def test_more_targets_cost_no_more_statements(admin, role, bob):
    many = [facts.make_superuser(type(bob).objects.create(username=f"u{n}")) for n in range(20)]

    def cost(operation, *users):
        with counted() as statements:
            admin.call(operation, code="manager", targets=[user(one) for one in users])
        return len(statements)

    assert cost("assign-role", bob) == cost("assign-role", *many)
    assert cost("revoke-role", bob) == cost("revoke-role", *many)


def test_revoking_takes_the_role_away_whatever_its_scope(admin, role, bob):
    scope = Scope.objects.create(name="everything", kind=ScopeKind.ALL)
    facts.hold(role, bob, scope=scope)
    facts.hold(role, bob)

    revoke(admin, user(bob))

    assert not RoleAssignment.objects.exists()


def test_members_are_the_users_who_hold_the_role_now(admin, role, alice, bob, charlie):
    assign(admin, user(bob), user(alice))
    assign(admin, user(charlie), endTime=LONG_AGO)

    answer = admin.ask("list-role-members", code="manager", withIdentities="True", limit=1)
    assert answer["data"]["totalCount"] == 2
    assert [one["username"] for one in answer["data"]["list"]] == ["alice"]
    assert status(admin.ask("list-role-members", code="x")) == 404
    assert status(admin.ask("list-role-members", code="manager", namespace="x")) == 404


def test_members_tell_their_departments(admin, role, sales, bob):
    admin.call(
        "add-department-members", organizationCode="acme", departmentId=sales, userIds=[bob.hex_id]
    )
    assign(admin, user(bob))

    listed = admin.ask("list-role-members", code="manager", withDepartmentIds="True")["data"]
    assert [one["departmentIds"] for one in listed["list"]] == [[sales]]


def test_departments_that_hold_a_role_are_listed(admin, role, sales):
    assign(admin, target("DEPARTMENT", sales))

    listed = admin.ask("list-role-departments", code="manager")["data"]
    assert listed == {
        "totalCount": 1,
        "list": [{"id": sales, "code": "", "name": "Sales", "description": ""}],
    }


def test_assignments_are_listed_with_their_times(admin, role, sales, bob):
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
    facts.hold(role, bob, valid_from=start, valid_until=end)
    assign(admin, target("DEPARTMENT", sales))

    both = admin.ask("list-role-assignments", roleCode="manager")["data"]
    assert both["totalCount"] == 2
    [one] = admin.ask("list-role-assignments", roleCode="manager", targetType="USER")["data"][
        "data"
    ]
    assert (one["status"], one["enableTime"], one["endTime"]) == ("DISABLE", ms(start), ms(end))
    assert (one["roleCode"], one["roleName"]) == ("manager", "Manager")
    [org] = admin.ask(
        "list-role-assignments", roleCode="manager", targetType=["ORG"], namespaceCode="default"
    )["data"]["data"]
    assert (org["status"], org["targetType"], org["targetIdentifier"]) == ("ENABLE", "ORG", sales)
    found = admin.ask("list-role-assignments", roleCode="manager", query="BO")["data"]
    assert [row["targetName"] for row in found["data"]] == ["Bob"]


def test_what_the_caller_may_not_view_has_no_name(caller_of, role, alice):
    for name in ("authentik_core.view_user", "authentik_rbac.view_role"):
        facts.grant(alice, name, role if name.endswith("role") else None)
    facts.hold(role, facts.group("g-1", code="g-1", display_name="Secret group"))
    facts.hold(role, facts.role("r-1", display_name="Secret role"))
    caller = caller_of(alice)

    listed = caller.ask("list-role-assignments", roleCode="manager")["data"]["data"]
    found = caller.ask("list-role-assignments", roleCode="manager", query="secret")["data"]

    assert [row["targetName"] for row in listed] == ["g-1", "r-1"]
    assert found["totalCount"] == 0


def test_the_roles_of_a_user_are_all_it_holds(admin, role, sales, bob):
    admin.call("create-roles-batch", list=[{"code": "own"}, {"code": "above"}, {"code": "not"}])
    admin.call("assign-role", code="own", targets=[user(bob)])
    admin.call("assign-role", code="above", targets=[target("ROLE", "own")])
    admin.call(
        "add-department-members", organizationCode="acme", departmentId=sales, userIds=[bob.hex_id]
    )
    assign(admin, target("DEPARTMENT", sales))

    roles = admin.ask("get-user-roles", userId=bob.hex_id)["data"]
    assert [one["code"] for one in roles["list"]] == ["manager", "own", "above"]


def test_the_roles_of_a_user_are_those_of_the_namespace(admin, role, bob):
    admin.call("create-namespace", code="shop")
    admin.call("create-role", code="clerk", namespace="shop")
    admin.call("assign-role", code="clerk", namespace="shop", targets=[user(bob)])
    assign(admin, user(bob))

    def codes(**query):
        listed = admin.ask("get-user-roles", userId=bob.hex_id, **query)["data"]["list"]
        return [one["code"] for one in listed]

    assert codes() == ["manager"]
    assert codes(namespace="shop") == ["clerk"]


def test_a_user_is_named_in_any_way(admin, role, bob):
    type(bob).objects.filter(pk=bob.pk).update(email="bob@example.com", external_id="e-1")
    assign(admin, user(bob))
    ways = {
        "user_id": bob.hex_id,
        "username": "bob",
        "email": "bob@example.com",
        "external_id": "e-1",
        "identity": "e-1",
    }

    for kind, value in ways.items():
        answer = admin.ask("get-user-roles", userId=value, userIdType=kind)
        assert answer["data"]["totalCount"] == 1, kind
    assert status(admin.ask("get-user-roles", userId="bob")) == 404
    assert status(admin.ask("get-user-roles", userId="")) == 400
    assert status(admin.ask("get-user-roles", userId="bob", userIdType="phone")) == 400


def test_an_address_that_two_users_have_names_neither(admin, role, bob, charlie):
    type(bob).objects.filter(pk__in=[bob.pk, charlie.pk]).update(email="us@example.com")

    answer = admin.ask("get-user-roles", userId="us@example.com", userIdType="email")
    assert (status(answer), answer["apiCode"]) == (404, 2004)


def test_whether_a_user_has_any_of_the_roles(admin, role, bob):
    assign(admin, user(bob))

    def has(*codes, **more):
        return admin.call(
            "has-any-role",
            userId=more.pop("userId", bob.hex_id),
            roles=[{"code": code} for code in codes],
            **more,
        )

    assert has("unknown", "manager")["data"] == {"hasAnyRole": True}
    assert has("unknown")["data"] == {"hasAnyRole": False}
    assert has("manager", userId="bob", options={"userIdType": "username"})["data"]["hasAnyRole"]
    assert status(has()) == 400


def test_a_disabled_role_is_held_by_nobody(admin, role, bob):
    assign(admin, user(bob))
    admin.call("update-role", code="manager", status="DISABLE")

    answer = admin.call("has-any-role", userId=bob.hex_id, roles=[{"code": "manager"}])
    assert answer["data"] == {"hasAnyRole": False}


def test_a_stranger_gives_nothing(caller_of, charlie, role, bob):
    caller = caller_of(charlie)

    assert status(assign(caller, user(charlie))) == 403
    assert status(revoke(caller, user(bob))) == 403
    assert not RoleAssignment.objects.filter(role=role).exists()


def test_nobody_gives_more_than_they_hold(caller_of, alice, bob):
    rich = facts.role("rich")
    facts.grant(rich, "authentik_core.delete_user")
    for name in ("authentik_rbac.view_role", "authentik_rbac.change_role", PERMISSION):
        facts.grant(alice, name)
    caller = caller_of(alice)

    answer = caller.call("assign-role", code="rich", targets=[user(bob)])
    assert status(answer) == 403
    assert "authentik_core.delete_user" in answer["message"]
    facts.grant(alice, "authentik_core.delete_user")
    assert status(caller.call("assign-role", code="rich", targets=[user(bob)])) == 200


def test_changing_the_role_is_what_giving_it_needs(caller_of, alice, role, bob):
    for name in ("authentik_rbac.view_role", PERMISSION):
        facts.grant(alice, name)

    assert status(assign(caller_of(alice), user(bob))) == 403
    facts.grant(alice, "authentik_rbac.change_role", role)
    assert status(assign(caller_of(alice), user(bob))) == 200


def test_a_hidden_target_is_a_missing_one(caller_of, alice, bob, charlie):
    facts.role("manager")
    for name in ("authentik_rbac.view_role", "authentik_rbac.change_role"):
        facts.grant(alice, name)
    facts.grant(alice, PERMISSION, bob)
    caller = caller_of(alice)

    assert status(assign(caller, user(bob))) == 200
    assert status(assign(caller, user(charlie))) == 404
