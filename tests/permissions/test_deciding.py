"""Checks whose statement has two ways to the same answer."""

from __future__ import annotations

import pytest

from permissions import engine
from permissions.engine import sql
from permissions.engine.words import ResourceRef
from tests import facts

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("on", [None, "8"])
@pytest.mark.parametrize("count", [1, sql.FEW_ROLES, sql.FEW_ROLES + 1])
def test_a_role_counts_among_however_many_have_the_same_grant(bob, charlie, count, on):
    roles = [facts.role(f"viewers{n}") for n in range(count)]
    for role in roles:
        facts.grant(role, "authentik_flows.view_flow", on)
    facts.hold(roles[-1], bob)

    for user, allowed in ((bob, True), (charlie, False)):
        decision = engine.check(user, "view", ResourceRef("authentik_flows.flow", "8"))
        assert decision.allowed is allowed
