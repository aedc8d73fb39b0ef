"""A Docker engine's socket, and what it says of containers (Docker Engine API, "Inspect a container")."""

import json
from pathlib import Path
from typing import Any

import trio

from tests.fakes.target import Behaviour, Stream, raw


async def start_engine(nursery: trio.Nursery, path: Path, behaviour: Behaviour) -> str:
    """Listen on a Unix socket until the nursery ends; the setting `host` that leads to it."""
    sock = trio.socket.socket(trio.socket.AF_UNIX)
    await sock.bind(str(path))
    sock.listen(128)

    async def meet(stream: trio.SocketStream) -> None:
        try:
            await behaviour(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            stream.socket.close()

    await nursery.start(trio.serve_listeners, meet, [trio.SocketListener(sock)])
    return f"unix://{path}"


def says(document: object, *, status: int = 200) -> Behaviour:
    """Answer every request with `document`: as it is if it is text, as JSON otherwise."""
    body = document if isinstance(document, str) else json.dumps(document)
    return raw(
        f"HTTP/1.1 {status} Whatever\r\nApi-Version: 1.50\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()
    )


def container(status: str, *, restarts: int = 0, **state: Any) -> dict[str, Any]:
    """A description, with what stands around the parts that matter."""
    return {
        "Id": "aa86eacfb3b3ed4cd362c1e88fc89a53908ad05fb3a4103bca3f9b28292d14bf",
        "Created": "2026-02-24T10:00:00.123456789Z",
        "Path": "nginx",
        "Args": ["-g", "daemon off;"],
        "State": {
            "Status": status,
            "Running": status in ("running", "paused", "restarting"),
            "Paused": status == "paused",
            "Restarting": status == "restarting",
            "OOMKilled": False,
            "Dead": status == "dead",
            "Pid": 1234 if status == "running" else 0,
            "ExitCode": 0,
            "Error": "",
            "StartedAt": "2026-02-24T10:00:01.5Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
            **state,
        },
        "Name": "/web",
        "RestartCount": restarts,
        "Mounts": [],
        "Config": {"Env": ["PASSWORD=hidden"], "Labels": {"a": "b"}},
    }


def health(status: str, *outputs: tuple[int, str], streak: int = 0) -> dict[str, Any]:
    """The `Health` of a state; `outputs` are the exit statuses and outputs of its last checks."""
    log = [
        {"Start": "2026-02-24T10:00:30Z", "End": "2026-02-24T10:00:31Z", "ExitCode": code, "Output": output}
        for code, output in outputs
    ]
    return {"Status": status, "FailingStreak": streak, "Log": log}


async def refuses_to_read(stream: Stream) -> None:
    """Close with the request unread, which resets a Unix socket."""
    await trio.sleep(0.05)
