import importlib
import pkgutil

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
        (ValueError("A string literal cannot contain NUL (0x00) characters."), 400),
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
