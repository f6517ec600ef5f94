import pytest

from roles.models import InitialPermissions
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db


@pytest.fixture
def role(bob):
    made = facts.role("auditors")
    facts.hold(made, facts.group("staff"))
    facts.hold(made, bob)
    InitialPermissions.objects.create(name="creators", role=made)
    return made


def url(role):
    return f"/api/v3/rbac/roles/{role.pk}/used_by/"


def test_it_lists_what_refers_to_the_role(client_of, root, role, bob):
    response = client_of(root).get(url(role))

    assert [(row["model_name"], row["name"], row["action"]) for row in response.json()] == [
        ("group", "Group staff", "cascade_many"),
        ("user", "bob", "cascade_many"),
        ("initialpermissions", "creators", "cascade"),
    ]


def test_each_row_names_its_object(client_of, root, role):
    row = client_of(root).get(url(role)).json()[0]

    group = role.assignments.get(group__isnull=False).group
    assert row == {
        "app": "authentik_core",
        "model_name": "group",
        "pk": str(group.pk),
        "name": "Group staff",
        "action": "cascade_many",
    }


def test_it_lists_only_what_the_caller_may_view(client_of, alice, role, bob):
    facts.grant(alice, "authentik_rbac.view_role", role)
    facts.grant(alice, "authentik_core.view_user", bob)

    assert [row["name"] for row in client_of(alice).get(url(role)).json()] == ["bob"]


def test_a_hidden_role_is_404_and_no_role_at_all_403(client_of, alice, charlie, role):
    facts.grant(alice, "authentik_rbac.view_role", facts.role("others"))

    assert client_of(alice).get(url(role)).status_code == 404
    assert client_of(charlie).get(url(role)).status_code == 403


def test_the_statements_do_not_grow_with_the_rows(bearer_of, root, role):
    client = bearer_of(root)
    with counted() as few:
        client.get(url(role))
    for n in range(20):
        facts.hold(role, facts.group(f"group {n}"))

    with counted() as many:
        assert len(client.get(url(role)).json()) == 23

    assert len(many) == len(few), many
