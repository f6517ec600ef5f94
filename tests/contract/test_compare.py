"""The comparison itself can be seen to fail: one test per rule, on a document of one operation."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.contract.compare import differences
from tests.contract.extract import Facts, dumps, extract, merge

HERE = Path(__file__).parent
RELEASES = ["2024.8", "2026", "2026.8"]
PATH = "/rbac/roles/{uuid}/"
ROUTE = f"PUT {PATH}"

DOCUMENT: dict[str, Any] = {
    "paths": {
        PATH: {
            "put": {
                "operationId": "rbac_roles_update",
                "parameters": [
                    {"in": "path", "name": "uuid", "required": True, "schema": {"type": "string"}},
                    {
                        "in": "query",
                        "name": "users",
                        "schema": {"type": "array", "items": {"type": "integer"}},
                    },
                ],
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/RoleRequest"}}
                    },
                    "required": True,
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Role"}}
                        }
                    },
                    "404": {"description": ""},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Kind": {"type": "string", "enum": ["internal", "external"]},
            "RoleRequest": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "kind": {"type": "string"}},
                "required": ["name"],
            },
            "Role": {
                "type": "object",
                "properties": {
                    "pk": {"type": "string", "format": "uuid"},
                    "kind": {"$ref": "#/components/schemas/Kind"},
                    "parent": {"allOf": [{"$ref": "#/components/schemas/Role"}], "nullable": True},
                },
                "required": ["pk", "kind"],
            },
        }
    },
}


@pytest.fixture
def document() -> dict[str, Any]:
    """Our document, which a test spoils."""
    return deepcopy(DOCUMENT)


def lines(document: dict[str, Any]) -> list[str]:
    """What is wrong with `document`, without the route that each line starts with."""
    found = differences(extract(document), extract(DOCUMENT))
    return [line.removeprefix(ROUTE).strip(": ") for line in found]


def operation(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][PATH]["put"]
    return found


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def test_a_document_has_no_differences_from_itself(document: dict[str, Any]) -> None:
    assert lines(document) == []


def test_other_component_names_and_a_prefixed_path_are_no_difference() -> None:
    text = json.dumps(DOCUMENT).replace("schemas/Role", "schemas/Other")
    text = text.replace('"Role', '"Other').replace('"/rbac', '"/api/v3/rbac')

    assert lines(json.loads(text)) == []


def test_another_way_to_write_null_and_enumerations_is_no_difference(
    document: dict[str, Any],
) -> None:
    parent = {"oneOf": [{"$ref": "#/components/schemas/Role"}, {"type": "null"}]}
    schema(document, "Role")["properties"]["parent"] = parent
    document["components"]["schemas"]["Kind"] = {"enum": ["external", "internal"], "type": "string"}

    assert lines(document) == []


def test_more_than_they_have_is_no_difference(document: dict[str, Any]) -> None:
    operation(document)["parameters"].append({"in": "query", "name": "q", "schema": {}})
    operation(document)["responses"]["409"] = {"description": ""}
    schema(document, "RoleRequest")["properties"]["code"] = {"type": "string"}
    schema(document, "Role")["properties"]["code"] = {"type": "string"}
    document["paths"]["/shop/"] = {"get": {"operationId": "shop", "responses": {}}}

    assert lines(document) == []


def test_it_misses_an_operation(document: dict[str, Any]) -> None:
    document["paths"] = {}

    assert lines(document) == ["missing"]


def test_it_does_not_miss_what_is_not_served(document: dict[str, Any]) -> None:
    operation(document)["operationId"] = "core_users_recovery_create"

    assert differences({"operations": {}, "components": {}}, extract(document)) == []


def test_it_sees_another_operation_id(document: dict[str, Any]) -> None:
    operation(document)["operationId"] = "roles_update"

    assert lines(document) == ["operationId roles_update, theirs rbac_roles_update"]


def test_it_misses_a_parameter(document: dict[str, Any]) -> None:
    operation(document)["parameters"].pop()

    assert lines(document) == ["query users: missing"]


def test_it_sees_that_a_parameter_became_required(document: dict[str, Any]) -> None:
    operation(document)["parameters"][1]["required"] = True

    assert lines(document) == ["query users: required here, optional there"]


def test_it_sees_a_new_required_parameter(document: dict[str, Any]) -> None:
    parameter = {"in": "query", "name": "q", "required": True, "schema": {"type": "string"}}
    operation(document)["parameters"].append(parameter)

    assert lines(document) == ["query q: required here, unknown there"]


def test_it_sees_another_type_of_list_element(document: dict[str, Any]) -> None:
    operation(document)["parameters"][1]["schema"]["items"] = {"type": "string"}

    assert lines(document) == ["query users[]: string here, integer there"]


def test_it_sees_that_a_list_is_written_with_commas(document: dict[str, Any]) -> None:
    operation(document)["parameters"][1]["explode"] = False

    assert lines(document) == ["query users: a list is written otherwise (explode)"]


def test_a_parameter_may_not_be_narrower(document: dict[str, Any]) -> None:
    operation(document)["parameters"][0]["schema"]["format"] = "uuid"

    assert lines(document) == ["path uuid: uuid here, no format there"]


def test_it_misses_a_member_of_a_request(document: dict[str, Any]) -> None:
    del schema(document, "RoleRequest")["properties"]["kind"]

    assert lines(document) == ["request.kind: not accepted"]


def test_it_sees_that_a_member_of_a_request_became_required(document: dict[str, Any]) -> None:
    schema(document, "RoleRequest")["required"].append("kind")

    assert lines(document) == ["request.kind: required here, not required there"]


def test_a_request_may_not_have_a_smaller_enumeration(document: dict[str, Any]) -> None:
    schema(document, "RoleRequest")["properties"]["kind"]["enum"] = ["internal"]

    assert lines(document) == ["request.kind: ['internal'] here, any value there"]


def test_it_misses_a_request_body(document: dict[str, Any]) -> None:
    del operation(document)["requestBody"]

    assert lines(document) == ["request: no body accepted"]


def test_it_misses_a_status_code(document: dict[str, Any]) -> None:
    del operation(document)["responses"]["404"]

    assert lines(document) == ["404: not declared"]


def test_it_sees_another_success(document: dict[str, Any]) -> None:
    responses = operation(document)["responses"]
    responses["201"] = responses.pop("200")

    assert lines(document) == ["200: not declared", "201: a success they do not know"]


def test_it_misses_a_body(document: dict[str, Any]) -> None:
    operation(document)["responses"]["200"] = {"description": ""}

    assert lines(document) == ["200: has a body there"]


def test_a_required_key_must_be_required_in_our_answer(document: dict[str, Any]) -> None:
    schema(document, "Role")["required"] = ["kind"]

    assert lines(document) == ["200.pk: not required here, required there"]


def test_an_answer_may_not_have_another_type_or_format(document: dict[str, Any]) -> None:
    schema(document, "Role")["properties"]["pk"] = {"type": "string"}
    schema(document, "Role")["properties"]["kind"] = {"type": "integer"}

    assert lines(document) == [
        "200.kind: integer here, string there",
        "200.pk: no format here, uuid there",
    ]


def test_an_answer_may_not_be_null_where_theirs_never_is(document: dict[str, Any]) -> None:
    schema(document, "Role")["properties"]["pk"]["nullable"] = True

    assert lines(document) == ["200.pk: nullable here, never null there"]


def test_an_answer_may_not_have_a_value_they_do_not_know(document: dict[str, Any]) -> None:
    schema(document, "Kind")["enum"].append("service")

    assert lines(document) == [
        "200.kind: ['external', 'internal', 'service'] here, ['external', 'internal'] there"
    ]


def test_merging_refuses_a_contradiction(document: dict[str, Any]) -> None:
    schema(document, "Kind")["enum"].append("service")

    with pytest.raises(ValueError, match="Kind"):
        merge([extract(DOCUMENT), extract(document)])


@pytest.mark.parametrize("release", RELEASES)
def test_the_stored_facts_hold_no_prose(release: str) -> None:
    text = (HERE / f"authentik-{release}.json").read_text()

    assert dumps(json.loads(text)) == text
    assert '"description":"' not in text
    assert '"summary"' not in text


@pytest.mark.parametrize(("old", "new"), [("2024.8", "2026"), ("2026", "2024.8")])
def test_releases_differ_in_what_they_have_and_not_in_what_it_is(old: str, new: str) -> None:
    """So the union of their members satisfies both; `action` is satisfied by the smaller set."""
    first, second = (_stored(release) for release in (old, new))
    lacking = (": missing", ": not accepted", ": not required here, required there")

    found = [line for line in differences(first, second) if not line.endswith(lacking)]

    assert all("/used_by/ 200[].action: " in line for line in found)


def _stored(release: str) -> Facts:
    facts: Facts = json.loads((HERE / f"authentik-{release}.json").read_text())
    return facts
