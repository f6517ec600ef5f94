"""Commands of Django and django-guardian that would delete what has no Python class."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command

from permissions.models import (
    NamedResource,
    ResourceType,
    RoleObjectPermission,
    UserObjectPermission,
)
from tests import facts
from tests.truth.writers import create_type

pytestmark = pytest.mark.django_db
VIEW_FLOW = "authentik_flows.view_flow"
VIEW_GROUP = "authentik_core.view_group"


def test_a_grant_knows_the_row_it_is_on(bob):
    group = facts.group("staff")

    assert facts.grant(bob, VIEW_GROUP, group).content_object == group


def test_a_grant_knows_the_registered_resource_it_is_on(bob):
    flow = facts.resource("authentik_flows.flow", "42", "Sign-in")

    assert facts.grant(facts.role("reader"), VIEW_FLOW, flow).content_object == flow


def test_a_grant_on_what_nobody_registered_has_a_name(bob):
    grant = facts.grant(bob, VIEW_FLOW, "42")

    assert grant.content_object == NamedResource("authentik_flows.flow", "42")
    assert str(grant.content_object) == "authentik_flows.flow:42"


def test_a_grant_on_the_service_as_a_whole_has_a_name(bob):
    grant = facts.grant(bob, "authentik_rbac.check_access", "1")

    assert str(grant.content_object) == "authentik_rbac.systempermission:1"


@pytest.mark.parametrize("options", [{}, {"batch_size": 2}])
def test_cleaning_orphans_removes_only_grants_on_rows_that_are_gone(bob, options):
    role, group = facts.role("reader"), facts.group("staff")
    kept = {
        facts.grant(bob, VIEW_GROUP, group).pk,
        facts.grant(bob, VIEW_FLOW, "never registered").pk,
        facts.grant(bob, "authentik_rbac.check_access", "1").pk,
    }
    kept_by_role = facts.grant(role, VIEW_FLOW, "42").pk
    facts.grant(bob, VIEW_GROUP, str(uuid4()))
    facts.grant(bob, VIEW_GROUP, "not a uuid")
    facts.grant(role, "authentik_core.view_user", "987654321")

    call_command("clean_orphan_obj_perms", verbosity=0, **options)

    assert set(UserObjectPermission.objects.values_list("pk", flat=True)) == kept
    assert RoleObjectPermission.objects.get().pk == kept_by_role


def test_removing_stale_types_leaves_the_registered_ones_with_their_grants(bob):
    create_type("shop.invoice", ["view_invoice"])
    grant = facts.grant(bob, "shop.view_invoice", "1")
    types = ResourceType.objects.count()
    stale = ContentType.objects.create(app_label="authentik_core", model="forgotten")
    Permission.objects.create(content_type=stale, codename="view_forgotten", name="view")

    call_command(
        "remove_stale_contenttypes", interactive=False, include_stale_apps=True, verbosity=0
    )

    assert not ContentType.objects.filter(pk=stale.pk).exists()
    assert ResourceType.objects.count() == types
    assert UserObjectPermission.objects.get() == grant


def test_removing_stale_types_asks_first(monkeypatch, capsys):
    ContentType.objects.create(app_label="authentik_core", model="forgotten")
    monkeypatch.setattr("builtins.input", lambda _: "no")

    call_command("remove_stale_contenttypes")

    assert ContentType.objects.filter(model="forgotten").exists()
    assert "authentik_core | forgotten" in capsys.readouterr().out
