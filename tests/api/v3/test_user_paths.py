import pytest

from accounts.models import User
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/users/paths/"


@pytest.fixture(autouse=True)
def paths(alice, bob, charlie):
    User.objects.filter(pk=alice.pk).update(path="staff")
    User.objects.filter(pk=bob.pk).update(path="staff")
    User.objects.filter(pk=charlie.pk).update(path="guests")


def test_each_path_comes_once(client_of, root):
    assert client_of(root).get(URL).json() == {"paths": ["guests", "staff", "users"]}


def test_only_those_of_users_one_may_view(client_of, charlie, alice):
    facts.grant(charlie, "authentik_core.view_user", alice)

    assert client_of(charlie).get(URL).json() == {"paths": ["staff"]}


def test_a_search_is_one_for_users(client_of, root):
    assert client_of(root).get(URL, {"search": "charl"}).json() == {"paths": ["guests"]}


def test_without_the_permission_it_is_refused(client_of, charlie):
    assert client_of(charlie).get(URL).status_code == 403
