"""manage.py purge_expired."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import GroupMembership
from audit.models import Event, EventKind
from permissions.models import UserGlobalGrant
from roles.models import RoleAssignment, Scope
from tests import facts

pytestmark = pytest.mark.django_db


def purge(older_than="30d"):
    out = StringIO()
    call_command("purge_expired", f"--older-than={older_than}", stdout=out)
    return out.getvalue()


def test_only_what_ended_long_ago_goes_each_with_its_event(alice, bob):
    old, recent = (timezone.now() - timedelta(days=days) for days in (40, 10))
    role = facts.role("r")
    facts.grant(role, "authentik_core.view_user", alice, valid_until=old)
    facts.grant(alice, "authentik_core.view_user", bob, valid_until=old)
    facts.grant(alice, "authentik_core.view_user", valid_until=old)
    facts.grant(bob, "authentik_core.view_user", valid_until=recent)
    facts.hold(role, alice, valid_until=old, scope=Scope.objects.create(kind="all"))
    facts.hold(role, bob)
    facts.group("g", alice, bob)
    GroupMembership.objects.filter(user=alice).update(valid_until=old)

    said = purge()

    assert "1 role assignments" in said
    assert UserGlobalGrant.objects.get().user == bob
    assert RoleAssignment.objects.get().user == bob
    assert GroupMembership.objects.get().user == bob
    assert not Scope.objects.filter(name=None).exists()
    kinds = [EventKind.GRANT_DELETED, EventKind.ROLE_UNASSIGNED, EventKind.GROUP_MEMBER_REMOVED]
    counts = [Event.objects.filter(kind=kind).count() for kind in kinds]
    assert counts == [3, 1, 1]


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1y", "9999999999d", "999999999w"])
def test_a_duration_that_is_none_stops_it(text):
    with pytest.raises(CommandError):
        purge(text)
