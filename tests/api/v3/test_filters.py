"""Values of filters that several lists share."""

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tokens import create_token

pytestmark = pytest.mark.django_db

FLAGS = {
    "core/users/": ("is_active", "is_superuser", "last_login__isnull"),
    "core/groups/": ("is_superuser",),
    "core/tokens/": ("expiring",),
    "rbac/roles/": ("inherited", "managed__isnull"),
    "rbac/role_assignments/": ("scoped", "active", "expired"),
    "rbac/resource_types/": ("built_in",),
    "rbac/resource_types/authentik_flows.flow/resources/": ("parent__isnull",),
}
EACH = [(path, name) for path, names in FLAGS.items() for name in names]


@pytest.mark.parametrize(("path", "name"), EACH)
def test_a_flag_that_is_neither_true_nor_false_is_refused(client_of, root, path, name):
    response = client_of(root).get(f"/api/v3/{path}", {name: "yes"})

    assert response.status_code == 400
    assert response.json() == {name: ["Must be true or false."]}


@pytest.mark.parametrize(("path", "name"), EACH)
def test_a_flag_without_a_value_is_no_filter(client_of, root, path, name):
    assert client_of(root).get(f"/api/v3/{path}", {name: ""}).status_code == 200


@pytest.mark.parametrize("word", ["false", "False", "0"])
def test_a_flag_may_be_a_word_or_a_digit(client_of, root, bob, word):
    User.objects.filter(pk=bob.pk).update(is_active=False)

    found = client_of(root).get("/api/v3/core/users/", {"is_active": word}).json()["results"]

    assert [user["username"] for user in found] == ["bob"]


def test_an_unknown_choice_is_named_however_large_the_number(client_of, root):
    number = "9" * 40
    response = client_of(root).get("/api/v3/core/groups/", {"members_by_pk": number})

    assert response.status_code == 400
    assert number in response.json()["members_by_pk"][0]


@pytest.mark.parametrize("number", ["-1", "0", "9" * 40])
def test_a_number_no_key_can_have_finds_nothing(client_of, root, number):
    response = client_of(root).get("/api/v3/rbac/permissions/users/", {"user_id": number})

    assert (response.status_code, response.json()["results"]) == (200, [])


@pytest.mark.parametrize("number", ["1_0", " 1", "+1", "\u0661"])
def test_a_number_is_plain_digits(client_of, root, number):
    response = client_of(root).get("/api/v3/rbac/permissions/users/", {"user_id": number})

    assert (response.status_code, list(response.json())) == (400, ["user_id"])


@pytest.mark.parametrize(("ordering", "first"), [("last_login", "bob"), ("-last_login", "root")])
def test_who_has_no_value_comes_where_postgresql_puts_it(client_of, root, bob, ordering, first):
    User.objects.filter(pk=bob.pk).update(last_login=timezone.now())

    found = client_of(root).get("/api/v3/core/users/", {"ordering": ordering}).json()["results"]

    assert found[0]["username"] == first
    assert len(found) == 2


def test_tokens_that_never_expire_come_after_those_that_do(client_of, root):
    create_token(user=root, identifier="for-ever", actor=None, expiring=False)
    create_token(user=root, identifier="short", actor=None)

    found = client_of(root).get("/api/v3/core/tokens/", {"ordering": "expires"}).json()["results"]

    assert [token["identifier"] for token in found] == ["short", "for-ever"]
