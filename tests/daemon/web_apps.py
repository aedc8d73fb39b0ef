"""Small apps for the listener's tests, one like the product's own in what it does with requests."""

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import trio
from quart import Response, request
from werkzeug.exceptions import HTTPException

from asura.web.asgi import AsuraApp

MAX_BODY_BYTES = 1024 * 1024


def small_app(*, stopping: trio.Event | None = None) -> AsuraApp:
    """Reads bodies and queries, streams, echoes, waits. Its errors are JSON; what it didn't foresee is a 500."""
    app = AsuraApp("small", max_body_bytes=MAX_BODY_BYTES, body_timeout_s=30)
    release = trio.Event()
    app.extensions["release"] = release

    @app.get("/")
    async def root() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/api/v1/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/v1/monitors")
    async def monitors() -> Any:
        page = request.args.get("page", "1")
        if not (page.isascii() and page.isdigit() and len(page) < 7):
            return {"error": "page must be a number", "code": "bad_query"}, 400
        return {"page": int(page), "q": request.args.get("q", "")}

    @app.post("/api/v1/monitors")
    async def create() -> Any:
        try:
            document = msgspec.json.decode(await request.get_data())
        except (ValueError, RecursionError):  # an invalid byte is a UnicodeDecodeError
            return {"error": "not JSON", "code": "bad_json"}, 400
        return Response(msgspec.json.encode({"kind": type(document).__name__}), 201, content_type="application/json")

    @app.post("/echo")
    async def echo() -> Response:
        return Response(await request.get_data(), content_type="application/octet-stream")

    @app.get("/address")
    async def address() -> dict[str, Any]:
        return {"client": request.scope["client"], "headers": dict(request.headers)}

    @app.get("/wait")
    async def wait() -> dict[str, bool]:
        await release.wait()
        return {"waited": True}

    @app.get("/sleep/<float:seconds>")
    async def sleep(seconds: float) -> dict[str, bool]:
        await trio.sleep(seconds)
        return {"slept": True}

    @app.get("/large/<int:size>")
    async def large(size: int) -> Response:
        return Response(b"x" * size, content_type="application/octet-stream")

    @app.get("/crash")
    async def crash() -> None:
        raise ZeroDivisionError("as asked")

    @app.get("/api/v1/events")
    async def events() -> Any:
        async def stream() -> AsyncIterator[bytes]:
            yield b": hello\n\n"
            if stopping is not None:
                await stopping.wait()
            else:
                await trio.sleep_forever()

        return stream(), 200, {"Content-Type": "text/event-stream"}

    @app.errorhandler(HTTPException)
    async def refuse(error: HTTPException) -> Any:
        return json.dumps({"error": error.name, "code": "refused"}), error.code, {"Content-Type": "application/json"}

    return app


async def bare_app(scope: Any, receive: Any, send: Any) -> None:
    """The least that an ASGI app can be: reads nothing, says ok."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok", "more_body": False})
