"""What a monitor is shown as turns at the very instant at which it becomes true."""

from typing import Any

import pytest

from asura.api.showing import Shown, shown
from asura.ids import MonitorId
from asura.model.heartbeat import Heartbeat, HeartbeatStatus
from asura.model.monitor import MonitorState, MonitorStatus
from tests import factories
from tests.factories import MINUTE_MS
from tests.factories import START_MS as NOW

UP, DOWN, PENDING = MonitorStatus.UP, MonitorStatus.DOWN, MonitorStatus.PENDING
LONG_AGO = NOW - 90 * 86_400_000


def state(**fields: Any) -> MonitorState:
    return MonitorState(**{"monitor_id": MonitorId(1), "status": UP, "status_since": LONG_AGO, **fields})


def beat(**fields: Any) -> Heartbeat:
    defaults: dict[str, Any] = {"id": 1, "monitor_id": MonitorId(1), "token": "t" * 32, "grace": 60}
    return Heartbeat(**{**defaults, "status": HeartbeatStatus.UP, **fields})


def missed(at: int) -> Shown:
    return Shown(status=DOWN, since=at, is_missed=True, tail=(at, DOWN))


def as_written(status: MonitorStatus = UP) -> Shown:
    return Shown(status=status, since=LONG_AGO)


BEATS: dict[str, tuple[MonitorState, Heartbeat, Shown]] = {
    "nothing expected": (state(), beat(deadline_at=None), as_written()),
    "a ms before its deadline": (state(), beat(deadline_at=NOW + 1), as_written()),
    "at its deadline": (state(), beat(deadline_at=NOW), as_written()),
    "a ms after it": (state(), beat(deadline_at=NOW - 1), missed(NOW - 1)),
    "a run overdue, but seen since": (state(), beat(deadline_at=NOW - 9, last_ping_at=NOW - 5), missed(NOW - 5)),
    "a run overdue, then up again": (state(status_since=NOW - 3), beat(deadline_at=NOW - 9), missed(NOW - 3)),
    "pending and overdue": (
        state(status=PENDING),
        beat(status=HeartbeatStatus.PENDING, deadline_at=NOW - 1),
        missed(NOW - 1),
    ),
    "down already": (state(status=DOWN), beat(status=HeartbeatStatus.DOWN, deadline_at=NOW - 1), as_written(DOWN)),
    "down by its last incident, then overdue": (
        state(status=DOWN),
        beat(status=HeartbeatStatus.PENDING, deadline_at=NOW - 1),
        Shown(status=DOWN, since=LONG_AGO, is_missed=True),
    ),
    "silent for years": (state(last_check_at=LONG_AGO), beat(deadline_at=NOW + 1), as_written()),
}


@pytest.mark.parametrize(("known", "heartbeat", "wanted"), BEATS.values(), ids=BEATS)
def test_a_heartbeat_turns_at_its_deadline_and_is_never_stale(known: MonitorState, heartbeat: Heartbeat, wanted: Shown):
    monitor = factories.monitor(type="heartbeat", target="")
    assert shown(monitor, known, heartbeat, now_ms=NOW) == wanted


def test_a_paused_heartbeat_misses_nothing():
    monitor = factories.monitor(type="heartbeat", target="", enabled=False)
    found = shown(monitor, state(), beat(deadline_at=NOW - 1), now_ms=NOW, paused_at=NOW - 7)
    assert found == Shown(status=MonitorStatus.PAUSED, since=NOW - 7)


STALE_AT = NOW - 180_000
"""A check at this instant, of a monitor that is checked once a minute, is just not too old."""
CHECKS: dict[str, tuple[MonitorState, Shown]] = {
    "just seen": (state(last_check_at=NOW), as_written()),
    "seen as long ago as may be": (state(last_check_at=STALE_AT), as_written()),
    "seen too long ago": (
        state(last_check_at=STALE_AT - 1),
        Shown(status=UP, since=LONG_AGO, is_stale=True, tail=(NOW - 1, MonitorStatus.UNKNOWN)),
    ),
    "never seen": (state(status=PENDING, last_check_at=None), as_written(PENDING)),
    "pending anew": (state(status=PENDING, last_check_at=NOW - 60 * MINUTE_MS), as_written(PENDING)),
}


@pytest.mark.parametrize(("known", "wanted"), CHECKS.values(), ids=CHECKS)
def test_what_is_checked_goes_stale_when_nobody_looks(known: MonitorState, wanted: Shown):
    assert shown(factories.monitor(), known, None, now_ms=NOW) == wanted
