"""Monitors over HTTP: created, read, changed, listed."""

from typing import Any

import pytest

from tests.api.conftest import Api


async def test_a_new_monitor_has_every_field_with_its_default(api: Api, monitor: dict[str, Any]):
    answer = await api.admin.post("/api/v1/monitors", json=monitor)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == "/api/v1/monitors/1"
    made = answer.json()
    assert (made["interval"], made["timeout"], made["failure_threshold"], made["success_threshold"]) == (60, 10, 3, 1)
    assert (made["status"], made["confirming"], made["stale"], made["last_check_at"]) == ("pending", False, False, None)
    assert made["uptime"] == {"24h": None, "7d": None, "30d": None, "90d": None}
    assert made["settings"]["method"] == "GET"
    assert made == (await api.admin.get("/api/v1/monitors/1")).json()
    listed = (await api.admin.get("/api/v1/monitors")).json()
    assert listed == {"data": [made], "total": 1, "page": 1, "per_page": 20, "total_pages": 1}
