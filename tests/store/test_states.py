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


def test_in_doubt_is_what_fails_and_was_not_announced_yet(conn: WriteConnection) -> None:
    up, degraded, down = MonitorStatus.UP, MonitorStatus.DEGRADED, MonitorStatus.DOWN
    found = set()
    for name, status, confirming, announced, is_doubtful in (
        ("fails", up, True, False, True),
        ("degraded before", degraded, True, False, True),
        ("held back by a dependency", down, False, False, True),
        ("perhaps well again", down, True, True, False),
        ("announced", down, False, True, False),
        ("well", up, False, False, False),
        ("paused", up, True, False, False),
        ("paused while held back", down, False, False, False),
    ):
        monitor_id = factories.create(conn, name=name, enabled="paused" not in name).id
        state = MonitorState(monitor_id=monitor_id, status=status, confirming=confirming, announced=announced)
        states.save(conn, state)
        if is_doubtful:
            found.add(monitor_id)
    assert states.doubtful(conn) == found


def test_which_are_down(conn: WriteConnection) -> None:
    up, down, paused = (factories.create(conn, name=name, enabled=name != "c").id for name in "abc")
    for monitor_id, status in ((up, MonitorStatus.UP), (down, MonitorStatus.DOWN), (paused, MonitorStatus.DOWN)):
        states.save(conn, MonitorState(monitor_id=monitor_id, status=status))
    assert states.down_among(conn, [up, down, paused, 999]) == {down}
    assert states.down_among(conn, []) == set()
