"""One client's connection: hypercorn's TCPServer with its guards put in.

As it comes, hypercorn starts and cancels a task for each idle spell, reads on behalf of the app through a queue,
and shields its writes from everything, so that one client that doesn't read can hold up the end of the process.
Here the connection's own task reads, runs the app and writes; every wait has a deadline; and what a client does
can end its connection but nothing else. Look at this module again with each release of hypercorn.
"""

import ssl

import trio
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, LifespanState

from asura.web.http1 import Http1
from asura.web.options import ListenOptions
from asura.web.pings import Pings

WRITE_BYTES = 64 * 1024
"""What one write deadline covers: 30 s for this much is 2 kB/s, less than any line still in use gives."""
CLOSE_S = 1.0
"""For TLS's good-bye, which a client that doesn't read would never take."""

Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class Connection(TCPServer):
    """Serves one connection until either side has had enough. Whoever accepted the stream closes it for good."""

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        state: LifespanState,
        stream: Stream,
        *,
        options: ListenOptions,
        pings: Pings | None = None,
        client: tuple[str, int],
        server: tuple[str, int],
    ) -> None:
        super().__init__(app, config, context, state, stream)  # type: ignore[arg-type]
        self.options = options
        self.pings = pings
        self.client = client
        self.server = server
        self.is_stopping = False
        self.idle_since_s: float | None = trio.current_time()
        """Since when nothing has been asked of us, on trio's clock; None while a request runs."""
        self._patience = trio.CancelScope()
        """What is waited for only as long as the connection goes on."""

    async def run(self) -> None:
        """Handshake, requests, close."""
        is_tls = isinstance(self.stream, trio.SSLStream)
        if is_tls and not await self._handshake():
            return
        await Http1(self, is_tls=is_tls).serve()
        with trio.move_on_after(CLOSE_S):
            await self.stream.aclose()

    def stop(self) -> None:
        """Take no further request: close now if none is running, else after it."""
        self.is_stopping = True
        self._patience.cancel()

    async def read_in_time(self, size: int, *, deadline_s: float) -> bytes | None:
        """Some bytes; none at the end; None when time is up or the connection should stop."""
        with trio.CancelScope(deadline=deadline_s) as self._patience:
            if self.is_stopping:
                return None
            return await self.read(size)
        return None

    async def read(self, size: int) -> bytes:
        """Up to `size` bytes; none when the client has closed or broken the connection."""
        try:
            return bytes(await self.stream.receive_some(size))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return b""

    async def write(self, data: bytes | bytearray) -> bool:
        """Send all of `data`; False, and the connection is of no more use, when the client doesn't take it."""
        with memoryview(data) as view:
            for start in range(0, len(view), WRITE_BYTES):
                with trio.move_on_after(self.options.write_timeout_s) as scope:
                    try:
                        await self.stream.send_all(view[start : start + WRITE_BYTES])
                    except (trio.BrokenResourceError, trio.ClosedResourceError):
                        return False
                if scope.cancelled_caught:
                    return False
        return True

    async def drain(self, *, max_bytes: int, longest_s: float) -> None:
        """Take and drop what a client that has its answer goes on sending, until it stops for a while or for good."""
        end_s = trio.current_time() + longest_s
        while max_bytes > 0:
            deadline_s = min(end_s, trio.current_time() + self.options.linger_s)
            data = await self.read_in_time(WRITE_BYTES, deadline_s=deadline_s)
            if not data:
                return
            max_bytes -= len(data)

    async def linger(self) -> None:
        """Let a client that is still sending read our last answer.

        Closing with bytes unread makes the kernel send a reset, and that can take the answer from the client's
        buffer. RFC 9112 §9.6.
        """
        with trio.move_on_after(self.options.linger_s):
            if isinstance(self.stream, trio.SocketStream):
                try:
                    await self.stream.send_eof()
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return
            while await self.read(WRITE_BYTES):
                pass

    async def _handshake(self) -> bool:
        with trio.CancelScope(deadline=trio.current_time() + self.options.handshake_timeout_s) as self._patience:
            if self.is_stopping:
                return False
            try:
                await self.stream.do_handshake()
            except (trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
                return False
            return True
        return False
