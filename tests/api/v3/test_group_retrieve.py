import pytest

from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/groups/"


def test_it_shows_a_group(client_of, root, alice):
    staff = facts.group("staff", alice)

    response = client_of(root).get(f"{URL}{staff.pk}/")

    assert response.status_code == 200
    assert response.json()["name"] == "staff"
    assert response.json()["users_obj"][0]["username"] == "alice"


def test_linked_objects_come_when_asked_for(client_of, root, alice):
    staff = facts.group("staff", alice)

    answer = (
        client_of(root)
        .get(f"{URL}{staff.pk}/", {"include_users": "false", "include_inherited_roles": "true"})
        .json()
    )

    assert (answer["users"], answer["users_obj"]) == ([alice.pk], None)
    assert answer["inherited_roles_obj"] == []


def test_hidden_looks_like_missing(client_of, charlie):
    staff = facts.group("staff")
    facts.grant(charlie, "authentik_core.view_group", facts.group("crew"))

    hidden = client_of(charlie).get(f"{URL}{staff.pk}/")
    missing = client_of(charlie).get(f"{URL}5f0a3c86-0000-4000-8000-000000000000/")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json()


@pytest.mark.parametrize("key", ["x", "1", "%00", "5f0a3c86-0000-4000-8000-00000000000g", "😀"])
def test_keys_no_group_can_have_are_404(client_of, root, key):
    assert client_of(root).get(f"{URL}{key}/").status_code == 404


def test_anonymous_callers_of_an_object_are_refused_in_authentiks_words(anonymous):
    response = anonymous.get(f"{URL}{facts.group('staff').pk}/")

    assert response.status_code == 403
    assert response.json() == {"detail": "You do not have permission to perform this action."}
