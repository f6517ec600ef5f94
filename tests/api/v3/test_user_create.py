import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.models import Event, EventKind
from permissions import engine
from permissions.engine.words import SubjectRef
from tests import facts

pytestmark = pytest.mark.django_db

URL = "/api/v3/core/users/"


def test_a_user_is_created(client_of, root):
    body = {
        "username": "dora",
        "name": "Dora",
        "email": "dora@example.org",
        "path": "staff/berlin",
        "type": "external",
        "attributes": {"floor": 3},
        "is_active": False,
    }

    response = client_of(root).post(URL, body)

    dora = User.objects.get(username="dora")
    assert response.status_code == 201
    assert response.json()["pk"] == dora.pk
    assert {name: getattr(dora, name) for name in body} == body
    assert not dora.has_usable_password()


def test_the_answer_holds_what_every_generation_of_clients_needs(client_of, root):
    answer = client_of(root).post(URL, {"username": "dora", "name": ""}).json()

    assert set(answer) == {
        "pk", "username", "name", "is_active", "last_login", "date_joined", "is_superuser",
        "groups", "groups_obj", "roles", "roles_obj", "memberships", "email", "avatar",
        "attributes", "uid", "path", "type", "uuid", "password_change_date", "last_updated",
    }  # fmt: skip
    assert answer["avatar"].startswith("data:image/svg+xml;base64,")
    assert answer["type"] == "internal"
    assert answer["path"] == "users"


def test_groups_and_roles_come_along(client_of, root):
    staff, auditors = facts.group("staff"), facts.role("auditors")
    body = {
        "username": "dora", "name": "", "groups": [str(staff.pk)], "roles": [str(auditors.pk)],
    }  # fmt: skip

    answer = client_of(root).post(URL, body).json()

    dora = User.objects.get(username="dora")
    assert list(dora.groups.all()) == [staff]
    assert dora.role_assignments.get().role == auditors
    assert answer["groups_obj"][0]["name"] == "staff"
    assert answer["roles_obj"] == [{"pk": str(auditors.pk), "name": "auditors"}]


def test_it_leaves_an_event(client_of, root):
    client_of(root).post(URL, {"username": "dora", "name": ""})

    event = Event.objects.get(kind=EventKind.USER_CREATED)
    assert (event.actor_name, event.target_name, event.door) == ("root", "dora", "v3")


def test_it_needs_the_permission(client_of, charlie):
    response = client_of(charlie).post(URL, {"username": "dora", "name": ""})

    assert response.status_code == 403
    assert not User.objects.filter(username="dora").exists()


def test_the_permission_is_enough(client_of, charlie):
    facts.grant(charlie, "authentik_core.add_user")

    response = client_of(charlie).post(URL, {"username": "dora", "name": ""})

    assert response.status_code == 201


def test_anonymous_callers_are_told_to_sign_in(anonymous):
    response = anonymous.post(URL, {"username": "dora", "name": ""})

    assert response.status_code == 403
    assert response.json() == {"detail": "Authentication credentials were not provided."}


BAD_BODIES = {
    "no username": ({"name": ""}, "username"),
    "no name": ({"username": "dora"}, "name"),
    "blank username": ({"username": "", "name": ""}, "username"),
    "long username": ({"username": "d" * 151, "name": ""}, "username"),
    "foreign characters": ({"username": "do ra", "name": ""}, "username"),
    "NUL in the username": ({"username": "do\0ra", "name": ""}, "username"),
    "username is a list": ({"username": ["dora"], "name": ""}, "username"),
    "username is null": ({"username": None, "name": ""}, "username"),
    "taken username": ({"username": "root", "name": ""}, "username"),
    "long name": ({"username": "dora", "name": "d" * 256}, "name"),
    "NUL in the name": ({"username": "dora", "name": "\0"}, "name"),
    "name is an object": ({"username": "dora", "name": {}}, "name"),
    "no address": ({"username": "dora", "name": "", "email": "nowhere"}, "email"),
    "long address": ({"username": "d", "name": "", "email": "d" * 250 + "@x.org"}, "email"),
    "active is text": ({"username": "dora", "name": "", "is_active": "maybe"}, "is_active"),
    "active is null": ({"username": "dora", "name": "", "is_active": None}, "is_active"),
    "groups is an object": ({"username": "dora", "name": "", "groups": {}}, "groups"),
    "groups is null": ({"username": "dora", "name": "", "groups": None}, "groups"),
    "groups is text": ({"username": "dora", "name": "", "groups": "staff"}, "groups"),
    "malformed group": ({"username": "dora", "name": "", "groups": ["x"]}, "groups"),
    "group is a list": ({"username": "dora", "name": "", "groups": [[]]}, "groups"),
    "NUL in a group": ({"username": "dora", "name": "", "groups": ["\0"]}, "groups"),
    "unknown group": (
        {"username": "dora", "name": "", "groups": ["5f0a3c86-0000-4000-8000-000000000000"]},
        "groups",
    ),
    "unknown role": (
        {"username": "dora", "name": "", "roles": ["5f0a3c86-0000-4000-8000-000000000000"]},
        "roles",
    ),
    "roles is an object": ({"username": "dora", "name": "", "roles": {}}, "roles"),
    "attributes is a list": ({"username": "dora", "name": "", "attributes": []}, "attributes"),
    "attributes is null": ({"username": "dora", "name": "", "attributes": None}, "attributes"),
    "NUL deep in attributes": (
        {"username": "dora", "name": "", "attributes": {"a": [{"b": "\0"}]}},
        "attributes",
    ),
    "NUL in a key of attributes": (
        {"username": "dora", "name": "", "attributes": {"\0": 1}},
        "attributes",
    ),
    "blank path": ({"username": "dora", "name": "", "path": ""}, "path"),
    "leading slash": ({"username": "dora", "name": "", "path": "/a"}, "path"),
    "trailing slash": ({"username": "dora", "name": "", "path": "a/"}, "path"),
    "empty segment": ({"username": "dora", "name": "", "path": "a//b"}, "path"),
    "unknown type": ({"username": "dora", "name": "", "type": "robot"}, "type"),
    "type is a list": ({"username": "dora", "name": "", "type": []}, "type"),
    "internal service account": (
        {"username": "dora", "name": "", "type": "internal_service_account"},
        "type",
    ),
    "no date": ({"username": "dora", "name": "", "last_login": "soon"}, "last_login"),
    "date out of range": (
        {"username": "dora", "name": "", "last_login": "9999-12-31T23:59:59-12:00"},
        "last_login",
    ),
    "a list": ([], "non_field_errors"),
    "a text": ("dora", "non_field_errors"),
}


@pytest.mark.parametrize(("body", "key"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies_are_refused_by_field_and_write_nothing(client_of, root, body, key):
    response = client_of(root).post(URL, body, format="json")

    assert response.status_code == 400
    assert key in response.json()
    assert list(User.objects.values_list("username", flat=True)) == ["root"]
    assert not Event.objects.filter(kind=EventKind.USER_CREATED).exists()


UNREADABLE = {
    "no JSON": b"{",
    "nothing": b"",
    "lone surrogate": b'{"username": "\\ud800", "name": ""}',
    "not UTF-8": b'{"username": "\xff", "name": ""}',
    "not a number": b'{"username": "dora", "name": "", "attributes": {"a": NaN}}',
    "infinity": b'{"username": "dora", "name": "", "attributes": {"a": 1e999}}',
    "too deep": b'{"username": "dora", "name": "", "attributes": ' + b"[" * 500 + b"]" * 500 + b"}",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused(client_of, root, body):
    response = client_of(root).generic("POST", URL, body, content_type="application/json")

    assert response.status_code == 400
    assert User.objects.count() == 1


def test_the_words_for_a_taken_name_are_authentiks(client_of, root):
    response = client_of(root).post(URL, {"username": "root", "name": ""})

    assert response.json() == {"username": ["This field must be unique."]}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/a", "No leading or trailing slashes allowed."),
        ("a/", "No leading or trailing slashes allowed."),
        ("", "This field may not be blank."),
        ("a//b", "No empty segments in user path allowed."),
    ],
)
def test_the_words_for_bad_paths_are_authentiks(client_of, root, path, words):
    response = client_of(root).post(URL, {"username": "dora", "name": "", "path": path})

    assert response.json() == {"path": [words]}


def test_a_new_user_joins_a_group_only_by_somebody_who_may_add_to_it(client_of, alice):
    staff = facts.group("staff")
    facts.grant(alice, "authentik_core.add_user")
    facts.grant(alice, "authentik_core.view_group", staff)
    body = {"username": "dora", "name": "", "groups": [str(staff.pk)]}

    refused = client_of(alice).post(URL, body)
    facts.grant(alice, "authentik_core.add_user_to_group", staff)
    accepted = client_of(alice).post(URL, body)

    assert (refused.status_code, accepted.status_code) == (403, 201)


def test_a_hidden_group_is_missing(client_of, alice):
    staff = facts.group("staff")
    facts.grant(alice, "authentik_core.add_user")
    facts.grant(alice, "authentik_core.add_user_to_group")
    body = {"username": "dora", "name": "", "groups": [str(staff.pk)]}

    response = client_of(alice).post(URL, body)

    assert response.status_code == 400
    assert response.json() == {"groups": [f'Invalid pk "{staff.pk}" - object does not exist.']}


def test_a_new_user_becomes_superuser_only_by_a_superuser(client_of, alice):
    admins = facts.group("admins", is_superuser=True)
    for name in ("add_user", "view_group", "add_user_to_group"):
        facts.grant(alice, f"authentik_core.{name}")
    facts.grant(alice, "authentik_rbac.escalate")

    response = client_of(alice).post(
        URL, {"username": "dora", "name": "", "groups": [str(admins.pk)]}
    )

    assert response.status_code == 403
    assert not User.objects.filter(username="dora").exists()


@pytest.mark.parametrize("name", ["uuid", "hex_id", "external_id", "email"])
def test_nobody_is_called_what_somebody_else_is_known_by(client_of, root, bob, name):
    User.objects.filter(pk=bob.pk).update(email="bob@example.org", external_id="ldap-7")
    bob.refresh_from_db()

    response = client_of(root).post(URL, {"username": str(getattr(bob, name)), "name": ""})

    assert response.status_code == 400
    assert response.json() == {"username": ["Another user is known by this name."]}
    assert engine.find_user(SubjectRef(str(getattr(bob, name)))) == bob


def test_two_may_share_an_address_and_one_be_called_by_its_own(client_of, root, bob):
    User.objects.filter(pk=bob.pk).update(username="bob@example.org")
    body = {"username": "robot", "name": "", "email": "bob@example.org"}

    assert client_of(root).post(URL, body).status_code == 201
    assert engine.find_user(SubjectRef("bob@example.org")) == bob


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_it_takes_few_statements(bearer_of, root):
    """Also counted what opens and ends the transaction, and what claims the names."""
    client = bearer_of(root)

    with CaptureQueriesContext(connection) as captured:
        response = client.post(URL, {"username": "dora", "name": "D", "email": "d@example.org"})

    assert response.status_code == 201
    assert len(captured) <= 11, "\n".join(str(query["sql"]) for query in captured)


@pytest.mark.parametrize("linked", [(), ("groups",), ("groups", "roles")])
def test_the_answer_is_what_reading_it_answers(client_of, root, linked):
    rows = {"groups": root.groups.get(), "roles": facts.role("auditors")}
    body = {
        "username": "dora",
        "name": " Dora ",
        "email": "dora@example.org",
        "attributes": {"floor": 3, "at": [1.5, None]},
        **{name: [rows[name].pk] for name in linked},
    }

    answer = client_of(root).post(URL, body).json()

    assert client_of(root).get(f"{URL}{answer['pk']}/").json() == answer
    assert answer["is_superuser"] is ("groups" in linked)
