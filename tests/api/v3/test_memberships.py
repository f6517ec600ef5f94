from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import GroupMembership, User
from audit.models import Event, EventKind
from permissions import engine
from tests import facts
from tests.statements import counted

pytestmark = pytest.mark.django_db
URL = "/api/v3/rbac/memberships/"
HOUR = timedelta(hours=1)
JOIN, LEAVE = "authentik_core.add_user_to_group", "authentik_core.remove_user_from_group"


@pytest.fixture
def staff():
    role = facts.role("cooks")
    facts.grant(role, "authentik_core.delete_user")
    group = facts.group("staff")
    facts.hold(role, group)
    return group


@pytest.fixture
def doorkeeper(alice, staff):
    """May let people in and send them away, and holds what the group gives."""
    for name in (JOIN, LEAVE, "authentik_core.view_group"):
        facts.grant(alice, name, staff)
    facts.grant(alice, "authentik_core.view_user")
    facts.grant(alice, "authentik_core.delete_user")
    return alice


def url(row):
    return f"{URL}{row.pk}/"


def member(group, user, **words):
    return GroupMembership.objects.create(group=group, user=user, **words)


def may(user, at=None):
    return engine.check(user, "authentik_core.delete_user", at=at).allowed


def listed(client, query=""):
    return [row["username"] for row in client.get(f"{URL}{query}").json()["results"]]


def test_a_membership_for_a_time_gives_for_that_time(client_of, doorkeeper, staff, bob):
    since, until = timezone.now() + HOUR, timezone.now() + 2 * HOUR
    sent = {
        "group": str(staff.pk),
        "user": bob.pk,
        "valid_from": since.isoformat(),
        "valid_until": until.isoformat(),
        "reason": "holiday",
    }

    response = client_of(doorkeeper).post(URL, sent)

    assert response.status_code == 201
    made = response.json()
    assert parse_datetime(made.pop("valid_from")) == since
    assert parse_datetime(made.pop("valid_until")) == until
    row = GroupMembership.objects.get()
    assert parse_datetime(made.pop("created")) == row.created
    assert made == {
        "pk": row.pk,
        "group": str(staff.pk),
        "group_name": "staff",
        "user": bob.pk,
        "username": "bob",
        "reason": "holiday",
        "granted_by": doorkeeper.pk,
    }
    assert [may(bob, at) for at in (None, since, until)] == [False, True, False]


def test_what_is_to_come_and_what_is_over_is_read_changed_and_ended(
    client_of, doorkeeper, staff, bob, charlie
):
    client, now = client_of(doorkeeper), timezone.now()
    rows = member(staff, bob, valid_from=now + HOUR), member(staff, charlie, valid_until=facts.OVER)

    for row in rows:
        assert client.get(url(row)).json()["user"] == row.user_id
        changed = client.patch(url(row), {"valid_until": (now + 2 * HOUR).isoformat()})
        assert (changed.status_code, changed.json()["pk"]) == (200, row.pk)
        assert client.delete(url(row)).status_code == 204
    assert not GroupMembership.objects.exists()


def test_giving_again_answers_the_same_membership(client_of, doorkeeper, staff, bob):
    row = member(staff, bob, valid_until=timezone.now() + HOUR)
    client, sent = client_of(doorkeeper), {"group": str(staff.pk), "user": bob.pk}

    kept = client.post(URL, sent)
    apart = client.post(URL, {**sent, "valid_from": (timezone.now() + 2 * HOUR).isoformat()})

    assert (kept.status_code, kept.json()["pk"]) == (201, row.pk)
    assert parse_datetime(kept.json()["valid_until"]) == row.valid_until
    assert (apart.status_code, list(apart.json())) == (409, ["valid_from"])


def test_a_change_shortens_and_says_what_was_before(client_of, doorkeeper, staff, bob):
    row = member(staff, bob, reason="summer")
    until = timezone.now() + HOUR

    response = client_of(doorkeeper).patch(
        url(row), {"valid_until": until.isoformat(), "reason": "autumn"}
    )

    assert response.status_code == 200
    event = Event.objects.get()
    assert event.kind == EventKind.GROUP_MEMBERSHIP_CHANGED
    who = {"user": bob.pk, "username": "bob"}
    assert event.before == {**who, "reason": "summer"}
    assert event.after == {**who, "reason": "autumn", "valid_until": until.isoformat()}


def test_a_change_of_nothing_is_no_event(client_of, doorkeeper, staff, bob):
    row = member(staff, bob, reason="summer")

    assert client_of(doorkeeper).patch(url(row), {"reason": "summer"}).status_code == 200
    assert not Event.objects.exists()


def test_nobody_prolongs_beyond_what_it_holds(client_of, doorkeeper, staff, bob):
    until = timezone.now() + HOUR
    row = member(staff, bob, valid_until=until)
    doorkeeper.global_grants.filter(permission__codename="delete_user").update(valid_until=until)
    client = client_of(doorkeeper)

    longer = client.patch(url(row), {"valid_until": None}, format="json")
    again = client.post(URL, {"group": str(staff.pk), "user": bob.pk, "valid_until": until + HOUR})
    shorter = client.patch(url(row), {"valid_until": until - HOUR / 2})

    assert [r.status_code for r in (longer, again, shorter)] == [403, 403, 200]
    assert longer.json()["code"] == "grant_ceiling"


@pytest.mark.parametrize(
    ("held", "statuses"),
    [
        ((), (403, 403, 403)),
        ((JOIN,), (201, 403, 403)),
        ((LEAVE,), (403, 403, 204)),
        ((JOIN, LEAVE), (201, 200, 204)),
    ],
)
def test_the_rights_are_those_of_the_group(client_of, charlie, staff, bob, held, statuses):
    for name in ("authentik_core.view_group", *held):
        facts.grant(charlie, name, staff)
    for name in ("view_user", "delete_user"):
        facts.grant(charlie, f"authentik_core.{name}")
    row, client = member(staff, bob), client_of(charlie)

    answers = (
        client.post(URL, {"group": str(staff.pk), "user": bob.pk}),
        client.patch(url(row), {"reason": "so"}),
        client.delete(url(row)),
    )

    assert tuple(answer.status_code for answer in answers) == statuses


def test_rights_on_another_group_are_no_rights(client_of, doorkeeper, bob):
    facts.grant(doorkeeper, "authentik_core.view_group")
    sent = {"group": str(facts.group("other").pk), "user": bob.pk}

    assert client_of(doorkeeper).post(URL, sent).status_code == 403


def test_only_who_sees_the_group_and_the_user_sees_the_membership(client_of, charlie, staff, bob):
    hidden = facts.group("hidden")
    rows = [member(staff, bob), member(hidden, bob), member(staff, charlie)]
    other = member(staff, User.objects.create(username="dave"))
    facts.grant(charlie, "authentik_core.view_group", staff)
    facts.grant(charlie, "authentik_core.view_user", bob)
    client = client_of(charlie)

    assert listed(client) == ["bob", "charlie"]
    assert listed(client, "?search=dave") == []
    statuses = [client.get(url(row)).status_code for row in (*rows, other)]
    assert statuses == [200, 404, 200, 404]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["active", "coming", "ended", "ending"]),
        ("?state=all", ["active", "coming", "ended", "ending"]),
        ("?state=active", ["active", "ending"]),
        ("?state=future", ["coming"]),
        ("?state=ended", ["ended"]),
        ("?expiring_before=2100-01-01T00:00:00Z", ["ending"]),
        ("?state=ended&ordering=-user", ["ended"]),
        ("?ordering=-user", ["ending", "ended", "coming", "active"]),
        ("?search=contract", ["ending"]),
        ("?user={ended}", ["ended"]),
        ("?group={other}", []),
        ("?page_size=1&page=2", ["coming"]),
    ],
)
def test_the_list_is_filtered(client_of, doorkeeper, staff, query, expected):
    now, other = timezone.now(), facts.group("other")
    times: dict[str, dict[str, Any]] = {
        "active": {},
        "coming": {"valid_from": now + HOUR},
        "ended": {"valid_until": facts.OVER},
        "ending": {"valid_until": now + HOUR, "reason": "contract"},
    }
    users = {name: User.objects.create(username=name) for name in times}
    for name, words in times.items():
        member(staff, users[name], **words)
    query = query.format(ended=users["ended"].pk, other=other.pk)

    assert listed(client_of(doorkeeper), query) == expected


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"group": None}, "group"),
        ({"user": None}, "user"),
        ({"user": 2**70}, "user"),
        ({"user": "bob"}, "user"),
        ({"valid_until": "soon"}, "valid_until"),
        ({"valid_until": "2001-01-01T00:00:00Z"}, "valid_until"),
        ({"valid_from": "2100-01-02T00:00:00Z", "valid_until": "2100-01-01T00:00:00Z"},
         "valid_until"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "\0"}, "reason"),
    ],
)  # fmt: skip
def test_bad_input_is_keyed_and_writes_nothing(client_of, root, staff, bob, changed, field):
    sent = {"group": str(staff.pk), "user": bob.pk, **changed}

    response = client_of(root).post(URL, sent, format="json")

    assert (response.status_code, list(response.json())) == (400, [field])
    assert not staff.users.exists()


def test_members_that_cannot_change_are_named(client_of, doorkeeper, staff, bob, charlie):
    row, client = member(staff, bob), client_of(doorkeeper)

    moved = client.patch(url(row), {"user": charlie.pk, "reason": "so"})
    misspelt = client.patch(url(row), {"valid_to": "2100-01-01T00:00:00Z"})
    sent_back = client.patch(url(row), client.get(url(row)).json(), format="json")

    assert (moved.status_code, list(moved.json())) == (400, ["user"])
    assert misspelt.json() == {"valid_to": ["Unknown member. Did you mean valid_until?"]}
    assert sent_back.status_code == 200
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "query",
    ["stat=all", "ordering=reason", "state=soon", "expiring_before=soon", "user=x", "group=x"],
)
def test_a_bad_filter_is_400(client_of, root, query):
    assert client_of(root).get(f"{URL}?{query}").status_code == 400


@pytest.mark.parametrize("body", [[], "x", 5, None, {"group": []}, {"group": {}}])
def test_bodies_that_name_no_group_are_refused(client_of, root, charlie, body):
    assert client_of(root).post(URL, body, format="json").status_code == 400
    assert client_of(charlie).post(URL, body, format="json").status_code in (400, 403)


def test_it_is_no_way_to_become_a_superuser(client_of, doorkeeper, staff):
    admins = facts.group("admins", is_superuser=True)
    for name in (JOIN, LEAVE, "authentik_core.view_group"):
        facts.grant(doorkeeper, name, admins)
    row = member(admins, doorkeeper, valid_until=facts.OVER)
    client = client_of(doorkeeper)

    joined = client.post(URL, {"group": str(admins.pk), "user": doorkeeper.pk})
    prolonged = client.patch(url(row), {"valid_until": None}, format="json")

    assert (joined.status_code, prolonged.status_code) == (403, 403)


def test_a_list_costs_as_many_statements_for_many_rows_as_for_few(client_of, root, staff, bob):
    client = client_of(root)
    member(staff, bob)
    with counted() as few:
        client.get(URL)
    for n in range(10):
        member(staff, User.objects.create(username=f"user {n}"))
    with counted() as many:
        client.get(URL)

    assert len(many) == len(few) <= 4


@pytest.mark.parametrize("of", ["list", "one"])
@pytest.mark.parametrize("kind", ["users", "groups"])
def test_users_and_groups_show_memberships_with_times_when_asked(
    client_of, root, staff, bob, charlie, kind, of
):
    since, until = timezone.now() + HOUR, timezone.now() + 2 * HOUR
    row = member(staff, bob, valid_from=since, valid_until=until, reason="holiday")
    member(staff if kind == "groups" else facts.group("old"), charlie, valid_until=facts.OVER)
    thing, other = (bob, "group") if kind == "users" else (staff, "user")
    url = f"/api/v3/core/{kind}/" + (f"{thing.pk}/" if of == "one" else "")

    def read(query):
        answer = client_of(root).get(url, query).json()
        rows = answer["results"] if of == "list" else [answer]
        return next(one for one in rows if one["pk"] in (thing.pk, str(thing.pk)))

    assert read({})["memberships"] is None
    [shown] = read({"include_memberships": "true"})["memberships"]
    key = str(staff.pk) if kind == "users" else bob.pk
    assert (shown["pk"], shown[other], shown["reason"]) == (row.pk, key, "holiday")
    assert parse_datetime(shown["valid_from"]) == since
    assert parse_datetime(shown["valid_until"]) == until


@pytest.mark.parametrize("kind", ["users", "groups"])
def test_they_show_those_whose_other_side_the_caller_may_view(
    client_of, alice, staff, bob, charlie, kind
):
    hidden = facts.group("hidden")
    for group, user in ((staff, bob), (staff, charlie), (hidden, bob)):
        member(group, user, valid_until=facts.LATER)
    facts.grant(alice, "authentik_core.view_group", staff)
    facts.grant(alice, "authentik_core.view_user", bob)
    url = f"/api/v3/core/{kind}/{bob.pk if kind == 'users' else staff.pk}/"

    [shown] = client_of(alice).get(url, {"include_memberships": "true"}).json()["memberships"]

    assert shown.get("user", shown.get("group")) in (bob.pk, str(staff.pk))


@pytest.mark.parametrize("kind", ["users", "groups"])
def test_showing_them_is_one_statement_more(client_of, root, staff, bob, kind):
    client, url = client_of(root), f"/api/v3/core/{kind}/"
    for n in range(5):
        member(staff, User.objects.create(username=f"user {n}"))
    with counted() as without:
        client.get(url)
    with counted() as shown:
        client.get(url, {"include_memberships": "true"})

    assert len(shown) == len(without) + 1, shown


def test_times_that_cannot_be_meant_are_refused(client_of, root, staff, bob):
    admin, row = client_of(root), member(staff, bob)
    sent = {"valid_from": "0001-01-01T00:00:00Z"}

    answers = [
        admin.post(URL, {"group": str(staff.pk), "user": bob.pk, **sent}),
        admin.patch(url(row), sent),
        admin.post(f"/api/v3/core/groups/{staff.pk}/add_user/", {"pk": bob.pk, **sent}),
    ]

    assert [(one.status_code, list(one.json())) for one in answers] == [(400, ["valid_from"])] * 3
