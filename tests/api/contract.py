"""Holds every answer of a test against the OpenAPI document: a documented status, and exactly the documented fields."""

import copy
import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from asura.api import openapi
from asura.api.routes import DESCRIBED

# What any address may answer whatever it is, and what isn't an operation's business.
ALWAYS = {400, 404, 405, 408, 414, 431}


@cache
def document() -> dict[str, Any]:
    """The document, with closed objects: a field that is given but not documented is a mistake too."""
    whole = copy.deepcopy(openapi.document(DESCRIBED, base_path=""))
    for schema in whole["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return whole


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    # Fixed paths before those with parameters.
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [
        (re.compile(re.sub(r"\{\w+\}", r"[\\w-]+" if "{token}" in path else "[0-9]+", path)), path) for path in paths
    ]


@cache
def _validator(reference: str) -> Draft202012Validator:
    schema = {"$ref": reference, "components": document()["components"]}
    validator: Draft202012Validator = validator_for(schema, Draft202012Validator)(
        schema, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return validator


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The documented path and operation of a request, None when there is none."""
    for pattern, template in _patterns():
        if pattern.fullmatch(path):
            method = "get" if method == "HEAD" else method.lower()
            operation = document()["paths"][template].get(method)
            return None if operation is None else (template, operation)
    return None


async def check(response: httpx.Response) -> None:
    """An httpx hook: raise AssertionError for an answer that the document doesn't promise."""
    found = operation_of(response.request.method, response.request.url.path)
    if found is None or response.request.method == "OPTIONS":
        return
    template, operation = found
    shown = f"{response.request.method} {template} answered {response.status_code}"
    assert response.status_code < 500 or str(response.status_code) in operation["responses"], shown
    if str(response.status_code) not in operation["responses"]:
        assert response.status_code in ALWAYS, f"{shown}, which is not documented"
        return
    promised = operation["responses"][str(response.status_code)]
    if "$ref" in promised:
        promised = document()["components"]["responses"][promised["$ref"].rpartition("/")[2]]
    schema = promised.get("content", {}).get("application/json", {}).get("schema")
    if schema is None or response.request.method == "HEAD" or template.endswith("openapi.json"):
        return
    await response.aread()
    value = response.json()
    if "$ref" in schema:
        if schema["$ref"].endswith("/ErrorBody") and "status" in value:
            return  # health's own document
        errors = list(_validator(schema["$ref"]).iter_errors(value))
    else:
        assert schema["type"] == "array", schema
        errors = [error for each in value for error in _validator(schema["items"]["$ref"]).iter_errors(each)]
    assert not errors, f"{shown}: {errors[0].message} at {list(errors[0].absolute_path)}"
