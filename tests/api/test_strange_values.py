"""Every field and every parameter meets every strange value: refused or taken, but never an error of ours."""

from typing import Any

import attrs
import pytest

from asura.api.channel_documents import ChannelDocument
from asura.api.monitor_documents import MonitorDocument
from asura.api.routes import ALL
from asura.channels import CHANNEL_TYPES
from asura.checks import CHECK_TYPES
from asura.serde import wire_name
from tests.api.conftest import Api

STRANGE: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**40,
    1e300,
    "",
    " ",
    "\0",
    "\u202e\ufeff",
    "٣",
    "1_000",
    "********",
    "../../etc/passwd",
    "'; DROP TABLE monitor; --",
    "http://[::1",
    "http://127.1/",
    "x" * 10_000,
    "💥" * 300,
    [],
    [None],
    [[[]]],
    [1, "a", {}],
    ["x"] * 1000,
    [2**63 - 1] * 3,
    {},
    {"": ""},
    {"a": {"b": [1]}},
    {"type": "basic"},
    {"type": "bearer", "token": {}},
    {"constructor": 1, "__proto__": None, "__class__": "x"},
]
QUERIES = [
    "",
    "%00",
    "%FF",
    "%ED%A0%80",
    "-1",
    "0",
    "9" * 40,
    "1.5",
    "1e3",
    "NaN",
    "x",
    "%D9%A3",
    "1_0",
    "+1",
    " 1",
    "*",
]

MONITOR = {"name": "Site", "type": "http", "target": "https://example.org/"}
HEARTBEAT = {"name": "Job", "type": "heartbeat"}
CHANNEL = {"name": "Ops", "type": "webhook", "settings": {"url": "https://hooks.example/"}}


@pytest.mark.parametrize("resource", ["monitors", "notifications"])
async def test_no_field_of_a_document_breaks_on_any_value(api: Api, resource: str):
    document, cls, kinds = (
        (MONITOR, MonitorDocument, CHECK_TYPES) if resource == "monitors" else (CHANNEL, ChannelDocument, CHANNEL_TYPES)
    )
    await api.admin.post(f"/api/v1/{resource}", json=document)
    changes: list[dict[str, Any]] = [{name: value} for name in _names(cls) for value in STRANGE]
    for tag, kind in kinds.items():
        changes += [
            {"type": tag, "settings": {**document.get("settings", {}), name: value}}  # type: ignore[dict-item]
            for name in [*_names(kind.settings), "colour"]
            for value in STRANGE
        ]
    for change in changes:
        patched = await api.admin.patch(f"/api/v1/{resource}/1", json=change)
        assert patched.status_code in (200, 400, 409, 422), (change, patched.text)
        if patched.status_code == 200:
            restored = await api.admin.put(f"/api/v1/{resource}/1", json=document)
            assert restored.status_code == 200, (change, restored.text)
    for value in STRANGE:
        assert (await api.admin.post(f"/api/v1/{resource}", json=value)).status_code in (400, 422)


def _names(cls: Any) -> list[str]:
    return [wire_name(field) for field in attrs.fields(cls)]


async def test_no_field_of_a_heartbeat_breaks_on_any_value(api: Api):
    token = (await api.admin.post("/api/v1/monitors", json=HEARTBEAT)).json()["heartbeat"]["token"]
    for change in [{name: value} for name in _names(MonitorDocument) if name != "type" for value in STRANGE]:
        patched = await api.admin.patch("/api/v1/monitors/1", json=change)
        assert patched.status_code in (200, 400, 409, 422), (change, patched.text)
        if patched.status_code == 200:
            restored = await api.admin.put("/api/v1/monitors/1", json=HEARTBEAT)
            assert restored.json()["heartbeat"]["token"] == token, change
    for value in STRANGE:
        for body in (value, {"keep_old": value}):
            asked = await api.admin.post("/api/v1/monitors/1/rotate-token", json=body)
            assert asked.status_code in (200, 400, 422), (body, asked.text)


async def test_no_parameter_of_a_query_breaks_on_any_value(api: Api):
    await api.admin.post("/api/v1/monitors", json=MONITOR)
    await api.admin.post("/api/v1/monitors", json=HEARTBEAT)
    for routes in ALL:
        for endpoint in routes.endpoints:
            if endpoint.query is None:
                continue
            monitor_id = "2" if endpoint.path.endswith("/pings") else "1"
            path = f"{routes.prefix}{endpoint.path}".replace("<id:monitor_id>", monitor_id)
            for field in attrs.fields(endpoint.query):
                for value in QUERIES:
                    answer = await api.admin.get(f"{path}?{wire_name(field)}={value}")
                    assert answer.status_code in (200, 400), (path, field.name, value, answer.text)
