"""Places for the checks that run at once, so that targets which hang delay only one another.

A check that has run for more than a second hangs. Those may take most places, never all: what is left is for checks
that have just begun, which give their place back within that second. When it is needed and a hanging check sits in
it, that check is broken off and begun anew once there is a place among the hanging; so is, from the start, every
check of a monitor whose last one hung. Must not know what a check is.
"""

import math
from typing import Protocol

import attrs
import trio

HANGS_S = 1.0
"""A check that takes longer waits for its target: a healthy one answers within that, from the other side of the earth
too."""
QUICK_SHARE = 4
"""One place in so many is kept from those that hang. With 4,000 places, 1,000 monitors that have never been checked
may begin in one second before anyone waits, whatever they do."""


class Breakable(Protocol):
    """What ends an attempt at once: its cancel scope."""

    def cancel(self) -> None:
        """End it."""
        ...


@attrs.define(eq=False)
class Place:
    """One check's place, from `take` to `give_back`."""

    hangs: bool
    """It counts among the hanging."""
    keeps: bool = False
    """It is never taken away from its check: somebody waits for the answer, or it was given to one that hangs."""
    began_s: float = 0.0
    attempt: Breakable | None = None
    """What to cancel when the place is needed."""
    was_lost: bool = False
    """It was taken away: the attempt is void, and wants to be made anew."""


@attrs.define(eq=False)
class _Waiter:
    place: Place
    look: trio.Event = attrs.field(factory=trio.Event)
    has_place: bool = False


class Places:
    """`limit` places. Fewer than four are first come, first served: there is nothing to keep free of so few."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._most_hanging = limit - limit // QUICK_SHARE
        self._quick: dict[Place, None] = {}
        """In the order of their beginnings; those that hang by now are moved on when it matters."""
        self._overdue: dict[Place, None] = {}
        """Those that hang and began as quick ones: the latest of them is the first to lose its place."""
        self._keeping = 0
        """Those that hang and stay."""
        self._leaving = 0
        """Those that have lost their place and not yet left it."""
        self._quick_queue: dict[_Waiter, None] = {}
        self._hanging_queue: dict[_Waiter, None] = {}

    @property
    def taken(self) -> int:
        """How many checks run."""
        return len(self._quick) + self._hanging + self._leaving

    @property
    def waiting(self) -> int:
        """How many checks wait for a place."""
        return len(self._quick_queue) + len(self._hanging_queue)

    @property
    def _hanging(self) -> int:
        return len(self._overdue) + self._keeping

    def take_at_once(self, place: Place) -> bool:
        """Take a place if there is one: the way of almost every check, so it gives way to no other task."""
        if self._hanging_queue if place.hangs else self._quick_queue:
            return False
        if not self._has_room(place):
            return False
        self._put(place)
        return True

    async def take(self, place: Place) -> None:
        """Wait for a place, in the order of coming among quick and hanging ones."""
        waiter = _Waiter(place)
        queue = self._hanging_queue if place.hangs else self._quick_queue
        queue[waiter] = None
        try:
            self._settle()
            while not waiter.has_place:
                waiter.look = trio.Event()
                is_first = next(iter(queue)) is waiter  # it keeps the time for those behind it
                with trio.move_on_at(self._next_overdue_s() if is_first and not place.hangs else math.inf):
                    await waiter.look.wait()
                self._settle()
        except BaseException:
            if waiter.has_place:
                self.give_back(place)
            else:
                del queue[waiter]
                self._settle()
                _tell_first(queue)
            raise

    def give_back(self, place: Place) -> None:
        """The check has ended."""
        if place.was_lost:
            self._leaving -= 1
        elif place in self._quick:
            del self._quick[place]
        elif place in self._overdue:
            del self._overdue[place]
        else:
            self._keeping -= 1
        if self._quick_queue or self._hanging_queue:
            self._settle()

    def _has_room(self, place: Place) -> bool:
        return self.taken < self._limit and not (place.hangs and self._hanging >= self._most_hanging)

    def _put(self, place: Place) -> None:
        place.began_s = trio.current_time()
        if place.hangs:
            self._keeping += 1
        else:
            self._quick[place] = None

    def _settle(self) -> None:
        """Note who hangs by now, give what is free, and take away what is needed."""
        self._note_overdue()
        self._serve(self._quick_queue)
        self._serve(self._hanging_queue)
        while self._leaving < len(self._quick_queue) and self._hanging > self._most_hanging and self._overdue:
            place, _ = self._overdue.popitem()
            place.was_lost = True
            self._leaving += 1
            assert place.attempt is not None
            place.attempt.cancel()

    def _note_overdue(self) -> None:
        now_s = trio.current_time()
        while self._quick:
            place = next(iter(self._quick))
            if (
                place.began_s + HANGS_S > now_s
            ):  # the same sum as in `_next_overdue_s`, or rounding might wake for nothing
                return
            del self._quick[place]
            if place.keeps or place.attempt is None:
                self._keeping += 1
            else:
                self._overdue[place] = None

    def _serve(self, queue: dict[_Waiter, None]) -> None:
        while queue:
            waiter = next(iter(queue))
            if not self._has_room(waiter.place):
                return
            del queue[waiter]
            self._put(waiter.place)
            waiter.has_place = True
            waiter.look.set()
            _tell_first(queue)

    def _next_overdue_s(self) -> float:
        return next(iter(self._quick)).began_s + HANGS_S if self._quick else math.inf


def _tell_first(queue: dict[_Waiter, None]) -> None:
    if queue:
        next(iter(queue)).look.set()
