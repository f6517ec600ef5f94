import inspect
import json

import pytest
import yaml

from api.v3.urls import router

URL = "/api/v3/schema/"


@pytest.mark.parametrize("query", [{"format": "json"}, {"format": "json", "lang": "de"}])
def test_the_document_is_open_to_everybody(anonymous, query):
    response = anonymous.get(URL, query)

    document = json.loads(response.content)
    assert response.status_code == 200
    assert document["openapi"] == "3.0.3"
    assert document["paths"]["/core/users/"]["get"]["operationId"] == "core_users_list"


@pytest.mark.parametrize("query", [{}, {"format": "yaml"}])
def test_it_comes_as_yaml_too(anonymous, query):
    response = anonymous.get(URL, query)

    assert yaml.safe_load(response.content)["openapi"] == "3.0.3"


def test_an_unknown_format_is_404(anonymous):
    assert anonymous.get(URL, {"format": "xml"}).status_code == 404


def test_every_operation_declares_its_refusals(anonymous):
    document = json.loads(anonymous.get(URL, {"format": "json"}).content)

    for route, path in document["paths"].items():
        for operation in path.values():
            refusals = {"400", "403", "404"} if "{" in route else {"400", "403"}
            assert refusals <= set(operation["responses"]), operation["operationId"]


def test_an_unknown_format_is_refused_in_json(client):
    response = client.get("/api/v3/schema/?format=x")

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("application/json")
    assert "detail" in response.json()


def test_every_operation_and_parameter_is_described_for_the_caller(anonymous):
    """Words for readers of the code, such as those of a base class, are no description."""
    document = json.loads(anonymous.get(URL, {"format": "json"}).content)
    operations = [one for path in document["paths"].values() for one in path.values()]

    of_classes = {inspect.getdoc(base) for _, view, _ in router.registry for base in view.__mro__}
    assert [
        one["operationId"]
        for one in operations
        if one.get("description") in {None, "", *of_classes} or "\n" in one["description"]
    ] == []
    assert [
        (one["operationId"], parameter["name"])
        for one in operations
        for parameter in one.get("parameters", ())
        if not parameter.get("description")
    ] == []
    tags = {tag["name"] for tag in document["tags"]}
    assert {tag for one in operations for tag in one["tags"]} == tags
