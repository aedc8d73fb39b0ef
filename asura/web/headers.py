"""The headers that protect every answer, whoever made it."""

from collections.abc import Mapping

from quart import Response, request

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        # The dashboard's <base href> carries the base path; it may point nowhere else.
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)
"""Everything from here and nothing inline."""

ALWAYS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000"
"""Of answers over TLS."""
NO_STORE = "no-store"


async def protect(response: Response) -> Response:
    """Add what is missing; an answer that says itself how long it keeps is left to that."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    if "Access-Control-Allow-Origin" in response.headers:
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers.setdefault("Cache-Control", NO_STORE)
    if response.status_code in (204, 304):  # RFC 9110 §8.6
        for name in ("Content-Length", "Content-Type"):
            response.headers.pop(name, None)
    if request.scheme == "https":
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    return response
