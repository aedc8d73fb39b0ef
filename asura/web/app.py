"""The app that the listener serves: the interface, the dashboard, and the headers that protect both."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from asura.api import routes
from asura.api.gate import Client, ClientOf
from asura.api.services import Services
from asura.config.live import Live
from asura.web import dashboard, forwarded, headers
from asura.web.asgi import AsuraApp
from asura.web.options import ListenOptions, Network


def build_app(services: Services, *, static: Path = dashboard.STATIC) -> AsuraApp:
    """The whole app for a running daemon."""
    server = services.config.current.server
    app = AsuraApp("asura", max_body_bytes=server.max_body_size, body_timeout_s=_body_timeout_s(), static_folder=None)
    routes.register(app, services, client_of=client_of(services.config))
    dashboard.register(app, base_path=server.base_path, folder=static)
    app.after_request(headers.protect)
    return app


def _body_timeout_s() -> float:
    return ListenOptions(host="", port=0).body_timeout_s


def client_of(config: Live) -> ClientOf:
    """How a request's client is found; a reload of `server.trusted_proxies` counts at once."""

    def find(scope: Mapping[str, Any]) -> Client:
        trusted = _networks(config.current.server.trusted_proxies)
        address = forwarded.client_address(scope, trusted)
        return Client(address=address, scheme=_scheme(scope, trusted))

    return find


@lru_cache(maxsize=4)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


def _scheme(scope: Mapping[str, Any], trusted: tuple[Network, ...]) -> str:
    """The scheme that the client used; a trusted proxy's X-Forwarded-Proto counts."""
    client = scope.get("client")
    if trusted and client and forwarded.is_trusted(forwarded.plain(client[0]), trusted):
        for name, value in scope["headers"]:
            if name.lower() == b"x-forwarded-proto":
                return "https" if value.split(b",")[-1].strip().lower() == b"https" else "http"
    return str(scope["scheme"])
