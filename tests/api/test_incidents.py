"""Incidents over HTTP: seen, acknowledged, commented on, resolved."""

from typing import Any

import pytest

from asura.model.monitor import Status
from asura.units import iso
from tests import factories
from tests.api.conftest import Api
from tests.api.test_monitors import make


async def go_down(api: Api, monitor_id: int = 1) -> int:
    """Let a monitor fail until an incident opens; answers when it began to."""
    now_ms = api.services.clock.now_ms()
    at = [now_ms + each for each in range(3)]
    for each in at:
        await api.services.record([factories.observation(monitor_id, Status.DOWN, at=each, message="timeout")])
    return at[-1]


async def test_an_incident_has_its_own_fields_timeline_and_evidence(api: Api):
    await make(api)
    down_at = await go_down(api)
    listed = (await api.bot.get("/api/v1/incidents")).json()
    assert listed["total"] == 1
    [incident] = listed["data"]
    assert incident == {
        "id": 1,
        "monitor_id": 1,
        "monitor_name": "Site",
        "status": "open",
        "cause": "timeout",
        "started_at": iso(down_at),
        "acknowledged_at": None,
        "acknowledged_by": None,
        "resolved_at": None,
        "resolved_by": None,
    }
    detail = (await api.bot.get("/api/v1/incidents/1")).json()
    assert {name: detail[name] for name in incident} == incident
    assert [line["type"] for line in detail["timeline"]] == ["opened", "not_notified"]
    assert detail["evidence"][0]["message"] == "timeout"


async def test_an_incident_is_acknowledged_once_commented_and_resolved_once(api: Api):
    await make(api)
    await go_down(api)
    first = (await api.bot.post("/api/v1/incidents/1/ack")).json()
    assert (first["status"], first["acknowledged_by"]) == ("acknowledged", "bot")
    again = await api.admin.post("/api/v1/incidents/1/ack")
    assert (again.status_code, again.json()) == (200, first)
    noted = (await api.bot.post("/api/v1/incidents/1/comment", json={"message": "looking"})).json()
    assert (noted["timeline"][-1]["message"], noted["timeline"][-1]["actor"]) == ("looking", "bot")
    over = (await api.bot.post("/api/v1/incidents/1/resolve")).json()
    assert (over["status"], over["resolved_by"]) == ("resolved", "bot")
    for verb, body in (("ack", None), ("resolve", None), ("comment", {"message": "late"})):
        refused = await api.bot.post(f"/api/v1/incidents/1/{verb}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    actions = [entry["action"] for entry in (await api.admin.get("/api/v1/audit")).json()["data"]]
    assert actions == ["incident.resolve", "incident.comment", "incident.ack", "monitor.create"]


@pytest.mark.parametrize("body", [{}, {"message": ""}, {"message": " \n"}, {"message": "x" * 5001}, {"text": "x"}])
async def test_a_comment_says_something(api: Api, body: dict[str, Any]):
    await make(api)
    await go_down(api)
    assert (await api.bot.post("/api/v1/incidents/1/comment", json=body)).status_code == 422


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [2, 1]),
        ("status=open", [2]),
        ("status=acknowledged", [1]),
        ("status=purple", []),
        ("monitor_id=2", [2]),
        ("monitor_id=99", []),
        ("per_page=1&page=2", [1]),
        ("to=2026-01-01T00:00:00Z", []),
        ("from=2026-01-01T00:00:00Z", [2, 1]),
    ],
)
async def test_incidents_can_be_filtered(api: Api, query: str, ids: list[int]):
    for monitor_id in (1, 2):
        await make(api, name=str(monitor_id))
        await go_down(api, monitor_id)
    await api.bot.post("/api/v1/incidents/1/ack")
    found = (await api.bot.get(f"/api/v1/incidents?{query}")).json()["data"]
    assert [each["id"] for each in found] == ids
    overview = (await api.reader.get("/api/v1/overview")).json()
    assert overview["incidents"] == {"open": 1, "acknowledged": 1}


async def test_a_deleted_incident_is_gone(api: Api):
    await make(api)
    await go_down(api)
    assert (await api.bot.delete("/api/v1/incidents/1")).status_code == 204
    assert (await api.bot.get("/api/v1/incidents/1")).status_code == 404
    assert (await api.bot.delete("/api/v1/incidents/1")).status_code == 404


async def test_what_is_down_behind_its_dependency_says_so(api: Api):
    now_ms = api.services.clock.now_ms()
    router = (await make(api, name="router", failure_threshold=1))["id"]
    web = (await make(api, name="web", failure_threshold=1, depends_on=[router]))["id"]

    async def see(monitor_id: int, status: Status, *, ago_ms: int) -> None:
        await api.services.record([factories.observation(monitor_id, status, at=now_ms - ago_ms)])

    async def read() -> tuple[str, list[int]]:
        found = (await api.reader.get(f"/api/v1/monitors/{web}")).json()
        return found["status"], found["suppressed_by"]

    await see(router, Status.DOWN, ago_ms=900)
    await see(web, Status.DOWN, ago_ms=800)
    assert await read() == ("down", [router])
    await see(router, Status.UP, ago_ms=700)
    await see(web, Status.DOWN, ago_ms=600)
    assert await read() == ("down", [])
    listed = (await api.reader.get("/api/v1/incidents?status=open")).json()["data"]
    assert [each["monitor_id"] for each in listed] == [web]
