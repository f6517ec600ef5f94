"""A role's page, its matrix of permissions, and its names and switch."""

import pytest
from django.contrib.auth.models import Permission

from accounts.models import GroupClosure
from audit.models import Event, EventKind
from permissions.models import RoleGlobalGrant
from permissions.operations import create_role, create_type
from permissions.operations.types import ActionSpec
from permissions.queries import users_holding
from roles.models import InitialPermissions, Role, RoleAssignment
from tests import facts
from tests.console.conftest import statements
from tests.console.test_users import buttons, part

VIEW, CHANGE = "authentik_rbac.view_role", "authentik_rbac.change_role"
GIVE = "authentik_rbac.assign_role_permissions"
TAKE = "authentik_rbac.unassign_role_permissions"

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(db):
    return create_role(actor=None, name="auditor")


@pytest.fixture
def invoices():
    actions = [ActionSpec(name="approve_invoice"), ActionSpec(name="view_invoice")]
    create_type(actor=None, label="shop.invoice", mode="open", actions=actions)


def url(role, query=""):
    return f"/admin/authentik_rbac/role/{role.pk}/change/{query}"


def matrix(role, query="?q=shop.invoice"):
    return f"/admin/roles/{role.pk}/permissions/{query}"


def key(codename):
    return Permission.objects.get(codename=codename).pk


def given(role):
    return set(role.global_grants.values_list("permission__codename", flat=True))


def form_of(page, *ticked):
    """What a browser sends of the matrix when these are ticked."""
    words = {name: page.context[name] for name in ("offered", "was")}
    return {**words, "grant": [key(codename) for codename in ticked]}


def boxes(page):
    every = [box for row in page.context["rows"] for _, cell in row.cells for box in cell]
    return {box.permission.codename: (box.is_ticked, box.may_change) for box in every}


def test_a_page_tells_all_that_belongs_to_a_role(superuser, auditor, bob, alice, invoices):
    staff, clerk = facts.group("staff", alice), facts.role("clerk")
    for holder in (bob, staff, clerk):
        facts.hold(auditor, holder)
    facts.hold(facts.role("reader"), auditor)
    facts.grant(auditor, "shop.view_invoice")
    facts.grant(auditor, "shop.approve_invoice", on="42")
    initial = InitialPermissions.objects.create(name="own invoices", role=auditor)
    initial.permissions.add(facts.permission("shop.view_invoice"))

    page = superuser.get(url(auditor))

    assert [line[0] for line in part(page, "holders")] == ["clerk", "staff", "bob"]
    assert [line[0] for line in part(page, "holds")] == ["reader"]
    assert [line[0] for line in part(page, "grants")] == ["view · shop.invoice"]
    assert [line[:2] for line in part(page, "resource-grants")] == [
        ("approve · shop.invoice", "42")
    ]
    assert part(page, "initial") == [("own invoices", "the role", "view · shop.invoice")]
    assert [change.kind for change in page.context["changes"]] == ["role created"]


def test_everybody_who_holds_it_is_told_with_the_way(superuser, auditor, alice, bob, charlie):
    company, staff, clerk = facts.group("company"), facts.group("staff", bob), facts.role("clerk")
    GroupClosure.objects.create(descendant=staff, ancestor=company)
    facts.hold(auditor, alice)
    facts.hold(auditor, company)
    facts.hold(auditor, clerk)
    facts.hold(clerk, charlie)

    page = superuser.get(url(auditor, "?part=everybody"))

    told = {line[0]: line[2] for line in part(page, "everybody")}
    assert told == {"alice": "itself", "bob": "company", "charlie": "a group or role"}


def test_what_does_not_count_makes_no_holder(auditor, alice, bob, charlie):
    facts.hold(auditor, alice, valid_until=facts.OVER)
    facts.hold(auditor, bob, valid_from=facts.LATER)
    staff = facts.group("staff")
    facts.was_in(staff, charlie)
    facts.hold(auditor, staff)

    assert list(users_holding(auditor)) == []


def test_a_page_costs_a_fixed_number_of_statements(superuser, auditor, bob):
    facts.hold(auditor, bob)
    facts.hold(facts.role("reader"), auditor)
    facts.grant(auditor, VIEW)
    superuser.get(url(auditor))
    with statements() as few:
        superuser.get(url(auditor))
    for n in range(20):
        facts.hold(auditor, facts.group(f"group-{n}", bob))
        facts.hold(facts.role(f"role-{n}"), auditor)
        facts.grant(auditor, VIEW, on=str(n))

    with statements() as many:
        superuser.get(url(auditor))
    with statements() as everybody:
        superuser.get(url(auditor, "?part=everybody"))

    assert len(many) == len(few) <= 12 + 4
    assert len(everybody) <= 12


def test_ticking_gives_everywhere_with_one_event_each(superuser, auditor, root, invoices):
    facts.grant(auditor, "shop.view_invoice")
    page = superuser.get(matrix(auditor))

    fields = {**form_of(page, "approve_invoice"), "reason": "year's end"}
    answer = superuser.post(matrix(auditor), fields)

    events = Event.objects.filter(target_pk=str(auditor.pk), kind__startswith="grant_")
    assert (answer.status_code, answer["Location"]) == (302, matrix(auditor))
    assert given(auditor) == {"approve_invoice"}
    assert {(event.kind, event.reason, event.door) for event in events} == {
        (EventKind.GRANT_CREATED, "year's end", "console"),
        (EventKind.GRANT_DELETED, "year's end", "console"),
    }


def test_nothing_ticked_anew_is_no_event(superuser, auditor, invoices):
    facts.grant(auditor, "shop.view_invoice", valid_until=facts.LATER)
    before = Event.objects.count()
    page = superuser.get(matrix(auditor))

    superuser.post(matrix(auditor), form_of(page, "view_invoice"))

    assert Event.objects.count() == before
    assert RoleGlobalGrant.objects.get().valid_until == facts.LATER
    assert "until 2900-01-01 00:00" in page.content.decode()


def test_what_others_changed_meanwhile_is_shown_and_kept(superuser, auditor, invoices):
    facts.grant(auditor, "shop.view_invoice")
    page = superuser.get(matrix(auditor, "?q=shop"))
    RoleGlobalGrant.objects.all().delete()

    refused = superuser.post(matrix(auditor), form_of(page, "view_invoice", "approve_invoice"))

    [said] = refused.context["form"].non_field_errors()
    assert "Taken away: view · shop.invoice" in said
    assert given(auditor) == set()
    assert boxes(refused) == {"approve_invoice": (True, True), "view_invoice": (False, True)}
    superuser.post(matrix(auditor), form_of(refused, "approve_invoice"))
    assert given(auditor) == {"approve_invoice"}


def test_boxes_are_offered_below_the_ceiling_alone(browser_of, charlie, auditor, invoices):
    facts.grant(auditor, "shop.view_invoice")
    browser = browser_of(charlie, VIEW, GIVE)

    page = browser.get(matrix(auditor))
    forged = {"offered": str(key("approve_invoice")), "was": "", "grant": [key("approve_invoice")]}
    refused = browser.post(matrix(auditor), forged)

    assert boxes(page) == {"approve_invoice": (False, False), "view_invoice": (True, False)}
    assert "shop.approve_invoice" in refused.context["form"].non_field_errors()[0]
    assert given(auditor) == {"view_invoice"}


def test_whoever_holds_a_permission_gives_it_and_takes_it_only_with_the_right(
    browser_of, charlie, auditor, invoices
):
    facts.grant(charlie, "shop.approve_invoice")
    facts.grant(auditor, "shop.view_invoice")
    browser = browser_of(charlie, VIEW, GIVE)

    page = browser.get(matrix(auditor))
    browser.post(matrix(auditor), form_of(page, "approve_invoice"))

    assert given(auditor) == {"approve_invoice", "view_invoice"}
    forged = {"offered": str(key("view_invoice")), "was": str(key("view_invoice"))}
    assert browser.post(matrix(auditor), forged).status_code == 200
    assert given(auditor) == {"approve_invoice", "view_invoice"}


def test_an_auditor_looks_at_the_matrix_and_changes_nothing(browser_of, charlie, auditor, invoices):
    facts.grant(auditor, "shop.view_invoice")
    browser = browser_of(charlie, VIEW)

    page = browser.get(matrix(auditor))

    assert boxes(page) == {"approve_invoice": (False, False), "view_invoice": (True, False)}
    assert 'type="checkbox" name="grant"' not in page.content.decode()
    offered = buttons(browser.get(url(auditor)))
    assert set(offered) == {"As a matrix"}


@pytest.mark.parametrize("fields", [{"offered": "x"}, {"was": "-1"}, {"grant": ["\0"]},
                                    {"offered": "1 " * 5001}, {"reason": "x" * 501}])  # fmt: skip
def test_a_damaged_form_is_refused(superuser, auditor, invoices, fields):
    page = superuser.post(matrix(auditor), {"offered": "", "was": "", **fields})

    assert page.status_code == 200
    assert page.context["form"].errors
    assert given(auditor) == set()


@pytest.mark.parametrize("query", ["?q=%00", "?q=shop.", "?q=.", "?page=x", "?page=99", "?only=on"])
def test_no_filter_breaks_the_matrix(superuser, auditor, query):
    assert superuser.get(matrix(auditor, query)).status_code == 200


def test_the_matrix_is_filtered_by_types_and_actions(superuser, auditor, invoices):
    facts.grant(auditor, "shop.view_invoice")

    shown = {
        query: [row.label for row in superuser.get(matrix(auditor, query)).context["rows"]]
        for query in ("?q=shop.inv", "?q=approve_inv", "?only=on", "?q=nothing-like-this")
    }

    assert shown.pop("?q=nothing-like-this") == []
    assert all(labels == ["shop.invoice"] for labels in shown.values())


def test_the_matrix_costs_a_fixed_number_of_statements(superuser, auditor):
    superuser.get(matrix(auditor, ""))
    with statements() as few:
        superuser.get(matrix(auditor, "?q=authentik_rbac.role"))
    for permission in Permission.objects.filter(content_type__resource_type__isnull=False)[:99]:
        RoleGlobalGrant.objects.create(role=auditor, permission=permission)

    with statements() as many:
        page = superuser.get(matrix(auditor, ""))

    assert len(page.context["rows"]) == 25
    assert len(many) == len(few) <= 12


def details(browser, role):
    page = browser.get(f"/admin/roles/{role.pk}/")
    form = page.context["form"]
    words = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in words.items() if value not in (None, False)}


def test_a_role_is_renamed_and_disabled(superuser, auditor, bob):
    facts.hold(auditor, bob)
    fields = {**details(superuser, auditor), "name": "reviewer", "reason": "new words"}
    fields.pop("is_enabled")

    answer = superuser.post(f"/admin/roles/{auditor.pk}/", fields)

    auditor.refresh_from_db()
    event = Event.objects.get(kind=EventKind.ROLE_CHANGED)
    assert (answer.status_code, answer["Location"]) == (302, url(auditor))
    assert (auditor.name, auditor.is_enabled) == ("reviewer", False)
    assert event.reason == "new words"


def test_a_name_changed_meanwhile_is_shown_and_not_overwritten(superuser, auditor):
    fields = details(superuser, auditor)
    Role.objects.filter(pk=auditor.pk).update(description="by somebody else")

    refused = superuser.post(f"/admin/roles/{auditor.pk}/", {**fields, "description": "mine"})

    errors = refused.context["form"].errors
    assert "changed meanwhile" in errors["__all__"][0]
    assert errors["description"] == ["Now it is: by somebody else"]
    auditor.refresh_from_db()
    assert auditor.description == "by somebody else"


@pytest.mark.parametrize(("name", "field"), [("", "name"), ("taken", "name"), ("x" * 151, "name")])
def test_names_are_refused_at_their_field(superuser, auditor, name, field):
    facts.role("taken")

    page = superuser.post(
        f"/admin/roles/{auditor.pk}/", {**details(superuser, auditor), "name": name}
    )

    assert list(page.context["form"].errors) == [field]
    assert not Event.objects.filter(kind=EventKind.ROLE_CHANGED).exists()


def test_a_role_that_was_deleted_in_another_tab_is_told(superuser, auditor):
    address, details_ = matrix(auditor), f"/admin/roles/{auditor.pk}/"
    auditor.delete()

    for answer in (
        superuser.get(address, follow=True),
        superuser.post(address, {"offered": "1"}, follow=True),
        superuser.post(details_, {"name": "again"}, follow=True),
    ):
        assert "not there any more" in answer.content.decode()
    assert superuser.get(url(auditor)).status_code == 302


def test_without_the_right_nothing_is_renamed(browser_of, charlie, auditor):
    browser = browser_of(charlie, VIEW)

    assert browser.get(f"/admin/roles/{auditor.pk}/").status_code == 403
    assert browser.post(f"/admin/roles/{auditor.pk}/", {"name": "mine"}).status_code == 403


def test_the_administrator_of_one_role_is_offered_what_concerns_it(browser_of, charlie, auditor):
    other = facts.role("other")
    for name in (VIEW, CHANGE, GIVE):
        facts.grant(charlie, name, on=auditor)
    facts.grant(charlie, VIEW, on=other)
    browser = browser_of(charlie)

    assert "Rename, describe, disable" in buttons(browser.get(url(auditor)))
    assert set(buttons(browser.get(url(other)))) == {"As a matrix"}


@pytest.mark.parametrize("name", ["x" * 150, "\u202eright", "<b>bold</b>", "🦊 & co", '"quoted"'])
def test_odd_names_are_shown_as_they_are(superuser, bob, name):
    role = facts.role(name, code="odd", description=name)
    facts.hold(role, bob)

    pages = [superuser.get(url(role)), superuser.get(matrix(role))]

    assert not any("<b>bold" in page.content.decode() for page in pages)
    assert {superuser.get(at).status_code for at in buttons(pages[0]).values()} == {200}
    assert RoleAssignment.objects.count() == 1
