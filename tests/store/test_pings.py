import pytest

from asura.errors import NotFound
from asura.ids import MonitorId
from asura.model.heartbeat import Ping, PingKind
from asura.store import heartbeats, pings
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import START_MS

ALL = 1_000_000


def ping(number: int, monitor_id: int = 1, *, kind: PingKind = PingKind.SUCCESS, body: str | None = None) -> Ping:
    return Ping(id=number, monitor_id=MonitorId(monitor_id), kind=kind, at=START_MS + number, body=body)


def numbers(found: list[Ping]) -> list[int]:
    return [each.id for each in found]


@pytest.mark.parametrize("kind", PingKind)
def test_a_ping_comes_back_as_it_was_stored(conn: WriteConnection, kind: PingKind) -> None:
    full = Ping(
        id=3,
        monitor_id=MonitorId(1),
        kind=kind,
        at=START_MS,
        exit_status=255,
        rid="run-1",
        duration_ms=12_345,
        method="POST",
        remote_addr="2001:db8::1",
        user_agent='curl/8 “naïve” \\ "x"',
        body="line\r\n“naïve” 😀\t\\u0000 ￿",
        is_cut=True,
    )
    bare = Ping(id=4, monitor_id=MonitorId(1), kind=kind, at=START_MS)
    pings.insert(conn, [full, bare])
    assert pings.page(conn, 1, limit=9, body_chars=ALL) == [bare, full]
    assert (pings.get(conn, 1, 3), pings.get(conn, 1, 4)) == (full, bare)


def test_storing_nothing_is_nothing(conn: WriteConnection) -> None:
    pings.insert(conn, [])
    assert pings.count(conn, 1) == 0


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param("", "", id="an empty one is one"),
        pytest.param("a\0b", "a�b", id="a NUL does not end it"),
        pytest.param("12", "12", id="a number stays a text"),
        pytest.param("null", "null", id="so does null"),
        pytest.param('{"a": [1]}', '{"a": [1]}', id="and JSON"),
        pytest.param("x" * 100_000, "x" * 100_000, id="the largest"),
    ],
)
def test_any_body_is_kept(conn: WriteConnection, body: str, kept: str) -> None:
    pings.insert(conn, [ping(1, body=body)])
    assert pings.get(conn, 1, 1).body == kept


def test_a_body_of_which_nothing_is_left_is_known_to_be_cut(conn: WriteConnection) -> None:
    pings.insert(conn, [Ping(id=1, monitor_id=MonitorId(1), kind=PingKind.LOG, at=START_MS, is_cut=True)])
    found = pings.get(conn, 1, 1)
    assert (found.body, found.is_cut) == ("", True)


def test_a_page_is_newest_first_from_below_a_ping(conn: WriteConnection) -> None:
    pings.insert(conn, [ping(number) for number in range(1, 8)])
    pings.insert(conn, [ping(1, monitor_id=2)])
    assert numbers(pings.page(conn, 1, limit=3, body_chars=9)) == [7, 6, 5]
    assert numbers(pings.page(conn, 1, limit=3, offset=3, body_chars=9)) == [4, 3, 2]
    assert numbers(pings.page(conn, 1, limit=9, before=3, body_chars=9)) == [2, 1]
    assert pings.count(conn, 1) == 7


def test_a_page_can_be_of_some_kinds_only(conn: WriteConnection) -> None:
    kinds = (PingKind.START, PingKind.SUCCESS, PingKind.START, PingKind.FAIL, PingKind.LOG)
    pings.insert(conn, [ping(number, kind=kind) for number, kind in enumerate(kinds)])
    wanted = (PingKind.START, PingKind.FAIL)
    assert numbers(pings.page(conn, 1, limit=9, kinds=wanted, body_chars=9)) == [3, 2, 0]
    assert pings.count(conn, 1, kinds=wanted) == 3


@pytest.mark.parametrize(
    ("body", "shown", "is_cut"),
    [
        pytest.param("abc", "abc", False, id="shorter"),
        pytest.param("abcd", "abcd", False, id="exactly so long"),
        pytest.param("abcde", "abcd", True, id="longer"),
        pytest.param("äöü😀x", "äöü😀", True, id="characters, not bytes"),
    ],
)
def test_a_page_shows_so_much_of_a_body(conn: WriteConnection, body: str, shown: str, is_cut: bool) -> None:
    pings.insert(conn, [ping(1, body=body)])
    (found,) = pings.page(conn, 1, limit=9, body_chars=4)
    assert (found.body, found.is_cut) == (shown, is_cut)
    assert pings.get(conn, 1, 1).body == body


def test_the_last_bodies_are_kept_and_every_ping_keeps_its_row(
    conn: WriteConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra, total = 5, pings.KEPT_BODIES + 5
    pings.insert(conn, [ping(2 * number, body="text") for number in range(total)])
    pings.insert(conn, [ping(2 * number + 1) for number in range(total)])  # without a body, which displaces none
    pings.insert(conn, [ping(number, monitor_id=2, body="text") for number in range(3)])
    kept = [each.id for each in pings.page(conn, 1, limit=ALL, body_chars=9) if each.body is not None]
    assert kept == [2 * number for number in reversed(range(extra, total))]
    assert pings.count(conn, 1) == 2 * total
    assert all(each.body for each in pings.page(conn, 2, limit=9, body_chars=9))


def test_one_more_body_costs_the_same_however_many_there_are(conn: WriteConnection) -> None:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    def cost(number: int) -> int:
        nonlocal steps
        conn.set_progress_handler(step, 100)
        steps = 0
        pings.insert(conn, [ping(number, body="text")])
        conn.set_progress_handler(None, 0)
        return steps

    pings.insert(conn, [ping(number, body="text") for number in range(pings.KEPT_BODIES + 1)])
    one = cost(10_000)
    for monitor_id in range(2, 12):
        pings.insert(conn, [ping(number, monitor_id, body="text") for number in range(pings.KEPT_BODIES)])
    assert cost(10_001) <= one + 2


def test_a_ping_of_another_monitor_is_not_found(conn: WriteConnection) -> None:
    pings.insert(conn, [ping(1)])
    for monitor_id, number in ((2, 1), (1, 2)):
        with pytest.raises(NotFound):
            pings.get(conn, monitor_id, number)


def test_numbers_go_on_when_a_monitor_becomes_a_heartbeat_again(conn: WriteConnection) -> None:
    monitor = factories.create(conn)
    pings.insert(conn, [ping(41, monitor.id)])
    beat = heartbeats.create_heartbeat(conn, monitor.id, grace=0, new_token=lambda: "token")
    assert beat.ping_count == 41
