"""`manage.py load_demo`: enough to look at, made by the operations, made once."""

from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command

from accounts.models import Group, User
from audit.models import Event
from permissions import engine
from permissions.engine.words import ResourceRef
from permissions.models import Resource
from permissions.operations.membership import remove_members
from roles.models import Role

pytestmark = pytest.mark.django_db

OWN = ("audit", "authentik_core", "authentik_rbac", "permissions")


@pytest.fixture
def demo():
    return load()


def load():
    out = StringIO()
    call_command("load_demo", stdout=out)
    return out.getvalue()


def everything():
    """How many rows each of our tables has."""
    models = [m for app in OWN for m in apps.get_app_config(app).get_models() if m._meta.managed]
    return {model._meta.label: model._default_manager.count() for model in models}


def may(username, action, kind, key):
    user = User.objects.get(username=username)
    return engine.check(user, action, ResourceRef(kind, key)).allowed


def test_it_loads_tens_of_users_and_what_they_work_with(demo):
    assert User.objects.filter(path="demo").count() == 36
    assert Group.objects.filter(name__startswith="Demo ").count() == 7
    assert Role.objects.filter(name__startswith="Demo ").count() == 4
    assert Resource.objects.filter(type__content_type__app_label="demo").count() == 68
    assert "36 users" in demo


def test_loading_again_changes_nothing(demo):
    before = everything()

    load()

    assert everything() == before


def test_loading_again_brings_back_what_is_missing(demo):
    group, user = Group.objects.get(name="Demo audit"), User.objects.get(username="demo-amara")
    remove_members(group=group, users=[user], actor=None)

    load()

    assert user.groups.get() == group


def test_what_people_changed_stays(demo):
    User.objects.filter(username="demo-ada").update(name="Ada L.")

    load()

    assert User.objects.get(username="demo-ada").name == "Ada L."


def test_everything_has_its_event(demo):
    assert Event.objects.filter(kind="user_created", door="command").count() == 36
    assert set(Event.objects.values_list("door", flat=True)) == {"command"}


def test_nested_groups_and_roles_of_roles_count(demo):
    assert may("demo-ada", "view", "demo.invoice", "south-2-05")
    assert may("demo-ada", "change", "demo.invoice", "south-2-05")
    assert may("demo-amara", "approve", "demo.invoice", "south-2-05")


def test_single_grants_count_where_they_are_and_nowhere_else(demo):
    assert may("demo-ada", "approve", "demo.invoice", "north-1-01")
    assert not may("demo-ada", "approve", "demo.invoice", "north-1-02")
    assert may("demo-ada", "change", "demo.shop", "north-1")
    assert not may("demo-alan", "change", "demo.shop", "north-1")


def test_a_role_held_in_a_scope_counts_below_what_the_scope_names(demo):
    assert may("demo-alan", "approve", "demo.invoice", "south-2-05")
    assert not may("demo-alan", "approve", "demo.invoice", "north-2-05")


def test_what_is_over_counts_no_longer(demo):
    assert not may("demo-alan", "approve", "demo.invoice", "north-1-01")


def test_nobody_of_them_can_sign_in(demo):
    assert not any(user.has_usable_password() for user in User.objects.filter(path="demo"))
