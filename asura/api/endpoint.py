"""How a route is made: what it needs, takes and gives is said once, then enforced for each request and documented.

The order for every request: who is asking (`gate`), then the query, then the body, then the handler.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import attrs
import msgspec
from quart import Blueprint, Request, Response, current_app, request
from werkzeug.http import parse_options_header
from werkzeug.routing import BaseConverter, ValidationError

from asura.api import errors
from asura.api.auth import Actor
from asura.api.errors import ApiError
from asura.api.gate import ANY_KEY, ANYBODY, Gate
from asura.api.query import load_query
from asura.api.services import Services
from asura.config.access import PERMISSIONS
from asura.errors import InvalidDocument
from asura.serde import WHOLE, load
from asura.store import audit
from asura.store.database import Conn

GATE = "asura.gate"
SERVICES = "asura.services"
"""Where the app keeps them among its extensions."""

MAX_AUDIT_NAME_CHARS = 255
MAX_DEPTH = 32
"""Of a body's JSON: what reads it goes down by recursion."""

JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})

Handler = Callable[..., Awaitable[Any]]


class IdConverter(BaseConverter):
    """An id in a path. The usual digit class would also match `٣`, and SQLite holds no more than 64 bits."""

    regex = "[0-9]{1,30}"

    def to_python(self, value: str) -> int:
        """The id; what can't be one is no address of ours."""
        number = int(value)
        if number >= 2**63:
            raise ValidationError
        return number


@attrs.frozen(kw_only=True)
class Raw:
    """A body that the handler reads itself, because its type depends on its content; documented as `type`."""

    type: type
    is_patch: bool = False
    """A JSON merge patch (RFC 7396) of the type: nothing is required."""


@attrs.frozen(kw_only=True)
class Media:
    """An answer that is no JSON document."""

    content_type: str
    description: str


@attrs.frozen(kw_only=True)
class Answer:
    """A value with its status and headers."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Endpoint:
    """One method of one path: everything that is known of it."""

    method: str
    path: str
    needs: str
    name: str
    summary: str
    tag: str
    description: str = ""
    query: type | None = None
    body: Any = None
    takes_anything: bool = False
    """Its body may be whatever somebody sends, or nothing."""
    gives: Any = None
    status: int = 200
    is_always_open: bool = False
    """Answers while the daemon is stopping, when all others say so."""
    also: Mapping[int, str] = attrs.field(factory=dict)
    """Further statuses beyond those that follow from the rest, and what they mean."""


@attrs.frozen(kw_only=True)
class Call:
    """What a handler is given: who asks, from where, when, and the running daemon."""

    services: Services
    gate: Gate
    request: Request
    actor: Actor | None
    now_ms: int

    @property
    def name(self) -> str:
        """The name that stands behind what is done."""
        return self.actor.name if self.actor else "nobody"

    def may(self, permission: str) -> bool:
        """Whether who asks has a permission beyond the one that the route needs."""
        return self.actor is not None and permission in self.actor.permissions

    @property
    def base_url(self) -> str:
        """The dashboard's address, for links."""
        return self.services.base_url()

    def path(self, path: str) -> str:
        """A path of ours as clients see it."""
        return f"{self.services.config.current.server.base_path}{path}"

    def note(
        self,
        conn: Conn,
        action: str,
        *,
        resource_id: int | None = None,
        resource_name: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the audit row of a change, in its transaction. `action` is `noun.verb`; no secrets in `detail`."""
        audit.insert(
            conn,
            audit.Entry(
                at=self.now_ms,
                actor=self.name,
                action=action,
                resource_type=action.partition(".")[0],
                resource_id=resource_id,
                resource_name=resource_name[:MAX_AUDIT_NAME_CHARS] if resource_name else None,
                remote_addr=self.gate.client(self.request).address or None,
                detail=detail,
            ),
        )


class Routes:
    """The routes of one resource, as a blueprint and as a list that the OpenAPI document is made of."""

    def __init__(self, name: str, *, tag: str, prefix: str = "/api/v1") -> None:
        self.tag = tag
        self.prefix = prefix
        self.blueprint = Blueprint(name, __name__)
        self.endpoints: list[Endpoint] = []

    def add(
        self, method: str, path: str, *, needs: str, summary: str, status: int = 200, **more: Any
    ) -> Callable[[Handler], Handler]:
        """Declare a route. `needs` is a permission, ANY_KEY or ANYBODY; `more` are fields of `Endpoint`."""
        if needs not in PERMISSIONS | {ANYBODY, ANY_KEY}:
            raise ValueError(f"{path}: there is no permission {needs!r}")

        def declare(handler: Handler) -> Handler:
            name, about = handler.__name__, (handler.__doc__ or "").strip()
            more.update(name=name, needs=needs, summary=summary, status=status, description=about)
            endpoint = self.describe(method, path, **more)
            self.blueprint.add_url_rule(
                path, endpoint=f"{method.lower()}_{name}", view_func=_view(endpoint, handler), methods=[method]
            )
            return handler

        return declare

    def describe(self, method: str, path: str, **fields: Any) -> Endpoint:
        """Put an endpoint into the document, and nothing else: for what is answered in front of the app."""
        endpoint = Endpoint(method=method, path=path, tag=self.tag, **fields)
        self.endpoints.append(endpoint)
        return endpoint


def _view(endpoint: Endpoint, handler: Handler) -> Callable[..., Awaitable[Response]]:
    async def view(**ids: int) -> Response:
        try:
            return await _answer(endpoint, handler, ids)
        except Exception as error:
            return errors.answer(errors.from_exception(error))

    view.endpoint = endpoint  # type: ignore[attr-defined]
    return view


async def _answer(endpoint: Endpoint, handler: Handler, ids: Mapping[str, int]) -> Response:
    services: Services = current_app.extensions[SERVICES]
    gate: Gate = current_app.extensions[GATE]
    asked = request._get_current_object()  # type: ignore[attr-defined]
    if not endpoint.is_always_open:
        gate.refuse_when_stopping()
    actor = await gate.admit(asked, needs=endpoint.needs)
    call = Call(services=services, gate=gate, request=asked, actor=actor, now_ms=services.clock.now_ms())
    arguments: dict[str, Any] = dict(ids)
    if endpoint.query is not None:
        arguments["query"] = load_query(endpoint.query, asked.args)
    if endpoint.body is not None:
        arguments["body"] = await _body(asked, endpoint)
    return _response(await handler(call, **arguments), endpoint)


async def _body(asked: Request, endpoint: Endpoint) -> Any:
    """The document in the body, loaded as what the endpoint takes."""
    content = cast(bytes, await asked.get_data(cache=False, as_text=False))
    media, parameters = parse_options_header(asked.headers.get("Content-Type"))
    charset = parameters.get("charset", "utf-8").lower()
    if not content and not media and may_be_left_out(endpoint.body):
        return load(endpoint.body, {})
    if media.lower() not in JSON_TYPES or charset not in ("utf-8", "utf8"):
        if content or media:
            raise ApiError(415, *errors.HTTP_TEXTS[415])
        raise ApiError(400, "malformed_json", "the body is empty; send a JSON object")
    document = parse_json(content)
    if isinstance(endpoint.body, Raw):
        if not isinstance(document, dict):
            raise InvalidDocument({WHOLE: "must be an object"})
        return document
    return load(endpoint.body, document)


def may_be_left_out(body: Any) -> bool:
    """Whether a document may be left out, because every field of it may."""
    return isinstance(body, type) and all(each.default is not attrs.NOTHING for each in attrs.fields(body))


def parse_json(content: bytes) -> Any:
    """The value of a JSON text. Raises the 400."""
    try:
        value = msgspec.json.decode(content)
        if not _is_deeper(value, than=MAX_DEPTH):
            return value
        reason = f"it is nested deeper than {MAX_DEPTH} levels"
    except RecursionError:
        reason = f"it is nested deeper than {MAX_DEPTH} levels"
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        reason = str(exc)
    raise ApiError(400, "malformed_json", f"the body is no JSON: {reason}")


def _is_deeper(value: Any, *, than: int) -> bool:
    level = [value]
    for _ in range(than + 1):
        level = [
            each
            for container in level
            if isinstance(container, dict | list)
            for each in (container.values() if isinstance(container, dict) else container)
        ]
        if not level:
            return False
    return True


def _response(value: Any, endpoint: Endpoint) -> Response:
    if isinstance(value, Response):
        return value
    answer = value if isinstance(value, Answer) else Answer(value=value, status=endpoint.status)
    if answer.status == 204:
        return Response(b"", status=204, headers=dict(answer.headers))
    return Response(
        msgspec.json.encode(answer.value),
        status=answer.status,
        headers=dict(answer.headers),
        content_type="application/json",
    )
