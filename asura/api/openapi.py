"""The OpenAPI 3.1 document, made from the routes: what isn't declared there can't be reached, and isn't here."""

import re
from collections.abc import Iterable
from typing import Any

import attrs

from asura import __version__
from asura.api.auth import COOKIE
from asura.api.endpoint import Endpoint, Media, Raw, Routes, may_be_left_out
from asura.api.errors import ErrorBody
from asura.api.gate import ANY_KEY, ANYBODY
from asura.api.schema import Schema, Schemas
from asura.model.heartbeat import TOKEN_CHARS
from asura.serde import wire_name

_PARAMETER = re.compile(r"<(\w+):(\w+)>")
_IN_PATH: dict[str, Schema] = {
    "id": {"type": "integer", "minimum": 0},
    "token": {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{{TOKEN_CHARS}}}$"},
    "exit": {"type": "integer", "minimum": 0, "maximum": 255},
}
_ERRORS = {
    400: "the query or the JSON can't be read",
    401: "no key, or one that is not known",
    403: "the key lacks the permission, or another site's page sent a request with a session cookie",
    404: "there is no such thing",
    413: "the body is larger than server.max_body_size",
    415: "the body is not sent as application/json",
    422: "well-formed but wrong; `fields` names every wrong field",
    429: "too many requests without a key from this address; Retry-After says how long to wait",
    503: "the database can't be used, or Asura is starting or stopping",
}
_ABOUT = """\
Everything that Asura can do, over HTTP: the dashboard uses nothing else.

Give an API key as `X-API-Key` or `Authorization: Bearer`; browsers exchange it for a session cookie. Instants are
RFC 3339 in UTC with milliseconds, durations whole seconds unless their name says otherwise. Every answer that is no
success has the same shape: a sentence, a code, and for validation the wrong fields."""


def document(all_routes: Iterable[Routes], *, base_path: str) -> dict[str, Any]:
    """The document of these routes, whose paths stand under `base_path`."""
    schemas = Schemas()
    error = schemas.of(ErrorBody, is_input=False)
    schemas.named["ErrorBody"]["required"] = ["error", "code"]
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, None] = {}
    for routes in all_routes:
        for endpoint in routes.endpoints:
            path = _PARAMETER.sub(r"{\2}", f"{routes.prefix}{endpoint.path}")
            paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
            tags[endpoint.tag] = None
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Asura",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base_path or "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.named.items())),
            "responses": {
                f"Error{status}": {"description": text, "content": {"application/json": {"schema": error}}}
                for status, text in _ERRORS.items()
            },
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def _operation(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _IN_PATH[kind]}
        for kind, name in _PARAMETER.findall(endpoint.path)
    ]
    if endpoint.query is not None:
        parameters += _query_parameters(endpoint.query, schemas)
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": _with_permission(endpoint),
        "tags": [endpoint.tag],
        "security": [] if endpoint.needs == ANYBODY else [{"key": []}, {"bearer": []}, {"session": []}],
        "responses": _responses(endpoint, schemas),
    }
    if parameters:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": not may_be_left_out(endpoint.body),
            "content": {"application/json": {"schema": _body_schema(endpoint.body, schemas)}},
        }
    elif endpoint.takes_anything:
        operation["requestBody"] = {"required": False, "content": {"*/*": {"schema": {}}}}
    return operation


def _with_permission(endpoint: Endpoint) -> str:
    text = "\n".join(line.strip() for line in endpoint.description.splitlines())
    if endpoint.needs == ANYBODY:
        return f"{text}\n\nNeeds no key."
    return f"{text}\n\nNeeds {'any key' if endpoint.needs == ANY_KEY else f'the permission `{endpoint.needs}`'}."


def _query_parameters(query: type, schemas: Schemas) -> list[dict[str, Any]]:
    attrs.resolve_types(query)
    found = []
    for field in attrs.fields(query):
        schema = schemas.field(field, is_input=True)
        description = schema.pop("description", "")
        if schema.get("default", ...) is None:
            del schema["default"]  # left out means not asked
        if isinstance(schema.get("type"), list):
            schema["type"] = next(each for each in schema["type"] if each != "null")
        elif "anyOf" in schema:
            schema = next(each for each in schema["anyOf"] if each != {"type": "null"})
        found.append({"name": wire_name(field), "in": "query", "description": description, "schema": schema})
    return found


def _body_schema(body: Any, schemas: Schemas) -> Schema:
    if isinstance(body, Raw):
        return schemas.patch(body.type) if body.is_patch else schemas.of(body.type, is_input=True)
    return schemas.of(body, is_input=True)


def _responses(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    responses: dict[str, Any] = {str(endpoint.status): _success(endpoint, schemas)}
    statuses = {429, 503}
    if endpoint.needs != ANYBODY:
        statuses |= {401, 403}
    if "<id:" in endpoint.path:
        statuses.add(404)
    if endpoint.query is not None:
        statuses.add(400)
    if endpoint.body is not None:
        statuses |= {400, 413, 415, 422}
    for status in sorted(statuses - set(endpoint.also)):
        responses[str(status)] = {"$ref": f"#/components/responses/Error{status}"}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
    for status, text in endpoint.also.items():
        responses[str(status)] = {"description": text, "content": error}
    return responses


def _success(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    if endpoint.status == 204:
        return {"description": "Done; there is nothing to say."}
    if isinstance(endpoint.gives, Media):
        schema: Schema = {"type": "string"}
        if endpoint.gives.content_type == "application/json":
            schema = {"type": "object"}
        media = endpoint.gives.content_type.partition(";")[0]
        return {"description": endpoint.gives.description, "content": {media: {"schema": schema}}}
    success: dict[str, Any] = {
        "description": "Done.",
        "content": {"application/json": {"schema": schemas.of(endpoint.gives, is_input=False)}},
    }
    if endpoint.status == 201:
        success["headers"] = {"Location": {"description": "where it is", "schema": {"type": "string"}}}
    return success
