"""What a key may do: the permissions there are, and the roles that stand for sets of them.

The names of later features are known already, so that a key that will be allowed them can be written down today.
"""

from enum import StrEnum

_RESOURCES = ("monitors", "incidents", "notifications", "maintenance", "oncall", "status", "system")

PERMISSIONS: frozenset[str] = frozenset({f"{name}.{verb}" for name in _RESOURCES for verb in ("read", "write")}) | {
    "metrics.read"
}


class Role(StrEnum):
    """A name for a set of permissions."""

    ADMIN = "admin"
    READONLY = "readonly"


ROLE_PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.ADMIN: PERMISSIONS,
    Role.READONLY: frozenset(name for name in PERMISSIONS if name.endswith(".read")),
}
