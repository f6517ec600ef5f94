"""An explanation names every path that allows, and what came nearest where none does."""

from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from accounts.models import GroupClosure, GroupParent, User
from permissions import engine
from permissions.engine import explaining
from permissions.engine.evidence import Obstacle
from permissions.engine.explaining import SuggestionKind, explain
from permissions.engine.words import Reason, ResourceRef, StepKind, SubjectRef
from roles.models import Scope, ScopeEntry, ScopeKind
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FLOW = ResourceRef("authentik_flows.flow", "42")
VIEW_FLOW = "authentik_flows.view_flow"


@pytest.fixture
def reader():
    """A role that may view every flow."""
    role = facts.role("reader", display_name="Reader of flows")
    facts.grant(role, VIEW_FLOW)
    return role


@pytest.fixture
def nested(bob):
    """bob is a member of ops, which is in staff."""
    ops, staff = facts.group("ops", bob), facts.group("staff")
    GroupParent.objects.create(child=ops, parent=staff)
    GroupClosure.objects.create(descendant=ops, ancestor=staff)
    return ops, staff


def scope(*entries, kind=ScopeKind.SELECTED, name=None) -> Scope:
    made = Scope.objects.create(kind=kind, name=name)
    content_type = facts.permission(VIEW_FLOW).content_type
    for key in entries:
        ScopeEntry.objects.create(scope=made, content_type=content_type, object_pk=key)
    return made


def only_miss(user, **times):
    explanation = explain(user, "view", FLOW, at=NOON, **times)
    assert not explanation.decision.allowed
    [miss] = explanation.near_misses
    return miss


def test_it_names_every_step_from_the_subject_to_the_grant(bob, nested, reader):
    facts.hold(reader, nested[1])

    explanation = explain(bob, "view", FLOW)

    [path] = explanation.paths
    assert [(step.kind, step.name, step.detail) for step in path.steps] == [
        (StepKind.USER, "bob", ""),
        (StepKind.GROUP, "ops", "member"),
        (StepKind.GROUP, "staff", "above ops"),
        (StepKind.ROLE, "Reader of flows", "held by staff"),
        (StepKind.GRANT, VIEW_FLOW, "on every authentik_flows.flow"),
    ]
    assert explanation.decision.path == path.steps
    assert explanation.decision.reason is engine.check(bob, "view", FLOW).reason


def test_it_names_every_path(bob, nested, reader):
    facts.grant(bob, VIEW_FLOW, "42")
    facts.hold(reader, bob)
    facts.hold(reader, nested[0])

    explanation = explain(bob, "view", FLOW)

    assert [path.reason for path in explanation.paths] == [
        Reason.USER_OBJECT,
        Reason.ROLE_GLOBAL,
        Reason.ROLE_GLOBAL,
    ]
    assert explanation.complete


def test_a_step_carries_the_scope_and_the_times_of_the_fact_behind_it(bob, reader):
    limit = scope("42", name="the answer")
    held = facts.hold(reader, bob, scope=limit, valid_until=NOON + DAY)

    [path] = explain(bob, "view", FLOW, at=NOON).paths

    step = path.steps[1]
    assert (step.fact, step.scope_id) == (str(held.pk), str(limit.pk))
    assert (step.scope, step.valid_until) == ("scope the answer", NOON + DAY)


def test_it_says_which_group_makes_a_superuser(bob):
    facts.make_superuser(bob)

    [path] = explain(bob, "view", FLOW).paths

    assert path.reason is Reason.SUPERUSER
    assert path.steps[-1].detail == "member, makes superusers"


def test_it_says_that_an_assignment_expired(bob, reader):
    facts.hold(reader, bob, valid_until=NOON)

    miss = only_miss(bob)

    assert [hindrance.obstacle for hindrance in miss.hindrances] == [Obstacle.EXPIRED]
    assert miss.text == (
        "would be allowed through role Reader of flows, but the assignment of role"
        " Reader of flows expired on 2026-03-01 12:00 UTC"
    )


def test_it_says_that_a_grant_is_not_valid_yet(bob):
    facts.grant(bob, VIEW_FLOW, "42", valid_from=NOON + DAY)

    miss = only_miss(bob)

    assert miss.text == (
        "would be allowed through a grant of its own,"
        " but the grant is not valid before 2026-03-02 12:00 UTC"
    )


def test_an_expired_membership_stands_in_the_way_to_every_group_above(bob, nested, reader):
    for group in nested:
        facts.hold(reader, group)
    nested[0].memberships.update(valid_until=NOON)

    explanation = explain(bob, "view", FLOW, at=NOON)

    assert [miss.hindrances[0].text for miss in explanation.near_misses] == [
        "the membership of ops expired on 2026-03-01 12:00 UTC"
    ] * 2


def test_it_says_what_the_nearest_scope_covers(bob, reader):
    facts.hold(reader, bob, scope=scope("7", "8", name="Europe"))

    miss = only_miss(bob)

    assert miss.hindrances[0].text == (
        "scope Europe of role Reader of flows does not cover authentik_flows.flow:42;"
        " it covers authentik_flows.flow:7, authentik_flows.flow:8"
    )


def test_it_says_that_a_role_is_disabled(bob, reader):
    facts.hold(reader, bob)
    reader.is_enabled = False
    reader.save()

    assert [h.obstacle for h in only_miss(bob).hindrances] == [Obstacle.ROLE_DISABLED]


def test_it_says_that_the_subject_is_inactive(bob, reader):
    facts.hold(reader, bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)

    explanation = explain(SubjectRef("bob"), "view", FLOW)

    assert explanation.near_misses[0].hindrances[0].text == "bob is not active"
    assert [s.kind for s in explanation.suggestions] == [SuggestionKind.ACTIVATE_USER]


def test_it_says_that_the_permission_is_held_on_another_resource(bob):
    facts.grant(bob, VIEW_FLOW, "7")

    assert only_miss(bob).hindrances[0].text == (
        "the grant is on authentik_flows.flow:7, not on authentik_flows.flow:42"
    )


def test_the_path_with_the_fewest_hindrances_comes_first(bob, reader):
    facts.hold(reader, bob, scope=scope("7"), valid_until=NOON)
    facts.grant(bob, VIEW_FLOW, "42", valid_until=NOON)

    explanation = explain(bob, "view", FLOW, at=NOON)

    assert [len(miss.hindrances) for miss in explanation.near_misses] == [1, 2]


def test_it_suggests_the_smallest_grant_first(bob, reader):
    wide = facts.role("auditor")
    facts.grant(wide, VIEW_FLOW)
    facts.grant(wide, "authentik_flows.change_flow")

    suggestions = explain(bob, "view", FLOW).suggestions

    assert [suggestion.text for suggestion in suggestions] == [
        "grant authentik_flows.view_flow on authentik_flows.flow:42 to bob",
        "assign role Reader of flows to bob on a scope of authentik_flows.flow:42 alone",
        "assign role auditor to bob on a scope of authentik_flows.flow:42 alone",
        "grant authentik_flows.view_flow globally to bob",
    ]


def test_without_a_resource_it_suggests_no_grant_on_one(bob):
    suggestions = explain(bob, VIEW_FLOW).suggestions

    assert [suggestion.kind for suggestion in suggestions] == [SuggestionKind.GRANT_GLOBALLY]


def test_an_unknown_action_is_answered_with_the_known_ones(bob):
    explanation = explain(bob, "paint", FLOW)

    assert explanation.decision.reason is Reason.UNKNOWN_ACTION
    assert "view_flow" in explanation.actions


@pytest.mark.parametrize("key", ["\0", "\ud800"])
def test_what_no_database_can_hold_is_denied(bob, key):
    explanation = explain(bob, "view", ResourceRef("authentik_flows.flow", key))

    assert explanation.decision.reason is Reason.NO_GRANT
    assert explanation.near_misses == ()


def test_the_number_of_statements_does_not_grow_with_the_world(bob, nested, reader):
    facts.hold(reader, nested[1], valid_until=NOON)
    with counted() as few:
        explain(bob, "view", FLOW)
    for n in range(10):
        role = facts.role(f"role{n}")
        facts.hold(reader, role, scope=scope(str(n)))
        facts.hold(role, bob, scope=scope(str(n), kind=ScopeKind.NOTHING))
        facts.group(f"group{n}", bob)

    with counted() as many:
        explain(bob, "view", FLOW)

    # The two that read scopes are only sent when there is a scope.
    assert len(many) <= len(few) + 3 <= 20, many


def test_diamonds_of_roles_are_cut_short(bob, reader):
    last = [reader]
    for n in range(12):
        last, above = [facts.role(f"r{n}a"), facts.role(f"r{n}b")], last
        for role in last:
            for given in above:
                facts.hold(given, role)
    for role in last:
        facts.hold(role, bob)

    explanation = explain(bob, "view", FLOW)

    assert len(explanation.paths) == 100
    assert not explanation.complete


@pytest.mark.parametrize("expired", [False, True])
def test_roles_that_lead_nowhere_use_up_no_steps(bob, reader, monkeypatch, expired):
    monkeypatch.setattr(explaining, "MAX_STEPS", 10)
    for n in range(20):
        role = facts.role(f"before-reader-{n:02}")
        facts.hold(role, bob)
        if expired:
            facts.grant(role, VIEW_FLOW, valid_until=NOON)
    facts.hold(reader, bob)

    explanation = explain(bob, "view", FLOW, at=NOON + DAY)

    [path] = explanation.paths
    assert [step.name for step in path.steps] == ["bob", "Reader of flows", VIEW_FLOW]


def test_roles_that_are_held_but_do_not_count_use_up_no_steps(bob, reader, monkeypatch):
    """Each is held without hindrance; what it holds on the way to a grant has expired."""
    monkeypatch.setattr(explaining, "MAX_STEPS", 10)
    for n in range(20):
        role = facts.role(f"before-reader-{n:02}")
        facts.hold(role, bob)
        facts.hold(reader, role, valid_until=NOON)
    facts.hold(reader, bob)

    explanation = explain(bob, "view", FLOW, at=NOON + DAY)

    [path] = explanation.paths
    assert [step.name for step in path.steps] == ["bob", "Reader of flows", VIEW_FLOW]


def test_the_search_for_near_misses_gives_up(bob, reader, monkeypatch):
    """Every way through the diamonds comes before the first that ends, for it is hindered."""
    monkeypatch.setattr(explaining, "MAX_STEPS", 100)
    onwards = Mock(side_effect=explaining._onwards)
    monkeypatch.setattr(explaining, "_onwards", onwards)
    last = [facts.role("end")]
    facts.grant(last[0], VIEW_FLOW, valid_until=NOON)
    for n in range(8):
        last, above = [facts.role(f"r{n}a"), facts.role(f"r{n}b")], last
        for role in last:
            for given in above:
                facts.hold(given, role)
    for role in last:
        facts.hold(role, bob)

    assert not explain(bob, "view", FLOW, at=NOON + DAY).decision.allowed
    assert onwards.call_count <= 100
