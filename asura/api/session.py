"""Logging in and out with a browser: a key is exchanged for a cookie that no script can read."""

from collections.abc import Sequence

import attrs

from asura import log
from asura.api import auth
from asura.api.auth import Actor
from asura.api.endpoint import Answer, Call, Routes
from asura.api.errors import ApiError
from asura.api.gate import ANY_KEY, ANYBODY, is_loopback_listener
from asura.fields import text

_log = log.get(__name__)

routes = Routes("session", tag="Session")


@attrs.frozen(kw_only=True)
class Login:
    """The key to log in with."""

    api_key: str = attrs.field(repr=False, validator=text(auth.MAX_CREDENTIAL_CHARS))


@attrs.frozen(kw_only=True, slots=False)
class SessionView:
    """Who is logged in. `role` is null for a key with permissions of its own."""

    name: str
    role: str | None
    permissions: Sequence[str]


def _view(actor: Actor) -> SessionView:
    return SessionView(name=actor.name, role=actor.role, permissions=sorted(actor.permissions))


@routes.add(
    "POST",
    "/session",
    needs=ANYBODY,
    summary="Log in",
    body=Login,
    gives=SessionView,
    also={401: "the key is not known", 403: "another site's page sent the request"},
)
async def log_in(call: Call, body: Login) -> Answer:
    """Sets the cookie `asura_session`. After repeated failures an address has to wait."""
    call.gate.refuse_other_sites(call.request, is_proof_needed=False)
    call.gate.refuse_guessers(call.request)
    config = call.services.config.current
    key = auth.find_key(config, body.api_key.strip())
    if key is None:
        call.gate.note_failed_login(call.request)
        _log.warning("login refused", remote_addr=call.gate.client(call.request).address)
        raise ApiError(401, "unauthorized", "this API key is not known here; `asura setup` makes a new one")
    actor = auth.actor_of(key)
    lifetime_s = config.auth.session.lifetime
    token = await call.gate.sessions.open(
        key,
        now_ms=call.now_ms,
        lifetime_s=lifetime_s,
        note=lambda conn: attrs.evolve(call, actor=actor).note(conn, "session.create", resource_name=actor.name),
    )
    return Answer(value=_view(actor), headers={"Set-Cookie": _cookie(call, token, max_age_s=lifetime_s)})


@routes.add("GET", "/session", needs=ANY_KEY, summary="Who am I?", gives=SessionView)
async def read_session(call: Call) -> SessionView:
    """For a session as for a key."""
    assert call.actor is not None
    return _view(call.actor)


@routes.add("DELETE", "/session", needs=ANY_KEY, summary="Log out", status=204)
async def log_out(call: Call) -> Answer:
    """Ends the session that the cookie names; without one there is nothing to end."""
    token = call.request.cookies.get(auth.COOKIE)
    if token and call.actor is not None and call.actor.via == "session":
        await call.gate.sessions.close(token, note=lambda conn: call.note(conn, "session.delete"))
    return Answer(value=None, status=204, headers={"Set-Cookie": _cookie(call, "", max_age_s=0)})


def _cookie(call: Call, token: str, *, max_age_s: int) -> str:
    config = call.services.config.current
    path = config.server.base_path or "/"
    is_secure = not is_loopback_listener(config) or call.gate.client(call.request).scheme == "https"
    secure = "; Secure" if is_secure else ""
    return f"{auth.COOKIE}={token}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}"
