"""The contract, for programs and for people: the OpenAPI document, and a page that shows it.

The page has its own small script and style sheet, because the content security policy allows nothing else and
because a reference should open on a machine without the internet.
"""

from functools import cache
from pathlib import Path

from quart import Response, current_app

from asura.api.endpoint import Call, Media, Routes
from asura.api.gate import ANYBODY

DOCUMENT = "asura.openapi"
"""Where the app keeps the encoded document among its extensions."""

routes = Routes("openapi", tag="Reference")
page_routes = Routes("reference", tag="Reference", prefix="/api")

_PAGE = Path(__file__).parent / "reference_page"


@routes.add(
    "GET",
    "/openapi.json",
    needs=ANYBODY,
    summary="The OpenAPI document",
    gives=Media(content_type="application/json", description="OpenAPI 3.1"),
)
async def openapi_document(call: Call) -> Response:
    """Made from the types that the handlers use."""
    make = current_app.extensions[DOCUMENT]
    return Response(make(), content_type="application/json")


@page_routes.add(
    "GET",
    "/docs",
    needs=ANYBODY,
    summary="The reference, to read",
    gives=Media(content_type="text/html", description="A page that shows the OpenAPI document"),
)
async def reference_page(call: Call) -> Response:
    """Works without the internet."""
    return _file("index.html", "text/html; charset=utf-8")


@page_routes.add(
    "GET",
    "/docs/page.js",
    needs=ANYBODY,
    summary="The reference page's script",
    gives=Media(content_type="text/javascript", description="JavaScript"),
)
async def reference_script(call: Call) -> Response:
    """Renders the OpenAPI document."""
    return _file("page.js", "text/javascript; charset=utf-8")


@page_routes.add(
    "GET",
    "/docs/page.css",
    needs=ANYBODY,
    summary="The reference page's style sheet",
    gives=Media(content_type="text/css", description="CSS"),
)
async def reference_style(call: Call) -> Response:
    """Dark and light."""
    return _file("page.css", "text/css; charset=utf-8")


def _file(name: str, content_type: str) -> Response:
    return Response(_read(name), content_type=content_type, headers={"Cache-Control": "no-cache"})


@cache
def _read(name: str) -> bytes:
    return (_PAGE / name).read_bytes()
