"""A signed JSON document, posted to an address of the user's own."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs
import msgspec

import asura
from asura.channels import over_http
from asura.channels.base import ChannelType, Env, SendReport
from asura.model.notification import Message
from asura.units import iso

MAX_URL_CHARS = 2048
MAX_SECRET_CHARS = 1024
MAX_HEADERS = 50
MAX_HEADER_CHARS = 4096

_OURS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding", "expect"}
)
"""Headers that are not the user's: a second one would make the request ambiguous or its body unreadable."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?|")
_encoder = msgspec.json.Encoder()


def _is_url(_: object, __: object, value: str) -> None:
    if not 1 <= len(value) <= MAX_URL_CHARS:
        raise ValueError(f"must be a URL of at most {MAX_URL_CHARS} characters")
    if not value.isascii() or any(c <= " " or c in "\\\x7f" for c in value):
        raise ValueError("must be a URL in ASCII, without spaces, control characters or backslashes")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError("must be a valid URL with a port between 1 and 65535, if any") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError("must be a URL that begins with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not have credentials in the URL; put them into the header Authorization")
    if not parts.hostname or port == 0:
        raise ValueError("must be a URL with a host, and a port between 1 and 65535, if any")


def _is_short(_: object, __: object, value: str) -> None:
    if len(value) > MAX_SECRET_CHARS:
        raise ValueError(f"must have at most {MAX_SECRET_CHARS} characters")


def _are_headers(_: object, __: object, value: Mapping[str, str]) -> None:
    if len(value) > MAX_HEADERS:
        raise ValueError(f"must have at most {MAX_HEADERS} entries")
    for name, each in value.items():
        if _HEADER_NAME.fullmatch(name) is None:
            raise ValueError("must have names of letters, digits and hyphens")
        if name.lower() in _OURS or name.lower().startswith("x-asura-"):
            raise ValueError(f"must not have {name}: it is set for each message")
        if len(each) > MAX_HEADER_CHARS:
            raise ValueError(f"must have at most {MAX_HEADER_CHARS} characters in {name}")
        if _HEADER_VALUE.fullmatch(each) is None:
            raise ValueError(f"must have printable ASCII as the value of {name}, without spaces around it")
    if len({name.lower() for name in value}) < len(value):
        raise ValueError("must not have one name twice")


@attrs.frozen(kw_only=True)
class WebhookSettings:
    """Where to post, and how the receiver knows that it was us."""

    url: str = attrs.field(
        validator=_is_url,
        metadata={
            "label": "URL",
            "help": "Where messages are posted to. Any answer 2xx is a success; redirects are not followed.",
            "placeholder": "https://example.com/hooks/asura",
        },
    )
    secret: str = attrs.field(
        default="",
        repr=False,
        validator=_is_short,
        metadata={
            "label": "Secret",
            "help": "Signs each message: X-Asura-Signature is sha256=<HMAC-SHA256 of the body>. Empty: not signed.",
            "secret": True,
        },
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        repr=False,
        validator=_are_headers,
        metadata={
            "label": "Headers",
            "help": "Sent along with each message, such as Authorization.",
            "secret_keys": ("authorization", "proxy-authorization", "cookie", "x-api-key"),
        },
    )


def body(message: Message, key: str) -> bytes:
    """The document of a message: the same bytes on each retry."""
    return _encoder.encode(
        {
            "event": message.event,
            "delivery": key,
            "at": iso(message.at),
            "monitor": message.monitor,
            "incident": message.incident,
            "evidence": message.evidence,
            "detail": message.detail,
        }
    )


def signature(secret: str, document: bytes) -> str:
    """What the header X-Asura-Signature holds."""
    return f"sha256={hmac.new(secret.encode(), document, hashlib.sha256).hexdigest()}"


async def send(settings: WebhookSettings, message: Message, key: str, env: Env) -> SendReport:
    """Post the message once. Raises SendError."""
    document = body(message, key)
    headers = {
        "User-Agent": f"Asura/{asura.__version__}",
        **_with_our_spelling(settings.headers),
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "X-Asura-Delivery": key,
        "X-Asura-Timestamp": str(env.clock.now_ms() // 1000),
    }
    if settings.secret:
        headers["X-Asura-Signature"] = signature(settings.secret, document)
    return await over_http.post(env, settings.url, body=document, headers=headers)


def _with_our_spelling(headers: Mapping[str, str]) -> dict[str, str]:
    """The user's headers; a User-Agent among them is spelt as ours is, so that it takes its place."""
    return {"User-Agent" if name.lower() == "user-agent" else name: value for name, value in headers.items()}


def _hosts(settings: WebhookSettings) -> dict[str, str]:
    return {"url": urlsplit(settings.url).hostname or ""}


WEBHOOK = ChannelType(name="webhook", settings=WebhookSettings, hosts=_hosts, send=send)
