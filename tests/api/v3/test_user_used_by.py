import pytest

from accounts.tokens import create_token
from tests import facts

pytestmark = pytest.mark.django_db


def url(user):
    return f"/api/v3/core/users/{user.pk}/used_by/"


@pytest.fixture(autouse=True)
def links(bob):
    facts.group("staff", bob)
    create_token(user=bob, identifier="his", actor=None)


def test_it_names_groups_and_tokens(client_of, root, bob):
    found = client_of(root).get(url(bob)).json()

    assert [(row["app"], row["model_name"], row["name"], row["action"]) for row in found] == [
        ("authentik_core", "group", "Group staff", "cascade_many"),
        ("authentik_core", "token", "Token his", "cascade"),
    ]
    assert all(isinstance(row["pk"], str) for row in found)


def test_it_names_nothing_the_caller_may_not_view(client_of, charlie, bob):
    facts.grant(charlie, "authentik_core.view_user", bob)

    assert client_of(charlie).get(url(bob)).json() == []


def test_it_names_the_few_the_caller_may_view(client_of, charlie, bob):
    facts.grant(charlie, "authentik_core.view_user", bob)
    facts.grant(charlie, "authentik_core.view_group", bob.groups.get())
    facts.grant(charlie, "authentik_core.view_token", bob.tokens.get())

    assert len(client_of(charlie).get(url(bob)).json()) == 2


def test_it_needs_permission_on_the_user(client_of, charlie, bob):
    """CVE-2024-42490: this very action asked for none."""
    assert client_of(charlie).get(url(bob)).status_code == 403
