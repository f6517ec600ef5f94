"""What an operation is given was read before: others may have changed or deleted it meanwhile."""

from typing import Any

import pytest

from accounts.models import Token, User
from audit.errors import InvalidInput, NotFound
from audit.models import Event
from permissions.models import ResourceType
from permissions.operations import (
    create_initial_permissions,
    create_user_token,
    delete_initial_permissions,
    delete_tokens,
    update_group,
    update_initial_permissions,
    update_namespace,
    update_role,
    update_token,
    update_type,
    update_user,
)
from permissions.operations.types import ActionSpec, create_type
from roles.models import InitialPermissions, Namespace
from tests import facts

pytestmark = pytest.mark.django_db


def _type(label: str = "shop.item") -> ResourceType:
    return create_type(actor=None, label=label, actions=[ActionSpec(name="view_item")])


def _initial() -> InitialPermissions:
    return create_initial_permissions(actor=None, name="rule", role=facts.role("makers"))


# What makes one, the word for it in the operation that changes it, and a field.
KINDS: dict[str, tuple[Any, Any, str]] = {
    "user": (lambda: User.objects.create(username="u", name="old"), update_user, "name"),
    "group": (lambda: facts.group("g"), update_group, "display_name"),
    "role": (lambda: facts.role("r"), update_role, "description"),
    "type": (_type, update_type, "verbose_name"),
    "token": (
        lambda: create_user_token(
            actor=None, user=User.objects.create(username="u"), identifier="t"
        ),
        update_token,
        "description",
    ),
    "initial": (_initial, update_initial_permissions, "name"),
    "namespace": (
        lambda: Namespace.objects.create(code="acme", name="old"),
        update_namespace,
        "name",
    ),
}


@pytest.fixture(params=KINDS)
def stale(request):
    """A row, who changes it by a word, and the name of a field."""
    make, operation, field = KINDS[request.param]
    row = make()

    def change(value):
        operation(**{request.param: row, field: value}, actor=None)

    return row, change, field


def test_events_tell_what_was_there_and_not_what_was_read(stale):
    row, change, field = stale
    type(row).objects.filter(pk=row.pk).update(**{field: "meanwhile"})

    change("new")

    event = Event.objects.latest("pk")
    told = [facts and facts[field] for facts in (event.before, event.after)]
    assert told == ["meanwhile", "new"]


def test_who_writes_what_somebody_else_has_written_changes_nothing(stale):
    row, change, field = stale
    type(row).objects.filter(pk=row.pk).update(**{field: "new"})
    events = Event.objects.count()

    change("new")

    assert Event.objects.count() == events


def test_what_is_gone_is_told_so(stale):
    row, change, _ = stale
    type(row).objects.filter(pk=row.pk).delete()

    with pytest.raises(NotFound):
        change("new")


def test_the_rights_in_a_name_are_not_written_back_unjudged(bob, charlie):
    """Bob sends a name along as he read it; it has become another one, which he may not change."""
    User.objects.filter(pk=charlie.pk).update(username="admin")

    update_user(user=charlie, actor=bob, username="charlie", name="Charles")

    charlie.refresh_from_db()
    assert (charlie.username, charlie.name) == ("admin", "Charles")


def test_a_namespace_takes_along_what_has_its_code_by_now():
    namespace = Namespace.objects.create(code="acme", name="")
    stale = Namespace.objects.get(pk=namespace.pk)
    _type("acme.item")
    update_namespace(namespace=namespace, actor=None, code="shop")

    update_namespace(namespace=stale, actor=None, code="store")

    assert ResourceType.objects.labelled("store.item").exists()


def test_types_that_are_moved_below_each_other_make_no_circle():
    one, other = _type("shop.one"), _type("shop.other")
    above = ResourceType.objects.get(pk=other.pk)
    update_type(type=other, actor=None, parent=ResourceType.objects.get(pk=one.pk))

    with pytest.raises(InvalidInput):
        update_type(type=one, actor=None, parent=above)


@pytest.mark.parametrize("kind", ["token", "initial"])
def test_what_is_deleted_twice_is_told_once(kind):
    row = KINDS[kind][0]()
    copy = type(row).objects.get(pk=row.pk)
    for one in (row, copy):
        if isinstance(one, Token):
            delete_tokens(tokens=[one], actor=None)
        else:
            delete_initial_permissions(initial=one, actor=None)

    assert Event.objects.filter(kind__endswith="deleted").count() == 1
