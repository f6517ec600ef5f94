from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import GroupMembership, GroupParent
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/users/me/"


def test_everybody_may_ask_who_it_is(client_of, charlie):
    answer = client_of(charlie).get(URL).json()

    assert answer["users"] == [answer["user"]]
    assert answer["user"] == {
        "pk": charlie.pk,
        "username": "charlie",
        "name": "Charlie",
        "is_active": True,
        "is_superuser": False,
        "is_current": True,
        "groups": [],
        "roles": [],
        "email": "",
        "avatar": answer["user"]["avatar"],
        "uid": charlie.uid,
        "settings": {},
        "type": "internal",
        "system_permissions": [],
    }


def test_it_names_inherited_groups_and_roles(client_of, bob):
    crew, company = facts.group("crew", bob), facts.group("company")
    GroupParent.objects.create(child=crew, parent=company)
    crew.ancestor_rows.create(ancestor=company)
    cooks, eaters = facts.role("cooks"), facts.role("eaters")
    facts.hold(cooks, company)
    facts.hold(eaters, cooks)

    user = client_of(bob).get(URL).json()["user"]

    assert [group["name"] for group in user["groups"]] == ["company", "crew"]
    assert [role["name"] for role in user["roles"]] == ["cooks", "eaters"]


def test_what_does_not_count_now_is_left_out(client_of, bob):
    past = timezone.now() - timedelta(days=1)
    GroupMembership.objects.create(group=facts.group("crew"), user=bob, valid_until=past)
    facts.hold(facts.role("cooks"), bob, valid_until=past)
    facts.hold(facts.role("sleepers", is_enabled=False), bob)

    user = client_of(bob).get(URL).json()["user"]

    assert (user["groups"], user["roles"]) == ([], [])


def test_system_permissions_are_those_of_the_rbac_app(client_of, bob):
    cooks = facts.role("cooks")
    facts.hold(cooks, bob)
    facts.grant(cooks, "authentik_rbac.view_system_info")
    facts.grant(bob, "authentik_rbac.view_role")
    facts.grant(bob, "authentik_core.view_user")
    facts.grant(bob, "authentik_rbac.change_role", cooks)

    user = client_of(bob).get(URL).json()["user"]

    assert user["system_permissions"] == ["view_role", "view_system_info"]


def test_a_superuser_has_them_all(client_of, root):
    user = client_of(root).get(URL).json()["user"]

    assert user["is_superuser"] is True
    assert {"escalate", "check_access", "view_role"} <= set(user["system_permissions"])


@pytest.mark.parametrize("settings", [{"theme": "dark"}, "dark", None])
def test_settings_come_from_an_attribute(client_of, bob, settings):
    bob.attributes = {"settings": settings}
    bob.save()

    expected = settings if isinstance(settings, dict) else {}
    assert client_of(bob).get(URL).json()["user"]["settings"] == expected


def test_anonymous_callers_are_told_to_sign_in(anonymous):
    response = anonymous.get(URL)

    assert response.status_code == 403
    assert response.json() == {"detail": "Authentication credentials were not provided."}


def test_only_get_is_answered(client_of, bob):
    assert client_of(bob).post(URL, {}).status_code == 405


def test_statements_do_not_depend_on_what_one_has(bearer_of, bob):
    client = bearer_of(bob)
    with counted() as few:
        client.get(URL)
    for n in range(10):
        facts.hold(facts.role(f"r{n}"), facts.group(f"g{n}", bob))
    with counted() as many:
        client.get(URL)

    assert len(few) <= len(many) <= 8, many
