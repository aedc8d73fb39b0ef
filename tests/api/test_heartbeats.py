"""Heartbeats over HTTP: documents, who is told the token, what is shown at a deadline."""

import json
from typing import Any

import attrs
import pytest

from asura.checks.heartbeat import HeartbeatSettings
from asura.ids import MonitorId
from asura.model.heartbeat import Heartbeat, PingKind, Signal
from asura.scheduler import changes
from asura.serde import dump
from asura.store import heartbeats
from asura.store.database import Conn
from asura.units import iso, parse_iso
from tests import factories
from tests.api.conftest import Api
from tests.api.test_events import listening
from tests.api.test_monitors import make

YEAR_S = 366 * 86_400
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MONITORS = "/api/v1/monitors"
SUCCESS, START, FAIL, LOG = PingKind.SUCCESS, PingKind.START, PingKind.FAIL, PingKind.LOG


async def add(api: Api, **fields: Any) -> dict[str, Any]:
    """A heartbeat that is expected every five minutes; no target."""
    document = {"name": "Backup", "type": "heartbeat", "interval": 300, **fields}
    made = await api.admin.post(MONITORS, json=document)
    assert made.status_code == 201, made.text
    return made.json()


async def add_long_ago(api: Api, **fields: Any) -> None:
    """A heartbeat that has been there for a year, so that it can have a past."""
    settings = dump(HeartbeatSettings())
    defaults = {"name": "Backup", "type": "heartbeat", "target": "", "interval_s": 300, "settings": settings}
    monitor = factories.monitor(**{**defaults, **fields})
    now_ms = api.services.clock.now_ms()
    await api.services.store.write(lambda conn: changes.create(conn, monitor, now_ms=now_ms - 365 * DAY_MS))


async def refusal(api: Api, **document: Any) -> dict[str, str]:
    """The wrong fields of a document."""
    refused = await api.admin.post(MONITORS, json={"name": "Backup", "type": "heartbeat", **document})
    assert refused.status_code == 422, refused.text
    return refused.json()["fields"]


async def read(api: Api, path: str) -> Any:
    answer = await api.reader.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ping(
    api: Api, kind: PingKind = SUCCESS, *, monitor_id: int = 1, at: int | None = None, ago_ms: int = 0, **fields: Any
) -> None:
    """What the job reports, as it comes in."""
    at = api.services.clock.now_ms() - ago_ms if at is None else at
    await api.services.intake.record(Signal(monitor_id=MonitorId(monitor_id), kind=kind, at=at, **fields))


async def turn_to(api: Api, deadline_at: int | None, *, monitor_id: int = 1) -> None:
    """Put a heartbeat's deadline elsewhere. Nobody watches it here, so nothing is written down at it."""

    def write(conn: Conn) -> None:
        beat = heartbeats.of_monitors(conn, [monitor_id])[monitor_id]
        heartbeats.update_heartbeat_ping(conn, [attrs.evolve(beat, deadline_at=deadline_at)])

    await api.services.store.write(write)


async def stored(api: Api, monitor_id: int = 1) -> Heartbeat:
    return (await api.services.store.read(lambda conn: heartbeats.of_monitors(conn, [monitor_id])))[monitor_id]


class TestDocuments:
    async def test_a_new_one_has_a_token_and_where_to_use_it_and_waits(self, api: Api):
        made = await add(api, settings={"grace": 60})
        beat = made["heartbeat"]
        assert len(beat["token"]) == 32
        assert beat == {
            "token": beat["token"],
            "ping_url": f"http://asura.test/api/v1/heartbeat/{beat['token']}",
            "grace": 60,
            "schedule": "",
            "timezone": "UTC",
            "last_ping_at": None,
            "last_duration_ms": None,
            "status": "pending",
            "next_expected_at": None,
            "deadline_at": None,
            "runs": [],
            "old_token_until": None,
        }
        assert (made["status"], made["target"], made["uptime"]["24h"]) == ("pending", "", None)
        assert made == (await api.admin.get(f"{MONITORS}/1")).json()
        assert (await api.admin.get(MONITORS)).json()["data"] == [made]

    async def test_other_types_have_none(self, api: Api):
        assert (await make(api))["heartbeat"] is None

    @pytest.mark.parametrize("target", [{}, {"target": None}, {"target": ""}], ids=["left out", "null", "empty"])
    async def test_it_needs_no_target(self, api: Api, target: dict[str, None]):
        assert (await add(api, **target))["target"] == ""

    async def test_its_target_is_a_note_for_people(self, api: Api):
        assert (await add(api, target="db1: /etc/cron.d/backup"))["target"] == "db1: /etc/cron.d/backup"
        assert (await api.admin.patch(f"{MONITORS}/1", json={"target": None})).json()["target"] == ""

    async def test_a_note_that_is_too_long_is_refused(self, api: Api):
        assert await refusal(api, target="x" * 2049) == {"target": "must be at most 2048 characters, not 2049"}

    @pytest.mark.parametrize("absent", [{}, {"target": None}, {"target": ""}], ids=["left out", "null", "empty"])
    async def test_what_is_checked_still_needs_one(self, api: Api, absent: dict[str, None]):
        assert set(await refusal(api, type="http", **absent)) == {"target"}

    @pytest.mark.parametrize(
        ("kind", "interval_s", "wrong"),
        [
            ({"type": "heartbeat"}, YEAR_S, None),
            ({"type": "heartbeat"}, YEAR_S + 1, "must be between 1 and 31622400 seconds"),
            ({"type": "heartbeat"}, 0, "must be between 1 and 31622400 seconds"),
            ({"type": "tcp", "target": "x.test:1"}, 86_400, None),
            ({"type": "tcp", "target": "x.test:1"}, 86_401, "must be between 1 and 86400 seconds"),
            ({"type": "gopher", "target": "x"}, 86_401, "must be between 1 and 86400 seconds"),
        ],
    )
    async def test_its_period_may_last_a_year(self, api: Api, kind: dict[str, str], interval_s: int, wrong: str | None):
        document = {"name": "x", **kind, "interval": interval_s}
        answer = await api.admin.post(MONITORS, json=document)
        assert answer.json().get("fields", {}).get("interval") == wrong
        assert answer.status_code == (422 if wrong else 201)

    async def test_a_timeout_means_nothing_to_it(self, api: Api):
        assert (await add(api, interval=5, timeout=300))["timeout"] == 300

    async def test_every_wrong_field_is_named_at_once(self, api: Api):
        wrong = await refusal(
            api,
            name=" ",
            target="x" * 3000,
            interval=YEAR_S + 1,
            timeout=301,
            upside_down=True,
            track_changes=True,
            assertions=[{"type": "status_code", "operator": "eq", "value": 200}],
            regions=["mars"],
            settings={"grace": -1, "max_runtime": 0, "colour": "red", "success_keywords": [""]},
        )
        assert set(wrong) == {
            "name",
            "target",
            "interval",
            "timeout",
            "upside_down",
            "track_changes",
            "assertions",
            "regions",
            "settings.grace",
            "settings.max_runtime",
            "settings.colour",
            "settings.success_keywords",
        }

    async def test_what_needs_an_answer_is_refused_in_a_sentence(self, api: Api):
        asserted: list[Any] = [[{"type": "gopher"}], {"operator": "and", "groups": []}, "x"]
        for assertions in asserted:
            assert (await refusal(api, assertions=assertions, track_changes=True, upside_down=True)) == {
                "assertions": "must be empty: a heartbeat reports by itself and gives no answer to hold them against",
                "track_changes": "must be false: a heartbeat reports by itself and gives no answer to compare",
                "upside_down": "must be false: a heartbeat reports by itself, and its silence can't be a success",
            }

    async def test_settings_that_contradict_one_another_are_all_named(self, api: Api):
        settings = {"schedule": "61 * * * *", "timezone": "Mars/Olympus", "min_runtime": 60, "max_runtime": 60}
        wrong = await refusal(api, settings=settings)
        assert set(wrong) == {"settings.schedule", "settings.timezone", "settings.min_runtime"}
        assert wrong["settings.min_runtime"] == "must be below max_runtime, which is 60 s"

    async def test_an_edit_keeps_the_token_whatever_is_sent_back(self, api: Api):
        made = await add(api)
        token = made["heartbeat"]["token"]
        stolen = {**made, "name": "Other", "heartbeat": {"token": "x" * 32, "status": "up"}}
        for answer in (
            await api.admin.put(f"{MONITORS}/1", json=stolen),
            await api.admin.patch(f"{MONITORS}/1", json={"interval": 600, "heartbeat": None}),
            await api.admin.patch(f"{MONITORS}/1", json={"settings": {"schedule": "0 3 * * *"}}),
        ):
            assert answer.status_code == 200, answer.text
            assert answer.json()["heartbeat"]["token"] == token
        assert answer.json()["heartbeat"]["schedule"] == "0 3 * * *"

    async def test_another_type_has_no_token_and_the_way_back_another_one(self, api: Api):
        first = (await add(api))["heartbeat"]["token"]
        refused = await api.admin.patch(f"{MONITORS}/1", json={"type": "tcp"})
        assert refused.json()["fields"] == {"target": "must not be empty"}
        tcp = await api.admin.patch(f"{MONITORS}/1", json={"type": "tcp", "target": "x.test:1"})
        assert (tcp.json()["heartbeat"], api.services.intake.find(first)) == (None, None)
        again = (await api.admin.patch(f"{MONITORS}/1", json={"type": "heartbeat"})).json()
        assert (again["target"], again["status"]) == ("x.test:1", "pending")
        assert again["heartbeat"]["token"] != first

    async def test_what_has_assertions_becomes_no_heartbeat_with_them(self, api: Api):
        await make(api, assertions=[{"type": "status_code", "operator": "eq", "value": 200}], interval=60)
        refused = await api.admin.patch(f"{MONITORS}/1", json={"type": "heartbeat"})
        assert set(refused.json()["fields"]) == {"assertions"}
        assert (await api.admin.patch(f"{MONITORS}/1", json={"type": "heartbeat", "assertions": None})).is_success

    async def test_a_period_of_months_keeps_it_from_becoming_what_is_checked(self, api: Api):
        await add(api, interval=40 * 86_400, target="http://example.org/")
        refused = await api.admin.patch(f"{MONITORS}/1", json={"type": "http"})
        assert refused.json()["fields"] == {"interval": "must be between 1 and 86400 seconds"}

    async def test_a_clone_has_a_token_of_its_own(self, api: Api):
        made = await add(api, settings={"schedule": "@daily", "timezone": "Europe/Berlin"})
        copy = (await api.admin.post(f"{MONITORS}/1/clone")).json()
        assert copy["settings"] == made["settings"]
        assert copy["heartbeat"]["token"] not in (made["heartbeat"]["token"], None)
        found = [api.services.intake.find(each["heartbeat"]["token"]) for each in (made, copy)]
        assert found == [1, 2]

    async def test_it_is_paused_regrouped_and_deleted_with_others(self, api: Api):
        tokens = [(await add(api, name=name))["heartbeat"]["token"] for name in "ab"]
        await make(api, name="c")
        for action in ("pause", "set_group", "resume", "delete"):
            done = await api.admin.post(
                f"{MONITORS}/bulk",
                json={"action": action, "ids": [1, 2, 3], "group": "G" if action[0] == "s" else None},
            )
            assert done.json()["changed"] == 3
        assert [api.services.intake.find(token) for token in tokens] == [None, None]


class TestSecrecy:
    async def test_who_may_only_read_is_not_told_how_to_report(self, api: Api):
        await add(api)
        one, listed = await read(api, "/monitors/1"), await read(api, "/monitors")
        for beat in (one["heartbeat"], listed["data"][0]["heartbeat"]):
            assert (beat["token"], beat["ping_url"], beat["status"]) == (None, None, "pending")

    async def test_no_token_is_in_the_audit_the_events_or_the_log(self, api: Api, capfd: pytest.CaptureFixture[str]):
        told: list[Any] = []
        async with listening(api) as stream:
            made = await add(api)
            copy = (await api.admin.post(f"{MONITORS}/1/clone")).json()
            rotated = (await api.admin.post(f"{MONITORS}/1/rotate-token", json={"keep_old": True})).json()
            await api.admin.patch(f"{MONITORS}/1", json={"name": "Other"})
            await ping(api, FAIL)
            await api.admin.delete(f"{MONITORS}/1")
            while not told or told[-1] != ("checks", 1):
                name, document = await stream.next()
                told += [document, (name, 1)]
        audit = await read(api, "/audit")
        texts = [json.dumps(told), json.dumps(audit), *capfd.readouterr()]
        for token in (each["heartbeat"]["token"] for each in (made, copy, rotated)):
            assert len(token) == 32
            assert not any(token in text for text in texts)
        assert [entry["action"] for entry in audit["data"]][::-1] == [
            "monitor.create",
            "monitor.clone",
            "monitor.rotate_token",
            "monitor.update",
            "monitor.delete",
        ]
        assert audit["data"][2]["detail"] == {"keep_old": True}

    async def test_no_token_is_in_what_a_value_shows_of_itself(self, api: Api):
        token = (await add(api))["heartbeat"]["token"]
        assert token not in repr(await stored(api))


class TestShown:
    async def test_everything_turns_at_the_deadline_itself(self, api: Api):
        await add_long_ago(api, group="G")
        await make(api, name="Site", group="G")
        await ping(api, ago_ms=HOUR_MS)
        await turn_to(api, api.services.clock.now_ms() + HOUR_MS)
        assert (await read(api, "/monitors/1"))["status"] == "up"
        assert (await read(api, "/monitors/1"))["heartbeat"]["status"] == "up"
        assert [each["id"] for each in (await read(api, "/monitors?status=up"))["data"]] == [1]
        deadline_at = api.services.clock.now_ms() - 30 * 60_000
        await turn_to(api, deadline_at)
        one = await read(api, "/monitors/1")
        assert (one["status"], one["status_since"], one["stale"]) == ("down", iso(deadline_at), False)
        assert (one["heartbeat"]["status"], one["heartbeat"]["deadline_at"]) == ("down", iso(deadline_at))
        assert 0 < one["uptime"]["24h"] < 100
        [listed] = (await read(api, "/monitors?status=down"))["data"]
        assert {**listed, "uptime": one["uptime"]} == one
        assert (await read(api, "/monitors?status=up"))["total"] == 0
        assert [each["id"] for each in (await read(api, "/monitors?sort=status"))["data"]] == [1, 2]
        counts = (await read(api, "/overview"))["monitors"]
        assert (counts["down"], counts["up"], counts["pending"]) == (1, 0, 1)
        assert (await read(api, "/groups"))["data"] == [{"name": "G", "monitors": 2, "status": "down"}]
        assert 'asura_monitors{status="down"} 1' in (await api.admin.get("/metrics")).text

    async def test_at_the_deadline_it_is_not_yet_down(self, api: Api):
        await add(api)
        await ping(api)
        before = (await read(api, "/monitors/1"))["heartbeat"]
        await turn_to(api, parse_iso(before["deadline_at"]))
        assert (await read(api, "/monitors/1"))["status"] == "up"

    async def test_a_paused_one_is_paused_and_expects_nothing(self, api: Api):
        await add(api)
        await ping(api)
        await api.admin.post(f"{MONITORS}/1/pause")
        await turn_to(api, api.services.clock.now_ms() - 1)
        one = await read(api, "/monitors/1")
        assert one["status"] == "paused"
        assert (one["heartbeat"]["next_expected_at"], one["heartbeat"]["deadline_at"]) == (None, None)
        assert (await read(api, "/monitors?status=down"))["total"] == 0
        assert (await read(api, "/overview"))["monitors"]["paused"] == 1

    async def test_it_never_goes_stale(self, api: Api):
        await add_long_ago(api)
        await ping(api, ago_ms=200 * DAY_MS)
        await turn_to(api, api.services.clock.now_ms() + DAY_MS)
        one = await read(api, "/monitors/1")
        assert (one["status"], one["stale"], one["uptime"]["90d"]) == ("up", False, 100)

    async def test_it_asks_for_no_checks(self, api: Api):
        await add(api, interval=1)
        await make(api, interval=30)
        assert (await read(api, "/overview"))["checks_per_minute"] == 2

    async def test_what_is_expected_and_the_open_runs_are_shown(self, api: Api):
        await add(api, interval=300, settings={"grace": 60, "max_runtime": 120})
        await ping(api, START, rid="b")
        await ping(api, START)
        beat = (await read(api, "/monitors/1"))["heartbeat"]
        due_at, deadline_at = parse_iso(beat["next_expected_at"]), parse_iso(beat["deadline_at"])
        assert due_at == parse_iso(beat["last_ping_at"]) + 300_000
        assert [each["rid"] for each in beat["runs"]] == ["b", None]
        first = beat["runs"][0]
        assert parse_iso(first["deadline_at"]) == parse_iso(first["started_at"]) + 120_000 == deadline_at
        assert (await read(api, "/monitors/1"))["status"] == "pending"

    async def test_the_last_run_time_is_shown(self, api: Api):
        await add(api)
        await ping(api, START, ago_ms=5000)
        await ping(api)
        one = await read(api, "/monitors/1")
        assert 5000 <= one["heartbeat"]["last_duration_ms"] < 60_000
        assert one["last_response_ms"] == one["heartbeat"]["last_duration_ms"]
        assert one["heartbeat"]["runs"] == []

    async def test_a_failure_is_down_at_once_with_its_reason(self, api: Api):
        await add(api)
        await ping(api)
        await ping(api, FAIL, exit_status=3, body="working\ndisk full\n")
        one = await read(api, "/monitors/1")
        assert (one["status"], one["heartbeat"]["status"]) == ("down", "down")
        assert "exit status 3" in one["last_message"]
        assert "disk full" in one["last_message"]


async def test_a_form_is_told_that_nothing_is_checked(api: Api):
    types = {each["name"]: each for each in (await read(api, "/types"))["monitors"]}
    assert (types["heartbeat"]["is_passive"], types["heartbeat"]["target_required"]) == (True, False)
    assert (types["http"]["is_passive"], types["http"]["target_required"]) == (False, True)
    assert {field["type"] for field in types["heartbeat"]["fields"]} == {"integer", "string", "list"}
