"""A webhook receiver on a real loopback socket: it records what arrives, verifies signatures and answers as told."""

import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import attrs
import h11
import trio


@attrs.frozen(kw_only=True)
class Answer:
    """What a request gets. `hold` keeps the answer back until it is set; `drop` closes the connection instead."""

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    hold: trio.Event | None = None
    drop: bool = False
    unread: bool = False
    """Accept the connection, and never read from it."""


OK = Answer()
DROP = Answer(drop=True)
UNREAD = Answer(unread=True)


def hang() -> Answer:
    """An answer that never comes."""
    return Answer(hold=trio.Event())


@attrs.frozen(kw_only=True)
class Received:
    """A request as it came. Header names are in lower case; `at` is trio's clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def event(self) -> str:
        """What the document tells of."""
        return str(self.document["event"])

    @property
    def key(self) -> str:
        """The delivery's idempotency key."""
        return self.headers["x-asura-delivery"]

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is right for the raw body."""
        wanted = "sha256=" + hmac.new(secret.encode(), self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(self.headers.get("x-asura-signature", ""), wanted)


class Receiver:
    """A running receiver. `answers` are used up one by one; then it is `otherwise`."""

    def __init__(self, *, port: int, secret: str) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/hook"
        self.secret = secret
        self.received: list[Received] = []
        self.wrongly_signed: list[Received] = []
        self.answers: deque[Answer] = deque()
        self.otherwise = OK
        self.connections = 0
        self._changed = trio.Event()

    @property
    def events(self) -> list[str]:
        """The event of each request, in the order of arrival."""
        return [each.event for each in self.received]

    @property
    def keys(self) -> list[str]:
        """The idempotency key of each request, in the order of arrival."""
        return [each.key for each in self.received]

    async def wait_for(self, count: int, *, limit_s: float = 20) -> list[Received]:
        """Wait until `count` requests have come."""
        with trio.fail_after(limit_s):
            while len(self.received) < count:
                await self._changed.wait()
        return self.received

    async def wait_for_connections(self, count: int, *, limit_s: float = 20) -> None:
        """Wait until `count` connections have been accepted, whatever came over them."""
        with trio.fail_after(limit_s):
            while self.connections < count:
                await self._changed.wait()

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one connection, request after request."""
        self.connections += 1
        self._tell()
        connection = h11.Connection(h11.SERVER)
        try:
            async with stream:
                if self.answers and self.answers[0].unread:
                    self.answers.popleft()
                    await trio.sleep_forever()
                if not self.answers and self.otherwise.unread:
                    await trio.sleep_forever()
                while (request := await _read(connection, stream)) is not None:
                    if not await self._answer(request, connection, stream):
                        return
                    connection.start_next_cycle()
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.ProtocolError):
            return

    async def _answer(self, request: Received, connection: h11.Connection, stream: trio.SocketStream) -> bool:
        answer = self.answers.popleft() if self.answers else self.otherwise
        if self.secret and not request.is_signed_with(self.secret):
            self.wrongly_signed.append(request)
            answer = Answer(status=401, body=b"wrong signature")
        self.received.append(request)
        self._tell()
        if answer.hold is not None:
            await answer.hold.wait()
        if answer.drop:
            return False
        headers = [(name, value) for name, value in answer.headers.items()]
        headers.append(("Content-Length", str(len(answer.body))))
        out = connection.send(h11.Response(status_code=answer.status, headers=headers)) or b""
        out += connection.send(h11.Data(data=answer.body)) or b""
        out += connection.send(h11.EndOfMessage()) or b""
        await stream.send_all(out)
        return bool(connection.our_state is h11.DONE and connection.their_state is h11.DONE)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


async def _read(connection: h11.Connection, stream: trio.SocketStream) -> Received | None:
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive_some())
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return Received(
                method=head.method.decode(),
                path=head.target.decode(),
                headers={name.decode(): value.decode() for name, value in head.headers},
                body=body,
                at=trio.current_time(),
            )
        else:
            return None


@asynccontextmanager
async def open_receiver(*, port: int = 0, secret: str = "") -> AsyncIterator[Receiver]:
    """A receiver on a free port, or on `port`. With a `secret`, what is not signed with it is answered 401."""
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    receiver = Receiver(port=listeners[0].socket.getsockname()[1], secret=secret)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, receiver.serve, listeners)
        try:
            yield receiver
        finally:
            nursery.cancel_scope.cancel()
