"""How JSON columns are read and written: compact, and always with the same bytes for the same value."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder()


def to_json(value: Any) -> str:
    """The JSON text of a value made of plain types or attrs objects."""
    return _encoder.encode(value).decode()


def from_json(text: str) -> Any:
    """The plain value of a JSON text that this program wrote."""
    return _decoder.decode(text)
