import pytest

from accounts.models import Token, User
from audit.models import Event, EventKind
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/users/"


def test_a_user_goes_with_all_it_had(client_of, bearer_of, root, bob):
    bearer = bearer_of(bob)
    facts.grant(bob, "authentik_core.view_user")
    facts.grant(root, "authentik_core.view_user", bob)

    response = client_of(root).delete(f"{URL}{bob.pk}/")

    assert (response.status_code, response.content) == (204, b"")
    assert not User.objects.filter(username="bob").exists()
    assert not Token.objects.filter(identifier="key-of-bob").exists()
    assert not root.object_grants.exists()
    assert bearer.get(f"{URL}me/").status_code == 403
    assert Event.objects.filter(kind=EventKind.USER_DELETED, target_name="bob").exists()


def test_the_next_of_the_name_has_nothing_of_it(client_of, root, bob):
    facts.group("staff", bob)
    facts.grant(bob, "authentik_core.view_user")

    client_of(root).delete(f"{URL}{bob.pk}/")
    answer = client_of(root).post(URL, {"username": "bob", "name": ""}).json()

    assert answer["groups"] == []
    assert not User.objects.get(username="bob").global_grants.exists()


def test_it_needs_the_permission(client_of, charlie, bob):
    facts.grant(charlie, "authentik_core.view_user")

    assert client_of(charlie).delete(f"{URL}{bob.pk}/").status_code == 403
    assert User.objects.filter(pk=bob.pk).exists()


def test_an_unknown_user_is_404(client_of, root):
    assert client_of(root).delete(f"{URL}999999/").status_code == 404
