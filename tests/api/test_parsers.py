import json

import pytest
from rest_framework.exceptions import ParseError

from api.json import MAX_DEPTH, loads


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[NaN]",
        b"[-Infinity]",
        b"[1e999]",
        b"[" + b"9" * 5000 + b"]",
        b'["\\ud800"]',
        b'["\xff"]',
        b"\xef\xbb\xbf[]",
        b'["\x01"]',
        b"[1] x",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 101 + b"1" + b"}" * 101,
    ],
)
def test_what_is_no_json_is_refused(body):
    with pytest.raises(ParseError, match=r"^JSON parse error - "):
        loads(body)


def test_documents_up_to_the_depth_are_read():
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_many_brackets_side_by_side_are_not_deep():
    assert len(loads(b"[" + b",".join([b"[]"] * 500) + b"]")) == 500


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'{"a":1,"a":1}',
        b'{"b": [{"a": ":", "a": ""}]}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": "\\u003a", "a": ":"}',
    ],
)
def test_a_member_that_occurs_twice_is_refused_by_its_name(body):
    with pytest.raises(ParseError, match="'a' occurs twice"):
        loads(body)


@pytest.mark.parametrize("body", [b'[{"a": 1}, {"a": 1}]', b'{"a:": ":", "b": {"a:": "\\u003a"}}'])
def test_one_that_occurs_in_two_objects_is_not(body):
    assert loads(body) == json.loads(body)
