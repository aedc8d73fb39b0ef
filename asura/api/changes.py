"""Documents that change: a merge patch applied, and what differs between two, for the audit."""

from collections.abc import Mapping
from typing import Any

MAX_AUDIT_CHARS = 200
"""A longer value is told by its beginning: the audit says that it changed, it is no second copy."""


def merge_patch(document: Any, patch: Any, *, is_nested: bool = False) -> Any:
    """`document` after a JSON merge patch (RFC 7396): null removes, objects merge, everything else replaces.

    One thing more: a nested object whose `type` changes starts anew, since the old kind's fields are not the new's.
    """
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    if is_nested and "type" in merged and patch.get("type", merged["type"]) != merged["type"]:
        merged = {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value, is_nested=True)
    return merged


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Field → from and to, for the fields that differ. Both sides must have their secrets masked."""
    return {
        name: {"from": _short(before.get(name)), "to": _short(value)}
        for name, value in after.items()
        if name not in before or before[name] != value
    }


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_AUDIT_CHARS:
        return f"{value[:MAX_AUDIT_CHARS]}…"
    if isinstance(value, Mapping):
        return {name: _short(each) for name, each in value.items()}
    return value
