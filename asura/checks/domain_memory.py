"""What registries have said, and when each may be asked again. Pure but for the dictionary."""

from collections import OrderedDict
from collections.abc import Hashable

import attrs

from asura.model.monitor import Status
from asura.protocols.registration import Registration

GOOD_S = 6 * 3600.0
"""How long an answer holds by which all is well."""
WARNING_S = 3600.0
"""One that warns: who renews wants to see it soon."""
BAD_S = 600.0
"""One that says down, once it has been given `REPEATS` times."""
FAULT_S = 300.0
"""How long a registry that can't be asked is left alone; the first `REPEATS` times not, if nothing is known yet."""
TOO_OFTEN_S = 1800.0
"""How long one that asks to be left alone is, unless it says how long itself."""
REPEATS = 3
"""So often bad news is asked for anew: several checks in a row confirm a failure, and each should have looked."""
KNOWN_S = 7 * 86_400.0
"""How long the last answer stands in for a registry that can't be asked."""
MAX_KNOWN = 10_000
"""Domains remembered: a few hundred bytes each."""

Key = Hashable
"""The domain and all the settings: what an answer means depends on them."""


@attrs.frozen(kw_only=True)
class Known:
    """What is known of a domain. Moments are monotonic seconds."""

    registration: Registration | None = None
    status: Status | None = None
    """What that meant then."""
    seen_at: float = 0.0
    """When the registry said so."""
    fault: str = ""
    """Why it could not be asked since."""
    repeats: int = 0
    """How often in a row it was asked with the same result."""
    ask_again_at: float = -1.0

    def after_answer(self, found: Registration, *, now_s: float, status: Status) -> "Known":
        """The registry answered, and that means `status`."""
        is_same = self.registration is not None and not self.fault
        repeats = self.repeats + 1 if is_same and self.registration == found else 1
        pause_s = {Status.UP: GOOD_S, Status.DEGRADED: WARNING_S}.get(status, BAD_S if repeats >= REPEATS else 0.0)
        return Known(registration=found, status=status, seen_at=now_s, repeats=repeats, ask_again_at=now_s + pause_s)

    def after_fault(
        self, fault: str, *, now_s: float, is_too_often: bool = False, pause_s: float | None = None
    ) -> "Known":
        """The registry could not be asked."""
        repeats = self.repeats + 1 if self.fault else 1
        wanted_s = TOO_OFTEN_S if is_too_often else FAULT_S
        if self.registration is None and repeats < REPEATS and not is_too_often:
            wanted_s = 0.0
        return attrs.evolve(self, fault=fault, repeats=repeats, ask_again_at=now_s + max(wanted_s, pause_s or 0.0))

    def doubted(self, status: Status, message: str, *, now_s: float) -> tuple[Status, str]:
        """A verdict by an answer that could not be renewed."""
        age_s = now_s - self.seen_at
        note = f"the registry could not be asked again, its last answer is {_age(age_s)} old: {self.fault}"
        if age_s > KNOWN_S and status is Status.UP:
            status = Status.DEGRADED
        return status, f"{message}; {note}" if message else note


class Memory:
    """What is known of each domain; the least recently used is forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Known] = OrderedDict()

    def get(self, key: Key) -> Known:
        """What is known; of a stranger nothing."""
        if key not in self._known:
            return Known()
        self._known.move_to_end(key)
        return self._known[key]

    def put(self, key: Key, known: Known) -> None:
        """Remember."""
        self._known[key] = known
        self._known.move_to_end(key)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()


def _age(seconds: float) -> str:
    if seconds < 7200:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours" if seconds < 172_800 else f"{round(seconds / 86_400)} days"
