"""Querysets whose text is kept: what they find is what the ORM would have found."""

import uuid

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from accounts.models import User
from permissions.engine.running import Parameter, Statement
from roles.models import Role
from tests import facts

pytestmark = pytest.mark.django_db


def test_values_come_in_their_python_types():
    now, key = timezone.now(), uuid.uuid4()
    User.objects.create(username="ann", uuid=key, last_login=now, attributes={"a": [1, None]})
    columns = User.objects.values_list("uuid", "last_login", "attributes", "is_active")
    statement = Statement.of(columns.filter(username=Parameter("username")))

    [row] = statement.rows(username="ann")

    assert list(row) == [key, now, {"a": [1, None]}, True]


def test_a_parameter_takes_the_form_of_its_column():
    role = facts.role("cook")
    key = Parameter("key", Role._meta.get_field("uuid"))
    statement = Statement.of(Role.objects.filter(uuid=key).values_list("name"))

    assert [tuple(row) for row in statement.rows(key=role.pk)] == [("cook",)]
    assert statement.rows(key=uuid.uuid4()) == []


def test_values_of_the_queryset_stay_and_percent_signs_are_text():
    facts.role("100%s")
    text = Concat("name", Value(" %s %% "), Parameter("end", Role._meta.get_field("name")))
    statement = Statement.of(Role.objects.filter(name="100%s").values_list(text))

    assert [tuple(row) for row in statement.rows(end="!")] == [("100%s %s %% !",)]


def test_it_counts_and_cuts():
    for name in ("a", "b", "c"):
        facts.role(name)
    named = Role.objects.filter(name__in=["a", "b", "c"])
    statement = Statement.of(named.order_by("name").values_list("name"))

    assert [tuple(row) for row in statement.limited(1, 1).rows()] == [("b",)]
    assert [tuple(row) for row in Statement.of(named.values_list("pk")).counting().rows()] == [(3,)]
