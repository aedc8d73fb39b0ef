"""What pages of other origins are told (CORS). Pure. Without credentials: a cookie is for our own pages."""

from collections.abc import Collection

PREFLIGHT_S = 600
"""How long a browser may remember what another origin's page is allowed."""
_HEADERS = "Authorization, Content-Type, Last-Event-ID, X-API-Key"
_EXPOSED = "Location, Retry-After, Allow"


def allowance(allowed: Collection[str], *, origin: str, is_preflight: bool, methods: str) -> dict[str, str]:
    """The headers for a request from `origin`, where `allowed` are the origins that the configuration names."""
    if origin.lower() not in allowed:
        return {}
    headers = {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _EXPOSED}
    if is_preflight:
        headers["Access-Control-Allow-Methods"] = methods
        headers["Access-Control-Allow-Headers"] = _HEADERS
        headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
    return headers
