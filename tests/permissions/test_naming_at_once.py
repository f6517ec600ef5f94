"""Two who take the same name at once: one has it, and the other is refused or gets another."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, connections, transaction

from audit.errors import InvalidInput
from permissions.operations import (
    GrantsByName,
    create_role,
    create_type,
    create_user,
    replace_grants_by_name,
    update_type,
    update_user,
)
from roles.models import Role

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.xdist_group("threads"),
]


@pytest.fixture(autouse=True)
def _locks():
    if connection.vendor != "postgresql":
        pytest.skip("writing transactions exclude each other on SQLite")


def refused_after(first, second):
    """What the second raises that waits for the first to be written."""
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"

    def run():
        try:
            second()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            first()
            answer = pool.submit(run)
            while not answer.done() and not cursor.execute(waiting).fetchone():
                pass
        return answer.exception(timeout=60)


@pytest.mark.parametrize("column", ["email", "external_id"])
def test_a_user_name_does_not_become_somebody_elses_other_name_meanwhile(column):
    named: Any = {column: "x@example.org"}
    error = refused_after(
        lambda: create_user(actor=None, username="first", **named),
        lambda: create_user(actor=None, username="x@example.org"),
    )

    assert isinstance(error, InvalidInput)
    assert list(error.fields or ()) == ["username"]


def test_nor_does_the_name_it_is_given_later(bob):
    error = refused_after(
        lambda: create_user(actor=None, username="first", external_id="robert"),
        lambda: update_user(user=bob, actor=None, username="robert"),
    )

    assert isinstance(error, InvalidInput)


def test_of_two_types_that_take_one_name_the_second_is_refused():
    kind = create_type(actor=None, label="shop.c")
    taken = [
        (lambda: create_type(actor=None, label="shop.a", name="shop.b"), "model"),
        (lambda: update_type(type=kind, actor=None, name="shop.d"), "model"),
    ]

    for (first, field), label in zip(taken, ("shop.b", "shop.d"), strict=True):
        error = refused_after(first, lambda label=label: create_type(actor=None, label=label))
        assert isinstance(error, InvalidInput)
        assert list(error.fields or ()) == [field]


def test_two_roles_whose_names_are_alike_both_get_a_code():
    error = refused_after(
        lambda: create_role(actor=None, name="Night shift"),
        lambda: create_role(actor=None, name="Night: shift!"),
    )

    assert error is None
    codes = Role.objects.filter(name__startswith="Night").values_list("code", flat=True)
    assert set(codes) == {"night-shift", "night-shift-2"}


def test_of_two_who_grant_on_the_same_new_type_the_second_adds_to_it(bob):
    def grant(action):
        one = GrantsByName(principal=bob, label="shop.new", object_pk="1", actions=(action,))
        replace_grants_by_name(grants=[one], actor=None)

    assert refused_after(lambda: grant("a"), lambda: grant("b")) is None
    actions = Permission.objects.filter(content_type__app_label="shop")
    assert set(actions.values_list("codename", flat=True)) == {"a", "b"}
