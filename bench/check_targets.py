"""What the checks of the benchmark are made against: one small server a type, each costing as little as it can.

They run in a process of their own, so that the figures are those of the checks.
"""

import base64
import hashlib
import multiprocessing
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import trustme

ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nContent-Length: 1024\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nConnection: close\r\nCache-Control: no-store\r\n"
    b"X-Frame-Options: DENY\r\n\r\n"
) + bytes(1024)
CONTAINER = b'{"State": {"Status": "running", "Running": true, "Health": {"Status": "healthy"}}, "Name": "/web"}'
DOCKER_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(CONTAINER),
    CONTAINER,
)
CONNACK = b"\x20\x02\x00\x00"
DNS_ANSWER = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
"""A record 192.0.2.1 of the name in the question."""
WEBSOCKET_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TLS_THREADS = 4
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{
  access_log off; ssl_certificate target.pem; ssl_certificate_key target.pem; keepalive_timeout 0;
  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
  server {{ listen 127.0.0.1:{port} ssl http2; location / {{ return 200 "{body}"; }} }}
}}
"""

Meet = Callable[[socket.socket], None]


@attrs.frozen(kw_only=True)
class Places:
    """Where the targets listen."""

    plain: int
    tls: int
    dns: int
    websocket: int
    mqtt: int
    grpc: int
    http2: int | None
    """Where nginx speaks HTTP/2, if it is installed."""
    docker: str
    """The path of a Unix socket."""
    ca_file: str


def _http(sock: socket.socket) -> None:
    if sock.recv(65_536):
        sock.sendall(ANSWER)


def _docker(sock: socket.socket) -> None:
    if sock.recv(65_536):
        sock.sendall(DOCKER_ANSWER)


def _mqtt(sock: socket.socket) -> None:
    if sock.recv(65_536):
        sock.sendall(CONNACK)
        sock.recv(65_536)


def _websocket(sock: socket.socket) -> None:
    request = sock.recv(65_536)
    lines = request.split(b"\r\n")
    key = next(line.split(b": ", 1)[1] for line in lines if line.lower().startswith(b"sec-websocket-key:"))
    accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_KEY).digest())
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x81\x05hello"
    )
    sock.recv(65_536)


def _serve(listener: socket.socket, meet: Meet, context: ssl.SSLContext | None = None) -> None:
    """Meet every connection on `listener`, one at a time."""
    while True:
        sock, _ = listener.accept()
        try:
            if context is not None:
                sock = context.wrap_socket(sock, server_side=True)
            meet(sock)
        except (OSError, StopIteration):
            pass
        finally:
            sock.close()


def _serve_dns(sock: socket.socket) -> None:
    while True:
        query, peer = sock.recvfrom(4096)
        end = query.index(b"\0", 12) + 5
        counts = b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
        sock.sendto(query[:2] + counts + query[12:end] + DNS_ANSWER, peer)


def _run(listeners: dict[str, socket.socket], pem: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    meets: dict[str, Meet] = {"plain": _http, "websocket": _websocket, "mqtt": _mqtt, "docker": _docker}
    tasks = [(_serve, (listeners[name], meet)) for name, meet in meets.items()]
    tasks += [(_serve, (listeners["tls"], _http, context))] * TLS_THREADS
    for function, arguments in tasks:
        threading.Thread(target=function, args=arguments, daemon=True).start()
    _serve_dns(listeners["dns"])


@contextmanager
def serving(folder: Path) -> Iterator[Places]:
    """Serve every type until the block ends. `folder` holds certificates and the Unix socket."""
    authority = trustme.CA()
    pem, ca_file, docker = folder / "target.pem", folder / "ca.pem", folder / "docker.sock"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(ca_file))
    listeners = {
        name: socket.create_server(("127.0.0.1", 0), backlog=1024) for name in ("plain", "tls", "websocket", "mqtt")
    }
    listeners["dns"] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listeners["dns"].bind(("127.0.0.1", 0))
    listeners["docker"] = socket.socket(socket.AF_UNIX)
    listeners["docker"].bind(str(docker))
    listeners["docker"].listen(1024)
    process = multiprocessing.get_context("fork").Process(target=_run, args=(listeners, str(pem)), daemon=True)
    process.start()
    ports = {name: each.getsockname()[1] for name, each in listeners.items() if name != "docker"}
    try:
        with _grpc() as grpc_port, _nginx(folder) as http2_port:
            yield Places(**ports, grpc=grpc_port, http2=http2_port, docker=str(docker), ca_file=str(ca_file))
    finally:
        process.terminate()
        process.join()
        for each in listeners.values():
            each.close()


@contextmanager
def _grpc() -> Iterator[int]:
    """grpcio's own health service, the same that real servers use."""
    port = _free_port()
    server = Path(__file__).parents[1] / "tests" / "fakes" / "grpc_server.py"
    with _running([sys.executable, str(server), str(port)], port):
        yield port


@contextmanager
def _nginx(folder: Path) -> Iterator[int | None]:
    """HTTP/2 over TLS, with the certificate in `folder`."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        yield None
        return
    port = _free_port()
    (folder / "nginx.conf").write_text(NGINX.format(port=port, body="x" * 1024))
    with _running([program, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"], port):
        yield port


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def _running(argv: list[str], port: int) -> Iterator[None]:
    """A program, from when it listens on `port` until the block ends."""
    process = subprocess.Popen(argv)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{argv[0]} did not start") from None
        yield
    finally:
        process.terminate()
        process.wait()
