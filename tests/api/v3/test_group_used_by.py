import pytest

from permissions.operations.group_parents import set_parents
from tests import facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(bob):
    staff = facts.group("staff", bob)
    set_parents(group=facts.group("crew"), parents=[staff], actor=None)
    return staff


def url(group):
    return f"/api/v3/core/groups/{group.pk}/used_by/"


def test_it_names_members_and_child_groups(client_of, root, staff):
    found = client_of(root).get(url(staff)).json()

    assert [(row["model_name"], row["name"], row["action"]) for row in found] == [
        ("user", "bob", "cascade_many"),
        ("group", "Group crew", "cascade_many"),
    ]


def test_it_names_nothing_the_caller_may_not_view(client_of, charlie, staff):
    facts.grant(charlie, "authentik_core.view_group", staff)

    assert client_of(charlie).get(url(staff)).json() == []


def test_it_names_the_few_the_caller_may_view(client_of, charlie, staff, bob):
    facts.grant(charlie, "authentik_core.view_user", bob)
    for group in (staff, staff.children.get()):
        facts.grant(charlie, "authentik_core.view_group", group)

    assert len(client_of(charlie).get(url(staff)).json()) == 2


def test_it_needs_permission_on_the_group(client_of, charlie, staff):
    assert client_of(charlie).get(url(staff)).status_code == 403
