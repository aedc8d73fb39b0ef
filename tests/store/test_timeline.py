from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura.model.monitor import MonitorStatus
from asura.store import timeline
from asura.store.connection import WriteConnection

UP, DOWN, PAUSED = MonitorStatus.UP, MonitorStatus.DOWN, MonitorStatus.PAUSED


def test_a_change_is_noted_where_it_happened(conn: WriteConnection) -> None:
    assert timeline.change(conn, 1, at=100, status=UP) == 100
    assert timeline.change(conn, 1, at=200, status=DOWN) == 200
    assert timeline.of_monitor(conn, 1, since=0) == [(100, UP), (200, DOWN)]


def test_no_change_is_no_row(conn: WriteConnection) -> None:
    timeline.change(conn, 1, at=100, status=UP)
    assert timeline.change(conn, 1, at=200, status=UP) == 200
    assert timeline.change(conn, 1, at=50, status=UP) == 100
    assert timeline.of_monitor(conn, 1, since=0) == [(100, UP)]


def test_a_change_never_comes_before_what_is_noted_already(conn: WriteConnection) -> None:
    timeline.change(conn, 1, at=100, status=UP)
    assert timeline.change(conn, 1, at=100, status=DOWN) == 101
    assert timeline.change(conn, 1, at=7, status=PAUSED) == 102
    assert timeline.of_monitor(conn, 1, since=0) == [(100, UP), (101, DOWN), (102, PAUSED)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(list(MonitorStatus))), max_size=30))
def test_it_always_ascends_and_ends_with_the_last_change(
    conn: WriteConnection, wanted: list[tuple[int, MonitorStatus]]
) -> None:
    conn.execute("SAVEPOINT example")
    for at, status in wanted:
        assert timeline.change(conn, 1, at=at, status=status) >= at
    found = timeline.of_monitor(conn, 1, since=0)
    assert [at for at, _ in found] == sorted({at for at, _ in found})
    assert not wanted or found[-1][1] is wanted[-1][1]
    conn.execute("ROLLBACK TO example")


def test_a_window_is_led_by_the_status_in_force_at_its_beginning(conn: WriteConnection) -> None:
    for at, status in ((100, UP), (200, DOWN), (300, UP)):
        timeline.change(conn, 1, at=at, status=status)
    assert timeline.of_monitor(conn, 1, since=250) == [(200, DOWN), (300, UP)]
    assert timeline.of_monitor(conn, 1, since=200) == [(200, DOWN), (300, UP)]
    assert timeline.of_monitor(conn, 1, since=199) == [(100, UP), (200, DOWN), (300, UP)]
    assert timeline.of_monitor(conn, 1, since=900) == [(300, UP)]
    assert timeline.of_monitor(conn, 1, since=50) == [(100, UP), (200, DOWN), (300, UP)]


def test_several_timelines_at_once(conn: WriteConnection) -> None:
    timeline.change(conn, 1, at=100, status=UP)
    timeline.change(conn, 2, at=150, status=DOWN)
    timeline.change(conn, 3, at=150, status=DOWN)
    assert timeline.of_monitors(conn, [2, 1, 9], since=120) == {1: [(100, UP)], 2: [(150, DOWN)]}
    assert timeline.of_monitors(conn, [], since=0) == {}


def test_a_part_of_the_timeline_is_led_by_what_was_in_force(conn: WriteConnection) -> None:
    for at, status in ((100, UP), (200, DOWN), (300, UP), (400, DOWN)):
        timeline.change(conn, 1, at=at, status=status)
    assert timeline.of_monitor(conn, 1, since=250, until=400) == [(200, DOWN), (300, UP)]
    assert timeline.of_monitor(conn, 1, since=250, until=401) == [(200, DOWN), (300, UP), (400, DOWN)]
    assert timeline.of_monitor(conn, 1, since=250, until=200) == []
    assert timeline.of_monitor(conn, 1, since=0, until=100) == []
    assert timeline.of_monitor(conn, 1, since=250, limit=2) == [(200, DOWN), (300, UP)]
    assert timeline.of_monitor(conn, 1, since=0, limit=9) == timeline.of_monitors(conn, [1], since=0)[1]


def test_the_last_change_is_known(conn: WriteConnection) -> None:
    assert timeline.last_at(conn, 1) is None
    timeline.change(conn, 1, at=100, status=UP)
    timeline.change(conn, 1, at=300, status=DOWN)
    timeline.change(conn, 2, at=900, status=DOWN)
    assert timeline.last_at(conn, 1) == 300
