"""Lists are complete and finite, whatever the ways that lead to a resource."""

import pytest

from permissions import engine
from permissions.engine.words import SubjectRef
from roles.models import Scope, ScopeEntry, ScopeKind
from tests import facts

pytestmark = pytest.mark.django_db
VIEW_FLOW = "authentik_flows.view_flow"


def every_page(user, limit):
    found: list[str] = []
    after = ""
    while True:
        page = engine.list_resources(
            SubjectRef.of(user), "view", "authentik_flows.flow", after=after, limit=limit
        )
        found += page.items
        if page.next is None:
            return found
        after = page.next


def scope_of(*keys):
    scope = Scope.objects.create(kind=ScopeKind.SELECTED)
    content_type = facts.permission(VIEW_FLOW).content_type
    for key in set(keys):
        ScopeEntry.objects.create(scope=scope, content_type=content_type, object_pk=key)
    return scope


def test_a_page_counts_a_resource_once_however_often_its_role_is_held(bob):
    role = facts.role("reader")
    for key in ("1", "2", "3"):
        facts.grant(role, VIEW_FLOW, key)
    for n in range(4):
        facts.hold(role, bob, scope=scope_of("1", "2", "3", str(n)))

    assert every_page(bob, limit=1) == ["1", "2", "3"]


def test_a_page_counts_a_resource_once_however_many_scopes_name_it(bob):
    role = facts.role("reader")
    facts.grant(role, VIEW_FLOW)
    for n in range(4):
        facts.hold(role, bob, scope=scope_of("1", "2", "3", str(n)))

    assert every_page(bob, limit=1) == ["0", "1", "2", "3"]


def test_roles_in_a_circle_come_to_an_end(bob):
    first, second = facts.role("first"), facts.role("second")
    facts.grant(second, VIEW_FLOW)
    facts.hold(first, bob)
    facts.hold(second, first, scope=scope_of("1", "2"))
    facts.hold(first, second, scope=scope_of("2", "3"))

    assert every_page(bob, limit=1) == ["1", "2"]


@pytest.mark.parametrize("limit", [1, 10])
def test_a_role_within_a_scope_lists_what_both_its_grants_and_the_scope_name(bob, limit):
    role = facts.role("reader")
    for key in "123456":
        facts.grant(role, VIEW_FLOW, key)
    facts.hold(role, bob, scope=scope_of("2", "5", "9"))

    assert every_page(bob, limit) == ["2", "5"]


def test_a_scope_of_the_whole_type_hides_none_of_the_grants(bob):
    role, scope = facts.role("reader"), Scope.objects.create(kind=ScopeKind.SELECTED)
    ScopeEntry.objects.create(scope=scope, content_type=facts.permission(VIEW_FLOW).content_type)
    facts.grant(role, VIEW_FLOW, "never registered")
    facts.hold(role, bob, scope=scope)

    assert every_page(bob, limit=10) == ["never registered"]


def test_a_page_ends_with_own_grants_when_roles_do_not_fill_it(bob):
    role = facts.role("reader")
    facts.grant(role, VIEW_FLOW, "1")
    facts.hold(role, bob)
    for key in "23456":
        facts.grant(bob, VIEW_FLOW, key)

    assert every_page(bob, limit=4) == ["1", "2", "3", "4", "5", "6"]
