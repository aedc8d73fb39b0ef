import attrs

from asura.model.monitor import MonitorState, MonitorStatus
from asura.store import states
from asura.store.connection import WriteConnection
from tests import factories


def full(monitor_id: int) -> MonitorState:
    return MonitorState(
        monitor_id=monitor_id,
        status=MonitorStatus.DEGRADED,
        status_since=5,
        confirming=True,
        partial=True,
        announced=True,
        last_check_at=9,
        last_response_ms=42,
        last_message="slow",
        cert_expires_at=77,
    )


def test_a_state_comes_back_as_it_was_saved(conn: WriteConnection) -> None:
    web = factories.create(conn)
    for state in (full(web.id), MonitorState(monitor_id=web.id)):
        states.save(conn, state)
        assert states.get(conn, web.id) == state


def test_a_monitor_never_seen_has_a_state_too(conn: WriteConnection) -> None:
    assert states.get(conn, 77) == MonitorState(monitor_id=77)


def test_touching_notes_the_last_check_and_nothing_else(conn: WriteConnection) -> None:
    made = [factories.create(conn, name=name).id for name in "abc"]
    for monitor_id in made:
        states.save(conn, full(monitor_id))
    touched = [
        MonitorState(
            monitor_id=monitor_id,
            last_check_at=100 + number,
            last_response_ms=None if number else 7,
            last_message="it's “odd” \\ \n",
            cert_expires_at=None if number else 2**40,
        )
        for number, monitor_id in enumerate(made[:2])
    ]
    states.touch(conn, touched)
    for state in touched:
        assert states.get(conn, state.monitor_id) == attrs.evolve(
            full(state.monitor_id),
            last_check_at=state.last_check_at,
            last_response_ms=state.last_response_ms,
            last_message=state.last_message,
            cert_expires_at=state.cert_expires_at,
        )
    assert states.get(conn, made[2]) == full(made[2])
    states.touch(conn, [])


def test_in_doubt_is_what_fails_and_is_not_down_yet(conn: WriteConnection) -> None:
    made = [factories.create(conn, name=name, enabled=name != "paused").id for name in ("a", "b", "c", "paused", "e")]
    statuses = [MonitorStatus.UP, MonitorStatus.DEGRADED, MonitorStatus.DOWN, MonitorStatus.UP, MonitorStatus.UP]
    for monitor_id, status in zip(made, statuses, strict=True):
        states.save(conn, MonitorState(monitor_id=monitor_id, status=status, confirming=monitor_id != made[4]))
    assert states.doubtful(conn) == set(made[:2])


def test_which_are_down(conn: WriteConnection) -> None:
    up, down, paused = (factories.create(conn, name=name, enabled=name != "c").id for name in "abc")
    for monitor_id, status in ((up, MonitorStatus.UP), (down, MonitorStatus.DOWN), (paused, MonitorStatus.DOWN)):
        states.save(conn, MonitorState(monitor_id=monitor_id, status=status))
    assert states.down_among(conn, [up, down, paused, 999]) == {down}
    assert states.down_among(conn, []) == set()
