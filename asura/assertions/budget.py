"""How much work the assertions of one answer may be. Counted, not timed: a busy machine changes no verdict."""

from time import thread_time

STEPS = 200_000
"""A step is about two microseconds in a thread of its own, so all assertions of one answer end within half a second."""
MATCHING = 100_000_000
"""Instructions of a pattern times bytes of a text, of one search: one second where RE2 is at its slowest, which is
when so many alternatives stay open that its automaton doesn't fit into memory. Mostly it is a hundred times faster."""
MATCHING_PER_STEP = 150
"""What a search costs in steps at worst."""
SEARCHING_PER_S = 500_000
"""Steps for a second of searching, which is counted by this thread's own processor time."""


class TooMuchWorkError(Exception):
    """The steps are used up. Says what was going on."""


class Budget:
    """Steps that are left."""

    __slots__ = ("left",)

    def __init__(self, steps: int = STEPS) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Take some.

        Raises TooMuchWorkError: there are no more.
        """
        self.left -= steps
        if self.left < 0:
            raise TooMuchWorkError(f"it took more than {STEPS:,} steps")

    def measure(self, began_s: float) -> None:
        """Take what has been used since `thread_time()` was `began_s`. What comes next is refused, not what is done."""
        self.left -= int((thread_time() - began_s) * SEARCHING_PER_S)
