"""Monitors over HTTP: created, read, changed, listed, acted on."""

from typing import Any

import pytest
import trio

from asura.model.monitor import Status
from tests import factories
from tests.api.conftest import Api
from tests.fakes.target import answer, silent, start_target

MASK = "********"


async def make(api: Api, **fields: Any) -> dict[str, Any]:
    document = {"name": "Site", "type": "http", "target": "https://example.org/", **fields}
    made = await api.admin.post("/api/v1/monitors", json=document)
    assert made.status_code == 201, made.text
    return made.json()


async def test_a_new_monitor_has_every_field_with_its_default(api: Api, monitor: dict[str, Any]):
    answered = await api.admin.post("/api/v1/monitors", json=monitor)
    assert answered.status_code == 201, answered.text
    assert answered.headers["Location"] == "/api/v1/monitors/1"
    made = answered.json()
    assert (made["interval"], made["timeout"], made["failure_threshold"], made["success_threshold"]) == (60, 10, 3, 1)
    assert (made["status"], made["confirming"], made["stale"], made["last_check_at"]) == ("pending", False, False, None)
    assert made["uptime"] == {"24h": None, "7d": None, "30d": None, "90d": None}
    assert made["settings"]["method"] == "GET"
    assert made == (await api.admin.get("/api/v1/monitors/1")).json()
    listed = (await api.admin.get("/api/v1/monitors")).json()
    assert listed == {"data": [made], "total": 1, "page": 1, "per_page": 20, "total_pages": 1}


async def test_the_timeout_defaults_to_the_interval_when_that_is_less(api: Api):
    assert (await make(api, interval=5))["timeout"] == 5


async def test_every_wrong_field_is_named_at_once(api: Api):
    document = {
        "name": " ",
        "type": "http",
        "target": "ftp://example.org",
        "interval": 0,
        "timeout": 301,
        "tags": ["x"] * 21,
        "settings": {"method": "BREW", "colour": "red"},
        "assertions": [{"type": "status_code"}],
        "track_changes": "yes",
        "escalation_policy_id": 1,
        "regions": ["mars"],
        "depends_on": [99],
        "notification_channel_ids": [2**70],
        "colour": "red",
    }
    refused = await api.admin.post("/api/v1/monitors", json=document)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert set(refused.json()["fields"]) == {
        "name",
        "target",
        "interval",
        "timeout",
        "tags",
        "settings.method",
        "settings.colour",
        "notification_channel_ids[0]",
        "colour",
        "assertions[0].operator",
        "track_changes",
        "escalation_policy_id",
        "regions",
        "depends_on",
    }
    document = {
        "name": "x",
        "type": "http",
        "target": "http://example.org",
        "interval": 5,
        "timeout": 6,
        "assertions": [{"type": "status_code"}],
        "escalation_policy_id": 1,
        "regions": ["mars"],
        "depends_on": [99],
        "notification_channel_ids": [7],
    }
    refused = await api.admin.post("/api/v1/monitors", json=document)
    assert refused.json()["fields"] == {
        "timeout": "must not exceed the interval, which is 5 s",
        "assertions[0].operator": "is required: one of eq, neq, gt, lt, gte, lte",
        "escalation_policy_id": "must be null: this version has no escalation policies",
        "regions": 'must be empty or ["local"]: this version has no probes',
        "depends_on": "there is no monitor 99",
        "notification_channel_ids": "there is no channel 7",
    }
    assert (await api.admin.get("/api/v1/monitors")).json()["total"] == 0


async def test_a_field_is_not_held_against_one_that_is_wrong_itself(api: Api):
    document = {"name": "x", "type": "http", "target": "http://example.org", "interval": "often", "timeout": 300}
    refused = await api.admin.post("/api/v1/monitors", json=document)
    assert set(refused.json()["fields"]) == {"interval"}


@pytest.mark.parametrize("document", [[], "x", 3, None, True])
async def test_a_body_that_is_no_object_is_invalid(api: Api, document: object):
    refused = await api.admin.post("/api/v1/monitors", json=document)
    # httpx sends no body for None
    assert refused.status_code == (400 if document is None else 422)


async def test_a_document_that_was_read_can_be_sent_back_whole(api: Api):
    made = await make(api, tags=["a", "b"], group="G", description="# Hi")
    made["interval"] = 120
    put = await api.admin.put("/api/v1/monitors/1", json=made)
    assert put.status_code == 200, put.text
    after = put.json()
    assert after.pop("updated_at") >= made.pop("updated_at")
    assert after == made


async def test_put_puts_back_defaults_and_patch_changes_only_what_it_names(api: Api, monitor: dict[str, Any]):
    await make(api, interval=30, tags=["a"], settings={"method": "HEAD", "headers": {"A": "1", "B": "2"}})
    patch = {"interval": None, "settings": {"headers": {"A": None, "C": "3"}}}
    patched = (await api.admin.patch("/api/v1/monitors/1", json=patch)).json()
    assert (patched["interval"], patched["tags"]) == (60, ["a"])
    assert (patched["settings"]["method"], patched["settings"]["headers"]) == ("HEAD", {"B": "2", "C": "3"})
    replaced = (await api.admin.put("/api/v1/monitors/1", json=monitor)).json()
    assert (replaced["tags"], replaced["settings"]["method"]) == ([], "GET")


async def test_a_header_that_is_called_type_leaves_the_others_alone(api: Api):
    await make(api, settings={"headers": {"Authorization": "Bearer s3cret"}})
    patch = {"settings": {"headers": {"type": "x"}}}
    patched = (await api.admin.patch("/api/v1/monitors/1", json=patch)).json()
    assert patched["settings"]["headers"] == {"Authorization": MASK, "type": "x"}


async def test_another_kind_of_authentication_starts_afresh(api: Api):
    await make(api, settings={"auth": {"type": "basic", "username": "u", "password": "p4ss"}})
    patch = {"settings": {"auth": {"type": "bearer", "token": "t"}}}
    patched = await api.admin.patch("/api/v1/monitors/1", json=patch)
    assert patched.json()["settings"]["auth"] == {"type": "bearer", "token": MASK}


async def test_another_type_starts_with_fresh_settings(api: Api):
    await make(api, settings={"method": "HEAD"})
    patched = await api.admin.patch("/api/v1/monitors/1", json={"type": "tcp", "target": "example.org:25"})
    assert patched.status_code == 200, patched.text
    assert patched.json()["settings"] == {"send": "", "expect": "", "tls": False}


async def test_secrets_read_back_masked_and_the_mask_keeps_them(api: Api):
    settings = {
        "headers": {"Authorization": "Bearer s3cret", "Accept": "text/html"},
        "auth": {"type": "basic", "username": "u", "password": "p4ss"},
    }
    made = await make(api, settings=settings)
    assert made["settings"]["headers"] == {"Authorization": MASK, "Accept": "text/html"}
    assert made["settings"]["auth"] == {"type": "basic", "username": "u", "password": MASK}
    await api.admin.put("/api/v1/monitors/1", json=made)
    await api.admin.patch("/api/v1/monitors/1", json={"settings": {"auth": {"password": MASK, "username": "v"}}})
    stored = await _settings(api, 1)
    assert stored["headers"]["Authorization"] == "Bearer s3cret"
    assert stored["auth"] == {"type": "basic", "username": "v", "password": "p4ss"}
    await api.admin.post("/api/v1/monitors/1/clone")
    assert (await _settings(api, 2))["auth"]["password"] == "p4ss"
    audit = (await api.admin.get("/api/v1/audit")).text
    assert "p4ss" not in audit
    assert "s3cret" not in audit


async def test_a_mask_for_which_nothing_is_stored_is_refused(api: Api, monitor: dict[str, Any]):
    settings = {"auth": {"type": "bearer", "token": MASK}, "headers": {"Cookie": MASK}}
    refused = await api.admin.post("/api/v1/monitors", json={**monitor, "settings": settings})
    assert set(refused.json()["fields"]) == {"settings.auth.token", "settings.headers.Cookie"}


async def test_another_kind_of_login_replaces_the_old_one(api: Api):
    await make(api, settings={"auth": {"type": "basic", "username": "u", "password": "p"}})
    patch = {"settings": {"auth": {"type": "bearer", "token": "t"}}}
    patched = await api.admin.patch("/api/v1/monitors/1", json=patch)
    assert patched.json()["settings"]["auth"] == {"type": "bearer", "token": MASK}


async def _settings(api: Api, monitor_id: int) -> dict[str, Any]:
    from asura.store import monitors

    return dict((await api.services.store.read(lambda conn: monitors.get(conn, monitor_id))).settings)


async def test_a_name_can_be_had_only_once(api: Api, monitor: dict[str, Any]):
    await make(api)
    assert (await api.admin.post("/api/v1/monitors", json=monitor)).status_code == 409
    await make(api, name="Other")
    assert (await api.admin.patch("/api/v1/monitors/2", json={"name": "Site"})).json()["code"] == "conflict"
    assert (await api.admin.get("/api/v1/monitors/2")).json()["name"] == "Other"


async def test_dependencies_make_no_circle(api: Api):
    await make(api, name="a")
    await make(api, name="b", depends_on=[1])
    refused = await api.admin.patch("/api/v1/monitors/1", json={"depends_on": [2]})
    assert (refused.status_code, set(refused.json()["fields"])) == (422, {"depends_on"})


async def test_pausing_and_resuming_twice_changes_nothing_more(api: Api):
    await make(api)
    for verb, enabled, status in (("pause", False, "paused"), ("resume", True, "pending")):
        for _ in range(2):
            turned = (await api.admin.post(f"/api/v1/monitors/1/{verb}")).json()
            assert (turned["enabled"], turned["status"]) == (enabled, status)
    actions = [entry["action"] for entry in (await api.admin.get("/api/v1/audit")).json()["data"]]
    assert actions == ["monitor.resume", "monitor.pause", "monitor.create"]


async def test_clones_have_names_of_their_own(api: Api):
    await make(api, name="n" * 255)
    names = [(await api.admin.post("/api/v1/monitors/1/clone")).json()["name"] for _ in range(2)]
    assert names == ["n" * 248 + " (copy)", "n" * 246 + " (copy 2)"]


async def test_a_deleted_monitor_is_gone(api: Api):
    await make(api)
    gone = await api.admin.delete("/api/v1/monitors/1")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.admin.get("/api/v1/monitors/1")).status_code == 404
    assert (await api.admin.delete("/api/v1/monitors/1")).status_code == 404


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Alpha", "beta", "Gamma"]),
        ("sort=-name", ["Gamma", "beta", "Alpha"]),
        ("sort=-created_at&per_page=1", ["Gamma"]),
        ("status=paused", ["beta"]),
        ("status=pending&status=paused", ["Alpha", "beta", "Gamma"]),
        ("status=purple", []),
        ("status=&type=&tag=&q=&sort=", ["Alpha", "beta", "Gamma"]),
        ("type=tcp", ["Gamma"]),
        ("tag=web", ["Alpha", "beta"]),
        ("group=shop", ["Alpha"]),
        ("group=", ["beta", "Gamma"]),
        ("q=GAM", ["Gamma"]),
        ("q=alpha.example", ["Alpha"]),
        ("q=%25", []),
        ("tag=web&status=paused", ["beta"]),
        ("page=2&per_page=2", ["Gamma"]),
        ("page=9", []),
        ("unknown=1", ["Alpha", "beta", "Gamma"]),
    ],
)
async def test_the_list_can_be_filtered_sorted_and_paged(api: Api, query: str, names: list[str]):
    await make(api, name="Alpha", target="https://alpha.example/", tags=["web"], group="shop")
    await make(api, name="beta", tags=["web", "db"], enabled=False)
    await make(api, name="Gamma", type="tcp", target="gamma.example:25")
    found = await api.reader.get(f"/api/v1/monitors?{query}")
    assert [each["name"] for each in found.json()["data"]] == names


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=٣", "page"),
        ("page=1_0", "page"),
        ("page=99999999999999999999", "page"),
        ("page=", "page"),
        ("page=1&page=2", "page"),
        ("per_page=501", "per_page"),
        ("per_page=-1", "per_page"),
        ("sort=colour", "sort"),
    ],
)
async def test_a_query_that_cannot_be_read_is_a_bad_request(api: Api, query: str, field: str):
    refused = await api.admin.get(f"/api/v1/monitors?{query}")
    assert (refused.status_code, set(refused.json()["fields"])) == (400, {field})


async def test_recent_checks_come_along_on_request(api: Api):
    await make(api)
    now_ms = api.services.clock.now_ms()
    seen = [factories.observation(1, at=now_ms - 40_000 + each * 1000, response_ms=each + 1) for each in range(35)]
    await api.services.record(seen)
    [found] = (await api.reader.get("/api/v1/monitors?include=recent")).json()["data"]
    assert [each["response_ms"] for each in found["recent"]] == list(range(6, 36))
    assert (found["status"], found["last_response_ms"], found["uptime"]["24h"]) == ("up", 35, 100.0)
    assert "recent" not in (await api.reader.get("/api/v1/monitors/1")).json()
    assert len((await api.reader.get("/api/v1/monitors/1?include=recent")).json()["recent"]) == 30


async def test_a_monitor_that_nobody_looks_at_any_more_is_stale(api: Api):
    await make(api)
    await api.services.record([factories.observation(1, at=api.services.clock.now_ms() - 3_600_000)])
    assert (await api.reader.get("/api/v1/monitors/1")).json()["stale"] is True


async def test_bulk_is_all_or_nothing(api: Api):
    for name in ("a", "b", "c"):
        await make(api, name=name)
    refused = await api.admin.post("/api/v1/monitors/bulk", json={"action": "delete", "ids": [1, 9]})
    assert (refused.status_code, refused.json()["fields"]) == (422, {"ids": "there is no monitor 9"})
    paused = await api.admin.post("/api/v1/monitors/bulk", json={"action": "pause", "ids": [1, 2, 2]})
    assert paused.json() == {"action": "pause", "ids": [1, 2], "changed": 2}
    assert (await api.admin.post("/api/v1/monitors/bulk", json={"action": "pause", "ids": [1]})).json()["changed"] == 0
    await api.admin.post("/api/v1/monitors/bulk", json={"action": "set_group", "ids": [2, 3], "group": "G"})
    assert (await api.admin.get("/api/v1/groups")).json()["data"] == [{"name": "G", "monitors": 2, "status": "pending"}]
    await api.admin.post("/api/v1/monitors/bulk", json={"action": "set_group", "ids": [2, 3], "group": None})
    await api.admin.post("/api/v1/monitors/bulk", json={"action": "resume", "ids": [1]})
    await api.admin.post("/api/v1/monitors/bulk", json={"action": "delete", "ids": [1, 2]})
    left = (await api.admin.get("/api/v1/monitors")).json()["data"]
    assert [(each["name"], each["group"], each["enabled"]) for each in left] == [("c", None, True)]


@pytest.mark.parametrize("body", [{}, {"action": "explode", "ids": [1]}, {"action": "pause", "ids": []}, {"ids": "1"}])
async def test_a_wrong_bulk_request_is_refused(api: Api, body: dict[str, Any]):
    assert (await api.admin.post("/api/v1/monitors/bulk", json=body)).status_code == 422


async def test_a_check_by_hand_is_recorded_and_answered(api: Api, nursery: trio.Nursery):
    target = await start_target(nursery, answer(503))
    await make(api, target=target.url)
    seen = (await api.admin.post("/api/v1/monitors/1/check")).json()
    assert (seen["status"], seen["status_code"], seen["region"]) == ("down", 503, "local")
    [listed] = (await api.reader.get("/api/v1/monitors/1/checks")).json()["data"]
    assert listed == {**seen, "notes": []}, "what was seen on the way is not stored"
    assert (await api.admin.post("/api/v1/monitors/9/check")).status_code == 404


async def test_a_monitor_can_be_tried_before_it_is_saved(api: Api, nursery: trio.Nursery):
    target = await start_target(nursery, answer(200))
    seen = await api.admin.post("/api/v1/monitors/test", json={"type": "http", "target": target.url})
    assert (seen.json()["status"], seen.json()["id"]) == ("up", None)
    target.behaviour = silent
    document = {"name": "x", "type": "http", "target": target.url, "timeout": 1}
    seen = await api.admin.post("/api/v1/monitors/test", json=document)
    assert (seen.json()["status"], seen.json()["response_ms"]) == ("down", None)
    assert (await api.admin.get("/api/v1/monitors")).json()["total"] == 0
    assert (await api.admin.post("/api/v1/monitors/test", json={"type": "http"})).status_code == 422


async def test_trying_an_edited_monitor_uses_its_stored_secret(api: Api, nursery: trio.Nursery):
    target = await start_target(nursery, answer(200))
    made = await make(api, target=target.url, settings={"auth": {"type": "bearer", "token": "s3cret"}})
    await api.admin.post("/api/v1/monitors/test", json=made)
    assert b"Bearer s3cret" in target.requests[-1]


async def test_a_check_that_fails_three_times_opens_an_incident_seen_in_the_list(api: Api):
    await make(api)
    now_ms = api.services.clock.now_ms()
    for each in range(3):
        await api.services.record([factories.observation(1, Status.DOWN, at=now_ms - 300_000 + each * 60_000)])
    found = (await api.reader.get("/api/v1/monitors?sort=status")).json()["data"][0]
    assert (found["status"], found["confirming"], found["last_message"]) == ("down", False, "looks down")
    assert found["uptime"]["24h"] < 100
