"""Sends the corpus to an address and tells what came back."""

import re
import socket
import ssl
import struct
import time
from collections import Counter
from collections.abc import Iterable

import attrs
import trio
import trio.lowlevel

from tests.daemon.hostile.corpus import Case, Ending

ANSWER_S = 20.0
"""Longer than any of the server's patience for a request that has begun."""
HESITATION_S = 0.15
"""Before saying that nothing more will come: a server may take that as having left, and would then answer nothing."""
MORE_S = 0.02
"""After an answer, for a second one to a pipelined request."""
ENOUGH_BYTES = 256 * 1024

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]

_STATUS = re.compile(rb"(?:^|\n|\r|\}|>)HTTP/1\.[01] (\d{3})")


@attrs.define(kw_only=True)
class Report:
    """What the cases met. `server_errors` and `unanswered` name cases; `closed` counts those closed without a word."""

    sent: int = 0
    closed: int = 0
    dropped: int = 0
    elapsed_s: float = 0.0
    statuses: Counter[int] = attrs.field(factory=Counter)
    server_errors: list[tuple[str, int]] = attrs.field(factory=list)
    unanswered: list[str] = attrs.field(factory=list)
    unreachable: list[str] = attrs.field(factory=list)
    slowest: list[tuple[float, str]] = attrs.field(factory=list)

    def add(self, case: Case, answer: bytes | None, took_s: float) -> None:
        """Count one case; `answer` None when there was none in time."""
        self.sent += 1
        self.slowest = sorted([*self.slowest, (took_s, case.name)], reverse=True)[:10]
        if answer is None:
            self.unanswered.append(case.name)
            return
        found = [int(status) for status in _STATUS.findall(answer)]
        self.statuses.update(found)
        self.server_errors += [(case.name, status) for status in found if status >= 500]
        if case.ending is Ending.DROP:
            self.dropped += 1
        elif not found:
            self.closed += 1


async def bombard(
    host: str,
    port: int,
    cases: Iterable[Case],
    *,
    concurrency: int = 40,
    tls: ssl.SSLContext | None = None,
) -> Report:
    """Send every case on a connection of its own, `concurrency` at a time. `host` is an IPv4 address."""
    report = Report()
    remaining = iter(cases)
    started_s = time.monotonic()

    async def work() -> None:
        for case in remaining:
            begun_s = time.monotonic()
            try:
                answer = await _send(host, port, case, tls)
            except (OSError, trio.BrokenResourceError):
                report.unreachable.append(case.name)
            else:
                report.add(case, answer, time.monotonic() - begun_s)

    async with trio.open_nursery() as nursery:
        for _ in range(concurrency):
            nursery.start_soon(work)
    report.elapsed_s = time.monotonic() - started_s
    return report


async def _send(host: str, port: int, case: Case, tls: ssl.SSLContext | None) -> bytes | None:
    tcp = trio.SocketStream(trio.socket.socket())
    async with tcp:
        await tcp.socket.connect((host, port))
        if case.ending is Ending.DROP:
            # Linger of zero makes close() a reset.
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream: Stream = tcp
        if tls is not None:
            stream = trio.SSLStream(tcp, tls, server_hostname=host, https_compatible=True)
            await stream.do_handshake()
        answer = bytearray()
        with trio.move_on_after(ANSWER_S) as patience:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_speak, stream, tcp, case)
                if case.ending is not Ending.DROP:
                    await _hear(stream, answer)
                    nursery.cancel_scope.cancel()
        return None if patience.cancelled_caught and not answer else bytes(answer)


async def _speak(stream: Stream, tcp: trio.SocketStream, case: Case) -> None:
    try:
        for chunk in case.chunks:
            await stream.send_all(chunk)
            await trio.lowlevel.checkpoint()
        if case.ending is Ending.EOF:
            await trio.sleep(HESITATION_S)
            await tcp.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
        return


async def _hear(stream: Stream, answer: bytearray) -> None:
    """Read until the end, or until an answer is followed by silence."""
    while len(answer) < ENOUGH_BYTES:
        with trio.move_on_after(MORE_S if _STATUS.search(answer) else float("inf")) as silence:
            try:
                data = await stream.receive_some()
            except trio.BrokenResourceError:
                return
            if not data:
                return
            answer += data
        if silence.cancelled_caught:
            return
