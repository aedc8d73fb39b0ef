"""A supervised part of the daemon, as health shows it."""

import attrs


@attrs.define
class Part:
    """`state` is `starting`, `running`, `restarting` or `stopped`."""

    name: str
    state: str = "starting"
    restarts: int = 0
    last_error: str | None = None
