"""One attempt, whatever it speaks: a stopwatch, what attempts share, and how a fault of the target is told.

An attempt sets no overall timeout; its caller does, and asks the stopwatch what there was to see until then.
Whatever a target does becomes an `Outcome`; only a failure of this machine is raised.
"""

from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Literal

import attrs

from asura.errors import TargetRefused
from asura.model.monitor import Status
from asura.model.observation import Certificate, Outcome, Timings
from asura.netguard import Guard
from asura.protocols.certificate import earliest
from asura.protocols.contexts import TlsContexts

MAX_MESSAGE_CHARS = 500
"""A target has its say in messages (where it redirects to), and they are kept."""

MAX_NOTES = 50
"""Lines that a test by hand shows of one attempt."""

Phase = Literal["dns", "connect", "tls", "first_byte", "transfer"]


class Fault(Exception):
    """The target failed, in the words that a person will read. Never leaves an attempt."""

    def __init__(self, message: str, *, chain: Sequence[Certificate] = ()) -> None:
        super().__init__(message)
        self.chain = chain
        """The certificates that were refused."""


class Stopwatch:
    """Times one attempt phase by phase. A phase that comes again (a redirect) adds to the first."""

    __slots__ = ("_ended", "_last", "_seconds", "_start", "note", "notes", "talks", "waiting_for")

    def __init__(self, *, talks: bool = False) -> None:
        self.talks = talks
        """Somebody looks on: `tell` what a person would want to see of the attempt."""
        self.notes: list[tuple[str, str]] = []
        self._start = self._last = perf_counter()
        self._ended: float | None = None
        self._seconds: dict[Phase, float] = {}
        self.waiting_for: Phase | None = None
        """The phase that is running."""
        self.note = ""
        """What has been seen of the answer so far, for the story."""

    def done(self, phase: Phase, *, then: Phase | None = None) -> None:
        """`phase` ends here, and `then` begins."""
        now = perf_counter()
        seconds = self._seconds
        seconds[phase] = seconds[phase] + now - self._last if phase in seconds else now - self._last
        self._last = now
        self.waiting_for = then

    def tell(self, label: str, text: str) -> None:
        """Something of the attempt that a test by hand shows: ("address", "192.0.2.1:443"), ("protocol", "HTTP/2")."""
        if self.talks and len(self.notes) < MAX_NOTES:
            self.notes.append((label, shortened(text)))

    def skip(self, *, to: Phase) -> None:
        """What happened since the last mark belongs to no phase; `to` begins here."""
        self._last = perf_counter()
        self.waiting_for = to

    def stop(self) -> None:
        """The attempt ends here; what follows (asking for the reason of a failure) isn't timed."""
        self._ended = perf_counter()

    def elapsed_ms(self) -> int:
        """Whole milliseconds since the start, at least 1."""
        return _whole_ms((self._ended or perf_counter()) - self._start)

    def phase_ms(self, phase: Phase) -> int | None:
        """How long `phase` took, None when it didn't come to its end."""
        seconds = self._seconds.get(phase)
        return None if seconds is None else _whole_ms(seconds)

    def timings(self) -> Timings:
        """Every phase that came to its end."""
        of = self.phase_ms
        return Timings(
            dns_ms=of("dns"),
            connect_ms=of("connect"),
            tls_ms=of("tls"),
            first_byte_ms=of("first_byte"),
            transfer_ms=of("transfer"),
        )

    def story(self, timeout_s: float) -> str:
        """Why there was no outcome in time: "no answer in 10 s: connected in 31 ms, TLS in 58 ms, then silence"."""
        told = [
            words.format(_duration(self._seconds[phase])) for phase, words in _PAST.items() if phase in self._seconds
        ]
        ending = self.note or _MISSING.get(self.waiting_for, "silence")
        told.append(f"then {ending}" if told else ending)
        what = "no complete answer" if "first_byte" in self._seconds else "no answer"
        return f"{what} in {timeout_s:g} s: {', '.join(told)}"


_PAST: dict[Phase, str] = {
    "dns": "name found in {}",
    "connect": "connected in {}",
    "tls": "TLS in {}",
    "first_byte": "first byte after {}",
}

_MISSING: dict[Phase | None, str] = {
    "dns": "no answer from the name server",
    "connect": "no connection",
    "tls": "no end of the TLS handshake",
    "first_byte": "silence",
    "transfer": "no end of the answer",
}


def _whole_ms(seconds: float) -> int:
    return round(seconds * 1000) or 1


def _duration(seconds: float) -> str:
    return f"{_whole_ms(seconds)} ms" if seconds < 10 else f"{seconds:.1f} s"


@attrs.frozen(kw_only=True)
class Env:
    """What every check shares: what the configuration allows, and what is dear to make."""

    guard: Guard
    tls: TlsContexts
    command_allowlist: tuple[str, ...] = ()
    """Absolute paths of the programs that command monitors may run."""
    command_timeout_s: int = 30
    """The longest that any command may run."""
    docker_sockets: tuple[str, ...] = ()
    """Paths of Unix sockets that docker monitors may open beside the usual ones."""


@attrs.frozen(kw_only=True)
class Keep:
    """What of an answer is wanted beyond the verdict. What nobody asked for isn't kept, so that memory stays small."""

    headers: bool = False
    body: bool = False


NOTHING = Keep()

Attempt = Callable[[Stopwatch], Awaitable[Outcome]]
"""One check, made ready: sets no timeout, can be cancelled anywhere, leaves nothing behind.

Raises OwnFailure: this machine couldn't check.
"""


def shortened(message: str) -> str:
    """A message of at most `MAX_MESSAGE_CHARS`."""
    return message if len(message) <= MAX_MESSAGE_CHARS else f"{message[: MAX_MESSAGE_CHARS - 1]}…"


def down(exc: Exception, watch: Stopwatch) -> Outcome:
    """The target failed by `exc` before it answered anything."""
    chain = exc.chain if isinstance(exc, Fault) else ()
    return Outcome(
        status=Status.DOWN,
        message=shortened(str(exc)),
        timings=watch.timings(),
        cert_expires_at=earliest(chain),
        chain=chain,
        is_refused=isinstance(exc, TargetRefused),
    )
