"""What the tests of checks share: an authority, an environment that may reach loopback, and a caller with a timeout."""

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from asura.checks import CHECK_TYPES
from asura.model.monitor import Status
from asura.model.observation import Outcome
from asura.netguard import Guard
from asura.protocols.attempt import NOTHING, Env, Keep, Stopwatch
from asura.protocols.contexts import TlsContexts

Check = Callable[..., Awaitable[Outcome]]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Whom the checks under test trust."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def env(ca_file: str) -> Env:
    return Env(guard=Guard(allowed_networks=["127.0.0.1", "127.0.0.3", "::1"]), tls=TlsContexts(cafile=ca_file))


@pytest.fixture
def check(env: Env) -> Check:
    """Check once as the checker does: `await check("http", url, timeout_s=…, **settings)`."""

    async def once(
        kind: str,
        target: str,
        *,
        timeout_s: float = 5.0,
        env: Env = env,
        keep: Keep = NOTHING,
        **settings: Any,
    ) -> Outcome:
        check_type = CHECK_TYPES[kind]
        assert check_type.target_problem(target) is None
        attempt = check_type.prepare(target, check_type.settings(**settings), env, keep)
        watch = Stopwatch()
        with trio.move_on_after(timeout_s):
            return await attempt(watch)
        return Outcome(status=Status.DOWN, message=watch.story(timeout_s), timings=watch.timings())

    return once


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context
