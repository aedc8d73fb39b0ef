"""Change detection over HTTP: what may be asked for, and what is told of it, with a real target."""

from typing import Any

import pytest
import trio
from trio.abc import Stream

from tests.api.conftest import Api
from tests.api.test_events import listening
from tests.api.test_monitors import make
from tests.fakes.target import Behaviour, answer, start_target

CHECK = "/api/v1/monitors/1/check"
CHANGES = "/api/v1/monitors/1/changes"


class Site:
    """A target whose answer a test changes."""

    def __init__(self) -> None:
        self.answer: Behaviour = answer()

    def says(self, body: str, status: int = 200) -> None:
        self.answer = answer(status, body.encode(), content_type="text/html; charset=utf-8")

    async def __call__(self, stream: Stream) -> None:
        await self.answer(stream)


async def check(api: Api, site: Site, body: str, status: int = 200) -> Any:
    site.says(body, status)
    return (await api.admin.post(CHECK)).json()


async def changes(api: Api, query: str = "") -> Any:
    return (await api.reader.get(CHANGES + query)).json()


async def test_a_page_that_changes_is_told_of_once_with_a_diff(api: Api, nursery: trio.Nursery):
    site = Site()
    target = await start_target(nursery, site)
    await make(api, target=target.url, track_changes=True)
    hook = {"name": "hook", "type": "webhook", "settings": {"url": "https://x.example/"}, "events": ["content.changed"]}
    assert (await api.admin.post("/api/v1/notifications", json=hook)).status_code == 201

    assert (await check(api, site, "<p>one</p><p>zwei</p>"))["status"] == "up"
    assert (await check(api, site, "Bad Gateway", 502))["status"] == "down"
    assert (await changes(api))["total"] == 0
    seen = await check(api, site, "<p>one</p><p>drei</p>")
    assert "zwei" not in str(seen)
    await check(api, site, "<p>one</p><p>drei</p>")

    found = await changes(api)
    assert (found["total"], found["total_pages"]) == (1, 1)
    assert found["data"] == [
        {
            "id": 1,
            "monitor_id": 1,
            "region": "local",
            "at": seen["checked_at"],
            "added": 1,
            "removed": 1,
            "is_cut": False,
            "told": True,
            "diff": "@@ -1,2 +1,2 @@\n <p>one</p>\n-<p>zwei</p>\n+<p>drei</p>",
        }
    ]
    history = (await api.reader.get("/api/v1/notifications/history?event=content.changed")).json()
    [sent] = history["data"]
    assert (sent["event"], sent["incident_id"], sent["monitor_name"]) == ("content.changed", None, "Site")


async def test_changes_are_listed_newest_first_and_go_on_after_one(api: Api, nursery: trio.Nursery):
    site = Site()
    target = await start_target(nursery, site)
    await make(api, target=target.url, track_changes=True)
    for number in range(6):
        await check(api, site, str(number))
    first = await changes(api, "?per_page=2")
    assert (first["total"], [each["id"] for each in first["data"]]) == (5, [5, 4])
    assert [each["id"] for each in (await changes(api, "?per_page=2&before=4"))["data"]] == [3, 2]
    assert [each["id"] for each in (await changes(api, "?per_page=2&page=3"))["data"]] == [1]


async def test_changes_need_their_monitor_and_the_permission_to_read_it(api: Api):
    assert (await api.admin.get(CHANGES)).status_code == 404
    await make(api)
    assert (await api.reader.get(CHANGES)).json()["data"] == []
    assert (await api.bot.get(CHANGES)).status_code == 403
    assert (await api.stranger.get(CHANGES)).status_code == 401


async def test_what_is_to_be_ignored_is_no_change(api: Api, nursery: trio.Nursery):
    site = Site()
    target = await start_target(nursery, site)
    settings = {"ignore_patterns": [r"\d\d:\d\d"], "ignore_paths": ["$.meta"]}
    await make(api, target=target.url, track_changes=True, settings=settings)
    for body in ('{"n": "at 12:30", "meta": 1}', '{"meta": {"x": 2}, "n": "at 12:31"}', '{"n": "at 12:59"}'):
        await check(api, site, body)
    assert (await changes(api))["total"] == 0
    stored = (await api.reader.get("/api/v1/monitors/1")).json()["settings"]
    assert {name: stored[name] for name in settings} == settings


async def test_live_readers_are_told_of_a_change(api: Api, nursery: trio.Nursery):
    site = Site()
    target = await start_target(nursery, site)
    await make(api, target=target.url, track_changes=True)
    await check(api, site, "a")
    async with listening(api) as stream:
        await check(api, site, "b")
        assert await stream.next("monitor") == ("monitor", {"id": 1, "kind": "monitor.content", "change": 1})


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        (
            {"type": "tcp", "target": "127.0.0.1:9"},
            {"track_changes": "must be false: the answers of type tcp have no text to compare"},
        ),
        (
            {"settings": {"method": "HEAD"}},
            {"track_changes": "must be false: answers to HEAD have no body to compare"},
        ),
        (
            {"settings": {"ignore_patterns": ["a)"], "ignore_paths": ["meta"]}},
            {
                "settings.ignore_patterns": "each entry must be a regular expression: unexpected ): a), unlike 'a)'",
                "settings.ignore_paths": "must have JSON paths (RFC 9535): expected '$', found 'm' in 'meta'",
            },
        ),
    ],
    ids=["a type without a text", "a method without a body", "what could not be applied"],
)
async def test_what_could_not_be_tracked_is_refused(
    api: Api, monitor: dict[str, Any], document: dict[str, Any], fields: dict[str, str]
):
    refused = await api.admin.post("/api/v1/monitors", json={**monitor, "track_changes": True, **document})
    assert (refused.status_code, refused.json()["fields"]) == (422, fields)
