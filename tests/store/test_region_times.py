"""The time by status of each region equals what its results, one by one, give for the same span."""

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura.model.monitor import Status
from asura.model.observation import Observation
from asura.store import checks, region_times
from asura.store.connection import WriteConnection
from asura.store.rollups import DAY_MS, HOUR_MS, LONGEST_HOLD_MS
from asura.store.uptimes import StatusTime
from tests import factories
from tests.sqlite_steps import steps_of
from tests.store.test_rollups import MIDNIGHT_MS, afresh, batches, instants

quick = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


def one_by_one(conn: WriteConnection, monitor_id: int, *, since: int, until: int) -> dict[str, StatusTime]:
    """The naive way."""
    times: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    ends: dict[str, int] = {}
    rows = conn.execute(
        "SELECT region.name, checked_at, status, holds_s FROM check_result JOIN region ON region.id = region_id"
        " WHERE monitor_id = ? ORDER BY checked_at DESC",
        (monitor_id,),
    )
    for region, at, status, holds_s in rows:
        end = min(at + (holds_s or 0) * 1000, ends.get(region, at + LONGEST_HOLD_MS), until)
        times[region][status] += max(0, end - max(at, since))
        ends[region] = at
    return {
        region: StatusTime(up=up, degraded=degraded, down=down)
        for region, (up, degraded, down) in times.items()
        if up or degraded or down
    }


@quick
@given(batches, instants, instants, st.integers(0, 4 * HOUR_MS))
def test_any_span_is_given_exactly(
    conn: WriteConnection,
    batches: list[tuple[list[Observation], dict[int, int]]],
    one: int,
    other: int,
    later_ms: int,
) -> None:
    since, until = sorted((one, other))
    with afresh(conn):
        for batch, holds_s in batches:
            checks.insert(conn, batch, holds_s=holds_s)
        for monitor_id in (1, 2):
            found = region_times.from_checks(conn, monitor_id, since=since, until=until)
            assert found == one_by_one(conn, monitor_id, since=since, until=until)
            assert region_times.exactly(conn, monitor_id, since=since, until=until, now_ms=until + later_ms) == found


@quick
@given(batches, instants, instants, st.sampled_from([3600, 86400]), st.integers(0, 4 * HOUR_MS))
def test_rollups_give_whole_hours_and_days_as_far_as_they_have_passed(
    conn: WriteConnection,
    batches: list[tuple[list[Observation], dict[int, int]]],
    one: int,
    other: int,
    span_s: int,
    later_ms: int,
) -> None:
    since, until = sorted((one, other))
    since -= since % (span_s * 1000)
    seen = [each.checked_at for batch, _ in batches for each in batch]
    now_ms = max([until, *(at + 20 for at in seen)]) + later_ms  # a few move on, when they meet in one millisecond
    end = -(-until // (span_s * 1000)) * span_s * 1000
    with afresh(conn):
        for batch, holds_s in batches:
            checks.insert(conn, batch, holds_s=holds_s)
        for monitor_id in (1, 2):
            found = region_times.from_rollups(conn, monitor_id, since=since, until=until, span_s=span_s, now_ms=now_ms)
            assert found == one_by_one(conn, monitor_id, since=since, until=min(end, now_ms))


def test_what_a_region_saw_last_does_not_hold_before_it_has_passed(conn: WriteConnection) -> None:
    checks.insert(conn, [factories.observation(1, Status.DOWN, at=MIDNIGHT_MS)], holds_s={1: 180})
    for passed_ms in (0, 1, 179_999, 180_000, 999_999):
        now_ms = MIDNIGHT_MS + passed_ms
        found = region_times.from_rollups(conn, 1, since=MIDNIGHT_MS, until=now_ms + 1, span_s=3600, now_ms=now_ms)
        assert found == ({"local": StatusTime(down=min(passed_ms, 180_000))} if passed_ms else {})


def test_a_region_that_fell_silent_long_ago_is_not_looked_for(conn: WriteConnection) -> None:
    checks.insert(conn, [factories.observation(1, at=MIDNIGHT_MS - 30 * DAY_MS, region="mars")], holds_s={1: 180})
    seen = [factories.observation(1, at=MIDNIGHT_MS - number * 60_000) for number in range(4000)]
    checks.insert(conn, seen, holds_s={1: 180})

    def ask() -> None:
        region_times.from_rollups(
            conn, 1, since=MIDNIGHT_MS - DAY_MS, until=MIDNIGHT_MS, span_s=86400, now_ms=MIDNIGHT_MS
        )

    assert steps_of(conn, ask) < 1000


@pytest.mark.parametrize("holds_s", [{}, {2: 180}], ids=["no monitor has times", "another has"])
def test_what_adds_to_no_time_has_none(conn: WriteConnection, holds_s: dict[int, int]) -> None:
    checks.insert(conn, [factories.observation(1, at=MIDNIGHT_MS + n * 60_000) for n in range(9)], holds_s=holds_s)
    until = MIDNIGHT_MS + HOUR_MS
    assert region_times.from_checks(conn, 1, since=MIDNIGHT_MS, until=until) == {}
    assert region_times.from_rollups(conn, 1, since=MIDNIGHT_MS, until=until, span_s=3600, now_ms=until) == {}
