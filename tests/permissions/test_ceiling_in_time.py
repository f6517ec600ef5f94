"""Nobody gives access that begins before or lasts longer than what they hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.facts import ALWAYS, Window
from accounts.models import GroupMembership
from permissions.engine import GrantCeiling, SuperuserOnly, require_covers, require_grants
from permissions.engine.words import ResourceRef
from roles.models import InitialPermissions
from tests import facts

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC).replace(microsecond=0)
SOON, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=5)
VIEW = "authentik_core.view_user"


def gives(actor, window=ALWAYS, *, on=None, **conferred):
    """Whether the ceiling lets this pass: the roles, groups or users, or without them a grant."""
    try:
        if conferred:
            require_covers(actor=actor, window=window, **conferred)
        else:
            require_grants(actor=actor, grants=[(facts.permission(VIEW), on)], window=window)
    except GrantCeiling:
        return False
    return True


def test_a_grant_held_for_a_time_is_given_for_that_time_at_most(alice):
    facts.grant(alice, VIEW, valid_until=SOON)

    assert gives(alice, Window(None, SOON))
    assert gives(alice, Window(NOW + timedelta(minutes=5), SOON - timedelta(minutes=5)))
    assert not gives(alice, Window(None, LATER))
    assert not gives(alice)


def test_an_end_with_a_fraction_of_a_second_is_met_exactly(alice):
    end = SOON + timedelta(microseconds=250_000)
    facts.grant(alice, VIEW, valid_until=end)

    assert gives(alice, Window(None, end))
    assert not gives(alice, Window(None, end + timedelta(microseconds=1)))


def test_the_refusal_says_until_when(alice):
    facts.grant(alice, VIEW, valid_until=SOON)

    with pytest.raises(
        GrantCeiling, match=rf"view_user \(which you hold until {SOON:%Y-%m-%dT%H:%M}"
    ):
        require_grants(actor=alice, grants=[(facts.permission(VIEW), None)])


def test_what_begins_later_is_given_from_then(alice):
    facts.grant(alice, VIEW, valid_from=SOON)

    assert gives(alice, Window(SOON, None))
    assert not gives(alice, Window(NOW, None))


def test_one_way_must_last_throughout(alice):
    facts.grant(alice, VIEW, valid_until=SOON)
    role = facts.role("viewer")
    facts.grant(role, VIEW)
    facts.hold(role, alice, valid_from=NOW - timedelta(hours=1), valid_until=LATER)

    assert gives(alice, Window(None, LATER))
    facts.role("unused")
    role.assignments.update(valid_from=SOON)
    assert not gives(alice, Window(None, LATER))


@pytest.mark.parametrize("element", ["grant", "assignment", "membership", "role", "outer"])
def test_every_element_of_the_way_counts(alice, element):
    until: dict[str, Any] = {element: {"valid_until": SOON}}
    inner, outer = facts.role("inner"), facts.role("outer")
    facts.grant(inner, VIEW, **until.get("grant", {}))
    facts.hold(inner, outer, **until.get("outer", {}))
    group = facts.group("team")
    facts.hold(outer, group, **until.get("assignment", {}))
    GroupMembership.objects.create(group=group, user=alice, **until.get("membership", {}))
    if element == "role":
        inner.disabled_from = SOON
        inner.save()

    assert gives(alice, Window(None, SOON))
    assert not gives(alice, Window(None, LATER))


@pytest.mark.parametrize("kind", ["role", "group", "user"])
def test_what_is_conferred_is_judged_with_its_own_time(alice, bob, kind):
    facts.grant(alice, VIEW, valid_until=SOON)
    role = facts.role("viewer")
    grant = facts.grant(role, VIEW)
    group = facts.group("team")
    facts.hold(role, group if kind == "group" else bob)
    conferred: dict[str, Any] = {
        "role": {"roles": [role]},
        "group": {"groups": [group]},
        "user": {"users": [bob]},
    }

    assert gives(alice, Window(None, SOON), **conferred[kind])
    assert not gives(alice, **conferred[kind])
    grant.valid_until = SOON - timedelta(minutes=1)
    grant.save()
    assert gives(alice, **conferred[kind])


def test_an_object_grant_of_a_role_is_judged_in_time(alice):
    group = facts.group("thing")
    role = facts.role("viewer")
    facts.grant(role, "authentik_core.view_group", group)
    facts.grant(alice, "authentik_core.view_group", group, valid_until=SOON)

    assert gives(alice, Window(None, SOON), roles=[role])
    assert not gives(alice, roles=[role])
    with pytest.raises(GrantCeiling, match=r"view_group on .* \(which you hold until "):
        require_covers(actor=alice, roles=[role])


def test_the_direct_grants_of_somebody_acted_as_are_judged_in_time(alice, bob):
    facts.grant(bob, VIEW)
    facts.grant(alice, VIEW, valid_until=SOON)

    assert gives(alice, Window(None, SOON), users=[bob])
    assert not gives(alice, users=[bob])


def test_escalate_counts_while_it_is_held(alice):
    facts.grant(alice, "authentik_rbac.escalate", valid_until=SOON)
    role = facts.role("viewer")
    facts.grant(role, VIEW)

    assert gives(alice, Window(None, SOON))
    assert gives(alice, Window(None, SOON), roles=[role])
    assert not gives(alice)
    assert not gives(alice, roles=[role])


def test_a_superuser_for_a_time_makes_superusers_for_that_time(alice):
    admins = facts.group("admins", is_superuser=True)
    GroupMembership.objects.create(group=admins, user=alice, valid_until=SOON)

    require_covers(actor=alice, groups=[admins], window=Window(None, SOON))
    with pytest.raises(SuperuserOnly):
        require_covers(actor=alice, groups=[admins])


def test_initial_permissions_are_conferred_with_the_role(alice):
    role = facts.role("creators")
    rule = InitialPermissions.objects.create(name="theirs", role=role)
    rule.permissions.add(facts.permission("authentik_flows.delete_flow"))

    with pytest.raises(GrantCeiling, match="delete_flow"):
        require_covers(actor=alice, roles=[role])
    other = facts.role("others")
    facts.hold(other, alice, valid_until=SOON)
    again = InitialPermissions.objects.create(name="ours", role=other)
    again.permissions.add(facts.permission("authentik_flows.delete_flow"))
    assert gives(alice, Window(None, SOON), roles=[role])
    assert not gives(alice, roles=[role])


def test_on_one_object_the_time_of_the_grant_on_it_counts(alice):
    facts.grant(alice, VIEW, "7", valid_until=SOON)
    user = ResourceRef("authentik_core.user", "7")

    assert gives(alice, Window(None, SOON), on=user)
    assert not gives(alice, on=user)
