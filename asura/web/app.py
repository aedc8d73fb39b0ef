"""The app that the listener serves: the interface, the dashboard, and the headers that protect both."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from asura.api import routes
from asura.api.endpoint import GATE
from asura.api.gate import Client, ClientOf
from asura.api.services import Services
from asura.web import dashboard, forwarded, headers
from asura.web.asgi import AsuraApp
from asura.web.options import ListenOptions, Network
from asura.web.pings import Pings


def build_app(services: Services, *, static: Path = dashboard.STATIC) -> AsuraApp:
    """The whole app for a running daemon."""
    server = services.config.current.server
    trusted = _trusted(services)
    app = AsuraApp("asura", max_body_bytes=server.max_body_size, body_timeout_s=_body_timeout_s(), static_folder=None)
    routes.register(app, services, client_of=client_of(trusted))
    dashboard.register(app, base_path=server.base_path, folder=static)
    app.after_request(headers.protect)
    return app


def build_pings(services: Services, app: AsuraApp) -> Pings:
    """What stands in front of that app, and counts strangers together with it."""
    gate = app.extensions[GATE]
    return Pings(services.intake, gate, services.clock, services.config, trusted=_trusted(services))


def _trusted(services: Services) -> tuple[Network, ...]:
    return tuple(ip_network(each) for each in services.config.current.server.trusted_proxies)


def _body_timeout_s() -> float:
    return ListenOptions(host="", port=0).body_timeout_s


def client_of(trusted: tuple[Network, ...]) -> ClientOf:
    """How a request's client is found, behind proxies in these networks."""

    def find(scope: Mapping[str, Any]) -> Client:
        return Client(address=forwarded.client_address(scope, trusted), scheme=_scheme(scope, trusted))

    return find


def _scheme(scope: Mapping[str, Any], trusted: tuple[Network, ...]) -> str:
    """The scheme that the client used; a trusted proxy's X-Forwarded-Proto counts."""
    client = scope.get("client")
    if trusted and client and forwarded.is_trusted(forwarded.plain(client[0]), trusted):
        for name, value in scope["headers"]:
            if name.lower() == b"x-forwarded-proto":
                return "https" if value.split(b",")[-1].strip().lower() == b"https" else "http"
    return str(scope["scheme"])
