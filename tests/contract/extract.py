"""Reduce an OpenAPI document to the facts a client depends on.

    python tests/contract/extract.py OUTPUT DOCUMENT [DOCUMENT ...]

Several documents of one release are merged; a name that means two things in them is an error.
The same reduction is applied to our own schema and to the published ones, so that a comparison
never sees a difference in style: parameters and responses that are shared components are put in
place, `allOf` around one reference and `oneOf` with a null are unfolded, 3.1 type lists become
3.0 `nullable`, and nothing written for people (titles, descriptions, examples) stays.

Facts are plain JSON:

* operations: "GET /rbac/roles/" → operation_id; parameters by "query name"; request and
  request_required, where there is a body; responses by status code, null without a body;
* components: schemas by name, to which a shape refers with `ref`.

An enumeration of more than `LONGEST_ENUM` values is left out: such a member counts as free text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

PREFIX = "/api/v3"
METHODS = ("get", "post", "put", "patch", "delete")
LONGEST_ENUM = 12
BODY = "application/json"

Document = Mapping[str, Any]


class Shape(TypedDict, total=False):
    """What a JSON value looks like. An empty shape is any value at all.

    `additional` is the shape of members that `properties` does not name; without it there are none.
    """

    ref: str
    type: str
    format: str
    nullable: bool
    enum: list[Any]
    items: Shape
    properties: dict[str, Shape]
    required: list[str]
    additional: Shape
    any_of: list[Shape]


class Parameter(TypedDict):
    required: bool
    shape: Shape
    explode: NotRequired[bool]  # arrays only: one `name=value` per element


class Operation(TypedDict):
    operation_id: str
    parameters: dict[str, Parameter]
    request: NotRequired[Shape]
    request_required: NotRequired[bool]
    responses: dict[str, Shape | None]


class Facts(TypedDict):
    operations: dict[str, Operation]
    components: dict[str, Shape]


def extract(document: Document) -> Facts:
    """The facts of one OpenAPI 3.0 or 3.1 document; paths lose the `/api/v3` prefix."""
    operations = {
        f"{method.upper()} {path.removeprefix(PREFIX)}": _operation(document, item, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }
    schemas = document.get("components", {}).get("schemas", {})
    return {
        "operations": operations,
        "components": {name: _shape(schema) for name, schema in schemas.items()},
    }


def merge(parts: Iterable[Facts]) -> Facts:
    """One set of facts. Raises ValueError when two parts contradict each other."""
    operations: dict[str, Operation] = {}
    components: dict[str, Shape] = {}
    for part in parts:
        _add(operations, part["operations"])
        _add(components, part["components"])
    return {"operations": operations, "components": components}


def dumps(facts: Facts) -> str:
    """Stable text with one operation or component per line, for small diffs."""
    sections = [
        f"{json.dumps(name)}: {{\n{_lines(facts[name])}\n}}"
        for name in ("operations", "components")
    ]
    return "{" + ",\n".join(sections) + "}\n"


def _lines(members: Mapping[str, Any]) -> str:
    return ",\n".join(
        f"{json.dumps(name)}: {json.dumps(members[name], sort_keys=True, separators=(',', ':'))}"
        for name in sorted(members)
    )


def _add(known: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, fact in more.items():
        if known.setdefault(name, fact) != fact:
            raise ValueError(f"{name} means two different things")


def _resolve(document: Document, node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The shared parameter, body or response that `node` points to, or `node` itself."""
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def _operation(
    document: Document, path_item: Mapping[str, Any], item: Mapping[str, Any]
) -> Operation:
    parameters = [*path_item.get("parameters", ()), *item.get("parameters", ())]
    resolved = [_resolve(document, parameter) for parameter in parameters]
    operation: Operation = {
        "operation_id": item["operationId"],
        "parameters": {f"{each['in']} {each['name']}": _parameter(each) for each in resolved},
        "responses": {
            str(code): _content(_resolve(document, response))
            for code, response in item["responses"].items()
        },
    }
    if "requestBody" in item:
        body = _resolve(document, item["requestBody"])
        operation["request"] = _content(body) or {}
        operation["request_required"] = body.get("required", False)
    return operation


def _parameter(node: Mapping[str, Any]) -> Parameter:
    shape = _shape(node.get("schema", {}))
    parameter: Parameter = {"required": node.get("required", False), "shape": shape}
    if shape.get("type") == "array":
        parameter["explode"] = node.get("explode", node.get("style", "form") == "form")
    return parameter


def _content(node: Mapping[str, Any]) -> Shape | None:
    """The JSON body, else the first one declared, else None."""
    content = node.get("content")
    if not content:
        return None
    media = content.get(BODY) or next(iter(content.values()))
    return _shape(media.get("schema", {}))


def _shape(schema: Mapping[str, Any]) -> Shape:
    if "$ref" in schema:
        return {"ref": schema["$ref"].rpartition("/")[2]}
    alternatives = schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf")
    if alternatives:
        return _combined(schema, [_shape(each) for each in alternatives])
    shape = _simple(schema)
    if shape.get("type") == "array":
        shape["items"] = _shape(schema.get("items", {}))
    if shape.get("type") == "object":
        _describe_object(shape, schema)
    return shape


def _simple(schema: Mapping[str, Any]) -> Shape:
    """Type, format, nullability and a short enumeration."""
    shape: Shape = {}
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    names = [name for name in types if name != "null"]
    if len(names) == 1:
        shape["type"] = names[0]
    elif names:
        shape["any_of"] = [{"type": name} for name in names]
    if "format" in schema:
        shape["format"] = schema["format"]
    values = schema.get("enum", [])
    if schema.get("nullable") or "null" in types or None in values:
        shape["nullable"] = True
    values = sorted((value for value in values if value is not None), key=str)
    if 0 < len(values) <= LONGEST_ENUM:
        shape["enum"] = values
    return shape


def _describe_object(shape: Shape, schema: Mapping[str, Any]) -> None:
    properties = schema.get("properties", {})
    if properties:
        shape["properties"] = {name: _shape(each) for name, each in properties.items()}
    if schema.get("required"):
        shape["required"] = sorted(schema["required"])
    # An object about which nothing is said may hold anything.
    additional = schema.get("additionalProperties", not properties)
    if additional is not False:
        shape["additional"] = _shape({} if additional is True else additional)


def _combined(schema: Mapping[str, Any], shapes: list[Shape]) -> Shape:
    """`allOf` with one member is that member; `oneOf` loses members that only say null."""
    if "allOf" in schema and len(shapes) > 1:
        raise ValueError("allOf with several members is not supported")
    kept = [shape for shape in shapes if not _only_null(shape)]
    nullable = bool(schema.get("nullable")) or len(kept) < len(shapes)
    combined: Shape = kept[0].copy() if len(kept) == 1 else {"any_of": kept}
    if nullable:
        combined["nullable"] = True
    return combined


def _only_null(shape: Shape) -> bool:
    """3.1's null type, or the component in which drf-spectacular keeps an enumeration's null."""
    return shape in ({"nullable": True}, {"ref": "NullEnum"})


def main(output: str, *documents: str) -> None:
    loaded = [json.loads(Path(name).read_text()) for name in documents]
    Path(output).write_text(dumps(merge(extract(document) for document in loaded)))


if __name__ == "__main__":
    match sys.argv[1:]:
        case [output, *documents] if documents:
            main(output, *documents)
        case _:
            sys.exit(__doc__)
