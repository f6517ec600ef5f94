"""Who was granted something of a type: the same, however many grants the type has."""

from __future__ import annotations

import pytest

from accounts.models import User
from permissions.queries import grantees
from tests import facts

pytestmark = pytest.mark.django_db


def test_the_users_granted_something_are_found_once_each(alice, bob, charlie):
    for key in ("1", "2"):
        facts.grant(alice, "authentik_rbac.view_role", on=key)
    facts.grant(bob, "authentik_rbac.view_role")
    facts.grant(charlie, "authentik_core.view_user", on="1")

    granted = User.objects.filter(pk__in=grantees.users_granted("authentik_rbac", "role"))

    assert sorted(granted.values_list("username", flat=True)) == ["alice", "bob"]
