"""What heartbeats have reported, over HTTP: pings, another token, schedules, and the history that pings make."""

from itertools import pairwise
from typing import Any

import pytest

from asura.units import iso, parse_iso
from tests.api.conftest import Api
from tests.api.test_events import listening
from tests.api.test_heartbeats import (
    DAY_MS,
    FAIL,
    HOUR_MS,
    LOG,
    MONITORS,
    START,
    SUCCESS,
    YEAR_S,
    add,
    add_long_ago,
    ping,
    read,
    stored,
    turn_to,
)
from tests.api.test_monitors import make


class TestPings:
    async def test_they_are_listed_newest_first_with_all_that_they_said(self, api: Api):
        await add(api)
        await ping(api, START, rid="run-1", ago_ms=2000)
        await ping(api, LOG, method="POST", body="half way", remote_addr="192.0.2.7", user_agent="curl/8")
        await ping(api, SUCCESS, rid="run-1", exit_status=0)
        found = await read(api, "/monitors/1/pings")
        assert (found["total"], found["page"], found["per_page"], found["total_pages"]) == (3, 1, 20, 1)
        last, log, start = found["data"]
        assert [each["id"] for each in found["data"]] == [3, 2, 1]
        assert (last["kind"], last["rid"], last["exit_status"]) == ("success", "run-1", 0)
        assert 2000 <= last["duration_ms"] < 60_000
        assert log == {
            "id": 2,
            "kind": "log",
            "at": log["at"],
            "exit_status": None,
            "rid": None,
            "duration_ms": None,
            "method": "POST",
            "remote_addr": "192.0.2.7",
            "user_agent": "curl/8",
            "body": "half way",
            "body_truncated": False,
        }
        assert (start["kind"], start["body"], start["method"]) == ("start", None, "GET")
        assert await read(api, "/monitors/1/pings/2") == log

    async def test_they_are_paged_and_go_on_after_one(self, api: Api):
        await add(api)
        for _ in range(5):
            await ping(api, LOG)
        pages = [
            [each["id"] for each in (await read(api, f"/monitors/1/pings?{query}"))["data"]]
            for query in ("per_page=2", "per_page=2&page=3", "before=4&per_page=2", "before=1", "page=99")
        ]
        assert pages == [[5, 4], [1], [3, 2], [], []]
        assert (await read(api, "/monitors/1/pings?before=3"))["total"] == 5

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ("kind=log", [3]),
            ("kind=log&kind=fail", [4, 3]),
            ("kind=", [4, 3, 2, 1]),
            ("kind=&kind=start", [2]),
            ("kind=ignored", []),
            ("kind=gopher", []),
            ("kind=gopher&kind=success", [1]),
        ],
    )
    async def test_they_can_be_chosen_by_kind(self, api: Api, query: str, ids: list[int]):
        await add(api)
        for kind in (SUCCESS, START, LOG, FAIL):
            await ping(api, kind)
        found = await read(api, f"/monitors/1/pings?{query}")
        assert ([each["id"] for each in found["data"]], found["total"]) == (ids, len(ids))

    async def test_a_list_has_the_beginning_of_a_long_body_and_the_ping_all_of_it(self, api: Api):
        await add(api)
        body = "é" * 60_000
        await ping(api, LOG, body=body)
        [listed] = (await read(api, "/monitors/1/pings"))["data"]
        assert (listed["body"], listed["body_truncated"]) == (body[:10_000], True)
        [one_of_many] = (await read(api, "/monitors/1/pings?per_page=500"))["data"]
        assert one_of_many["body"] == body[:2000]
        whole = await read(api, "/monitors/1/pings/1")
        assert (whole["body"], whole["body_truncated"]) == (body, False)

    async def test_a_body_that_was_cut_off_says_so_everywhere(self, api: Api):
        await add(api)
        await ping(api, LOG, body="begi", is_cut=True)
        for one in ((await read(api, "/monitors/1/pings"))["data"][0], await read(api, "/monitors/1/pings/1")):
            assert (one["body"], one["body_truncated"]) == ("begi", True)

    async def test_during_a_pause_they_are_kept_and_change_nothing(self, api: Api):
        await add(api, enabled=False)
        await ping(api, FAIL)
        assert [each["kind"] for each in (await read(api, "/monitors/1/pings"))["data"]] == ["ignored"]
        assert (await read(api, "/monitors/1"))["status"] == "paused"

    async def test_of_what_is_no_heartbeat_there_are_none(self, api: Api):
        await make(api)
        assert await read(api, "/monitors/1/pings") == {
            "data": [],
            "total": 0,
            "page": 1,
            "per_page": 20,
            "total_pages": 0,
        }
        assert (await api.reader.get(f"{MONITORS}/1/pings/1")).status_code == 404

    @pytest.mark.parametrize("path", ["/9/pings", "/9/pings/1", "/1/pings/1", "/1/pings/0", "/1/pings/x"])
    async def test_what_is_not_there_is_not_found(self, api: Api, path: str):
        await add(api)
        assert (await api.reader.get(f"{MONITORS}{path}")).status_code == 404

    @pytest.mark.parametrize(
        ("query", "field"),
        [("before=x", "before"), ("before=-1", "before"), ("page=0", "page"), ("per_page=501", "per_page")],
    )
    async def test_a_query_that_makes_no_sense_is_refused(self, api: Api, query: str, field: str):
        await add(api)
        refused = await api.reader.get(f"{MONITORS}/1/pings?{query}")
        assert (refused.status_code, set(refused.json()["fields"])) == (400, {field})

    async def test_who_may_not_read_monitors_sees_none(self, api: Api):
        await add(api)
        for path in (f"{MONITORS}/1/pings", f"{MONITORS}/1/pings/1"):
            assert (await api.bot.get(path)).status_code == 403
            assert (await api.stranger.get(path)).status_code == 401

    async def test_each_is_told_to_who_listens(self, api: Api):
        await add(api)
        async with listening(api) as stream:
            await ping(api, LOG)
            assert await stream.next("pings") == ("pings", [{"id": 1}])


class TestRotation:
    async def rotate(self, api: Api, body: Any = None) -> dict[str, Any]:
        answer = await api.admin.post(f"{MONITORS}/1/rotate-token", json={} if body is None else body)
        assert answer.status_code == 200, answer.text
        return answer.json()["heartbeat"]

    async def test_the_old_token_ends_at_once(self, api: Api):
        old = (await add(api))["heartbeat"]["token"]
        beat = await self.rotate(api)
        assert (api.services.intake.find(old), api.services.intake.find(beat["token"])) == (None, 1)
        assert beat["ping_url"].endswith(beat["token"])
        assert beat["old_token_until"] is None

    async def test_or_is_kept_for_a_day_if_asked(self, api: Api):
        old = (await add(api))["heartbeat"]["token"]
        before = api.services.clock.now_ms()
        beat = await self.rotate(api, {"keep_old": True})
        assert (api.services.intake.find(old), api.services.intake.find(beat["token"])) == (1, 1)
        until = parse_iso(beat["old_token_until"])
        assert before + DAY_MS <= until <= api.services.clock.now_ms() + DAY_MS
        again = await self.rotate(api, {"keep_old": False})
        assert api.services.intake.find(old) is api.services.intake.find(beat["token"]) is None
        assert (await read(api, "/monitors/1"))["heartbeat"]["old_token_until"] is None
        assert again["token"] not in (old, beat["token"])

    async def test_what_is_known_of_the_job_stays(self, api: Api):
        await add(api)
        await ping(api, START, rid="a")
        before = (await api.admin.get(f"{MONITORS}/1")).json()["heartbeat"]
        after = await self.rotate(api)
        for name in ("token", "ping_url"):
            assert before.pop(name) != after.pop(name)
        assert after == before

    async def test_a_request_without_a_body_keeps_nothing_old(self, api: Api):
        made = await add(api)
        answer = await api.admin.post(f"{MONITORS}/1/rotate-token")
        assert answer.status_code == 200
        assert answer.json()["heartbeat"]["token"] != made["heartbeat"]["token"]
        assert answer.json()["heartbeat"]["old_token_until"] is None

    async def test_only_a_heartbeat_has_one(self, api: Api):
        await make(api)
        refused = await api.admin.post(f"{MONITORS}/1/rotate-token", json={})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert "type http" in refused.json()["error"]
        assert (await api.admin.post(f"{MONITORS}/9/rotate-token", json={})).status_code == 404

    async def test_a_reader_may_not(self, api: Api):
        made = await add(api)
        assert (await api.reader.post(f"{MONITORS}/1/rotate-token", json={})).status_code == 403
        assert (await stored(api)).token == made["heartbeat"]["token"]

    @pytest.mark.parametrize("body", [{"keep_old": "yes"}, {"keep_old": None}, {"keep": True}, [], "x", 1])
    async def test_a_body_that_says_something_else_changes_nothing(self, api: Api, body: Any):
        made = await add(api)
        assert (await api.admin.post(f"{MONITORS}/1/rotate-token", json=body)).status_code == 422
        assert (await stored(api)).token == made["heartbeat"]["token"]


class TestSchedules:
    async def ask(self, api: Api, schedule: str, **more: Any) -> Any:
        answer = await api.bot.get("/api/v1/schedule", params={"schedule": schedule, **more})
        return answer.status_code, answer.json()

    async def test_the_next_times_are_told_and_the_schedule_in_words(self, api: Api):
        status, found = await self.ask(api, "0 3 * * *")
        assert (status, len(found["times"]), set(found)) == (200, 5, {"times", "in_words"})
        times = [parse_iso(each) for each in found["times"]]
        assert api.services.clock.now_ms() < times[0] <= api.services.clock.now_ms() + DAY_MS
        assert {late - early for early, late in pairwise(times)} == {DAY_MS}
        assert all(each.endswith("T03:00:00.000Z") for each in found["times"])
        assert "03:00" in found["in_words"]

    async def test_they_are_those_of_the_zone_and_as_many_as_asked_for(self, api: Api):
        _, found = await self.ask(api, "30 0 * * *", timezone="Asia/Kolkata", count=2)
        assert [each[11:19] for each in found["times"]] == ["19:00:00", "19:00:00"]

    async def test_leap_days_are_found_however_far_apart(self, api: Api):
        _, found = await self.ask(api, "0 0 29 2 *", count=3)
        assert all(each[4:10] == "-02-29" for each in found["times"])

    async def test_everything_that_is_wrong_is_named(self, api: Api):
        status, refused = await self.ask(api, "61 * * * *", timezone="Mars/Olympus")
        assert (status, refused["code"]) == (400, "bad_query")
        assert set(refused["fields"]) == {"schedule", "timezone"}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("", "schedule"),
            ("schedule=", "schedule"),
            ("schedule=0+0+31+2+*", "schedule"),
            ("schedule=* * * * *&timezone=", "timezone"),
            ("schedule=* * * * *&count=0", "count"),
            ("schedule=* * * * *&count=21", "count"),
            ("schedule=%00", "schedule"),
            ("schedule=" + "x" * 300, "schedule"),
            ("schedule=* * * * *&timezone=../../etc/passwd", "timezone"),
        ],
    )
    async def test_what_is_no_schedule_is_refused(self, api: Api, query: str, field: str):
        refused = await api.bot.get(f"/api/v1/schedule?{query}")
        assert (refused.status_code, set(refused.json()["fields"])) == (400, {field})

    async def test_any_key_will_do_but_one_is_needed(self, api: Api):
        assert (await api.stranger.get("/api/v1/schedule?schedule=@daily")).status_code == 401


class TestHistory:
    async def test_it_cannot_be_checked_by_hand(self, api: Api):
        await add(api)
        refused = await api.admin.post(f"{MONITORS}/1/check")
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert "reports by itself" in refused.json()["error"]
        tried = await api.admin.post(f"{MONITORS}/test", json={"type": "heartbeat"})
        assert (tried.status_code, set(tried.json()["fields"])) == (422, {"type"})
        assert "reports by itself" in tried.json()["fields"]["type"]
        assert (await api.admin.post(f"{MONITORS}/9/check")).status_code == 404

    async def test_run_times_are_response_times(self, api: Api):
        await add_long_ago(api)
        now_ms = api.services.clock.now_ms()
        for kind, ago_ms in ((START, 20_000), (SUCCESS, 15_000), (START, 10_000), (SUCCESS, 3000)):
            await ping(api, kind, at=now_ms - ago_ms)
        await ping(api, FAIL, exit_status=2, body="broken")
        found = await read(api, "/monitors/1/checks")
        assert [each["status"] for each in found["data"]] == ["down", "up", "up"]
        assert found["data"][0]["detail"]["exit_status"] == 2
        assert [each["response_ms"] for each in found["data"][1:]] == [7000, 5000]
        numbers = await read(api, "/monitors/1/metrics")
        assert (numbers["checks"]["total"], numbers["checks"]["down"]) == (3, 1)
        assert numbers["response_ms"]["avg"] == 6000
        assert 4750 <= numbers["response_ms"]["p50"] <= 5250

    @pytest.mark.parametrize("days", [1, 30, 365])
    async def test_no_share_of_the_runs_is_told_to_be_shorter_than_the_shortest(self, api: Api, days: int):
        await add_long_ago(api)
        now_ms = api.services.clock.now_ms()
        await ping(api, START, at=now_ms - 10_000)
        await ping(api, SUCCESS, at=now_ms - 9726)
        numbers = await read(api, f"/monitors/1/metrics?from={iso(now_ms - days * DAY_MS)}")
        assert set(numbers["response_ms"].values()) == {274}

    @pytest.mark.parametrize("window", ["1h", "24h", "30d"])
    async def test_the_chart_of_a_long_period_is_of_its_window(self, api: Api, window: str):
        await add_long_ago(api, interval_s=YEAR_S)
        now_ms = api.services.clock.now_ms()
        for kind, ago_ms in ((START, 20_000), (SUCCESS, 15_000)):
            await ping(api, kind, at=now_ms - ago_ms)
        chart = await read(api, f"/monitors/1/chart?window={window}")
        [point] = chart["points"]
        assert (point["avg_ms"], point["up"]) == (5000, 1)
        span_ms = parse_iso(chart["to"]) - parse_iso(chart["from"])
        assert span_ms <= 2 * int(window[:-1]) * {"h": HOUR_MS, "d": DAY_MS}[window[-1]]

    async def test_single_runs_stand_apart_in_the_chart_whatever_the_period(self, api: Api):
        await add_long_ago(api, interval_s=3600)
        now_ms = api.services.clock.now_ms()
        for ago_ms in (1_800_000, 600_000):
            await ping(api, START, at=now_ms - ago_ms)
            await ping(api, SUCCESS, at=now_ms - ago_ms + 5000)
        chart = await read(api, "/monitors/1/chart?window=1h")
        assert [(each["avg_ms"], each["up"]) for each in chart["points"]] == [(5000, 1), (5000, 1)]

    async def test_the_timeline_falls_at_the_deadline(self, api: Api):
        await add_long_ago(api)
        await ping(api, ago_ms=2000)
        deadline_at = api.services.clock.now_ms() - 1000
        await turn_to(api, deadline_at)
        found = await read(api, "/monitors/1/timeline")
        assert (found[-1]["status"], found[-1]["from"]) == ("down", iso(deadline_at))

    async def test_the_timeline_of_a_long_silence_has_nothing_unknown(self, api: Api):
        await add_long_ago(api)
        await ping(api, ago_ms=200 * DAY_MS)
        await turn_to(api, api.services.clock.now_ms() + DAY_MS)
        found = await read(api, "/monitors/1/timeline?from=2020-01-01T00:00:00Z")
        assert [each["status"] for each in found] == ["pending", "up"]
