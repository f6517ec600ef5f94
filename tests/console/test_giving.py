"""A role, a membership, a grant: given by forms, under every rule the operations have."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import GroupMembership, User
from audit.models import Event, EventKind
from permissions.models import UserGlobalGrant, UserObjectPermission
from permissions.operations import create_scope, create_type
from permissions.operations.types import ActionSpec
from roles.models import RoleAssignment, Scope, ScopeKind
from tests import facts
from tests.console.conftest import statements

ROLE, MEMBERSHIP, GRANT = "/admin/give/role/", "/admin/give/membership/", "/admin/give/permission/"
ACTIVITY = "/admin/give/activity/"
FRIDAY = timezone.now() + timedelta(days=5)
UNTIL = f"{FRIDAY:%Y-%m-%dT%H:%M}"
SEES = ("authentik_core.view_user", "authentik_core.view_group", "authentik_rbac.view_role")

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def invoices():
    create_type(
        actor=None,
        label="shop.invoice",
        mode="open",
        actions=[ActionSpec(name="approve_invoice")],
    )


def refusals(page):
    assert page.status_code == 200
    return {name: list(errors) for name, errors in page.context["form"].errors.items()}


def test_a_role_is_given_until_friday_with_a_reason(superuser, bob, root):
    facts.role("auditor")

    answer = superuser.post(
        ROLE, {"role": "auditor", "to": "user:bob", "valid_until": UNTIL, "reason": "year's end"}
    )

    row = RoleAssignment.objects.get()
    event = Event.objects.get(kind=EventKind.ROLE_ASSIGNED)
    assert answer.status_code == 302
    assert (row.user, row.granted_by, row.reason) == (bob, root, "year's end")
    assert f"{row.valid_until:%Y-%m-%dT%H:%M}" == UNTIL
    assert (event.door, event.actor_pk, event.reason) == ("console", root.pk, "year's end")


@pytest.mark.parametrize("to", ["group:staff", "staff", "role:clerk"])
def test_groups_and_roles_are_given_roles_too(superuser, to):
    facts.role("auditor")
    named = {"group:staff": facts.group("staff"), "role:clerk": facts.role("clerk")}
    named["staff"] = named["group:staff"]

    superuser.post(ROLE, {"role": "auditor", "to": to})

    assert RoleAssignment.objects.get().principal == named[to]


def test_a_role_is_given_within_a_scope(superuser, bob):
    facts.role("auditor")
    scope = create_scope(actor=None, name="everything", kind=ScopeKind.ALL)

    superuser.post(ROLE, {"role": "auditor", "to": "bob", "scope": "everything"})

    assert RoleAssignment.objects.get().scope == scope


def test_a_role_is_given_on_one_resource_and_what_lies_below(superuser, bob):
    facts.role("auditor")

    superuser.post(
        ROLE, {"role": "auditor", "to": "bob", "resource": "shop.invoice:42", "below": "on"}
    )

    [entry] = RoleAssignment.objects.get().scope.entries.all()
    assert (entry.object_pk, entry.with_descendants) == ("42", True)


def test_a_scope_and_a_resource_exclude_each_other(superuser, bob):
    facts.role("auditor")
    create_scope(actor=None, name="everything", kind=ScopeKind.ALL)
    fields = {"role": "auditor", "to": "bob", "scope": "everything", "resource": "shop.invoice:1"}

    page = superuser.post(ROLE, fields)

    assert refusals(page) == {"resource": ["Either a scope or a resource, not both."]}
    assert not RoleAssignment.objects.exists()


def test_somebody_is_added_to_a_group_for_a_time(superuser, bob):
    staff = facts.group("staff")

    superuser.post(MEMBERSHIP, {"user": "bob", "group": "staff", "valid_until": UNTIL})

    row = GroupMembership.objects.get(group=staff)
    assert row.user == bob
    assert row.valid_until is not None


def test_a_permission_is_granted_on_a_resource_and_everywhere(superuser, bob):
    superuser.post(GRANT, {"to": "bob", "action": "approve", "resource": "shop.invoice:42"})
    superuser.post(GRANT, {"to": "bob", "action": "approve", "resource": "shop.invoice"})
    superuser.post(GRANT, {"to": "bob", "action": "authentik_rbac.check_access"})

    assert UserObjectPermission.objects.get().object_pk == "42"
    codenames = UserGlobalGrant.objects.values_list("permission__codename", flat=True)
    assert set(codenames) == {"approve_invoice", "check_access"}


def test_a_grant_keeps_its_reason_in_the_event(superuser, bob):
    fields = {"to": "bob", "action": "approve", "resource": "shop.invoice:42", "reason": "asked"}

    superuser.post(GRANT, fields)

    assert Event.objects.get(kind=EventKind.GRANT_CREATED).reason == "asked"


@pytest.mark.parametrize(
    ("path", "fields", "field", "said"),
    [
        (ROLE, {"role": "auditor", "to": "bob", "valid_until": "2020-01-01T00:00"},
         "valid_until", "The end must not lie in the past."),
        (ROLE, {"role": "auditor", "to": "role:auditor"},
         "role", "A role cannot be given to its own holders, however indirectly."),
        (ROLE, {"role": "gone", "to": "bob"}, "role", "There is no role gone."),
        (ROLE, {"role": "auditor", "to": "gone"}, "to", "There is no user or group or role gone."),
        (ROLE, {"role": "auditor", "to": "bob", "resource": "authentik_core.group:nonsense"},
         "resource", None),
        (GRANT, {"to": "bob", "action": "fly", "resource": "shop.invoice"},
         "action", "shop.invoice has no action fly."),
        (GRANT, {"to": "bob", "action": "fly", "resource": "shop.invoice:42"}, "action", None),
        (GRANT, {"to": "bob", "action": "view", "resource": "authentik_core.group:nonsense"},
         "resource", None),
        (GRANT, {"to": "group:staff", "action": "approve"},
         "to", "There is no user or role group:staff."),
        (MEMBERSHIP, {"user": "gone", "group": "staff"}, "user", "There is no user gone."),
        (MEMBERSHIP, {"user": "bob", "group": "staff", "valid_from": FRIDAY, "valid_until":
         timezone.now()}, "valid_until", None),
    ],
)  # fmt: skip
def test_what_is_refused_stands_at_its_field(superuser, bob, path, fields, field, said):
    facts.role("auditor")
    facts.group("staff")
    before = Event.objects.count()

    errors = refusals(superuser.post(path, fields))

    assert list(errors) == [field]
    assert said is None or errors[field] == [said]
    assert Event.objects.count() == before


def test_the_ceiling_is_told_above_the_form(browser_of, charlie, bob):
    role = facts.role("approver")
    facts.grant(role, "shop.approve_invoice")
    browser = browser_of(charlie, *SEES, "authentik_rbac.add_roleassignment")

    errors = refusals(browser.post(ROLE, {"role": "approver", "to": "bob"}))

    assert "shop.approve_invoice" in errors["__all__"][0]
    assert not RoleAssignment.objects.exists()


@pytest.mark.parametrize("path", [ROLE, MEMBERSHIP, GRANT, ACTIVITY])
def test_without_any_right_there_is_no_form(browser_of, charlie, path):
    browser = browser_of(charlie)

    assert browser.get(path).status_code == 403
    assert browser.post(path, {}).status_code == 403


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        (MEMBERSHIP, {"user": "bob", "group": "staff"}, "group"),
        (GRANT, {"to": "bob", "action": "approve", "resource": "shop.invoice:1"}, "to"),
        (ACTIVITY, {"user": "bob"}, "user"),
    ],
)
def test_who_sees_and_may_not_give_is_told_so(browser_of, charlie, bob, path, fields, field):
    facts.group("staff")

    errors = refusals(browser_of(charlie, *SEES).post(path, fields))

    assert list(errors) == [field]
    assert not GroupMembership.objects.filter(group__name="staff").exists()


def test_the_administrator_of_one_group_adds_to_that_group(browser_of, charlie, bob):
    staff, other = facts.group("staff"), facts.group("other")
    for name in ("authentik_core.view_group", "authentik_core.add_user_to_group"):
        facts.grant(charlie, name, on=staff)
    facts.grant(charlie, "authentik_core.view_group", on=other)
    browser = browser_of(charlie, "authentik_core.view_user")

    browser.post(MEMBERSHIP, {"user": "bob", "group": "staff"})
    refused = browser.post(MEMBERSHIP, {"user": "bob", "group": "other"})

    assert list(refusals(refused)) == ["group"]
    assert list(GroupMembership.objects.filter(user=bob).values_list("group", flat=True)) == [
        staff.pk
    ]


def test_what_one_may_not_see_does_not_exist(browser_of, charlie):
    facts.role("secret")
    browser = browser_of(charlie, "authentik_rbac.add_roleassignment", "authentik_core.view_user")

    errors = refusals(browser.post(ROLE, {"role": "secret", "to": "charlie"}))

    assert errors == {"role": ["There is no role secret."]}


@pytest.mark.parametrize(
    ("next_", "there"),
    [
        ("/admin/access/explain/?subject=bob", "/admin/access/explain/?subject=bob"),
        ("https://elsewhere.example/admin/", "/admin/"),
        ("//elsewhere.example/admin/", "/admin/"),
        ("/api/v3/", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
    ],
)
def test_one_is_led_back_to_pages_of_the_console_alone(superuser, bob, next_, there):
    facts.role("auditor")

    answer = superuser.post(ROLE, {"role": "auditor", "to": "bob", "next": next_})

    assert answer["Location"] == there


def test_a_form_is_filled_in_from_its_address(superuser):
    page = superuser.get(ROLE, {"role": "auditor", "to": "user:bob", "next": "/admin/ask/"})

    text = page.content.decode()
    assert 'value="user:bob"' in text
    assert 'name="next" value="/admin/ask/"' in text


@pytest.mark.parametrize("name", ["x" * 150, "\u202eright", "<b>bold</b>", "🦊 & co", "a:b"])
def test_odd_names_are_given_like_others(superuser, name):
    user = User.objects.create(username=name)
    facts.role(name, code="odd")

    answer = superuser.post(ROLE, {"role": name, "to": f"user:{name}"}, follow=True)

    assert RoleAssignment.objects.get().user == user
    assert "<b>bold" not in answer.content.decode()


def test_an_inline_scope_of_a_refused_form_does_not_stay(browser_of, charlie, bob):
    role = facts.role("approver")
    facts.grant(role, "shop.approve_invoice")
    browser = browser_of(charlie, *SEES, "authentik_rbac.add_roleassignment")
    fields = {"role": "approver", "to": "bob", "resource": "shop.invoice:42"}

    browser.post(ROLE, fields)

    assert not Scope.objects.filter(name=None).exists()


def test_giving_costs_a_fixed_number_of_statements(superuser, bob):
    facts.role("auditor")
    fields = {"role": "auditor", "to": "bob"}
    superuser.post(ROLE, fields)
    with statements() as few:
        superuser.post(ROLE, fields)
    for n in range(20):
        facts.hold(facts.role(f"role-{n}"), facts.group(f"group-{n}", bob))

    with statements() as many:
        superuser.post(ROLE, fields)

    assert len(many) == len(few)
