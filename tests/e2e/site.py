"""A web site on the loopback that can be taken down and put up again."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server.site  # type: ignore[attr-defined]
        self._answer(200 if site.is_up else 503, site.body if site.is_up else b"broken")

    def do_POST(self) -> None:
        site = self.server.site  # type: ignore[attr-defined]
        site.received.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self._answer(204 if site.is_up else 502, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the requests are the daemon's checks."""


class Site:
    """Answers 200 with `body` while it is up and 503 while it is down; keeps what is posted to it."""

    def __init__(self) -> None:
        self.is_up = True
        self.body = b"hello"
        self.received: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.site = self  # type: ignore[attr-defined]
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="site")
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/health"

    def __enter__(self) -> "Site":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
