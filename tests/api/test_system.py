"""Health, overview, names, types, audit, system facts, backups, metrics."""

from pathlib import Path

import attrs
import pytest
import trio

from asura import __version__
from asura.channels import CHANNEL_TYPES
from asura.checks import CHECK_TYPES
from asura.model.part import Part
from tests.api.conftest import Api, config_with, serving
from tests.api.test_incidents import go_down
from tests.api.test_monitors import make


async def test_health_is_ok_for_anybody(api: Api):
    healthy = await api.stranger.get("/api/v1/health")
    assert (healthy.status_code, healthy.json()["status"], healthy.json()["version"]) == (200, "ok", __version__)
    assert healthy.json()["uptime_seconds"] >= 0


@pytest.mark.parametrize(
    ("state", "status"), [("running", 200), ("starting", 200), ("restarting", 503), ("stopped", 503)]
)
async def test_health_fails_while_a_part_is_down(tmp_path: Path, state: str, status: int):
    part = Part(name="scheduler", state=state, restarts=1, last_error="inner secret")
    async with serving(tmp_path, config_with(), parts=[part]) as api:
        health = await api.stranger.get("/api/v1/health")
        assert health.status_code == status
        if status == 503:
            assert (health.json()["status"], health.json()["code"]) == ("failing", "failing")
            assert "scheduler" in health.json()["reason"]
            assert "inner secret" not in health.text
        shown = (await api.admin.get("/api/v1/system")).json()["parts"]
        assert shown == [{"name": "scheduler", "state": state, "restarts": 1, "last_error": "inner secret"}]


async def test_health_fails_when_the_database_is_taken_away(api: Api):
    path = api.services.store.facts().path
    path.rename(path.with_name("elsewhere.db"))
    health = await api.stranger.get("/api/v1/health")
    assert (health.status_code, "database" in health.json()["error"]) == (503, True)
    path.with_name("elsewhere.db").rename(path)


async def test_health_says_that_it_is_stopping(api: Api):
    await api.stranger.get("/api/v1/health")
    response = await _asked_while_stopping(api)
    assert response is None or response["status"] == "failing"


async def _asked_while_stopping(api: Api) -> dict[str, str] | None:
    import httpx

    api.services.stopping.set()
    try:
        return dict((await api.stranger.get("/api/v1/health")).json())
    except httpx.TransportError:
        return None


async def test_the_overview_counts_what_there_is(api: Api):
    assert (await api.reader.get("/api/v1/overview")).json() == {
        "monitors": {"total": 0, "up": 0, "degraded": 0, "down": 0, "paused": 0, "pending": 0, "maintenance": 0},
        "incidents": {"open": 0, "acknowledged": 0},
        "checks_per_minute": 0,
        "uptime": {"24h": None, "7d": None, "30d": None, "90d": None},
        "probes": [],
    }
    await make(api, name="a", interval=30)
    await make(api, name="b", interval=60)
    await make(api, name="c", interval=1, timeout=1, enabled=False)
    await go_down(api)
    found = (await api.reader.get("/api/v1/overview")).json()
    assert found["monitors"] == {
        "total": 3,
        "up": 0,
        "degraded": 0,
        "down": 1,
        "paused": 1,
        "pending": 1,
        "maintenance": 0,
    }
    assert (found["incidents"], found["checks_per_minute"]) == ({"open": 1, "acknowledged": 0}, 3)


async def test_tags_and_groups_are_counted(api: Api):
    await make(api, name="a", tags=["web", "eu", "web"], group="Shop")
    await make(api, name="b", tags=["web"], group="Shop", enabled=False)
    await make(api, name="c", group="")
    tags = (await api.reader.get("/api/v1/tags")).json()
    assert tags["data"] == [{"name": "eu", "monitors": 1}, {"name": "web", "monitors": 2}]
    assert (await api.reader.get("/api/v1/groups")).json()["data"] == [
        {"name": "Shop", "monitors": 2, "status": "pending"}
    ]
    assert (await api.reader.get("/api/v1/tags?page=2&per_page=1")).json()["data"] == [{"name": "web", "monitors": 2}]


async def test_every_type_describes_every_field_of_its_settings(api: Api):
    types = (await api.bot.get("/api/v1/types")).json()
    for kinds, described in ((CHECK_TYPES, types["monitors"]), (CHANNEL_TYPES, types["channels"])):
        assert [each["name"] for each in described] == list(kinds)
        for each in described:
            assert [field["name"] for field in each["fields"]] == [
                field.name for field in attrs.fields(kinds[each["name"]].settings)
            ]
            assert all(field["label"] and field["help"] for field in each["fields"])
    http = {field["name"]: field for field in types["monitors"][0]["fields"]}
    assert (http["method"]["type"], http["method"]["default"]) == ("choice", "GET")
    assert (http["headers"]["type"], "authorization" in http["headers"]["secret_keys"]) == ("map", True)
    assert [variant["name"] for variant in http["auth"]["variants"]] == ["basic", "bearer"]
    assert [field["secret"] for field in http["auth"]["variants"][0]["fields"]] == [False, True]
    assert (http["expected_status"]["type"], http["expected_status"]["default"]) == ("list", ["2xx", "3xx"])
    assert http["body"]["type"] == "text"


async def test_what_a_new_monitor_gets_is_told_with_the_types(api: Api):
    defaults = (await api.bot.get("/api/v1/types")).json()["defaults"]
    made = await make(api, name="plain")
    assert defaults == {name: made[name] for name in ("interval", "timeout", "failure_threshold", "success_threshold")}


async def test_the_audit_tells_who_changed_what_and_goes_on_after_one(api: Api):
    for number in range(3):
        await make(api, name=str(number))
    await api.admin.patch("/api/v1/monitors/1", json={"interval": 90, "description": "d" * 1000})
    first = (await api.reader.get("/api/v1/audit?per_page=2")).json()
    assert (first["total"], first["total_pages"]) == (4, 2)
    newest = first["data"][0]
    assert (newest["actor"], newest["action"], newest["subject"]) == ("admin", "monitor.update", "monitor 1 “0”")
    assert newest["detail"]["changed"]["interval"] == {"from": 60, "to": 90}
    assert len(newest["detail"]["changed"]["description"]["to"]) == 201
    rest = (await api.reader.get(f"/api/v1/audit?before={first['data'][-1]['id']}")).json()["data"]
    assert [each["resource_name"] for each in rest] == ["1", "0"]
    assert (await api.reader.get("/api/v1/audit?page=2&per_page=2")).json()["data"] == rest


async def test_the_system_tells_versions_sizes_and_retention(api: Api):
    system = (await api.reader.get("/api/v1/system")).json()
    assert (system["version"], system["retention"]) == (__version__, {"raw_days": 14, "days": 400})
    assert system["database"]["healthy"] is True
    assert system["database"]["size_bytes"] > 0
    assert system["database"]["schema_version"] >= 1
    assert (await api.admin.post("/api/v1/system")).status_code == 405


async def test_a_backup_is_written_beside_the_database(api: Api):
    await make(api)
    made = (await api.admin.post("/api/v1/system/backup")).json()
    path = trio.Path(made["path"])
    assert (await path.stat()).st_size == made["size_bytes"] > 0
    assert Path(path).parent == api.services.store.facts().path.parent
    assert (await api.reader.post("/api/v1/system/backup")).status_code == 403


async def test_a_backup_that_cannot_be_written_says_so(api: Api, monkeypatch: pytest.MonkeyPatch):
    now_ms = api.services.clock.now_ms()
    monkeypatch.setattr(type(api.services.clock), "now_ms", lambda self: now_ms)
    assert (await api.admin.post("/api/v1/system/backup")).status_code == 200
    again = await api.admin.post("/api/v1/system/backup")
    assert (again.status_code, again.json()["code"]) == (503, "backup_failed")


async def test_metrics_are_prometheus_text(api: Api):
    await make(api)
    scraped = await api.reader.get("/metrics")
    assert scraped.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = scraped.text.splitlines()
    assert 'asura_monitors{status="pending"} 1' in lines
    assert any(line.startswith("asura_build_info{") for line in lines)
    assert (await api.stranger.get("/metrics")).status_code == 401
