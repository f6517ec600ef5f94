"""JSON in and out, by orjson: it is strict, and takes a tenth of the time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

# Deeper documents have no honest use here, and what is stored must be writable again: Python's
# encoder gives up a little below a depth of 1,000.
MAX_DEPTH = 100

# Times as DRF writes them. It does not write dataclasses.
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS


class StrictJSONParser(BaseParser):
    """JSON as RFC 8259 has it, in UTF-8; anything else is 400 "JSON parse error - …".

    orjson instead of DRF's parser, which rests on Python's ``json``: that accepts NaN, infinities
    (also ``1e999``) and lone surrogates, which no database or client can take back, and reads
    numbers of any length. orjson refuses them, and is faster. Whole numbers beyond 64 bits become
    floats, which integer fields then refuse. A member that occurs twice in an object is refused:
    parsers disagree on which of the two counts, so a gateway and the service might.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return loads(stream.read())


class EmptyOrJSONParser(StrictJSONParser):
    """An empty body is an empty object: some clients announce JSON also where they send nothing."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read()
        return loads(body) if body.strip() else {}


def loads(body: bytes) -> Any:
    """Raises rest_framework.exceptions.ParseError."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"JSON parse error - {error}") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ParseError(f"JSON parse error - nested deeper than {MAX_DEPTH} levels")
    # A member that was dropped is missing when the value is written again, and so are its colons.
    # Only if escapes could hide one are all the pairs looked at.
    if b"\\u" in body or orjson.dumps(value).count(b":") != body.count(b":"):
        json.loads(body, object_pairs_hook=_refuse_duplicates)
    return value


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            message = f"the member {name[:100]!r} occurs twice in one object"
            raise ParseError(f"JSON parse error - {message}")
        names.add(name)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        depth += 1
    return depth - 1


class FragmentEncoder(JSONEncoder):
    """Knows parts of an answer that are JSON already, which orjson writes as they stand."""

    def default(self, obj: Any) -> Any:
        if isinstance(obj, orjson.Fragment):
            return json.loads(orjson.dumps(obj))
        return super().default(obj)


_default = FragmentEncoder().default


class FastJSONRenderer(JSONRenderer):
    """Writes what DRF's own would."""

    encoder_class = FragmentEncoder

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        indent = self.get_indent(accepted_media_type or "", dict(renderer_context or {}))
        if data is None or indent is not None:
            return super().render(data, accepted_media_type, renderer_context)
        try:
            return orjson.dumps(data, default=_default, option=_OPTIONS)
        except orjson.JSONEncodeError:
            # Numbers beyond 64 bits and lone surrogates: rare, and DRF knows them.
            return super().render(data, accepted_media_type, renderer_context)
