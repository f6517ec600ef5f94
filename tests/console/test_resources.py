"""Pages of resource types, resources and scopes."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import User
from permissions.engine import ResourceRef
from permissions.models import Resource, ResourceType
from permissions.operations import EntrySpec, ResourceSpec, create_scope, create_type
from permissions.operations.resources import register_resources
from permissions.operations.types import ActionSpec
from roles.models import ScopeKind
from tests import facts
from tests.console.conftest import statements

MOST = 16

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """A house with a floor, and on that a room."""
    kind = create_type(
        actor=None,
        label="shop.place",
        mode="strict",
        actions=[ActionSpec(name="view_place"), ActionSpec(name="approve_place")],
    )
    above: ResourceRef | None = None
    for key in ("house", "floor", "room"):
        item = ResourceSpec(object_pk=key, name=key.title(), parent=above)
        register_resources(actor=None, type=kind, items=[item])
        above = ResourceRef("shop.place", key)
    return kind


def place(key):
    return Resource.objects.get(object_pk=key)


def page_of(browser, row, **words):
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    page = browser.get(url, words)
    assert page.status_code == 200
    return page


def lines(page, name):
    [part] = [part for part in page.context["parts"] if part.name == name]
    return [[cell.text for cell in line.cells] for line in part.shown]


def told(page):
    return {word: cell.text for word, cell in page.context["facts"]}


def test_a_type_shows_its_mode_its_actions_and_the_top_of_its_tree(superuser, shop):
    page = page_of(superuser, shop)

    assert told(page)["Mode"] == "strict"
    assert [line[0] for line in lines(page, "actions")] == ["approve", "view"]
    assert lines(page, "resources") == [["House", "shop.place:house", "more below"]]


def test_the_tree_is_opened_step_by_step(superuser, shop):
    floor = page_of(superuser, place("floor"))

    assert lines(floor, "above") == [["House", "shop.place:house", "more below"]]
    assert lines(floor, "below") == [["Room", "shop.place:room", ""]]


def test_who_has_anything_on_a_resource(superuser, shop, bob):
    facts.grant(bob, "shop.approve_place", on="room")
    facts.grant(bob, "shop.approve_place", on="house")
    facts.grant(facts.role("auditor"), "shop.view_place", on="room", valid_until=facts.OVER)

    page = page_of(superuser, place("room"))

    assert lines(page, "users")[0][:2] == ["bob", "approve · shop.place:room"]
    assert len(lines(page, "users")) == 1
    [[role, permission, state]] = lines(page, "roles")
    assert (role, permission) == ("auditor", "view · shop.place:room")
    assert "ended" in state
    action = next(part for part in page.context["parts"] if part.name == "actions").shown[0]
    assert superuser.get(action.cells[2].url).status_code == 200


def test_scopes_that_name_a_resource(superuser, shop):
    one = EntrySpec(type="shop.place", object_pk="house", with_descendants=True)
    for name, entry in (("one", one), ("all", EntrySpec(type="shop.place"))):
        create_scope(actor=None, name=name, kind=ScopeKind.SELECTED, entries=[entry])

    assert lines(page_of(superuser, place("house")), "scopes") == [
        ["one", "by its key and all below"],
        ["all", "every one of its type"],
    ]


def test_a_scope_says_what_it_covers_in_words_and_as_a_list(superuser, shop, bob):
    entry = EntrySpec(type="shop.place", object_pk="house", with_descendants=True)
    scope = create_scope(actor=None, name="north", kind=ScopeKind.SELECTED, entries=[entry])
    facts.hold(facts.role("auditor"), bob, scope=scope)

    page = page_of(superuser, scope)

    assert told(page)["Covers"] == "shop.place:house and all below"
    assert lines(page, "entries") == [["shop.place", "house", "and all below"]]
    assert lines(page, "assignments")[0][:2] == ["bob", "auditor"]
    for button in page.context["buttons"]:
        assert superuser.get(button.url).status_code == 200


def test_every_way_of_a_page_is_open(superuser, shop):
    for row in (shop, place("room")):
        page = page_of(superuser, row)
        ways = [*page.context["buttons"], *(b for p in page.context["parts"] for b in p.buttons())]
        assert ways
        assert {superuser.get(way.url).status_code for way in ways} == {200}


def test_parts_are_for_those_who_may_see_them(browser_of, charlie, shop, bob):
    facts.grant(bob, "shop.approve_place", on="room")
    facts.grant(charlie, "permissions.view_resource", on=str(place("room").pk))
    browser = browser_of(charlie)

    page = page_of(browser, place("room"))

    assert [part.name for part in page.context["parts"]] == ["actions", "below", "above"]
    assert lines(page, "above") == []
    assert page.context["changes"] is None
    assert "Who can" not in [line[2] for line in lines(page, "actions")]
    url = reverse("admin:permissions_resource_change", args=[place("house").pk])
    assert browser.get(url).status_code == 302


@pytest.mark.parametrize("what", ["type", "resource", "scope"])
def test_a_page_costs_as_many_statements_for_many_rows_as_for_few(superuser, shop, bob, what):
    entry = EntrySpec(type="shop.place", object_pk="house")
    scope = create_scope(actor=None, name="north", kind=ScopeKind.SELECTED, entries=[entry])
    row = {"type": shop, "resource": place("house"), "scope": scope}[what]

    house = ResourceRef("shop.place", "house")

    def more(number):
        items = [ResourceSpec(object_pk=f"{number}-{n}", parent=house) for n in range(number)]
        register_resources(actor=None, type=shop, items=items)
        for n in range(number):
            role = facts.role(f"role-{number}-{n}")
            facts.grant(role, "shop.view_place", on="house")
            facts.hold(role, bob, scope=scope)
            user = User.objects.create(username=f"user-{number}-{n}")
            facts.grant(user, "shop.view_place", on="house")

    more(1)
    page_of(superuser, row)
    with statements() as few:
        page_of(superuser, row)
    more(30)
    with statements() as many:
        page_of(superuser, row)

    assert len(many) == len(few) <= MOST


@pytest.mark.parametrize("name", ["x" * 150, "\u202eright", "<b>bold</b>", "🦊 & co"])
def test_odd_names_are_shown_as_they_are(superuser, shop, name):
    kind = ResourceType.objects.labelled("shop.place").get()
    row = Resource.objects.create(type=kind, object_pk=name, name=name)
    scope = create_scope(actor=None, name=name, kind=ScopeKind.ALL)

    for odd in (row, scope):
        assert "<b>bold" not in page_of(superuser, odd).content.decode()
