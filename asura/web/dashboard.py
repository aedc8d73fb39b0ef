"""The dashboard's files: read once, kept in memory, and `index.html` for every address that is the dashboard's own.

The bundle is a few hundred kilobytes, so nothing is read from disk for a request and no path from outside reaches
the file system. Without a bundle (a checkout that was never built) a page says so.
"""

import gzip
import hashlib
import mimetypes
from pathlib import Path

import attrs
from quart import Quart, Response, request
from werkzeug.exceptions import NotFound

from asura.api.errors import HTTP_TEXTS, ApiError, answer, from_exception

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
BASE_MARK = '<base href="/"'
NOT_BUILT = (
    '<!doctype html><html lang=en><meta charset=utf-8><title>Asura</title><base href="/">'
    "<p>The dashboard has not been built: run <code>./install.sh</code>, or <code>npm run build</code> in"
    " <code>frontend</code>. The interface works without it: <a href=api/docs>its documentation</a>."
)

READING = "GET, HEAD, OPTIONS"
"""The methods of every address here."""

FOREVER = "public, max-age=31536000, immutable"
"""For files whose name holds a hash of their content."""
CHECK_EACH_TIME = "no-cache"
GZIP_FROM_BYTES = 1024

_HASHED_FOLDER = "assets/"
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml", ".json": "application/json"}
_TEXT = ("text/", "application/json", "image/svg+xml", "application/manifest+json")


@attrs.frozen(kw_only=True)
class File:
    """A file as it is sent."""

    content: bytes = attrs.field(repr=False)
    zipped: bytes | None = attrs.field(repr=False)
    content_type: str
    cache: str
    etag: str


def read_bundle(folder: Path, *, base_path: str) -> dict[str, File]:
    """Every file of the bundle by its path under the dashboard; always with an `index.html`."""
    found: dict[str, File] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        # Vite's list of what it built is for programs that embed the bundle in pages of their own.
        if path.is_file() and not name.endswith("manifest.json") and not name.startswith("."):
            found[name] = _file(name, path.read_bytes())
    index = found[INDEX].content.decode() if INDEX in found else NOT_BUILT
    page = index.replace(BASE_MARK, f'<base href="{base_path}/"', 1)
    found[INDEX] = _file(INDEX, page.encode())
    return found


def _file(name: str, content: bytes) -> File:
    kind = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    zipped = gzip.compress(content, 9, mtime=0) if kind.startswith(_TEXT) and len(content) >= GZIP_FROM_BYTES else None
    return File(
        content=content,
        zipped=zipped if zipped is not None and len(zipped) < len(content) else None,
        content_type=f"{kind}; charset=utf-8" if kind.startswith(_TEXT) else kind,
        cache=FOREVER if name.startswith(_HASHED_FOLDER) else CHECK_EACH_TIME,
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )


def register(app: Quart, *, base_path: str, folder: Path = STATIC) -> None:
    """Serve the dashboard under `base_path`, wherever nothing else is found.

    It is the answer to "not found" rather than a route for every path, so that a wrong method or address under
    `/api/` stays what it is.
    """
    files = read_bundle(folder, base_path=base_path)

    async def page(error: NotFound) -> Response:
        path = _inside(request.path, base_path)
        if path is None:
            return answer(from_exception(error))
        if request.method == "OPTIONS":
            return Response(b"", status=204, headers={"Allow": READING})
        if request.method not in ("GET", "HEAD"):
            return answer(ApiError(405, *HTTP_TEXTS[405], headers={"Allow": READING}))
        found = files.get(path)
        if found is None and path.startswith(_HASHED_FOLDER):
            # An old page asks for a file of an older build: index.html instead of a script would only confuse it.
            return answer(from_exception(error))
        return _send(found or files[INDEX])

    app.register_error_handler(NotFound, page)


def _inside(path: str, base_path: str) -> str | None:
    """The path under the dashboard, without a slash at its beginning; None for what isn't the dashboard's."""
    if path == base_path:
        return ""
    if not path.startswith(f"{base_path}/"):
        return None
    inside = path[len(base_path) + 1 :]
    return None if inside == "api" or inside.startswith("api/") else inside


def _send(file: File) -> Response:
    headers = {"Cache-Control": file.cache, "ETag": file.etag}
    if file.zipped is not None:
        headers["Vary"] = "Accept-Encoding"
    if file.etag in request.headers.get("If-None-Match", ""):
        return Response(b"", status=304, headers=headers)
    content = file.content
    if file.zipped is not None and request.accept_encodings["gzip"]:
        content = file.zipped
        headers["Content-Encoding"] = "gzip"
    return Response(content, headers=headers, content_type=file.content_type)
