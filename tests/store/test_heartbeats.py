"""The rows of heartbeats. What is decided about them: tests/unit/test_heartbeat_rules.py and tests/stages."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from asura.errors import NotFound
from asura.ids import new_heartbeat_token
from asura.model.heartbeat import TOKEN_CHARS, Heartbeat, HeartbeatStatus, Run
from asura.model.monitor import MonitorState, MonitorStatus
from asura.store import heartbeats, monitors, states
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import START_MS
from tests.watched import taken_events

HOUR_MS = 3_600_000


def monitor_row(conn: WriteConnection, name: str = "backup", **fields: Any) -> int:
    """A monitor without its heartbeat: these tests make that themselves."""
    fields = {"type": "heartbeat", "target": "", **fields}
    monitor = monitors.insert(conn, factories.monitor(name=name, **fields))
    states.save(conn, MonitorState(monitor_id=monitor.id))
    return monitor.id


def these(*tokens: str) -> Callable[[], str]:
    """A source of tokens that gives exactly these."""
    left = iter(tokens)
    return lambda: next(left)


def created(conn: WriteConnection, name: str = "backup", *, token: str | None = None, **fields: Any) -> Heartbeat:
    source = new_heartbeat_token if token is None else these(token)
    return heartbeats.create_heartbeat(conn, monitor_row(conn, name, **fields), grace=300, new_token=source)


def due(conn: WriteConnection, name: str, deadline_at: int | None, **fields: Any) -> int:
    """A heartbeat with a deadline."""
    beat = created(conn, name, **fields)
    heartbeats.update_heartbeat_ping(conn, [attrs.evolve(beat, deadline_at=deadline_at)])
    return beat.monitor_id


def found(conn: WriteConnection, monitor_id: int) -> Heartbeat:
    return heartbeats.of_monitors(conn, [monitor_id])[monitor_id]


def test_a_new_heartbeat_is_pending_and_has_a_token_of_its_own(conn: WriteConnection) -> None:
    one, two = created(conn, "one"), created(conn, "two")
    assert (one.status, one.grace, one.ping_count) == (HeartbeatStatus.PENDING, 300, 0)
    assert (one.last_ping_at, one.due_at, one.deadline_at, one.old_token) == (None, None, None, None)
    assert len(one.token) == len(two.token) == TOKEN_CHARS
    assert one.token != two.token
    assert found(conn, one.monitor_id) == one


def test_a_token_that_is_taken_is_not_given_twice(conn: WriteConnection) -> None:
    one = created(conn, "one", token="taken")
    two = heartbeats.create_heartbeat(
        conn, monitor_row(conn, "two"), grace=0, new_token=these("taken", "taken", "free")
    )
    assert (one.token, two.token) == ("taken", "free")


def test_a_token_that_was_rotated_away_is_not_given_to_another(conn: WriteConnection) -> None:
    one = created(conn, "one", token="old")
    heartbeats.rotate(conn, one.monitor_id, new_token=these("new"), old_until=START_MS)
    two = heartbeats.create_heartbeat(conn, monitor_row(conn, "two"), grace=0, new_token=these("old", "new", "free"))
    assert two.token == "free"


def test_a_source_that_only_gives_taken_tokens_ends_in_an_error_and_not_in_a_loop(conn: WriteConnection) -> None:
    created(conn, "one", token="same")
    with pytest.raises(RuntimeError, match="random source"):
        heartbeats.create_heartbeat(conn, monitor_row(conn, "two"), grace=0, new_token=lambda: "same")


def test_the_database_itself_refuses_a_second_row_of_a_token(conn: WriteConnection) -> None:
    one, two = created(conn, "one"), created(conn, "two")
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute("UPDATE heartbeat SET token = ? WHERE id = ?", (one.token, two.id))


def test_a_heartbeat_is_found_by_its_token_and_by_no_other(conn: WriteConnection) -> None:
    beat = created(conn, token="Az-_9")
    assert heartbeats.get_heartbeat_by_token(conn, "Az-_9", now_ms=START_MS) == beat
    for stranger in ("az-_9", "Az-_", "Az-_9 ", "", "%"):
        assert heartbeats.get_heartbeat_by_token(conn, stranger, now_ms=START_MS) is None


def test_a_rotated_token_is_good_until_its_end_and_no_longer(conn: WriteConnection) -> None:
    beat = created(conn, token="old")
    after = heartbeats.rotate(conn, beat.monitor_id, new_token=these("new"), old_until=START_MS + HOUR_MS)
    assert (after.token, after.old_token, after.old_token_until) == ("new", "old", START_MS + HOUR_MS)
    assert heartbeats.get_heartbeat_by_token(conn, "new", now_ms=START_MS) == after
    assert heartbeats.get_heartbeat_by_token(conn, "old", now_ms=START_MS + HOUR_MS - 1) == after
    assert heartbeats.get_heartbeat_by_token(conn, "old", now_ms=START_MS + HOUR_MS) is None


def test_a_rotation_that_keeps_nothing_ends_the_old_token_at_once(conn: WriteConnection) -> None:
    beat = created(conn, token="old")
    after = heartbeats.rotate(conn, beat.monitor_id, new_token=these("new"), old_until=None)
    assert (after.old_token, after.old_token_until) == (None, None)
    assert heartbeats.get_heartbeat_by_token(conn, "old", now_ms=START_MS) is None


def test_a_second_rotation_keeps_only_the_token_before_it(conn: WriteConnection) -> None:
    beat = created(conn, token="first")
    for token in ("second", "third"):
        heartbeats.rotate(conn, beat.monitor_id, new_token=these(token), old_until=START_MS + HOUR_MS)
    good = [
        token
        for token in ("first", "second", "third")
        if heartbeats.get_heartbeat_by_token(conn, token, now_ms=START_MS)
    ]
    assert good == ["second", "third"]


def test_a_rotation_never_gives_the_token_that_it_takes_away(conn: WriteConnection) -> None:
    beat = created(conn, token="old")
    assert heartbeats.rotate(conn, beat.monitor_id, new_token=these("old", "new"), old_until=None).token == "new"


def test_what_is_no_heartbeat_can_not_be_rotated(conn: WriteConnection) -> None:
    with pytest.raises(NotFound):
        heartbeats.rotate(conn, monitor_row(conn), new_token=new_heartbeat_token, old_until=None)


def test_pings_change_everything_of_several_heartbeats_but_their_tokens(conn: WriteConnection) -> None:
    beats = [created(conn, name) for name in ("one", "two", "three")]
    changed = [
        attrs.evolve(
            beat,
            token="ignored",
            grace=60,
            status=HeartbeatStatus.UP,
            last_ping_at=START_MS,
            last_duration_ms=1500,
            due_at=START_MS + 1,
            deadline_at=START_MS + 2,
            excused_until=START_MS + 3,
            ping_count=7,
        )
        for beat in beats[:2]
    ]
    heartbeats.update_heartbeat_ping(conn, changed)
    for beat, after in zip(beats[:2], changed, strict=True):
        assert found(conn, beat.monitor_id) == attrs.evolve(after, token=beat.token)
    assert found(conn, beats[2].monitor_id) == beats[2]


def test_a_ping_can_take_back_what_was_known(conn: WriteConnection) -> None:
    beat = created(conn)
    heartbeats.update_heartbeat_ping(conn, [attrs.evolve(beat, due_at=1, deadline_at=2, last_duration_ms=3)])
    heartbeats.update_heartbeat_ping(conn, [beat])
    assert found(conn, beat.monitor_id) == beat


def test_updating_nothing_is_nothing(conn: WriteConnection) -> None:
    heartbeats.update_heartbeat_ping(conn, [])
    heartbeats.save_runs(conn, {})


def test_expired_are_those_whose_deadline_has_passed_the_oldest_first(conn: WriteConnection) -> None:
    due(conn, "later", START_MS + 1)
    due(conn, "at this instant", START_MS)
    just = due(conn, "just past", START_MS - 1)
    long = due(conn, "long past", START_MS - HOUR_MS)
    due(conn, "without one", None)
    due(conn, "paused", START_MS - HOUR_MS, enabled=False)

    def expired(limit: int) -> list[int]:
        return [each.monitor_id for each in heartbeats.list_expired_heartbeats(conn, now_ms=START_MS, limit=limit)]

    assert expired(limit=10) == [long, just]
    assert expired(limit=1) == [long]


def test_the_next_deadline_is_the_earliest_that_is_to_come(conn: WriteConnection) -> None:
    assert heartbeats.next_deadline_at(conn, since_ms=0) is None
    for number, deadline_at in enumerate((START_MS + 5, START_MS + 3, START_MS - 1, None)):
        due(conn, f"job {number}", deadline_at)
    due(conn, "paused", START_MS + 1, enabled=False)
    assert heartbeats.next_deadline_at(conn, since_ms=START_MS) == START_MS + 3
    assert heartbeats.next_deadline_at(conn, since_ms=START_MS + 3) == START_MS + 3
    assert heartbeats.next_deadline_at(conn, since_ms=START_MS + 6) is None


@pytest.fixture
def steps(conn: WriteConnection) -> Iterator[Callable[[Callable[[], object]], int]]:
    """Counts the steps of SQLite's machine that something takes."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1

    def count(call: Callable[[], object]) -> int:
        nonlocal taken
        call()  # the first call prepares statements and may read pages
        taken = 0
        call()
        return taken

    conn.set_progress_handler(step, 1)
    yield count
    conn.set_progress_handler(None, 0)


def test_scanning_costs_what_is_due_and_not_what_exists(
    conn: WriteConnection, steps: Callable[[Callable[[], object]], int]
) -> None:
    def scan() -> None:
        assert len(heartbeats.list_expired_heartbeats(conn, now_ms=START_MS, limit=200)) == 3
        assert heartbeats.next_deadline_at(conn, since_ms=START_MS) == START_MS + HOUR_MS

    for number in range(3):
        due(conn, f"late {number}", START_MS - 1 - number)
    due(conn, "next", START_MS + HOUR_MS)
    few = steps(scan)
    for number in range(2000):
        due(conn, f"job {number}", START_MS + HOUR_MS + number)
    assert steps(scan) == few


def test_runs_come_back_in_the_order_of_their_start(conn: WriteConnection) -> None:
    one, two, three = (created(conn, name).monitor_id for name in ("one", "two", "three"))
    first, second = Run(rid="z", started_at=1, deadline_at=9), Run(rid="", started_at=2, deadline_at=None)
    heartbeats.save_runs(conn, {one: [second, first], two: [second]})
    assert heartbeats.runs_of(conn, [one, two, three]) == {one: [first, second], two: [second]}
    heartbeats.save_runs(conn, {one: [first], three: ()})
    assert heartbeats.runs_of(conn, [one, two, three]) == {one: [first], two: [second]}


def test_a_situation_is_all_that_is_needed_to_judge(conn: WriteConnection) -> None:
    beat = created(
        conn, interval_s=90, config_version=4, settings={"schedule": "0 3 * * *", "timezone": "Europe/Berlin"}
    )
    runs = (Run(rid="a", started_at=1, deadline_at=9), Run(rid="b", started_at=2, deadline_at=None))
    heartbeats.save_runs(conn, {beat.monitor_id: runs})
    paused = created(conn, "paused", enabled=False)
    other = factories.create(conn, name="site")
    known = heartbeats.situations(conn, [beat.monitor_id, paused.monitor_id, other.id, 999])
    assert known.keys() == {beat.monitor_id, paused.monitor_id}
    situation = known[beat.monitor_id]
    assert (situation.beat, situation.runs, situation.is_enabled) == (beat, runs, True)
    assert (situation.interval_s, situation.config_version) == (90, 4)
    assert situation.settings == '{"schedule":"0 3 * * *","timezone":"Europe/Berlin"}'
    assert known[paused.monitor_id].is_enabled is False


def test_a_way_through_all_enabled_heartbeats_meets_each_once(conn: WriteConnection) -> None:
    ids = [created(conn, f"job {number}", enabled=number != 2).monitor_id for number in range(6)]
    met, last = [], 0
    while some := heartbeats.enabled_after(conn, last, limit=2):
        assert len(some) <= 2
        met += sorted(some)
        last = max(some)
    assert met == [*ids[:2], *ids[3:]]


def test_a_deleted_heartbeat_leaves_no_token_and_no_run(conn: WriteConnection) -> None:
    beat = created(conn, token="gone")
    heartbeats.save_runs(conn, {beat.monitor_id: [Run(rid="", started_at=1, deadline_at=2)]})
    heartbeats.delete(conn, beat.monitor_id)
    assert heartbeats.of_monitors(conn, [beat.monitor_id]) == {}
    assert heartbeats.runs_of(conn, [beat.monitor_id]) == {}
    assert heartbeats.get_heartbeat_by_token(conn, "gone", now_ms=START_MS) is None


def test_a_heartbeat_goes_with_its_monitor(conn: WriteConnection) -> None:
    beat = created(conn)
    heartbeats.save_runs(conn, {beat.monitor_id: [Run(rid="", started_at=1, deadline_at=2)]})
    monitors.delete(conn, beat.monitor_id)
    assert heartbeats.tokens(conn) == []
    assert heartbeats.runs_of(conn, [beat.monitor_id]) == {}


def test_all_tokens_are_those_in_force_and_those_before_them(conn: WriteConnection) -> None:
    one, two = created(conn, "one", token="a"), created(conn, "two", token="b")
    heartbeats.rotate(conn, one.monitor_id, new_token=these("c"), old_until=START_MS)
    assert sorted(heartbeats.tokens(conn)) == [
        ("a", one.monitor_id, START_MS),
        ("b", two.monitor_id, None),
        ("c", one.monitor_id, None),
    ]


def test_each_change_of_a_token_is_told_with_all_that_is_good_now(conn: WriteConnection) -> None:
    beat = created(conn, token="a")
    heartbeats.rotate(conn, beat.monitor_id, new_token=these("b"), old_until=START_MS)
    heartbeats.rotate(conn, beat.monitor_id, new_token=these("c"), old_until=None)
    heartbeats.delete(conn, beat.monitor_id)
    heartbeats.delete(conn, beat.monitor_id)
    events = taken_events(conn, heartbeats.TOKENS_CHANGED)
    assert [(event.id, list(event.detail["tokens"])) for event in events] == [
        (beat.monitor_id, [("a", None)]),
        (beat.monitor_id, [("b", None), ("a", START_MS)]),
        (beat.monitor_id, [("c", None)]),
        (beat.monitor_id, []),
    ]


@pytest.mark.parametrize(
    ("status", "is_announced", "is_found"),
    [
        pytest.param(MonitorStatus.DOWN, False, True, id="down, and nobody knows"),
        pytest.param(MonitorStatus.DOWN, True, False, id="down, and told"),
        pytest.param(MonitorStatus.UP, False, False, id="up"),
        pytest.param(MonitorStatus.PENDING, False, False, id="pending"),
    ],
)
def test_unannounced_are_the_heartbeats_that_are_down_without_an_incident(
    conn: WriteConnection, status: MonitorStatus, is_announced: bool, is_found: bool
) -> None:
    beat, site = created(conn), factories.create(conn, name="site")
    for monitor_id in (beat.monitor_id, site.id):
        states.save(conn, MonitorState(monitor_id=monitor_id, status=status, announced=is_announced))  # type: ignore[arg-type]
    assert heartbeats.unannounced(conn) == ({beat.monitor_id} if is_found else set())


def test_the_pulse_is_the_last_that_was_noted(conn: WriteConnection) -> None:
    assert heartbeats.beat_at(conn) is None
    for at in (START_MS, START_MS + 5, START_MS - 5):
        heartbeats.note_beat(conn, at=at)
        assert heartbeats.beat_at(conn) == at
