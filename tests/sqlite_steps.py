"""What a query costs in SQLite's own steps, which no busy machine changes."""

from collections.abc import Callable

from asura.store.database import Conn


def steps_of(conn: Conn, ask: Callable[[], object]) -> int:
    """How many instructions of its virtual machine SQLite ran meanwhile: some ten for every row that it looks at."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    conn.set_progress_handler(step, 1)
    try:
        ask()
    finally:
        conn.set_progress_handler(None, 0)
    return count
