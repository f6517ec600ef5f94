import importlib
import pkgutil
import re

import pytest
from django.db import DatabaseError, DataError, IntegrityError, OperationalError

import accounts
import api
import audit
import permissions
import roles
from accounts.models import Group
from api import errors
from audit.errors import DomainError, InvalidInput, NotFound


def import_everything():
    for package in (audit, accounts, roles, permissions, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)


def subclasses(kind):
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_every_domain_error_has_its_own_line_in_the_table():
    import_everything()

    assert subclasses(DomainError) - {DomainError} == set(errors.STATUS_OF)


def test_the_tree_is_drawn_as_it_is():
    import_everything()

    drawn = re.findall(r"^( *)[*·] (\w+)$", errors.__doc__, re.MULTILINE)
    above: list[type[Exception]] = []
    for indent, name in drawn:
        kind = next(one for one in subclasses(DomainError) if one.__name__ == name)
        del above[len(indent) // 2 :]
        assert kind.__base__ is (above[-1] if above else Exception)
        above.append(kind)
    assert len(drawn) == len(subclasses(DomainError))


def test_refused_input_is_told_in_one_line_each():
    data = {
        "name": ["Too long."],
        "items": [{}, {"code": ["Taken.", "Odd."]}],
        "keys": {"3": ["Unknown."]},
        "non_field_errors": ["Not both."],
    }

    assert list(errors.flattened(data)) == [
        ("name", "Too long."),
        ("items[1].code", "Taken."),
        ("items[1].code", "Odd."),
        ("keys[3]", "Unknown."),
        ("", "Not both."),
    ]


def test_an_error_in_a_field_is_keyed_by_it():
    response = errors.exception_handler(InvalidInput(fields={"name": ["Too long."]}), {})

    assert (response.status_code, response.data) == (400, {"name": ["Too long."]})


def test_any_other_error_has_a_sentence_and_a_code():
    response = errors.exception_handler(NotFound(), {})

    assert (response.status_code, response.data) == (
        404,
        {"detail": "Not found.", "code": "not_found"},
    )


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("x"), 400),
        (OverflowError("x"), 400),
        (RecursionError("x"), 400),
        (IntegrityError("x"), 409),
        (OperationalError("x"), 503),
        (DatabaseError("Save with update_fields did not affect any rows."), 404),
        (Group.DoesNotExist("x"), 404),
    ],
)
def test_what_slips_through_validation_is_no_500(error, status):
    response = errors.exception_handler(error, {})

    assert response.status_code == status
    assert list(response.data) == ["detail"]


def test_an_unknown_error_is_left_to_the_500_handler():
    assert errors.exception_handler(ValueError("a bug"), {}) is None
