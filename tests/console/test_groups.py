"""A group's page: the tree around it, its members, what it gives."""

import pytest

from accounts.models import Group, GroupMembership, User
from audit.models import Event, EventKind
from permissions.operations import add_parent, create_group
from permissions.operations.group_roles import own_roles
from tests import facts
from tests.console.conftest import statements
from tests.console.test_users import buttons, part

VIEW = "authentik_core.view_group"

pytestmark = pytest.mark.django_db


def url(group, query=""):
    return f"/admin/authentik_core/group/{group.pk}/change/{query}"


@pytest.fixture
def line(db):
    """Six groups, each below the one before."""
    groups: list[Group] = []
    for n in range(6):
        groups.append(create_group(actor=None, name=f"level-{n}", parents=groups[-1:]))
    return groups


def shown(page, way):
    """Names of the tree's groups with how deep each stands, and the ways to open or close them."""

    def walk(nodes, depth):
        for node in nodes:
            yield node.group.name, depth, node.url
            yield from walk(node.nodes, depth + 1)

    [tree] = [tree for direction, tree in page.context["trees"] if direction == way]
    rows = list(walk(tree.nodes, 0))
    return [(name, depth) for name, depth, _ in rows], {name: turn for name, _, turn in rows}


def test_a_page_tells_all_that_belongs_to_a_group(superuser, line, bob, alice):
    company, staff, below = line[0], line[1], line[2]
    for group, user in ((staff, bob), (below, alice)):
        GroupMembership.objects.create(group=group, user=user)
    facts.hold(facts.role("guest"), company)
    clerk = facts.role("clerk")
    facts.hold(clerk, staff)
    facts.hold(facts.role("reader"), clerk)
    facts.grant(own_roles(groups=[staff], actor=None)[staff.pk], "authentik_core.view_user")

    page = superuser.get(url(staff))

    assert [row[:2] for row in part(page, "members")] == [("bob", "Bob")]
    assert [row[0] for row in part(page, "roles")] == ["clerk"]
    assert [row[:2] for row in part(page, "roles-through")] == [
        ("guest", "level-0"),
        ("reader", "clerk"),
    ]
    assert [row[0] for row in part(page, "grants")] == ["view · authentik_core.user"]
    below_ = superuser.get(url(staff, "?part=members-below"))
    assert [row[::2] for row in part(below_, "members-below")] == [("alice", "level-2")]


def test_the_tree_is_opened_step_by_step_as_deep_as_it_is(superuser, line):
    address, names = url(line[0]), []
    for _ in range(5):
        names, turns = shown(superuser.get(address), "down")
        address = turns[names[-1][0]]

    assert names == [(f"level-{n + 1}", n) for n in range(5)]
    assert address == ""
    closed, _ = shown(superuser.get(turns["level-1"]), "down")
    assert closed == [("level-1", 0)]


def test_the_tree_leads_upwards_too(superuser, line):
    names, turns = shown(superuser.get(url(line[3])), "up")
    opened, _ = shown(superuser.get(turns["level-2"]), "up")

    assert names == [("level-2", 0)]
    assert opened == [("level-2", 0), ("level-1", 1)]


@pytest.mark.parametrize(
    "query", ["?down=x", "?down=..", f"?up={'0' * 32}", f"?down={'a.' * 3000}"]
)
def test_no_address_breaks_the_tree(superuser, line, query):
    assert superuser.get(url(line[0], query)).status_code == 200


def test_what_one_may_not_view_is_not_in_the_tree(browser_of, charlie, line):
    for group in line[1:3]:
        facts.grant(charlie, VIEW, on=group)
    browser = browser_of(charlie)

    names, turns = shown(browser.get(url(line[1])), "down")

    assert (names, turns) == ([("level-2", 0)], {"level-2": ""})
    assert shown(browser.get(url(line[1])), "up")[0] == []


def test_a_page_costs_a_fixed_number_of_statements(superuser, line, bob):
    facts.hold(facts.role("clerk"), line[0])
    facts.hold(facts.role("guest"), line[1])
    superuser.get(url(line[1]))
    with statements() as few:
        superuser.get(url(line[1]))
    for n in range(20):
        user = User.objects.create(username=f"user-{n}")
        GroupMembership.objects.create(group=line[1], user=user)
        facts.hold(facts.role(f"role-{n}"), line[1])
        create_group(actor=None, name=f"more-{n}", parents=[line[1]])

    with statements() as many:
        superuser.get(url(line[1], f"?down={line[2].pk.hex}"))

    assert len(many) == len(few) <= 12 + 4


@pytest.mark.parametrize("name", ["members", "members-below", "roles", "roles-through", "grants"])
def test_one_part_costs_twelve_statements_at_most(superuser, line, bob, name):
    GroupMembership.objects.create(group=line[2], user=bob)
    superuser.get(url(line[1]))

    with statements() as queries:
        assert superuser.get(url(line[1], f"?part={name}")).status_code == 200

    assert len(queries) <= 12


def test_a_member_is_added_changed_and_ended_from_the_page(superuser, line, bob, root):
    offered = buttons(superuser.get(url(line[1])))
    superuser.post(offered["Add a member"], {"user": "bob", "group": "level-1", "reason": "new"})
    page = superuser.get(url(line[1]))
    change = superuser.get(buttons(page)["Change"]).context["form"].initial["state"]
    fields = {"state": change, "valid_until": "2900-05-01T12:00"}
    superuser.post(buttons(page)["Change"], {**fields, "reason": "for a time"})
    superuser.post(buttons(page)["End"], {"reason": "left"})

    events = Event.objects.filter(kind__startswith="group_member").order_by("id")
    assert [(event.kind, event.reason) for event in events] == [
        (EventKind.GROUP_MEMBER_ADDED, "new"),
        (EventKind.GROUP_MEMBERSHIP_CHANGED, "for a time"),
        (EventKind.GROUP_MEMBER_REMOVED, "left"),
    ]
    assert not GroupMembership.objects.filter(group=line[1]).exists()


def test_the_administrator_of_one_group_is_offered_what_concerns_it(browser_of, charlie, line, bob):
    for group in line[1:3]:
        facts.grant(charlie, VIEW, on=group)
        GroupMembership.objects.create(group=group, user=bob)
    for name in ("add_user_to_group", "remove_user_from_group"):
        facts.grant(charlie, f"authentik_core.{name}", on=line[1])
    browser = browser_of(charlie, "authentik_core.view_user")

    assert set(buttons(browser.get(url(line[1])))) == {"Add a member", "Change", "End"}
    assert buttons(browser.get(url(line[2]))) == {}
    assert browser.get(url(line[3])).status_code == 302


def test_an_auditor_looks_and_is_offered_nothing(browser_of, charlie, line, bob):
    GroupMembership.objects.create(group=line[1], user=bob)
    views = (VIEW, "authentik_core.view_user", "authentik_rbac.view_role", "audit.view_event")

    page = browser_of(charlie, *views).get(url(line[1]))

    assert [row[0] for row in part(page, "members")] == ["bob"]
    assert buttons(page) == {}
    assert [change.kind for change in page.context["changes"]][-1] == "group created"


def test_a_circle_written_past_the_operations_ends(superuser, line):
    from accounts.models import GroupParent

    GroupParent.objects.create(child=line[0], parent=line[1])
    opened = ".".join(group.pk.hex for group in line)

    names, _ = shown(superuser.get(url(line[0], f"?down={opened}")), "down")

    assert names == [(f"level-{n + 1}", n) for n in range(5)]


def test_several_parents_are_all_above(superuser, line):
    other = create_group(actor=None, name="other")
    add_parent(group=line[1], parent=other, actor=None)

    names, _ = shown(superuser.get(url(line[1])), "up")

    assert names == [("level-0", 0), ("other", 0)]


@pytest.mark.parametrize("name", ["x" * 150, "\u202eright", "<b>bold</b>", "🦊 & co", '"quoted"'])
def test_odd_names_are_shown_as_they_are(superuser, bob, name):
    group = create_group(actor=None, name=name, users=[bob])
    create_group(actor=None, name=f"{name} below", parents=[group])

    page = superuser.get(url(group))

    assert "<b>bold" not in page.content.decode()
    assert {superuser.get(at).status_code for at in buttons(page).values()} == {200}
