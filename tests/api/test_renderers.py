from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.utils.functional import lazystr
from rest_framework.renderers import JSONRenderer

from api.json import FastJSONRenderer
from roles.models import ScopeKind

VALUES = [
    None,
    {},
    {"name": "Zoë\u2028", "n": [1, 2.5, -0.0, True, None]},
    {1: "number"},
    datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
    timedelta(seconds=90),
    Decimal("1.50"),
    uuid.UUID(int=7),
    lazystr("later"),
    ScopeKind.ALL,
    2**70,
    ("a", "tuple"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_it_writes_what_drf_writes(value):
    fast = FastJSONRenderer().render({"value": value} if value is not None else None)

    slow = JSONRenderer().render({"value": value} if value is not None else None)
    assert fast.replace("\u2028".encode(), b"\\u2028") == slow


def test_a_lone_surrogate_is_refused_as_drf_refuses_it():
    for renderer in (FastJSONRenderer(), JSONRenderer()):
        with pytest.raises(UnicodeEncodeError):
            renderer.render({"value": "\ud800"})


def test_it_indents_when_asked():
    assert b"\n" in FastJSONRenderer().render({"a": 1}, "application/json; indent=2")
