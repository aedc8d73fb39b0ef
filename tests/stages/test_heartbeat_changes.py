"""A heartbeat under edits of its monitor: creation, pause, another plan, another type, another token, its end."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from asura.errors import Conflict, NotFound
from asura.heartbeats import lifecycle
from asura.incidents import ledger
from asura.model.heartbeat import Heartbeat, HeartbeatStatus, PingKind
from asura.model.monitor import Monitor, MonitorStatus, Status
from asura.scheduler import changes
from asura.store import heartbeats
from asura.store.database import Store
from tests import factories
from tests.factories import BASE_URL, START_MS
from tests.fakes.jobs import House, Machine

PENDING, UP, DOWN, PAUSED = MonitorStatus.PENDING, MonitorStatus.UP, MonitorStatus.DOWN, MonitorStatus.PAUSED
SUCCESS, START, FAIL, IGNORED = PingKind.SUCCESS, PingKind.START, PingKind.FAIL, PingKind.IGNORED
DAY_MS = 86_400_000


@pytest.fixture
async def house(inline_store: Store) -> AsyncIterator[House]:
    async with trio.open_nursery() as nursery:
        house = House(inline_store, nursery, Machine())
        await inline_store.write(factories.add_channel)
        await house.start()
        yield house
        nursery.cancel_scope.cancel()


async def test_a_new_heartbeat_has_a_token_that_is_known_at_once(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(settings={"grace": 77})
    beat = await house.beat(job)
    assert house.intake.find(beat.token) == job.id
    assert (beat.grace, beat.status, beat.deadline_at) == (77, HeartbeatStatus.PENDING, None)
    assert house.intake.find(beat.token[:-1]) is None


async def test_other_types_have_none(house: House, autojump_clock: MockClock) -> None:
    site = await house.store.write(factories.create)
    assert await house.store.read(partial(heartbeats.of_monitors, monitor_ids=[site.id])) == {}


async def test_a_name_that_is_taken_makes_no_heartbeat(house: House, autojump_clock: MockClock) -> None:
    await house.add()
    with pytest.raises(Conflict):
        await house.add()
    assert len(await house.store.read(heartbeats.tokens)) == 1


async def test_tokens_are_known_again_after_a_restart(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    token = (await house.beat(job)).token
    await house.kill()
    await house.start()
    assert house.intake.find(token) == job.id


async def test_a_paused_heartbeat_stores_pings_and_nothing_else_changes(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    await house.ping(job)
    await house.edit(job, enabled=False)
    before, state = await house.beat(job), await house.state(job)
    await trio.sleep(1000)
    for kind in (SUCCESS, START, FAIL, PingKind.LOG):
        await house.ping(job, kind, body="text")
    after = await house.beat(job)
    assert await house.kinds(job) == [SUCCESS, IGNORED, IGNORED, IGNORED, IGNORED]
    assert (after.status, after.deadline_at, after.last_ping_at) == (before.status, None, before.last_ping_at)
    assert await house.state(job) == state
    assert (await house.runs(job), await house.told()) == ([], [])


async def test_a_pause_forgets_runs_whose_end_will_not_be_heard(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(settings={"max_runtime": 100})
    await house.start_run(job, "a")
    await house.edit(job, enabled=False)
    await house.edit(job, enabled=True)
    assert await house.runs(job) == []
    await trio.sleep(69)
    assert await house.status(job) is PENDING


async def test_one_that_is_resumed_is_expected_from_then_on(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.ping(job)
    await house.edit(job, enabled=False)
    await trio.sleep(1000)
    await house.edit(job, enabled=True)
    assert (await house.status(job), (await house.beat(job)).status) == (PENDING, HeartbeatStatus.PENDING)
    await trio.sleep(70)
    assert await house.status(job) is PENDING
    await trio.sleep(0.1)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])
    assert (await house.timeline(job))[2:] == [(0.002, PAUSED), (1000, PENDING), (1070, DOWN)]


async def test_one_that_never_reported_waits_on_after_a_pause(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.edit(job, enabled=False)
    await house.edit(job, enabled=True)
    await trio.sleep(500)
    assert await house.status(job) is PENDING


async def test_one_that_is_made_paused_is_watched_when_it_is_resumed(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(enabled=False)
    await house.ping(job)
    await house.edit(job, enabled=True)
    assert await house.status(job) is PENDING
    await house.ping(job)
    assert await house.status(job) is UP


async def test_one_whose_incident_is_open_stays_down_over_a_pause_until_it_reports(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    await house.fail(job)
    await house.edit(job, enabled=False)
    await trio.sleep(100)
    await house.edit(job, enabled=True)
    assert (await house.status(job), (await house.beat(job)).status) == (DOWN, HeartbeatStatus.DOWN)
    await trio.sleep(200)
    await house.ping(job)
    assert (await house.status(job), await house.told()) == (UP, ["created", "resolved"])


@pytest.mark.parametrize(
    ("changed", "down_at"),
    [
        pytest.param({"interval_s": 100}, 110, id="a longer period"),
        pytest.param({"interval_s": 40}, 50, id="a shorter one"),
        pytest.param({"interval_s": 5}, 40, id="so short that it would be down: one grace from the edit"),
        pytest.param({"settings": {"grace": 50}}, 110, id="more grace"),
        pytest.param({"settings": {"grace": 0}}, 60, id="none"),
        pytest.param({"name": "renamed", "tags": ("a",)}, 70, id="what is no plan changes nothing"),
        pytest.param({"settings": {"schedule": "*/2 * * * *"}}, 130, id="a schedule"),
    ],
)
async def test_an_edit_moves_the_deadline(
    house: House, autojump_clock: MockClock, changed: dict[str, Any], down_at: float
) -> None:
    job = await house.add()
    await house.ping(job)
    await trio.sleep(30)
    await house.edit(job, **changed)
    await trio.sleep(200)
    falls = [at for at, status in await house.timeline(job) if status is DOWN]
    assert falls == [down_at]
    assert (await house.beat(job)).grace == {**job.settings, **changed.get("settings", {})}["grace"]


async def test_an_edit_moves_the_deadlines_of_runs(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(interval_s=3600, settings={"max_runtime": 100})
    await house.ping(job)
    await house.start_run(job, "a")
    await house.edit(job, settings={"max_runtime": 300})
    await trio.sleep(299)
    assert await house.status(job) is UP
    await trio.sleep(2)
    assert await house.status(job) is DOWN


async def test_an_edit_does_not_make_one_well_that_is_down(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.ping(job)
    await trio.sleep(100)
    await house.edit(job, interval_s=3600)
    await trio.sleep(100)
    assert (await house.status(job), await house.told()) == (DOWN, ["created"])
    await house.ping(job)
    assert await house.told() == ["created", "resolved"]


async def test_a_site_that_becomes_a_heartbeat_waits_for_its_first_ping(
    house: House, autojump_clock: MockClock
) -> None:
    site: Monitor = await house.write(lambda conn, now_ms: factories.create(conn, now_ms=now_ms))
    job = await house.add("other")
    after = await house.edit(site, type="heartbeat", target="", settings=job.settings)
    beat = await house.beat(after)
    assert (await house.status(after), beat.status) == (PENDING, HeartbeatStatus.PENDING)
    assert house.intake.find(beat.token) == site.id
    await house.ping(after)
    assert await house.status(after) is UP


async def test_a_site_that_was_up_is_pending_as_a_heartbeat(house: House, autojump_clock: MockClock) -> None:
    """What was seen of it over the network says nothing of a job."""
    site: Monitor = await house.write(lambda conn, now_ms: factories.create(conn, now_ms=now_ms))
    seen = factories.observation(site.id, at=START_MS)
    await house.write(lambda conn, now_ms: ledger.record(conn, [seen], now_ms=now_ms, base_url=BASE_URL))
    job = await house.add("other")
    await trio.sleep(10)
    after = await house.edit(site, type="heartbeat", target="", settings=job.settings)
    assert await house.status(after) is PENDING
    await trio.sleep(1000)
    assert await house.timeline(after) == [(0, PENDING), (0.001, UP), (10, PENDING)]


async def test_a_check_that_ends_when_its_site_is_a_heartbeat_says_nothing_of_the_job(
    house: House, autojump_clock: MockClock
) -> None:
    site: Monitor = await house.write(lambda conn, now_ms: factories.create(conn, now_ms=now_ms))
    job = await house.add("other")
    late = factories.observation(site.id, Status.DOWN, at=house.machine.now_ms(), config_version=site.config_version)
    after = await house.edit(site, type="heartbeat", target="", settings=job.settings)
    before = await house.state(after)
    await house.write(lambda conn, now_ms: ledger.record(conn, [late], now_ms=now_ms, base_url=BASE_URL))
    assert await house.state(after) == before


async def test_a_heartbeat_that_becomes_a_site_has_no_token_and_no_deadline(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    await house.ping(job)
    token = (await house.beat(job)).token
    await house.edit(job, type="http", target="http://web.test/", settings={})
    assert house.intake.find(token) is None
    await trio.sleep(200)
    assert (await house.status(job), await house.told()) == (UP, [])


async def test_pings_are_numbered_on_when_it_becomes_a_heartbeat_again(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    for _ in range(3):
        await house.ping(job)
    await house.edit(job, type="http", target="http://web.test/")
    await house.edit(job, type="heartbeat", target="")
    await house.ping(job)
    assert len(await house.kinds(job)) == 4
    assert (await house.beat(job)).ping_count == 4


async def rotated(house: House, job: Monitor, *, keep_old: bool) -> tuple[Heartbeat, Heartbeat]:
    before = await house.beat(job)
    after: Heartbeat = await house.write(lifecycle.rotate, job.id, keep_old=keep_old)
    return before, after


async def test_a_rotation_keeps_the_old_token_for_a_day_if_asked(house: House, autojump_clock: MockClock) -> None:
    job = await house.add(enabled=False)
    before, after = await rotated(house, job, keep_old=True)
    assert before.token != after.token
    assert after.old_token_until == START_MS + DAY_MS
    find = house.intake.find
    house.machine.set(DAY_MS - 1)
    assert (find(before.token), find(after.token)) == (job.id, job.id)
    house.machine.set(1)
    assert (find(before.token), find(after.token)) == (None, job.id)


async def test_a_rotation_ends_the_old_token_at_once_otherwise(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    before, after = await rotated(house, job, keep_old=False)
    assert (house.intake.find(before.token), house.intake.find(after.token)) == (None, job.id)


async def test_a_rotation_changes_nothing_else(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.start_run(job, "a")
    before, after = await rotated(house, job, keep_old=True)
    assert (after.deadline_at, after.ping_count, after.status) == (before.deadline_at, 1, before.status)
    assert [run.rid for run in await house.runs(job)] == ["a"]


async def test_the_old_token_of_a_restarted_daemon_ends_when_it_was_to_end(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add(enabled=False)
    before, _ = await rotated(house, job, keep_old=True)
    await house.kill()
    house.machine.set(DAY_MS - 1)
    await house.start()
    assert house.intake.find(before.token) == job.id
    house.machine.set(1)
    assert house.intake.find(before.token) is None


async def test_what_is_no_heartbeat_can_not_be_rotated(house: House, autojump_clock: MockClock) -> None:
    site = await house.store.write(factories.create)
    with pytest.raises(NotFound):
        await house.write(lifecycle.rotate, site.id, keep_old=True)


async def test_a_deleted_heartbeat_is_nobodys_and_ends_its_incident(house: House, autojump_clock: MockClock) -> None:
    job = await house.add()
    await house.fail(job)
    token, signal = (await house.beat(job)).token, house.signal(job)
    await house.write(changes.delete, job.id, by="ann", base_url=BASE_URL)
    assert house.intake.find(token) is None
    assert await house.told() == ["created", "resolved"]
    with pytest.raises(NotFound):
        await house.intake.record(signal)


async def test_votes_that_an_edit_does_not_touch_still_hold_an_alarm_back(
    house: House, autojump_clock: MockClock
) -> None:
    job = await house.add()
    await house.fail(job)
    await house.edit(job, settings={"grace": 20})
    found = await house.store.read(lambda conn: conn.execute("SELECT status FROM vote").fetchall())
    assert found == [("down",)]
