"""The body of a request: from what a person typed to bytes, and the Content-Type that goes with them."""

import base64
import binascii
import json
import re
from typing import Protocol
from urllib.parse import quote_plus

import attrs

ENCODINGS = ("text", "json", "form", "xml", "base64")
_TYPES = {
    "text": "text/plain; charset=utf-8",
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "xml": "application/xml; charset=utf-8",
    "base64": "application/octet-stream",
}
_HALF_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_FORM_SAFE = "!#$%'()*+,/:;=?@[]~-._"
"""What stays as it is typed in a form, escapes included; the rest is percent-encoded as UTF-8."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def content_type(encoding: str) -> str:
    """What a body is called that was typed in `encoding`."""
    return _TYPES[encoding]


def payload(body: str, encoding: str) -> bytes:
    """What is sent for `body`.

    Raises ValueError: "must …", it isn't what `encoding` says.
    """
    if not body:
        return b""
    if encoding == "json":
        _need_json(body)
    elif encoding == "form":
        return _form(body)
    elif encoding == "base64":
        return _from_base64(body)
    return body.encode()


class HasEncoding(Protocol):
    """Settings with a way to write a body."""

    body_encoding: str


@attrs.frozen
class Payload:
    """A body that is what the settings' `body_encoding` says."""

    def __call__(self, instance: HasEncoding, _: object, value: str) -> None:
        """Raise ValueError for a body that can't be sent."""
        if instance.body_encoding in ENCODINGS:
            payload(value, instance.body_encoding)


def _need_json(body: str) -> None:
    try:
        json.loads(body, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except json.JSONDecodeError as exc:
        raise ValueError(f"must be valid JSON; at line {exc.lineno}, column {exc.colno}: {exc.msg.lower()}") from None
    except RecursionError:
        raise ValueError("must be JSON that is nested less deeply") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"must be valid JSON, which doesn't know {name}")


def _form(body: str) -> bytes:
    """`name=value` pairs joined by &. Spaces and other letters may be typed as they are, and are encoded here."""
    body = body.strip("\r\n")
    if body.lstrip().startswith(("{", "[", "<")):
        raise ValueError("must be name=value pairs joined by &, such as user=ann&lang=en, not JSON or XML")
    if _CONTROL.search(body):
        raise ValueError("must be one line of name=value pairs joined by &, with line breaks as %0A")
    if _HALF_ESCAPE.search(body):
        raise ValueError("must have two hexadecimal digits after each %; write %25 for the sign itself")
    if not all(pair.partition("=")[0] for pair in body.split("&")):
        raise ValueError("must be name=value pairs joined by &, such as user=ann&lang=en")
    return quote_plus(body, safe=_FORM_SAFE + "&").encode("ascii")


def _from_base64(body: str) -> bytes:
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be Base64 (RFC 4648 §4), with its padding") from None
