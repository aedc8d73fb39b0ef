"""Work on many rows in slices that hold the writer only for moments: what retention and large deletions are made of.

A bound in rows alone is none: two thousand rows are 12 ms of checks, and a quarter of a second of messages with many
indexes. So a slice is a row of small steps, and the clock is looked at after each.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from asura.store.connection import Conn

HELD_S = 0.005
"""For how long a slice takes in one step after another. With the step under way, the writes that share the commit and
a checkpoint (25 ms), a write that comes meanwhile is answered within 50 ms, also where two cores have work for five.
Twelve slices a second still delete 60,000 checks, twenty times what comes in at most."""

LIGHT = 250
"""Rows a step where they are short and lie side by side: about half a millisecond, 4 pages if they must be read."""
HEAVY = 20
"""Rows a step where each has texts or several indexes, so that its pages lie anywhere."""
BULKY = 4
"""Rows a step where one may have 100 kB, which are 25 pages."""
LOOKED_AT = 50
"""Monitors that are looked at in a step: each is a page or two, also where there is nothing to delete."""

MOST = 20_000
"""Rows a slice, however fast they go: what they leave behind is written by one commit."""

Step = Callable[[Conn], int | None]
"""Deletes a few rows and answers how many that was; None when there is nothing more, also when asked again."""
Slice = Step
"""Steps until the time is up. Call it in one write after another, until it answers None."""


def held(step: Step, *, limit: int = MOST, now: Callable[[], float] = time.monotonic) -> Slice:
    """A slice of such steps, of at most about `limit` rows."""

    def run(conn: Conn) -> int | None:
        deleted, until = 0, now() + HELD_S
        while (count := step(conn)) is not None:
            deleted += count
            if deleted >= limit or now() >= until:
                return deleted
        return deleted or None

    return run


def in_turn(steps: Iterable[Step]) -> Step:
    """The steps of the first until it has nothing more, then those of the next."""
    left = iter(steps)
    current = next(left, None)

    def step(conn: Conn) -> int | None:
        nonlocal current
        if current is None:
            return None
        count = current(conn)
        if count is None:
            current = next(left, None)
        return count or 0

    return step


def rows(table: str, *, where: str, values: Sequence[object], limit: int, key: str = "id") -> Step:
    """Deletes what `where` finds, which must stand in an index."""
    found = f"SELECT {key} FROM {table} WHERE {where} LIMIT {limit}"

    def step(conn: Conn) -> int | None:
        return conn.execute(f"DELETE FROM {table} WHERE {key} IN ({found})", values).rowcount or None

    return step
