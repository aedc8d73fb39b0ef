"""Whether Asura works, for load balancers and for people who can't log in."""

import attrs

from asura import __version__
from asura.api.endpoint import Answer, Call, Routes
from asura.api.gate import ANYBODY

routes = Routes("health", tag="System")


@attrs.frozen(kw_only=True, slots=False)
class Health:
    """Up and able to record what it sees."""

    status: str = attrs.field(metadata={"choices": ["ok", "failing"]})
    version: str
    uptime_seconds: int


@attrs.frozen(kw_only=True, slots=False)
class Failing(Health):
    """What isn't well; details stand in the log and, for who may see them, under /system."""

    reason: str
    error: str
    code: str


@routes.add(
    "GET",
    "/health",
    needs=ANYBODY,
    summary="Is Asura well?",
    gives=Health,
    also={503: "a part of the daemon is down, the store can't commit, or Asura is stopping; `status` is `failing`"},
    is_always_open=True,
)
async def health(call: Call) -> Answer:
    """503 while a part of the daemon is down or the store can't commit."""
    uptime_s = max(0, call.now_ms - call.services.started_at_ms) // 1000
    reason = _trouble(call)
    if reason is None:
        return Answer(value=Health(status="ok", version=__version__, uptime_seconds=uptime_s))
    failing = Failing(
        status="failing", version=__version__, uptime_seconds=uptime_s, reason=reason, error=reason, code="failing"
    )
    return Answer(value=failing, status=503, headers={"Retry-After": "10"})


def _trouble(call: Call) -> str | None:
    if call.services.stopping.is_set():
        return "Asura is stopping"
    down = [part.name for part in call.services.health() if part.state in ("restarting", "stopped")]
    if down:
        return f"Not running: {', '.join(down)}; the log says why"
    if not call.services.store.facts().healthy:
        return "The database can't commit; the log says why"
    return None
