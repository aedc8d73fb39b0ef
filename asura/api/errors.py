"""Every answer that is no success, in one shape: a sentence to act on, a code for programs, and the wrong fields."""

from collections.abc import Mapping

import attrs
import msgspec
from quart import Response
from werkzeug.exceptions import HTTPException

from asura import log
from asura.errors import AsuraError, Conflict, InvalidDocument, NotFound, OwnFailure, StoreError, TargetRefused

logger = log.get(__name__)


@attrs.frozen(kw_only=True)
class ErrorBody:
    """What went wrong, for a person, for a program, and field by field."""

    error: str
    code: str
    fields: Mapping[str, str] | None = None


class ApiError(AsuraError):
    """A refusal with its status. `headers` go out with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.fields = fields
        self.headers = dict(headers or {})


def too_many(message: str, *, wait_s: float) -> ApiError:
    """429, with how long to wait."""
    seconds = max(1, int(wait_s) + 1)
    return ApiError(429, "rate_limited", f"{message}; try again in {seconds} s", headers={"Retry-After": str(seconds)})


def bad_query(fields: Mapping[str, str]) -> ApiError:
    """400, naming every wrong parameter."""
    text = "; ".join(f"{name} {problem}" for name, problem in fields.items())
    return ApiError(400, "bad_query", f"the query can't be read: {text}", fields=fields)


HTTP_TEXTS = {
    400: ("bad_request", "the request can't be read"),
    401: ("unauthorized", "an API key or a session is needed"),
    404: ("not_found", "there is nothing at this address"),
    405: ("method_not_allowed", "this address doesn't take that method; Allow names those it takes"),
    408: ("timeout", "the request's body took too long"),
    413: ("too_large", "the request's body is larger than server.max_body_size"),
    415: ("unsupported_media_type", "send JSON with Content-Type: application/json"),
}


def from_exception(error: Exception) -> ApiError:
    """The refusal that an exception means. What nobody foresaw is logged here and becomes a bare 500."""
    match error:
        case ApiError():
            return error
        case InvalidDocument():
            count = len(error.fields)
            text = "one field is wrong" if count == 1 else f"{count} fields are wrong"
            named = "; ".join(f"{path}: {problem}" for path, problem in list(error.fields.items())[:3])
            return ApiError(422, "validation_failed", f"{text}: {named}", fields=error.fields)
        case NotFound():
            return ApiError(404, "not_found", str(error))
        case Conflict():
            return ApiError(409, "conflict", str(error))
        case TargetRefused():
            return ApiError(422, "target_refused", str(error))
        case OwnFailure():
            return ApiError(503, "cannot_check", f"this machine can't check now: {error}")
        case StoreError():
            return ApiError(503, "store_unavailable", f"the database can't be used now: {error}")
        case HTTPException():
            return _from_http(error)
    logger.error("request failed", exc_info=error)
    return ApiError(500, "internal_error", "something went wrong in here; the log has the details")


def _from_http(error: HTTPException) -> ApiError:
    status = error.code or 500
    code, text = HTTP_TEXTS.get(status, ("bad_request" if status < 500 else "internal_error", "the request failed"))
    allowed = getattr(error, "valid_methods", None)
    headers = {"Allow": ", ".join(sorted({*allowed, "OPTIONS"}))} if allowed else None
    return ApiError(status, code, text, headers=headers)


def body_of(error: ApiError) -> bytes:
    """The error's document."""
    text = str(error)
    body: dict[str, object] = {"error": text[:1].upper() + text[1:], "code": error.code}
    if error.fields:
        body["fields"] = dict(error.fields)
    return msgspec.json.encode(body)


def answer(error: ApiError) -> Response:
    """The error as it goes out."""
    response = Response(body_of(error), status=error.status, content_type="application/json")
    response.headers.update(error.headers)
    return response
