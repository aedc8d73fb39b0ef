"""From what a target says to a change in the history and a message, through a real store."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
import trio

from asura.checker.contents import Contents
from asura.checker.known import Known
from asura.clock import TrioClock
from asura.content import diff, normal
from asura.daemon.pipeline import recorder
from asura.incidents import contents as stage
from asura.model.content import ContentChange
from asura.model.monitor import LOCAL, Monitor, Status
from asura.model.notification import Message
from asura.model.observation import Observation, Outcome, Reply
from asura.notifications import routing
from asura.scheduler import changes
from asura.store import channels, checks, contents, deliveries, monitors
from asura.store.database import Store
from tests import factories
from tests.factories import BASE_URL, MINUTE_MS, START_MS
from tests.fakes.check_type import FakeChecks, taking


class Page:
    """A monitor whose target says what a test wants; each `says` is a check a minute after the one before."""

    def __init__(self, store: Store, monitor: Monitor, known: Known) -> None:
        self.store = store
        self.monitor = monitor
        self.known = known
        self.at = START_MS
        self._contents = Contents(known)
        self._record = recorder(store, self, base_url=lambda: BASE_URL)

    def now_ms(self) -> int:
        """The clock of the recorder: half a second after the last check began."""
        return self.at + 500

    async def sees(
        self, body: str | None, *, status: Status = Status.UP, is_cut: bool = False, at: int | None = None
    ) -> Observation:
        """What a check makes of an answer, not yet recorded."""
        self.at += MINUTE_MS
        reply = Reply(body=body, is_cut=is_cut)
        outcome = Outcome(status=status, message="" if status is Status.UP else "so it is", reply=reply)
        settings = attrs.make_class("Settings", list(self.monitor.settings))(**self.monitor.settings)
        content = await self._contents.of(self.monitor, settings)(outcome, math.inf)
        return Observation(
            monitor_id=self.monitor.id,
            config_version=self.monitor.config_version,
            checked_at=self.at if at is None else at,
            outcome=attrs.evolve(outcome, reply=None),
            content=content,
        )

    async def says(self, *bodies: str | None, **fields: Any) -> None:
        for body in bodies:
            await self._record([await self.sees(body, **fields)])

    async def record(self, *observations: Observation) -> None:
        await self._record(list(observations))

    async def changes(self) -> list[ContentChange]:
        """Oldest first."""
        return (await self.store.read(lambda conn: contents.page(conn, self.monitor.id, limit=1000)))[::-1]

    async def told(self) -> list[Message]:
        found = await self.store.read(lambda conn: deliveries.page(conn, deliveries.Wanted(), limit=1000))
        return [each.message for each in found[::-1] if each.message.event == "content.changed"]

    async def stored(self) -> str | None:
        found = await self.store.read(lambda conn: contents.of_monitors(conn, [self.monitor.id]))
        return found[self.monitor.id, LOCAL].text if found else None

    async def edit(self, **fields: Any) -> None:
        monitor = attrs.evolve(self.monitor, **fields)
        self.monitor = await self.store.write(partial(_replace, monitor=monitor, now_ms=self.at))


def _replace(conn: Any, *, monitor: Monitor, now_ms: int) -> Monitor:
    return changes.replace(conn, monitor, now_ms=now_ms)


@pytest.fixture
async def page(store: Store) -> Page:
    known = Known()
    store.hub.attach(known)
    await store.write(factories.add_channel)
    return Page(store, await store.write(lambda conn: factories.create(conn, track_changes=True)), known)


async def test_the_first_content_is_no_change(page: Page) -> None:
    await page.says("a", "a", "a")
    assert (await page.changes(), await page.told(), await page.stored()) == ([], [], "a")


async def test_a_change_is_kept_and_told_once(page: Page) -> None:
    await page.says("a\nb\nc", "a\nB\nc")
    at = page.at
    await page.says("a\nB\nc", "a\nB\nc")

    [change] = await page.changes()
    assert (change.at, change.region, change.added, change.removed, change.is_cut) == (at, LOCAL, 1, 1, False)
    assert change.diff == "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c"
    [message] = await page.told()
    assert message.monitor is not None
    assert (message.monitor["name"], message.monitor["status"]) == ("web", "up")
    assert (message.incident, message.evidence) == (None, [])
    assert message.detail == {
        "added": 1,
        "removed": 1,
        "diff": change.diff,
        "is_cut": False,
        "not_told_before": 0,
        "is_last_for_now": False,
        "url": f"https://asura.test/monitors/{page.monitor.id}#changes",
    }


async def test_there_and_back_is_two_changes(page: Page) -> None:
    await page.says("a", "b", "a")
    assert [each.diff for each in await page.changes()] == ["@@ -1 +1 @@\n-a\n+b", "@@ -1 +1 @@\n-b\n+a"]
    assert len(await page.told()) == 2


async def test_an_empty_content_is_a_content(page: Page) -> None:
    await page.says("a", "", "a")
    assert [(each.added, each.removed) for each in await page.changes()] == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param("Bad Gateway", Status.DOWN, id="the page of an error"),
        pytest.param(None, Status.UP, id="what is no text"),
        pytest.param("a  \r\n", Status.UP, id="another line end"),
    ],
)
async def test_what_says_nothing_of_the_content_changes_nothing(page: Page, body: str | None, status: Status) -> None:
    await page.says("a")
    await page.says(body, status=status)
    await page.says("a")
    assert (await page.changes(), await page.stored()) == ([], "a")


async def test_a_degraded_answer_is_compared(page: Page) -> None:
    await page.says("a")
    await page.says("b", status=Status.DEGRADED)
    assert len(await page.changes()) == 1


async def test_what_is_ignored_is_no_change(page: Page) -> None:
    await page.edit(settings={"ignore_patterns": (r"at \d+",), "ignore_paths": ("$.t",)})
    await page.says("it is at 1", "it is at 2")
    await page.edit(target="http://api.test/")
    await page.says('{"t": 1, "n": 1}', '{"n": 1, "t": 2}')
    assert await page.changes() == []
    await page.says('{"t": 3, "n": 2}')
    assert [each.diff for each in await page.changes()] == ['@@ -1,3 +1,3 @@\n {\n-  "n": 1\n+  "n": 2\n }']


@pytest.mark.parametrize(
    ("edit", "is_change"),
    [
        ({"target": "http://other.test/"}, False),
        ({"settings": {"method": "POST"}}, False),
        ({"settings": {"ignore_patterns": ("x",)}}, False),
        ({"type": "tcp"}, False),
        ({"name": "another"}, True),
        ({"interval_s": 30}, True),
        ({"failure_threshold": 9}, True),
    ],
    ids=str,
)
async def test_an_edit_of_what_is_asked_begins_anew_and_another_does_not(
    page: Page, edit: dict[str, Any], is_change: bool
) -> None:
    await page.says("a")
    await page.edit(**edit)
    await page.says("b")
    assert len(await page.changes()) == is_change
    await page.says("c")
    assert len(await page.changes()) == 1 + is_change


async def test_a_pause_hides_no_change(page: Page) -> None:
    await page.says("a")
    await page.edit(enabled=False)
    await page.says("b")  # by hand
    assert (await page.changes(), await page.stored()) == ([], "a")
    await page.edit(enabled=True)
    await page.says("b")
    assert len(await page.changes()) == 1


async def test_tracking_that_is_ended_and_begun_again_begins_anew(page: Page) -> None:
    await page.says("a", "b")
    await page.edit(track_changes=False)
    assert await page.stored() is None
    await page.edit(track_changes=True)
    await page.says("c")
    assert len(await page.changes()) == 1


async def test_what_was_seen_under_an_older_configuration_is_not_compared(page: Page) -> None:
    await page.says("a")
    late = await page.sees("b")
    await page.edit(name="another")
    await page.record(late)
    assert (await page.changes(), await page.stored()) == ([], "a")


async def test_what_was_seen_of_a_monitor_that_is_gone_is_dropped(page: Page) -> None:
    await page.says("a", "b")
    late = await page.sees("c")
    await page.store.write(lambda conn: monitors.delete(conn, page.monitor.id))
    await page.record(late)
    assert (await page.changes(), await page.stored()) == ([], None)


async def test_of_two_checks_at_once_that_see_the_same_change_one_tells_it(page: Page) -> None:
    await page.says("a")
    one, other = await page.sees("b"), await page.sees("b")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(page.record, one)
        nursery.start_soon(page.record, other)
    await page.says("b")
    assert (len(await page.changes()), len(await page.told())) == (1, 1)


async def test_of_two_in_one_batch_the_second_is_left_to_the_next_check(page: Page) -> None:
    await page.says("a")
    await page.record(await page.sees("b"), await page.sees("c"))
    assert await page.stored() == "b"
    await page.says("c")
    assert [each.diff for each in await page.changes()] == ["@@ -1 +1 @@\n-a\n+b", "@@ -1 +1 @@\n-b\n+c"]


async def test_pages_that_are_hard_to_compare_hold_up_no_state_for_long(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await page.says("a")
    monkeypatch.setattr(stage, "COMPARING_S", 0.0)
    await page.says("b")
    assert (await page.stored(), await page.changes()) == ("a", [])
    monkeypatch.undo()
    await page.says("b")
    assert [each.diff for each in await page.changes()] == ["@@ -1 +1 @@\n-a\n+b"]


async def test_what_cannot_be_looked_at_in_time_is_left_to_the_next_check(page: Page) -> None:
    see = Contents(page.known).of(page.monitor, None)
    found = Outcome(status=Status.UP, reply=Reply(body="a"))
    assert await see(found, trio.current_time()) is None
    assert await see(found, math.inf) is not None


async def test_an_older_check_that_took_longer_changes_nothing_back(page: Page) -> None:
    await page.says("a")
    slow = await page.sees("a ")
    await page.says("b")
    assert slow.content is None, "what is known needs no second look"
    page.known.__init__()  # type: ignore[misc]  # as after a restart
    await page.record(await page.sees("a", at=page.at - 2 * MINUTE_MS))
    assert (len(await page.changes()), await page.stored()) == (1, "b")


async def test_what_was_seen_by_a_clock_that_was_set_back_since_hides_no_change(store: Store, page: Page) -> None:
    in_a_year = START_MS + 525_600 * MINUTE_MS
    await page.record(await page.sees("a", at=in_a_year))
    now = await page.sees("b")
    findings = await stage.compare(store, [now], limiter=trio.CapacityLimiter(1))
    await store.write(lambda conn: stage.record(conn, findings, now_ms=now.checked_at, base_url=""))
    assert len(await page.changes()) == 1


async def test_text_of_other_rules_begins_anew(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await page.says("a")
    monkeypatch.setattr(contents, "VERSION", normal.VERSION + 1)
    await page.says("b")
    assert (await page.changes(), await page.stored()) == ([], "b")


async def test_what_stays_the_same_is_neither_looked_at_nor_written_again(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await page.edit(settings={"ignore_patterns": (r"\d",)})
    await page.says("a1", "a1")

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("there is nothing to do")

    monkeypatch.setattr(stage, "_finding", refuse)
    monkeypatch.setattr(contents, "save", refuse)
    monkeypatch.setattr(contents, "of_monitors", refuse)
    await page.says("a2")
    monkeypatch.setattr("asura.checker.contents.normalise", refuse)
    await page.says("a1")
    assert (await page.sees("a1")).content is None


async def test_after_a_restart_what_stayed_the_same_is_known_again_without_a_change(page: Page) -> None:
    await page.says("a")
    page.known.__init__()  # type: ignore[misc]
    first = await page.sees("a")
    assert first.content is not None
    await page.record(first)
    assert (await page.sees("a")).content is None
    assert await page.changes() == []


async def test_a_large_body_is_compared_like_any_other(page: Page) -> None:
    body = "\n".join(f"line {n}" for n in range(20_000))
    await page.says(body, body.replace("line 77\n", "line 77!\n"))
    [change] = await page.changes()
    assert (
        change.diff
        == "@@ -75,7 +75,7 @@\n line 74\n line 75\n line 76\n-line 77\n+line 77!\n line 78\n line 79\n line 80"
    )


async def test_a_message_shows_the_beginning_of_a_long_change(page: Page) -> None:
    await page.says("\n".join(f"old {n}" for n in range(9000)), "\n".join(f"new {n}" for n in range(9000)))
    [change], [message] = await page.changes(), await page.told()
    assert change.is_cut
    assert len(change.diff) <= diff.MAX_DIFF_CHARS
    assert message.detail["is_cut"]
    assert (message.detail["added"], message.detail["removed"]) == (9000, 9000)
    assert len(message.detail["diff"]) <= diff.MAX_BRIEF_CHARS
    assert "\n-old 0\n" in message.detail["diff"]
    assert "\n+new 0\n" in message.detail["diff"]


async def test_a_page_that_changes_all_the_time_is_told_five_times_an_hour_and_says_what_it_kept_back(
    page: Page,
) -> None:
    await page.says(*map(str, range(66)))
    assert len(await page.changes()) == 65
    minutes = [number for number, change in enumerate(await page.changes(), 1) if change.is_told]
    assert minutes == [1, 2, 3, 4, 5, 61, 62, 63, 64, 65]
    told = [each.detail for each in await page.told()]
    assert [each["not_told_before"] for each in told] == [0, 0, 0, 0, 0, 55, 0, 0, 0, 0]
    assert [each["is_last_for_now"] for each in told] == [False] * 4 + [True] * 6


async def test_the_history_of_one_monitor_is_bounded(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MAX_CHANGES", 3)
    await page.says(*"abcdefg")
    assert [each.diff[-1] for each in await page.changes()] == ["e", "f", "g"]


async def test_a_change_is_told_to_whoever_watches_after_its_commit(page: Page) -> None:
    with page.store.hub.subscribe("monitor.content") as news:
        await page.says("a")
        assert news.take() == []
        await page.says("b")
        [event] = news.take()
    assert (event.id, event.detail) == (page.monitor.id, {"change": (await page.changes())[0].id})


@pytest.mark.parametrize(
    "step",
    [
        (contents, "save"),
        (contents, "add_change"),
        (routing, "announce_news"),
        (deliveries, "enqueue"),
        (stage, "emit"),
    ],
    ids=lambda step: step[1],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_failure_at_any_step_leaves_everything_undone_and_the_same_again_does_it_once(
    page: Page, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str], when: str
) -> None:
    await page.says("a")
    seen = await page.sees("b")
    real: Callable[..., Any] = getattr(*step)

    def fail(*args: Any, **fields: Any) -> Any:
        if when == "after":
            real(*args, **fields)
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(*step, fail)
        with pytest.raises(RuntimeError):
            await page.record(seen)
    assert (await page.changes(), await page.told(), await page.stored()) == ([], [], "a")
    assert await page.store.read(lambda conn: checks.count(conn, page.monitor.id)) == 1

    await page.record(seen)
    await page.says("b")
    assert (len(await page.changes()), len(await page.told()), await page.stored()) == (1, 1, "b")


async def test_channels_that_do_not_ask_for_changes_are_not_told(page: Page) -> None:
    await page.store.write(lambda conn: channels.delete(conn, channels.all_enabled(conn)[0].id))
    await page.store.write(lambda conn: factories.add_channel(conn, events=("incident.created",)))
    await page.says("a", "b")
    assert (len(await page.changes()), await page.told()) == (1, [])


@pytest.mark.parametrize("tracks", [True, False])
async def test_a_body_is_not_kept_beyond_its_check(
    monkeypatch: pytest.MonkeyPatch, clock: TrioClock, tracks: bool
) -> None:
    checks = FakeChecks()
    checks.install(monkeypatch)
    reply = Reply(body="one \ntwo")
    checks.acts["web"] = taking(0, Outcome(status=Status.UP, response_ms=1, reply=reply))
    monitor = factories.monitor(id=7, type="fake", target="web", track_changes=tracks)
    seen = await checks.checker(clock).try_out(monitor)
    assert seen.outcome.reply is None
    assert (None if seen.content is None else seen.content.text) == ("one\ntwo" if tracks else None)


async def test_an_upside_down_monitor_compares_what_counts_as_up(
    monkeypatch: pytest.MonkeyPatch, clock: TrioClock
) -> None:
    checks = FakeChecks()
    checks.install(monkeypatch)
    monitor = factories.monitor(id=7, type="fake", target="web", track_changes=True, upside_down=True)
    for status, is_seen in ((Status.UP, False), (Status.DOWN, True)):
        checks.acts["web"] = taking(0, Outcome(status=status, message="404", reply=Reply(body="gone")))
        seen = await checks.checker(clock).try_out(monitor)
        assert (seen.content is not None) == is_seen
