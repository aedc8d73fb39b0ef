"""The ping check: ICMP echo requests over IPv4 or IPv6, and how many of them came back in time."""

import errno
import math
import secrets
import socket
from collections.abc import Sequence
from ipaddress import IPv6Address
from time import perf_counter

import attrs
import trio
from trio.lowlevel import wait_readable

from asura.checks.base import CheckType, TargetField
from asura.errors import OwnFailure, TargetRefused
from asura.fields import between, one_of
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import Address, ResolveError, literal_address
from asura.protocols.attempt import NOTHING, Attempt, Env, Fault, Keep, Stopwatch, down, shortened
from asura.protocols.connection import connect_words
from asura.protocols.icmp_socket import EchoSocket, Refusal, Reply, open_socket
from asura.protocols.icmp_wire import TOKEN_BYTES
from asura.protocols.target import parse_host

IP_VERSIONS = ("auto", "4", "6")
_FAMILIES = {"auto": 0, "4": int(socket.AF_INET), "6": int(socket.AF_INET6)}
MAX_COUNT = 20
MAX_PAYLOAD_BYTES = 65_000
"""With its headers a packet has to fit into 65,535."""
MAX_HOST_CHARS = 300

GAP_S = 0.2
"""Between two packets: what ping(8) permits everybody, and enough that one full queue doesn't lose them all."""
RESERVE_S = 0.1
"""Before the caller's deadline what has come is judged, or a tenth of the time where there is little."""
DEFAULT_WAIT_S = 10.0
"""For a caller who sets no deadline."""
READS_AT_ONCE = 32
"""Packets read before other tasks have their turn."""
MAX_STRAYS = 1000
"""Packets that answer none of ours. A flood of them would cost a core until the timeout."""


@attrs.frozen(kw_only=True)
class IcmpSettings:
    """How many packets are sent, how large they are, and how many of them may be lost."""

    count: int = attrs.field(
        default=3,
        validator=between(1, MAX_COUNT),
        metadata={"label": "Packets", "help": "Sent in each check, a fifth of a second apart."},
    )
    max_loss_percent: int = attrs.field(
        default=99,
        validator=between(0, 99, "%"),
        metadata={
            "label": "Tolerated loss",
            "help": "Down when more than this is lost, and degraded when anything is. 99: down only when all are lost.",
            "unit": "%",
        },
    )
    packet_size: int = attrs.field(
        default=56,
        validator=between(TOKEN_BYTES, MAX_PAYLOAD_BYTES, "bytes"),
        metadata={
            "group": "Connection",
            "label": "Packet size",
            "help": "Of the payload, without the headers of ICMP (8 bytes) and IP.",
            "unit": "bytes",
        },
    )
    ip_version: str = attrs.field(
        default="auto",
        validator=one_of(IP_VERSIONS),
        metadata={
            "group": "Connection",
            "label": "IP version",
            "help": "auto takes the first address to which this machine has a route.",
            "choices": IP_VERSIONS,
        },
    )


def target_problem(target: str) -> str | None:
    """What is wrong with a host, or None."""
    try:
        _parse(target)
    except ValueError as exc:
        return str(exc)
    return None


def _parse(target: str) -> str:
    if len(target) > MAX_HOST_CHARS or any(c.isspace() for c in target):
        raise ValueError("must be a host name or an address, without spaces")
    if "/" in target or (target.count(":") == 1 and "[" not in target):
        raise ValueError("must be a host name or an address, without a scheme, port or path")
    if target.startswith("[") != target.endswith("]"):
        raise ValueError("must be an IPv6 address with both brackets or without")
    host = parse_host(target.removeprefix("[").removesuffix("]"))
    address = literal_address(host)
    # The kernel takes ::ffff:192.0.2.1 for IPv4 with TCP, but not with ICMP.
    return str(address.ipv4_mapped) if isinstance(address, IPv6Address) and address.ipv4_mapped else host


def problems(target: str, settings: IcmpSettings, env: Env) -> dict[str, str]:
    """What doesn't go together, or isn't permitted on this machine."""
    found: dict[str, str] = {}
    address = literal_address(_parse(target))
    if address is not None:
        version = str(address.version)
        if settings.ip_version not in ("auto", version):
            found["settings.ip_version"] = f"must be auto or {version}, because the target is an IPv{version} address"
    try:
        open_socket(_FAMILIES[settings.ip_version] or socket.AF_INET).close()
    except OwnFailure as exc:
        found["type"] = f"can't be used: {exc}"
    except OSError:
        pass  # no IPv6 here, perhaps; a check says so
    return found


def hosts(target: str, settings: IcmpSettings) -> dict[str, str]:
    """Whom the packets are sent to."""
    return {"target": _parse(target)}


def prepare(target: str, settings: IcmpSettings, env: Env, keep: Keep = NOTHING) -> Attempt:
    """Make a check of `target` ready.

    Raises ValueError: the target has a problem.
    """
    return _Plan(env=env, host=_parse(target), settings=settings).attempt


@attrs.frozen(kw_only=True)
class _Plan:
    """A check, made ready."""

    env: Env
    host: str
    settings: IcmpSettings

    async def attempt(self, watch: Stopwatch) -> Outcome:
        """One check. See `base.Attempt`."""
        try:
            watch.skip(to="dns")
            addresses = await self.env.guard.resolve(self.host, 0, family=_FAMILIES[self.settings.ip_version])
            if addresses[0].ip != self.host:
                watch.done("dns")
            echo = self._open(addresses, watch)
            try:
                series = _Series(echo=echo, shown=self._shown(echo.address), watch=watch)
                await series.run(self.settings.count)
            finally:
                echo.close()
        except (Fault, TargetRefused, ResolveError) as exc:
            return down(exc, watch)
        return judged(series, max_loss_percent=self.settings.max_loss_percent, watch=watch)

    def _open(self, addresses: Sequence[Address], watch: Stopwatch) -> EchoSocket:
        """A socket to the first address that there is a route to."""
        fault = Fault(f"{self.host} has no address")
        for address in addresses:
            try:
                return EchoSocket(address, payload_bytes=self.settings.packet_size)
            except OSError as exc:
                fault = Fault(f"ping to {self._shown(address)} {_words(exc)} after {watch.elapsed_ms()} ms")
        if len(addresses) > 1:
            raise Fault(f"{fault} ({len(addresses)} addresses tried)")
        raise fault

    def _shown(self, address: Address) -> str:
        return address.ip if self.host.partition("%")[0] == address.ip else f"{self.host} ({address.ip})"


def _words(exc: OSError) -> str:
    if exc.errno == errno.EINVAL:
        return "failed, the route to it is a black hole,"
    return connect_words(exc)


@attrs.define(kw_only=True)
class _Series:
    """The packets of one attempt, and what became of each; they count from 0."""

    echo: EchoSocket
    shown: str
    watch: Stopwatch
    sent: list[tuple[int, float]] = attrs.field(factory=list)
    """When, by the wall clock (ns) and by `perf_counter` (s)."""
    round_trips_ms: dict[int, float] = attrs.field(factory=dict)
    refusals: dict[int, Refusal] = attrs.field(factory=dict)
    strays: int = 0
    _first: int = attrs.field(factory=lambda: secrets.randbelow(0x10000))
    """The sequence number of packet 0: random, so that errors are hard to forge."""

    async def run(self, count: int) -> None:
        """Send `count` packets, and listen until each is answered or refused, or the time is over.

        Raises Fault: they can't be sent, or the target sends without end. OwnFailure: this machine can't send.
        """
        self.watch.waiting_for = "first_byte"
        if self.watch.talks:
            self.watch.tell("address", self.echo.address.ip)
        now = trio.current_time()
        wait_s = max(0.0, trio.current_effective_deadline() - now)
        wait_s = wait_s if math.isfinite(wait_s) else DEFAULT_WAIT_S
        end = now + wait_s - min(RESERVE_S, wait_s / 10)
        # All are out by half of the time, so that the last has as good a chance as the first.
        gap_s = min(GAP_S, wait_s / 2 / count)
        for left in range(count, 0, -1):
            self._send()
            with trio.move_on_at(min(end, trio.current_time() + gap_s) if left > 1 else end):
                while left > 1 or self._open_packets():
                    await wait_readable(self.echo.sock)
                    self._read()
        # Where this machine is late, replies that came in time may still be in the socket.
        if self._open_packets():
            self._read()

    def _open_packets(self) -> int:
        return len(self.sent) - len(self.round_trips_ms.keys() | self.refusals.keys())

    def _send(self) -> None:
        try:
            self.sent.append(self.echo.send(self._first + len(self.sent) & 0xFFFF))
        except OSError as exc:
            raise Fault(f"ping to {self.shown} {_words(exc)} after {self.watch.elapsed_ms()} ms") from None
        self.watch.note = f"{len(self.round_trips_ms)} of {len(self.sent)} packets answered"

    def _read(self) -> None:
        for _ in range(READS_AT_ONCE):
            try:
                seen = self.echo.receive()
            except BlockingIOError:
                return
            index = -1 if seen is None else seen.sequence - self._first & 0xFFFF
            if seen is None or index >= len(self.sent) or index in self.round_trips_ms:
                self._note_stray()
            elif isinstance(seen, Reply):
                self._take(index, seen)
            elif index in self.refusals:
                self._note_stray()
            else:
                self.refusals[index] = seen
                if self.watch.talks:
                    self.watch.tell("refused", f"packet {index + 1}: {seen.sender} says: {seen.words}")

    def _take(self, index: int, seen: Reply) -> None:
        sent_ns, sent_s = self.sent[index]
        took_ms = (perf_counter() - sent_s) * 1000
        if seen.arrived_ns is not None:
            # The kernel's stamp leaves out how late this process reads. A clock that was set meanwhile spoils it.
            kernel_ms = (seen.arrived_ns - sent_ns) / 1e6
            took_ms = kernel_ms if 0 <= kernel_ms <= took_ms else took_ms
        if not self.round_trips_ms:
            self.watch.done("first_byte", then="transfer")
        self.round_trips_ms[index] = took_ms
        self.watch.note = f"{len(self.round_trips_ms)} of {len(self.sent)} packets answered"
        if self.watch.talks:
            whence = f"{seen.size_bytes} bytes from {self.echo.address.ip}"
            self.watch.tell("reply", f"packet {index + 1}: {whence} in {took_ms:.3f} ms")

    def _note_stray(self) -> None:
        self.strays += 1
        if self.strays >= MAX_STRAYS:
            raise Fault(f"{MAX_STRAYS:,} packets that answer no ping of ours came while {self.shown} was pinged")


def judged(series: _Series, *, max_loss_percent: int, watch: Stopwatch) -> Outcome:
    """The outcome of packets that were sent."""
    sent, times_ms = len(series.sent), list(series.round_trips_ms.values())
    lost = sent - len(times_ms)
    loss_percent = lost / sent * 100
    detail: dict[str, float] = {"sent": sent, "received": len(times_ms), "loss_percent": round(loss_percent, 1)}
    average_ms = None
    if times_ms:
        average_ms = sum(times_ms) / len(times_ms)
        figures = {"min_ms": min(times_ms), "avg_ms": average_ms, "max_ms": max(times_ms)}
        detail |= {name: round(figure, 3) for name, figure in figures.items()}
    return Outcome(
        status=_status(lost, sent, max_loss_percent),
        message=shortened(_message(series, lost, max_loss_percent, watch)) if lost else "",
        response_ms=None if average_ms is None else round(average_ms) or 1,
        timings=watch.timings(),
        detail=detail,
    )


def _status(lost: int, sent: int, max_loss_percent: int) -> Status:
    if lost == sent or lost * 100 > max_loss_percent * sent:
        return Status.DOWN
    return Status.DEGRADED if lost else Status.UP


def _message(series: _Series, lost: int, max_loss_percent: int, watch: Stopwatch) -> str:
    sent = len(series.sent)
    limit = (
        f", more than the {max_loss_percent} % allowed" if sent > lost and lost * 100 > max_loss_percent * sent else ""
    )
    said = {
        f"{each.sender} says: {each.words}": None
        for index, each in series.refusals.items()
        if index not in series.round_trips_ms
    }
    reasons = f": {'; '.join(said)}" if said else ""
    strays = f" ({series.strays} that came answer no ping of ours)" if series.strays else ""
    took_s = watch.elapsed_ms() / 1000
    took = f"{watch.elapsed_ms()} ms" if took_s < 1 else f"{took_s:.1f} s"
    return f"{lost} of {sent} packets lost to {series.shown} in {took}{limit}{reasons}{strays}"


ICMP = CheckType(
    name="icmp",
    label="Ping",
    about="""\
Pings a host: ICMP echo over IPv4 or IPv6. The packets go out a fifth of a second apart, and replies are waited for
until the timeout. A reply counts when it comes from the address that was asked and carries a random mark of its
request; a second one to the same request doesn't.

- **Up**: every packet was answered.
- **Degraded**: some were lost, but not more than the tolerated loss.
- **Down**: all were lost, or more than is tolerated; or there is no route to the target. What routers on the way say of
  lost packets ("host unreachable") is told in the message.

The response time is the average round trip. It ends when the kernel gets the reply, so a busy monitor doesn't make its
targets look slow.

Pings need a permission. Unprivileged ones are permitted to everybody by the sysctl
`net.ipv4.ping_group_range="0 2147483647"` (for IPv6 as well); it is the simplest way. Else Asura needs `CAP_NET_RAW`:
with `AmbientCapabilities=CAP_NET_RAW` in the systemd unit, which then must have neither `PrivateUsers=` nor an empty
`CapabilityBoundingSet=`, or by `setcap cap_net_raw+ep` on the Python that runs it. Without either the monitor can't be
saved, and one that is there doesn't go down: that the check couldn't be made is told in the log.
""",
    target=TargetField(label="Host", help="A name or an address, without a port.", placeholder="router.example.org"),
    settings=IcmpSettings,
    target_problem=target_problem,
    hosts=hosts,
    prepare=prepare,
    problems=problems,
)
