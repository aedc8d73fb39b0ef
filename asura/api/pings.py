"""Pings: their addresses, read and described. Answered in front of the app (`web/pings.py`), so nothing is served here.

Pure: a request's path and query in, what it says out.
"""

import re
from urllib.parse import unquote_plus, unquote_to_bytes

import attrs

from asura.api.endpoint import Routes
from asura.api.gate import ANYBODY
from asura.model.heartbeat import TOKEN_CHARS, PingKind

PATH = "/heartbeat"
METHODS = ("GET", "HEAD", "POST")
"""Those that are pings. Whatever else a crawler, a browser or a mistake sends says nothing of the job."""
ALLOWED = (*METHODS, "OPTIONS")

_TAILS = {b"": PingKind.SUCCESS, b"start": PingKind.START, b"fail": PingKind.FAIL, b"log": PingKind.LOG}
_EXIT_STATUS = re.compile(rb"0|[1-9][0-9]{0,2}")
_MAX_EXIT_STATUS = 255
_TOKEN = re.compile(f"[A-Za-z0-9_-]{{{TOKEN_CHARS}}}".encode())
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

routes = Routes("pings", tag="Pings")


@attrs.frozen(kw_only=True)
class Said:
    """What a ping's address says. The token may be anybody's, or nobody's."""

    token: str = attrs.field(repr=False)
    kind: PingKind
    exit_status: int | None = None
    rid: str = ""


def said(target: bytes, *, prefix: bytes) -> Said | None:
    """What the address of a ping says, which stands under `prefix`; None when it is no address of ours.

    Segments are decoded one by one, so that an encoded slash is never a border between two of them.
    """
    path, _, query = target.partition(b"?")
    segments = path[len(prefix) :].split(b"/")
    if b"%" in path:
        segments = [unquote_to_bytes(each) for each in segments]
    token, *tail = segments
    if len(tail) > 1 or tail == [b""] or not _TOKEN.fullmatch(token):
        return None
    last = tail[0] if tail else b""
    kind, exit_status = _TAILS.get(last), None
    if kind is None:
        if not _EXIT_STATUS.fullmatch(last) or int(last) > _MAX_EXIT_STATUS:
            return None
        exit_status = int(last)
        kind = PingKind.FAIL if exit_status else PingKind.SUCCESS
    return Said(token=token.decode(), kind=kind, exit_status=exit_status, rid=rid_of(query) if query else "")


def rid_of(query: bytes) -> str:
    """The run that a query names; empty when it names none, or not so that it can be kept."""
    for field in query.split(b"&"):
        if field.startswith(b"rid="):
            rid = unquote_plus(field[4:].decode("latin-1"))
            if _UUID.fullmatch(rid):
                return rid.lower()
            return rid if _RID.fullmatch(rid) else ""
    return ""


@attrs.frozen(kw_only=True, slots=False)
class PingTaken:
    """The ping is on the disk."""

    status: str = attrs.field(default="ok", metadata={"choices": ["ok"]})


@attrs.frozen(kw_only=True)
class PingQuery:
    """What a ping may say beside its path."""

    rid: str | None = attrs.field(
        default=None,
        metadata={
            "help": "which run it belongs to: a UUID, or up to 64 of `A-Za-z0-9._:-`; anything else is left out, and"
            " the ping counts all the same"
        },
    )


_OPERATIONS = (
    ("", "success", "Report that the job worked"),
    ("/start", "start", "Report that a run begins"),
    ("/fail", "fail", "Report that the job failed"),
    ("/log", "log", "Send a line for the log"),
    ("/<exit:exit_status>", "exit_status", "Report an exit status"),
)
_ABOUT = {
    "success": "Expected once a period, or at each scheduled time.",
    "start": "Its end is then expected within the longest run time; with `rid` runs may overlap.",
    "fail": "The monitor is down at once.",
    "log": "Stored, and changes nothing else.",
    "exit_status": "0 is success, 1 to 255 a failure: what `$?` says.",
}
_EVERY = """\
Answered once it is durable. The token is all the authentication there is. HEAD is a ping too and gets the answer
without its body. What stands in the request's body, whatever its type, is kept with the ping: its first 100,000 bytes.
A body that is too long, broken or cut off costs nothing but itself."""
_ALSO = {
    400: "the request is no valid HTTP; a strange query or body is no reason",
    404: "no heartbeat has this token, or the path says something else",
    429: "more than server.heartbeat_rate_limit_per_sec with this token, or too many unknown tokens from this address",
}

for _path, _name, _summary in _OPERATIONS:
    for _method in ("GET", "POST"):
        routes.describe(
            _method,
            f"{PATH}/<token:token>{_path}",
            name=f"ping_{_name}" if _method == "POST" else f"ping_{_name}_by_get",
            needs=ANYBODY,
            summary=_summary,
            description=f"{_ABOUT[_name]}\n\n{_EVERY}",
            query=PingQuery,
            takes_anything=_method == "POST",
            gives=PingTaken,
            also=_ALSO,
        )
