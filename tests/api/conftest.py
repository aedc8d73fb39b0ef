"""The interface as clients meet it: the real listener on loopback, a real store, httpx at the other end."""

import hashlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import trio

from asura.api.services import Services
from asura.checker.service import Checker
from asura.clock import SystemClock
from asura.config.access import Role
from asura.config.live import Live
from asura.config.schema import ApiKey, Auth, Config, Server
from asura.daemon import pipeline
from asura.heartbeats.intake import Intake
from asura.live import Hub
from asura.model.part import Part
from asura.netguard import Guard
from asura.protocols.attempt import Env
from asura.protocols.contexts import TlsContexts
from asura.store.database import StoreOptions, open_store
from asura.web.app import build_app, build_pings
from asura.web.listener import listen
from asura.web.options import ListenOptions
from tests.api import contract

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Shared by all clients, which would otherwise read the trust store each."""
NO_LIMITS: Mapping[str, Any] = {}
KEYS = {"admin": "ak_" + "a" * 40, "reader": "ak_" + "r" * 40, "bot": "ak_" + "b" * 40}


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def config_with(**server: Any) -> Config:
    """A configuration with three keys: an admin, a reader, and a bot that may only handle incidents."""
    server = {"rate_limit_per_sec": 0, **server}
    return Config(
        server=Server(**server),
        auth=Auth(
            api_keys=(
                ApiKey(name="admin", hash=_hash(KEYS["admin"]), role=Role.ADMIN),
                ApiKey(name="reader", hash=_hash(KEYS["reader"]), role=Role.READONLY),
                ApiKey(name="bot", hash=_hash(KEYS["bot"]), permissions=("incidents.read", "incidents.write")),
            )
        ),
    )


@attrs.frozen(kw_only=True)
class Api:
    """A running interface and what stands behind it."""

    url: str
    services: Services
    stopping: trio.Event
    open_client: Callable[..., httpx.AsyncClient]
    admin: httpx.AsyncClient
    reader: httpx.AsyncClient
    bot: httpx.AsyncClient
    stranger: httpx.AsyncClient


@asynccontextmanager
async def serving(
    folder: Path,
    config: Config,
    *,
    static: Path | None = None,
    parts: Sequence[Part] = (),
    limits: Mapping[str, Any] = NO_LIMITS,
) -> AsyncIterator[Api]:
    """The whole interface for a configuration; `limits` are the listener's."""
    hub, clock, live, stopping = Hub(), SystemClock(), Live(config), trio.Event()
    guard, tls = Guard(allow_private=True), TlsContexts()

    def env() -> Env:
        return Env(guard=guard, tls=tls, command_allowlist=("/bin/echo",), docker_sockets=("/run/test.sock",))

    async with open_store(StoreOptions(path=folder / "asura.db"), hub=hub) as store, trio.open_nursery() as nursery:
        intake = Intake(store, clock, base_url=lambda: "http://asura.test")
        await nursery.start(intake.run)
        services = Services(
            store=store,
            hub=hub,
            clock=clock,
            config=live,
            checker=Checker(env=env, clock=clock, max_concurrent=10),
            intake=intake,
            record=pipeline.recorder(store, clock, base_url=lambda: "http://asura.test"),
            guard=lambda: guard,
            env=env,
            health=lambda: parts or [Part(name="scheduler", state="running")],
            stopping=stopping,
            started_at_ms=clock.now_ms(),
            base_url=lambda: "http://asura.test",
        )
        app = build_app(services, **({} if static is None else {"static": static}))
        pings = build_pings(services, app)
        options = ListenOptions(host="127.0.0.1", port=0, **{"shutdown_timeout_s": 2, **limits})

        async def serve(*, task_status: trio.TaskStatus[list[str]]) -> None:
            await listen(app, options, pings=pings, stopping=stopping, task_status=task_status)
            intake.close()

        [url] = await nursery.start(serve)
        hooks = {"response": [contract.check]}
        open_client = partial(
            httpx.AsyncClient, base_url=url, trust_env=False, timeout=10, event_hooks=hooks, verify=NO_TLS
        )
        clients = {name: open_client(headers={"X-API-Key": key}) for name, key in KEYS.items()}
        async with clients["admin"], clients["reader"], clients["bot"], open_client() as stranger:
            yield Api(
                url=url, services=services, stopping=stopping, open_client=open_client, stranger=stranger, **clients
            )
        stopping.set()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """The interface with its usual configuration, and no limit on strangers."""
    async with serving(tmp_path, config_with()) as running:
        yield running


@pytest.fixture
def monitor() -> dict[str, Any]:
    """A document that needs nothing else."""
    return {"name": "Site", "type": "http", "target": "https://example.org/"}
