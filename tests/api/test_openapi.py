"""The OpenAPI document is valid, complete, and the page that shows it needs nothing else."""

import re

import pytest
from openapi_spec_validator import validate

from asura.api import openapi, pings
from asura.api.routes import DESCRIBED
from asura.checks import CHECK_TYPES
from asura.web.app import build_app
from tests.api.conftest import Api, serving
from tests.api.conftest import config_with as config


def test_the_document_is_valid():
    validate(openapi.document(DESCRIBED, base_path=""))


async def test_every_route_is_in_the_document_and_the_other_way_round(api: Api):
    documented = (await api.stranger.get("/api/v1/openapi.json")).json()
    app = build_app(api.services)
    routes = {
        (re.sub(r"<id:(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD"}
    }
    in_front = {
        (re.sub(r"<\w+:(\w+)>", r"{\1}", f"{pings.routes.prefix}{endpoint.path}"), endpoint.method.lower())
        for endpoint in pings.routes.endpoints
    }
    assert {(path, method) for path, item in documented["paths"].items() for method in item} == routes | in_front
    assert not routes & in_front


def test_every_operation_and_field_is_explained():
    document = openapi.document(DESCRIBED, base_path="")
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert all(operation["summary"] and operation["description"] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    unexplained = [
        name
        for name, schema in document["components"]["schemas"].items()
        if "properties" in schema and not schema.get("description")
    ]
    assert unexplained == ["Chart", "StatusInterval", "Uptime"]


def test_settings_depend_on_the_type_and_carry_their_limits():
    schemas = openapi.document(DESCRIBED, base_path="")["components"]["schemas"]
    assert [each["$ref"] for each in schemas["MonitorDocument"]["oneOf"]] == [
        f"#/components/schemas/MonitorDocument_{name}" for name in CHECK_TYPES
    ]
    http = schemas["MonitorDocument_http"]
    assert http["properties"]["settings"] == {"$ref": "#/components/schemas/HttpSettings"}
    assert http["properties"]["interval"]["maximum"] == 86_400
    assert http["additionalProperties"] is False
    assert set(http["required"]) == {"name", "type", "target"}
    assert "required" not in schemas["MonitorPatch"]
    assert "enum" in schemas["HttpSettings"]["properties"]["method"]


async def test_the_document_stands_under_the_base_path(tmp_path):
    async with serving(tmp_path, config(base_path="/asura")) as api:
        document = (await api.stranger.get("/asura/api/v1/openapi.json")).json()
        assert document["servers"] == [{"url": "/asura"}]
        assert (await api.admin.get("/asura/api/v1/monitors")).status_code == 200
        assert (await api.admin.get("/asura/metrics")).status_code == 200
        assert (await api.admin.get("/api/v1/monitors")).status_code == 404
        document = {"name": "x", "type": "tcp", "target": "x.example:1"}
        made = await api.admin.post("/asura/api/v1/monitors", json=document)
        assert made.headers["Location"] == "/asura/api/v1/monitors/1"


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/api/docs", "text/html"), ("/api/docs/page.js", "text/javascript"), ("/api/docs/page.css", "text/css")],
)
async def test_the_reference_page_needs_nothing_from_elsewhere(api: Api, path: str, kind: str):
    answer = await api.stranger.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert not re.search(r"<style|<script>|style=|onclick", answer.text)
