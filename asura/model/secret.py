"""Which entries of an object, such as headers and environment variables, are secret by their name."""

import re
from collections.abc import Collection

_SECRET_NAME = re.compile(
    r"(?i)token|secret|passw|pwd|auth|cookie|credential|session|signature|api[-_]?key|(^|[-_])key($|[-_])"
)


def is_secret_name(name: str, listed: Collection[str]) -> bool:
    """Whether an entry is secret: it is listed (in lower case), or its name says so."""
    return name.lower() in listed or _SECRET_NAME.search(name) is not None
