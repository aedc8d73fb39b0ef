"""Write src/api/schema.ts, the dashboard's types, from the daemon's own OpenAPI document.

    python frontend/scripts/schema.py

A browser test holds the file to the document, so that the two can't drift apart.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asura.api import openapi
from asura.api.routes import ALL

SCHEMA = Path(__file__).parents[1] / "src/api/schema.ts"
WANTED = [
    "AuditEntry",
    "Backup",
    "Channel",
    "ChannelDocument",
    "Certificates",
    "Change",
    "Chart",
    "Check",
    "Delivery",
    "Group",
    "Health",
    "Incident",
    "IncidentDetail",
    "Metrics",
    "Monitor",
    "MonitorDocument",
    "Overview",
    "Ping",
    "RotateRequest",
    "ScheduleTimes",
    "Session",
    "StatusInterval",
    "System",
    "Tag",
    "Types",
    "Verdict",
]
"""What the dashboard reads and sends; what these refer to comes along."""
HEAD = """\
// Made by scripts/schema.py from the daemon's OpenAPI document. Don't edit: change the daemon and make it again.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
"""
MAX_LINE = 120
PRIMITIVES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def main() -> None:
    """Write the file."""
    SCHEMA.write_text(generate(), encoding="utf-8")


def generate() -> str:
    """The whole file."""
    schemas: dict[str, Any] = openapi.document(ALL, base_path="")["components"]["schemas"]
    names, queue = set[str](), list(WANTED)
    while queue:
        name = queue.pop()
        if name not in names:
            names.add(name)
            queue += _references(_own(schemas, name))
    return HEAD + "".join(_interface(name, _own(schemas, name)) for name in sorted(names))


def _own(schemas: dict[str, Any], name: str) -> dict[str, Any]:
    """A schema. Documents that differ by type only in their settings become one, with open settings.

    What is no object, such as the alternatives of assertions, stays JSON.
    """
    schema: dict[str, Any] = schemas[name]
    if "properties" not in schema and "oneOf" not in schema:
        return {"description": schema.get("description", "")}
    if "oneOf" not in schema:
        return schema
    first = schemas[schema["oneOf"][0]["$ref"].rpartition("/")[2]]
    anything = {"type": "object", "additionalProperties": {}}
    properties = {**first["properties"], "type": {"type": "string"}, "settings": anything}
    return {**first, "description": schema.get("description", ""), "properties": properties}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _interface(name: str, schema: dict[str, Any]) -> str:
    about = " ".join(schema.get("description", "").split())
    required = schema.get("required", ())
    lines = [f"\n/** {about} */"] if about else [""]
    if "properties" not in schema:
        return "\n".join([*lines, f"export type {name} = Json;", ""])
    lines.append(f"export interface {name} {{")
    for field, wanted in schema["properties"].items():
        key = field if field.isidentifier() else json.dumps(field)
        lines.append(_wrapped(f"  {key}{'' if field in required else '?'}", _type(wanted)))
    return "\n".join([*lines, "}", ""])


def _wrapped(name: str, wanted: str) -> str:
    """A line, or as many as the formatter makes of one that is too long."""
    line = f"{name}: {wanted};"
    if len(line) <= MAX_LINE or "|" not in wanted:
        return line
    is_list = wanted.endswith(")[]")
    options = wanted.removeprefix("(").removesuffix(")[]").split(" | ")
    told = "".join(f"\n    | {each}" for each in options)
    return f"{name}: ({told}\n  )[];" if is_list else f"{name}:{told};"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(json.dumps(each) for each in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(_type(each) for each in schema[key]))
    wanted = schema.get("type")
    if isinstance(wanted, list):
        return " | ".join(_type({**schema, "type": each}) for each in wanted)
    if wanted == "array":
        each = _type(schema.get("items", {}))
        return f"({each})[]" if "|" in each else f"{each}[]"
    if wanted == "object":
        return f"{{ [key: string]: {_type(schema.get('additionalProperties') or {})} }}"
    return PRIMITIVES.get(wanted, "Json")


if __name__ == "__main__":
    main()
