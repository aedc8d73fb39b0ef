"""Quart as this daemon needs it: the base that the API's app is made from.

Three things of Quart-Trio 0.12 are changed. A response that is being finished isn't cancelled by
`http.disconnect` (with hypercorn that cost keep-alive its timeout and left connections open). A plain function
runs where it is called instead of in a thread: ours do no I/O, and a hop costs more than most requests. And
there is no time limit on sending, which would end every event stream after a minute: the listener limits each
write instead.
"""

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes
from quart.utils import encode_headers
from quart.wrappers import Request, Response
from quart.wrappers.response import DataBody
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection

P = ParamSpec("P")
T = TypeVar("T")


class HttpConnection(TrioASGIHTTPConnection):
    """One request and its response. The handler is cancelled if the client leaves before the response's end."""

    _is_finishing = False

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer the request."""

        async def tell(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.body" and not message["more_body"]:
                self._is_finishing = True
            await send(message)

        request = self._create_request_from_scope(send)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, nursery.cancel_scope, request, receive)
            await self._send_response(tell, await self.app.handle_request(request))
            nursery.cancel_scope.cancel()

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        body = response.response if isinstance(response, Response) else None
        if not isinstance(body, DataBody):
            await super()._send_response(send, response)
            return
        headers = encode_headers(response.headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        # Quart would send the body as one message and the end as another.
        await send({"type": "http.response.body", "body": body.data[body.begin : body.end], "more_body": False})

    async def _watch(self, scope: trio.CancelScope, request: Request, receive: ASGIReceiveCallable) -> None:
        await ASGIHTTPConnection.handle_messages(self, request, receive)
        if not self._is_finishing:
            scope.cancel()


class AsuraApp(QuartTrio):
    """A Quart app with limits. Handlers are coroutines; plain functions among its hooks must not block."""

    asgi_http_class = HttpConnection

    def __init__(self, import_name: str, *, max_body_bytes: int, body_timeout_s: float, **options: Any) -> None:
        super().__init__(import_name, **options)
        self.config["MAX_CONTENT_LENGTH"] = max_body_bytes
        self.config["BODY_TIMEOUT"] = body_timeout_s
        self.config["RESPONSE_TIMEOUT"] = None

    def sync_to_async(self, func: Callable[P, T]) -> Callable[P, Awaitable[T]]:
        """`func` as a coroutine function that runs it in the same thread."""

        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            return func(*args, **kwargs)

        return run
