"""Slices of steps: how long they go on. The clock is the test's."""

import pytest

from asura.store import slices
from asura.store.connection import WriteConnection
from asura.store.slices import HELD_S, Step


class Clock:
    """Moves only when a step says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def steps(clock: Clock, *counts: int | None, each_s: float) -> Step:
    """Steps that answer so, one after the other and then None, each of which takes that long."""
    left = list(counts)

    def step(_: object) -> int | None:
        clock.now_s += each_s
        return left.pop(0) if left else None

    return step


@pytest.mark.parametrize(
    ("each_s", "deleted"),
    [
        pytest.param(HELD_S / 4, [40, 40, 20], id="short steps share a slice"),
        pytest.param(HELD_S, [10] * 10, id="a step that takes the whole time has a slice to itself"),
        pytest.param(50 * HELD_S, [10] * 10, id="a step that takes much longer too"),
    ],
)
def test_a_slice_ends_when_its_time_is_up(conn: WriteConnection, each_s: float, deleted: list[int]) -> None:
    clock = Clock()
    one = slices.held(steps(clock, *[10] * 10, each_s=each_s), now=clock)
    assert [one(conn) for _ in deleted] == deleted
    assert one(conn) is None


def test_a_slice_of_very_fast_steps_ends_at_its_rows(conn: WriteConnection) -> None:
    clock = Clock()
    one = slices.held(steps(clock, *[10] * 10, each_s=0.0), limit=30, now=clock)
    assert [one(conn) for _ in range(5)] == [30, 30, 30, 10, None]


def test_a_slice_that_only_looked_is_not_the_end(conn: WriteConnection) -> None:
    clock = Clock()
    one = slices.held(steps(clock, 0, 0, 5, each_s=HELD_S), now=clock)
    assert [one(conn) for _ in range(4)] == [0, 0, 5, None]


def test_rows_are_deleted_a_few_at_a_time_and_no_others(conn: WriteConnection) -> None:
    for at in range(10):
        conn.execute("INSERT INTO audit (at, actor, action, resource_type) VALUES (?, 'ada', 'x', 'x')", (at,))
    step = slices.rows("audit", where="at < ?", values=(7,), limit=3)
    assert [step(conn) for _ in range(5)] == [3, 3, 1, None, None]
    assert conn.execute("SELECT at FROM audit ORDER BY at").fetchall() == [(7,), (8,), (9,)]


def test_steps_in_turn_come_one_after_the_other(conn: WriteConnection) -> None:
    clock = Clock()
    made = slices.in_turn([steps(clock, 1, 2, each_s=0.0), steps(clock, each_s=0.0), steps(clock, 3, each_s=0.0)])
    counts = []
    while (count := made(conn)) is not None:
        counts.append(count)
    assert [count for count in counts if count] == [1, 2, 3]
    assert made(conn) is None
