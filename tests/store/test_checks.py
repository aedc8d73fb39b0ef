import pytest

from asura import sketch
from asura.model.monitor import Status
from asura.model.observation import Observation, Timings
from asura.store import checks, rollups
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import START_MS

HOUR_MS = 3_600_000


def see(conn: WriteConnection, *seen: Observation) -> None:
    checks.insert(conn, seen, holds_s={})


def every_minute(monitor_id: int, statuses: str, **fields: object) -> list[Observation]:
    kinds = {"U": Status.UP, "G": Status.DEGRADED, "D": Status.DOWN}
    return [
        factories.observation(monitor_id, kinds[letter], at=START_MS + number * 60_000, **fields)  # type: ignore[arg-type]
        for number, letter in enumerate(statuses)
    ]


def minutes(rows: list[checks.CheckRow]) -> list[int]:
    return [(row.checked_at - START_MS) // 60_000 for row in rows]


def test_a_result_comes_back_as_it_was_seen(conn: WriteConnection) -> None:
    seen = factories.observation(
        1,
        Status.DEGRADED,
        message="slow: “naïve”\n\\ 100%",
        response_ms=812,
        timings=Timings(dns_ms=1, connect_ms=2, tls_ms=3, first_byte_ms=4, transfer_ms=5),
        status_code=503,
        cert_expires_at=2**41,
        detail={"hops": [1, {"to": "x"}]},
        region="eu-west",
    )
    see(conn, seen)
    (row,) = checks.page(conn, 1, limit=9)
    assert (row.monitor_id, row.region, row.checked_at, row.outcome) == (1, "eu-west", START_MS, seen.outcome)


def test_a_result_with_nothing_to_say_comes_back_too(conn: WriteConnection) -> None:
    seen = factories.observation(1, response_ms=None)
    see(conn, seen)
    (row,) = checks.page(conn, 1, limit=9)
    assert row.outcome == seen.outcome
    assert row.id == checks.id_of(seen)


def test_storing_nothing_is_nothing(conn: WriteConnection) -> None:
    see(conn)
    assert conn.execute("SELECT count(*) FROM check_result").fetchone() == (0,)


def test_results_of_one_millisecond_move_on_and_none_is_lost(conn: WriteConnection) -> None:
    see(conn, factories.observation(1), factories.observation(1, at=START_MS + 2))
    see(conn, *(factories.observation(1) for _ in range(3)), factories.observation(2))
    assert [row.checked_at - START_MS for row in checks.page(conn, 1, limit=9)] == [4, 3, 2, 1, 0]
    assert [row.checked_at - START_MS for row in checks.page(conn, 2, limit=9)] == [0]


def test_regions_do_not_stand_in_each_others_way(conn: WriteConnection) -> None:
    see(conn, *(factories.observation(1, region=region) for region in ("local", "eu", "us")))
    see(conn, factories.observation(1, region="eu", at=START_MS + 1))
    rows = checks.page(conn, 1, limit=9)
    assert [(row.checked_at - START_MS, row.region) for row in rows] == [(1, "eu"), (0, "us"), (0, "eu"), (0, "local")]
    assert len({row.id for row in rows}) == 4


def test_what_can_not_be_stored_leaves_nothing_half_done(conn: WriteConnection) -> None:
    conn.execute("SAVEPOINT job")
    with pytest.raises(Exception, match=r"INTEGER|int"):
        see(conn, factories.observation(1), factories.observation(1, at=START_MS + 9, response_ms=2**80))
    conn.execute("ROLLBACK TO job")
    see(conn, factories.observation(1))
    assert len(checks.page(conn, 1, limit=9)) == 1
    assert factories.rollups(conn, 1, span_s=3600) == {START_MS: (1, 0, 0, 1, 42, 42, 42)}


def test_pages_go_back_in_time(conn: WriteConnection) -> None:
    see(conn, *every_minute(1, "UUUUUUU"), *every_minute(2, "UUU"))
    first = checks.page(conn, 1, limit=3)
    second = checks.page(conn, 1, limit=3, before=first[-1].id)
    third = checks.page(conn, 1, limit=3, before=second[-1].id)
    assert [minutes(rows) for rows in (first, second, third)] == [[6, 5, 4], [3, 2, 1], [0]]
    assert minutes(checks.page(conn, 1, limit=2, offset=4)) == [2, 1]


def test_a_page_may_end_between_two_regions(conn: WriteConnection) -> None:
    see(conn, *(factories.observation(1, region=region) for region in ("local", "eu", "us")))
    seen, before = [], None
    for _ in range(3):
        (row,) = checks.page(conn, 1, limit=1, before=before)
        seen.append(row.region)
        before = row.id
    assert seen == ["us", "eu", "local"]
    assert checks.page(conn, 1, limit=1, before=before) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [5, 4, 3, 2, 1, 0]),
        ({"since": START_MS + 120_000}, [5, 4, 3, 2]),
        ({"until": START_MS + 120_000}, [1, 0]),
        ({"since": START_MS + 60_000, "until": START_MS + 180_000}, [2, 1]),
        ({"status": Status.DOWN}, [4, 2]),
        ({"region": "local"}, [5, 4, 3, 2, 1, 0]),
        ({"region": "eu"}, []),
        ({"status": Status.DEGRADED, "since": START_MS}, [5]),
    ],
    ids=str,
)
def test_filters(conn: WriteConnection, wanted: dict[str, object], expected: list[int]) -> None:
    see(conn, *every_minute(1, "UUDUDG"))
    assert minutes(checks.page(conn, 1, limit=9, **wanted)) == expected  # type: ignore[arg-type]
    assert checks.count(conn, 1, **wanted) == len(expected)  # type: ignore[arg-type]


def test_rollups_add_up_within_a_batch_and_across(conn: WriteConnection) -> None:
    for number, response_ms in enumerate((10, 30, None, 20)):
        see(conn, factories.observation(1, Status.UP, at=START_MS + number * 60_000, response_ms=response_ms))
    see(conn, *every_minute(1, "GD", response_ms=5), *every_minute(2, "D"))
    for span_s, start_at in ((300, START_MS), (3600, START_MS), (86400, START_MS - HOUR_MS)):
        assert factories.rollups(conn, 1, span_s=span_s) == {start_at: (4, 1, 1, 5, 70, 5, 30)}


def test_a_stretch_without_any_response_time_has_none(conn: WriteConnection) -> None:
    see(conn, *every_minute(1, "DD", response_ms=None))
    assert factories.rollups(conn, 1, span_s=3600) == {START_MS: (0, 0, 2, 0, 0, None, None)}
    assert rollups.latencies(conn, 1, since=START_MS, until=START_MS + 1, span_s=3600) == {}


def test_each_stretch_has_a_rollup_of_its_own(conn: WriteConnection) -> None:
    see(conn, *(factories.observation(1, at=START_MS + hour * HOUR_MS) for hour in range(3)))
    assert [(at - START_MS) // HOUR_MS for at in factories.rollups(conn, 1, span_s=3600)] == [0, 1, 2]
    assert len(factories.rollups(conn, 1, span_s=86400)) == 1


def test_rollups_and_sketches_by_region(conn: WriteConnection) -> None:
    see(conn, factories.observation(1, response_ms=10), factories.observation(1, response_ms=99, region="eu"))
    assert factories.rollups(conn, 1, span_s=300, region="eu") == {START_MS: (1, 0, 0, 1, 99, 99, 99)}
    both = rollups.latencies(conn, 1, since=START_MS, until=START_MS + 1, span_s=3600)
    assert both == {sketch.bucket(10): 1, sketch.bucket(99): 1}
    assert rollups.latencies(conn, 1, since=START_MS, until=START_MS + 1, span_s=86400, region="eu") == {
        sketch.bucket(99): 1
    }


def test_a_sketch_covers_the_hour_in_which_it_begins(conn: WriteConnection) -> None:
    see(conn, *(factories.observation(1, at=START_MS + half * HOUR_MS // 2) for half in range(6)))
    found = rollups.latencies(conn, 1, since=START_MS + HOUR_MS + 1, until=START_MS + 3 * HOUR_MS, span_s=3600)
    assert sum(found.values()) == 4
    day = rollups.latencies(conn, 1, since=START_MS + HOUR_MS + 1, until=START_MS + 3 * HOUR_MS, span_s=86400)
    assert sum(day.values()) == 6


def test_single_response_times_ascend(conn: WriteConnection) -> None:
    for number, response_ms in enumerate((30, 10, None, 20)):
        see(conn, factories.observation(1, at=START_MS + number, response_ms=response_ms))
    see(conn, factories.observation(1, response_ms=5, region="eu"))
    span = {"since": START_MS, "until": START_MS + 4}
    assert checks.response_times(conn, 1, **span) == [5, 10, 20, 30]
    assert checks.response_times(conn, 1, **span, region="eu") == [5]
    assert checks.response_times(conn, 1, since=START_MS + 1, until=START_MS + 3) == [10]
