"""Every resource, and how an app is given them."""

from functools import cache

import msgspec
from quart import Quart, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from asura.api import (
    audit,
    certificates,
    contents,
    cors,
    errors,
    events,
    health,
    heartbeats,
    history,
    incidents,
    monitor_actions,
    monitors,
    notifications,
    numbers,
    openapi,
    overview,
    pings,
    reference,
    session,
    system,
    types,
)
from asura.api.endpoint import GATE, SERVICES, IdConverter, Routes
from asura.api.gate import ClientOf, Gate
from asura.api.services import Services

ALL: tuple[Routes, ...] = (
    health.routes,
    session.routes,
    overview.routes,
    events.routes,
    monitors.routes,
    monitor_actions.routes,
    history.routes,
    numbers.routes,
    contents.routes,
    certificates.routes,
    heartbeats.routes,
    incidents.routes,
    notifications.routes,
    types.routes,
    audit.routes,
    system.routes,
    system.metric_routes,
    reference.routes,
    reference.page_routes,
)
"""What the app serves."""

DESCRIBED: tuple[Routes, ...] = (*ALL, pings.routes)
"""With what is answered in front of it; in the order in which the reference shows them."""


def register(app: Quart, services: Services, *, client_of: ClientOf) -> None:
    """Put the whole interface under the configured base path of `app`."""
    app.extensions[SERVICES] = services
    app.extensions[GATE] = Gate(services, client_of=client_of)
    app.url_map.converters["id"] = IdConverter
    # A redirect would be an answer in another shape, and to a path that nobody asked for.
    app.url_map.merge_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    base_path = services.config.current.server.base_path
    app.extensions[reference.DOCUMENT] = cache(
        lambda: msgspec.json.encode(openapi.document(DESCRIBED, base_path=base_path))
    )
    for routes in ALL:
        app.register_blueprint(routes.blueprint, url_prefix=f"{base_path}{routes.prefix}")
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_error)
    app.after_request(_let_other_origins)


async def _on_http_error(error: HTTPException) -> Response:
    refusal = errors.from_exception(error)
    if isinstance(error, MethodNotAllowed) and request.method == "OPTIONS":
        return Response(b"", status=204, headers={"Allow": refusal.headers.get("Allow", "OPTIONS")})
    return errors.answer(refusal)


async def _on_error(error: Exception) -> Response:
    return errors.answer(errors.from_exception(error))


async def _let_other_origins(response: Response) -> Response:
    """CORS, for the origins that the configuration names."""
    services: Services = current_app.extensions[SERVICES]
    allowed = services.config.current.server.cors_origins
    if not allowed:
        return response
    response.vary.add("Origin")
    more = cors.allowance(
        allowed,
        origin=request.headers.get("Origin", ""),
        is_preflight=request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers,
        methods=response.headers.get("Allow", ""),
    )
    response.headers.update(more)
    return response
